"""`make bench`: ccc beside its peers, in one run, as ratios that must not be exceeded.

    python -m tests.bench [one] [batch] [many] [big] [straight]

one: a message at 20 ms round trip · batch: 200 messages at 20 ms · many: 10,000 small messages ·
big: 50 MB and 200 MB · straight: 200 people in 50 domains at 40 ms, by --via mx.
Everything stays on loopback. Times are medians; only ratios are comparable.
"""

import base64
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.bench import direct, peers
from tests.bench.measure import Result, measure

ONE_WAY = 0.010  # seconds: a round trip takes 20 ms
MIB = 1 << 20
HEAD = (
    b"Date: Tue, 17 Nov 2026 09:30:00 +0100\r\nFrom: Me <me@example.org>\r\nTo: Ann <ann@example.com>\r\n"
    b"Cc: Bob <bob@example.net>\r\nSubject: message %d\r\nMessage-ID: <bench-%d@example.org>\r\n\r\n"
)


def say(line: str) -> None:
    """One line of the report, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def mail(folder: Path, number: int, size: int) -> Path:
    """A message of about so many octets, as an attachment would be encoded."""
    file = folder / f"{number}.eml"
    lines = base64.encodebytes(bytes(range(256)) * 57)[: 77 * 256].replace(b"\n", b"\r\n")
    with file.open("wb") as out:
        out.write(HEAD % (number, number))
        for _ in range(size // len(lines)):
            out.write(lines)
        out.write(lines[: size % len(lines) // 78 * 78])
    return file


def table(title: str, results: Sequence[Result]) -> None:
    """One line for each contender; `x ccc` is its time as a multiple of ccc's."""
    ours = results[0].seconds
    say(f"\n{title}\n{'':34}{'seconds':>10}{'x ccc':>8}{'MiB':>8}{'round trips':>13}{'messages':>10}")
    for r in results:
        trips = f"{r.round_trips:.0f}" if r.round_trips else "-"
        columns = f"{r.seconds:10.3f}{r.seconds / ours:8.2f}{r.peak:8.1f}{trips:>13}{r.messages:10.0f}"
        say(f"{r.name:34}{columns}")


def limit(what: str, value: float, most: float) -> bool:
    """Say whether a limit is kept."""
    kept = value <= most
    say(f"   {'ok  ' if kept else 'OVER'} {what}: {value:.3f}, at most {most:g}")
    return kept


def ratios(results: Sequence[Result], ours: str, most: dict[str, float]) -> list[bool]:
    """Hold our time against those of the peers that took part."""
    seconds = {r.name: r.seconds for r in results}
    present = [name for name in most if name in seconds]
    return [limit(f"{ours} / {name}", seconds[ours] / seconds[name], most[name]) for name in present]


def one(folder: Path) -> list[bool]:
    """One message, one run of the program, 20 ms round trip."""
    file = mail(folder, 1, 4000)
    bare = peers.without_journal([file])
    pipelined = peers.without_journal([file], name="ccc, PIPELINING only", extensions=peers.PIPELINING_ONLY)
    contenders = [bare, pipelined, peers.ccc([file]), peers.smtplib([file]), *peers.installed(file)]
    results = measure(contenders, delay=ONE_WAY, rounds=11)
    table("one message of 4 kB, 20 ms round trip", results)
    most = {"msmtp": 0.8, "swaks": 0.65}
    kept = ratios(results, bare.name, most)
    say("   with PIPELINING alone, a round trip more:")
    ratios(results, pipelined.name, most)
    say("   with the journal:")
    ratios(results, "ccc", most)
    kept += ratios(results, "ccc", {bare.name: 1.3})
    kept.append(limit("round trips with CHUNKING", results[0].round_trips, 3))
    return [*kept, limit("round trips with PIPELINING", results[1].round_trips, 4)]


def batch(folder: Path) -> list[bool]:
    """200 messages over one connection, 20 ms round trip."""
    files = [mail(folder, number, 4000) for number in range(200)]
    window = peers.ccc(files, "--pipeline-messages", "32", name="ccc, 32 at once")
    pipelined = peers.ccc(files, name="ccc, PIPELINING only", extensions=peers.PIPELINING_ONLY)
    bare = peers.without_journal(files)
    contenders = [peers.ccc(files), window, pipelined, bare, peers.smtplib(files), *peers.nodemailer(files)]
    results = measure(contenders, delay=ONE_WAY, rounds=3)
    table("200 messages of 4 kB, 20 ms round trip", results)
    limits = {"ccc": 0.1, "ccc, 32 at once": 0.03, "ccc, PIPELINING only": 0.3}
    return [kept for name, most in limits.items() for kept in ratios(results, name, {"smtplib": most})]


def many(folder: Path) -> list[bool]:
    """10,000 small messages, no delay."""
    files = [mail(folder, number, 400) for number in range(10_000)]
    bare = peers.without_journal(files)
    contenders = [bare, peers.ccc(files), peers.smtplib(files), *peers.nodemailer(files)]
    results = measure(contenders, rounds=3)
    table("10,000 messages of 0.5 kB", results)
    kept = ratios(results, bare.name, {"smtplib": 1.0})
    return [*kept, *ratios(results, "ccc", {bare.name: 1.6})]


def big(folder: Path) -> list[bool]:
    """One message of 50 MB, one of 200 MB."""
    return [*_big(folder, 50, rounds=5), *_big(folder, 200, rounds=3)]


def _big(folder: Path, megabytes: int, rounds: int) -> list[bool]:
    file = mail(folder, megabytes, megabytes * 1_000_000)
    bare = peers.without_journal([file])
    ours = bare, peers.ccc([file])
    contenders = [*ours, peers.sendfile(file), peers.smtplib([file]), *peers.installed(file)]
    results = measure(contenders, rounds=rounds)
    table(f"one message of {megabytes} MB", results)
    seconds = {r.name: r.seconds for r in results}
    bounds = {name: seconds[name] for name in ("socket.sendfile", "smtp-source") if name in seconds}
    rivals = [name for name in seconds if not name.startswith("ccc") and name not in bounds]
    kept = ratios(results, bare.name, dict.fromkeys(rivals, 1.0))
    kept += ratios(results, bare.name, {"nodemailer": 0.5})
    for name, least in bounds.items():  # they read no message, so nothing that reads one can be faster
        say(f"        {bare.name} / {name}: {seconds[bare.name] / least:.2f}")
    say(f"        ccc / {bare.name}: {seconds['ccc'] / seconds[bare.name]:.2f}")  # it writes the mail to disk
    return [*kept, *(limit(f"peak memory of {r.name}, MiB", r.peak, 40) for r in results[:2])]


def straight(folder: Path) -> list[bool]:
    """One message to 200 people in 50 domains, straight to their mail hosts, 40 ms round trip."""
    if os.geteuid() != 0:
        say("\nstraight: left out, since only root can make a network namespace")
        return []
    file = mail(folder, 1, 4000)
    with direct.world() as config:
        alone = [direct.timed(file, config, (number,), rounds=3) for number in direct.ALONE]
        all_ = direct.timed(file, config, range(direct.DOMAINS), rounds=3)
    count = direct.DOMAINS * direct.PEOPLE
    say(f"\n{count} people in {direct.DOMAINS} domains, straight to their mail hosts, 40 ms round trip")
    say(f"all: {all_:.3f} s; one domain alone: {min(alone):.3f} to {max(alone):.3f} s")
    return [limit("all domains / the slowest alone", all_ / max(alone), 4)]


CASES: dict[str, Callable[[Path], list[bool]]] = {
    "one": one,
    "batch": batch,
    "many": many,
    "big": big,
    "straight": straight,
}


def main() -> int:
    """Run the cases named, or all."""
    kept: list[bool] = []
    for name in sys.argv[1:] or CASES:
        with tempfile.TemporaryDirectory() as folder:
            kept += CASES[name](Path(folder))
    return not all(kept)


if __name__ == "__main__":
    sys.exit(main())
