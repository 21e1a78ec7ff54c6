"""A disk without room, folders that cannot be written: exit 73 with a cure and nothing sent, or the truth."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ccc.delivery import Stage, settle_all
from ccc.journal.contents import SMALL
from ccc.journal.folder import read_mounts
from tests.cli.conftest import another, environment
from tests.journal.desk import MAIL, Route, kept, redirect, send
from tests.journal.truth import ledger, phases, untrue
from tests.lab import ready
from tests.lab.daemon import lacking, needed
from tests.lab.sink import EVERYTHING, Sink

DAN = "dan@example.org"
LINE = b"a line of thirty-two characters\n"
SIZES = range(4, 1000, 4)  # KiB: nothing fits into the smallest disk, all of it into the largest
SOME = (4, 52, 68, 84, 100, 564, 624, 644, 656, 684, 784, 856, 864, 888, 904, 944)
NOBODY = 64001  # a user of whom the system knows nothing


def mounted(*arguments: object) -> None:
    """Mount something; the test is skipped where that is not allowed."""
    if os.geteuid() != 0:
        lacking("file systems can only be mounted by root")
    done = subprocess.run([needed("mount", "mount"), *map(str, arguments)], capture_output=True, check=False)
    if done.returncode:
        lacking(f"nothing can be mounted here: {done.stderr.decode().strip()}")


@contextmanager
def unmounted(folder: Path) -> Iterator[Path]:
    try:
        yield folder
    finally:
        subprocess.run([needed("umount", "mount"), "-l", str(folder)], check=True)


@contextmanager
def small_disk(folder: Path, kibibytes: int) -> Iterator[Path]:
    folder.mkdir(mode=0o700)
    mounted("-t", "tmpfs", "-o", f"size={kibibytes}k,mode=700", "ccc-test", folder)
    with unmounted(folder):
        yield folder


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink(EVERYTHING) as sink:
        yield sink


@pytest.fixture
def mails(tmp_path: Path) -> list[Path]:
    """Three mails; the second one is large."""
    for number, more in enumerate((b"", LINE * 6400, b"")):
        (tmp_path / f"{number}.eml").write_bytes(another(number + 1) + more)
    return [tmp_path / f"{number}.eml" for number in range(3)]


def ccc(sink: Sink, *sources: object, prefix: tuple[str, ...] = (), stdin: bytes = b"", **env: str | None):
    """Run `ccc resend` to Dan; a variable that is None is not set."""
    way = f"smtp://127.0.0.1:{sink.port}"
    words = ["resend", *map(str, sources), "--to", DAN, "--smtp", way]
    told = {name: value for name, value in {**environment(), **env}.items() if value is not None}
    if not prefix and (done := ready.ccc(words, told, "/", stdin)):
        return done
    return subprocess.run(
        [*prefix, sys.executable, "-m", "ccc", *words],
        input=stdin,
        cwd="/",
        env=told,
        capture_output=True,
        timeout=50,
        check=False,
    )


def on_a_disk_of(folder: Path, kibibytes: int, mails: list[Path], sink: Sink) -> None:
    """The one thing that must be true of every size."""
    with small_disk(folder, kibibytes) as disk:
        state = disk / "state"
        first = ccc(sink, *mails, CCC_STATE_DIR=str(state))
        copies = ledger(sink.transactions)
        mounted("-o", "remount,size=64m", disk)
        assert untrue(copies, phases(state), first.returncode) == []
        assert first.returncode == (0 if len(copies) == len(mails) else 73)
        assert b"Traceback" not in first.stderr
        assert (b"no room left" in first.stderr) == (first.returncode == 73)
        second = ccc(sink, *mails, CCC_STATE_DIR=str(state))
        assert second.returncode == 0
        assert [len(each) for each in ledger(sink.transactions).values()] == [1] * len(mails)
        assert kept(state) == 0


@pytest.mark.parametrize("kibibytes", SOME)
def test_on_a_full_disk_nothing_is_sent_that_is_not_recorded(mails, sink, tmp_path: Path, kibibytes: int):
    on_a_disk_of(tmp_path / "disk", kibibytes, mails, sink)


@pytest.mark.sweep
@pytest.mark.parametrize("kibibytes", SIZES)
def test_on_a_disk_of_every_size_nothing_is_sent_that_is_not_recorded(
    mails, sink, tmp_path: Path, kibibytes: int
):
    on_a_disk_of(tmp_path / "disk", kibibytes, mails, sink)


def test_a_disk_that_is_full_when_the_answer_comes_still_learns_it(tmp_path: Path):
    """All the room that is left is taken away when the last octet has gone out."""
    with small_disk(tmp_path / "disk", 1024) as disk:
        state = disk / "state"

        def look(stage: str) -> None:
            if stage == "committing":
                _fill(disk / "others")

        (receipt,) = send(state, redirect(DAN), Route(look=look))
        assert (receipt.exit_status, receipt.error) == (0, None)
        assert set(phases(state).values()) == {"accepted"}


class Window(Route):
    """A route that answers everything it was given at once."""

    def deliver(self, deliveries, /, witness=None):
        some = tuple(deliveries)
        for delivery in some:
            for stage in Stage:
                witness.note(delivery, delivery.envelope.forward_paths, stage)
        witness.secure()
        self.look("committing")
        yield tuple(settle_all(delivery, self._outcome) for delivery in some)


def test_a_full_window_of_full_contents_to_a_hundred_each_is_recorded_on_a_disk_that_is_full(tmp_path: Path):
    people = [f"somebody.{number}@example.org" for number in range(100)]
    texts = (MAIL.replace(b"<1@", b"<%d@" % number) for number in range(4))
    plans = [redirect(*people, text=text + (b"x" * 76 + b"\r\n") * 790) for text in texts]
    assert all(0.98 * SMALL < plan.content.size <= SMALL for plan in plans)
    with small_disk(tmp_path / "disk", 8192) as disk:
        receipts = send(disk / "state", plans, Window(look=lambda _: _fill(disk / "others")))
        assert [receipt.exit_status for receipt in receipts] == [0] * 4
        assert set(phases(disk / "state").values()) == {"accepted"}


def _fill(path: Path) -> None:
    """Write until there is no room left at all."""
    with open(path, "wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


# state folders of no use


def as_nobody() -> tuple[str, ...]:
    """What runs a command as a user without a name, a home, or any rights."""
    if os.geteuid() != 0:
        lacking("only root can run a command as somebody else")
    prefix = (needed("setpriv", "util-linux"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    probe = [*prefix, sys.executable, "-c", "import ccc.__main__, click"]
    if subprocess.run(probe, cwd="/", env=environment(), capture_output=True, check=False).returncode:
        lacking("this Python can be run by its own user alone")
    return prefix


def _on_a_file(folder: Path) -> dict:
    (folder / "file").write_text("a file")
    return {"CCC_STATE_DIR": str(folder / "file")}


def _below_a_file(folder: Path) -> dict:
    (folder / "file").write_text("a file")
    return {"CCC_STATE_DIR": str(folder / "file" / "state")}


def _read_only(folder: Path) -> dict:
    mounted("--bind", folder, folder)
    mounted("-o", "remount,bind,ro", folder)
    return {"CCC_STATE_DIR": str(folder)}


def _read_only_with_a_journal(folder: Path) -> dict:
    send(folder, redirect(DAN))
    return _read_only(folder)


USELESS = {
    "on a file": (_on_a_file, "is not a folder"),
    "below a file": (_below_a_file, "Not a directory"),
    "relative": (lambda _: {"CCC_STATE_DIR": "state"}, "CCC_STATE_DIR is 'state'"),
    "read-only": (_read_only, "ead-only file system"),
    "read-only with a journal": (_read_only_with_a_journal, "cannot"),
    "of another user": (
        lambda _: {"HOME": "/", "CCC_STATE_DIR": "/root/ccc", "prefix": as_nobody()},
        "Permission denied",
    ),
    "no HOME": (lambda _: {"HOME": None, "CCC_STATE_DIR": None, "prefix": as_nobody()}, "has no home folder"),
    "HOME=/nonexistent": (
        lambda _: {"HOME": "/nonexistent", "CCC_STATE_DIR": None, "prefix": as_nobody()},
        "Permission denied",
    ),
}


def _is_mounted(folder: Path) -> bool:
    """os.path.ismount() sees no mount that binds a folder of the same file system."""
    mounts = read_mounts(Path("/proc/self/mountinfo").read_bytes())
    return os.fsencode(folder) in {mount.point for mount in mounts}


@contextmanager
def useless(tmp_path: Path, kind: str) -> Iterator[tuple[dict, str]]:
    """A state folder that is of no use, and why."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    make, why = USELESS[kind]
    try:
        yield make(folder), why
    finally:
        if _is_mounted(folder):
            subprocess.run([needed("umount", "mount"), "-l", str(folder)], check=True)


@pytest.mark.parametrize("kind", USELESS)
def test_where_nothing_can_be_recorded_nothing_is_sent(tmp_path: Path, sink: Sink, kind: str):
    with useless(tmp_path, kind) as (where, why):
        done = ccc(sink, "-", stdin=another(1), **where)
    words = done.stderr.decode()
    assert (done.returncode, sink.transactions) == (73, []), words
    assert why in words
    assert "CCC_STATE_DIR" in words
    assert ("--no-journal" in words) or kind == "relative"
    assert "Traceback" not in words


@pytest.mark.parametrize("kind", USELESS)
def test_without_a_journal_it_is_sent_from_anywhere(tmp_path: Path, sink: Sink, kind: str):
    with useless(tmp_path, kind) as (where, _):
        done = ccc(sink, "-", "--no-journal", stdin=another(1), **where)
    assert (done.returncode, sink.messages) == (0, 1), done.stderr.decode()
