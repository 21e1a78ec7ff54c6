"""How each program is told to send the same mail from the same person to the same person."""

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.measure import Contender

HERE = Path(__file__).parent
ME, LATE = "me@example.org", "late@example.net"
PIPELINING_ONLY = ("PIPELINING",)


def ccc(files: Sequence[Path], *options: str, name: str = "ccc", extensions: Sequence[str] = ()) -> Contender:
    """Our own command, as it is installed beside this Python."""
    installed = Path(sys.executable).with_name("ccc")
    start = [str(installed)] if installed.exists() else [sys.executable, "-m", "ccc"]
    words = ["--from", ME, "--to", LATE, "--yes", "--quiet", *options]
    sources = [str(file) for file in files]

    def command(port: int) -> list[str]:
        return [*start, "resend", *words, "--smtp", f"smtp://127.0.0.1:{port}", "--", *sources]

    return Contender(name, command, extensions=extensions or ("PIPELINING", "CHUNKING"))


def without_journal(
    files: Sequence[Path], *options: str, name: str = "ccc", extensions: Sequence[str] = ()
) -> Contender:
    """Our command without its record, which no peer keeps either."""
    return ccc(files, "--no-journal", *options, name=f"{name} --no-journal", extensions=extensions)


def smtplib(files: Sequence[Path]) -> Contender:
    """CPython's own client, `sendmail` with the octets of each file, over one connection."""
    script, sources = HERE / "smtplib_peer.py", [str(file) for file in files]
    return Contender("smtplib", lambda port: [sys.executable, str(script), str(port), ME, LATE, *sources])


def sendfile(file: Path) -> Contender:
    """The limit: the dialogue as constants, the file by socket.sendfile."""
    script = HERE / "sendfile_peer.py"
    return Contender(
        "socket.sendfile", lambda port: [sys.executable, str(script), str(port), ME, LATE, str(file)]
    )


def installed(file: Path) -> Iterator[Contender]:
    """The peers that are installed, for one message."""
    size = file.stat().st_size
    if shutil.which("msmtp"):
        words = ["msmtp", "--host=127.0.0.1", "--tls=off", "--auth=off", f"--from={ME}"]
        yield Contender("msmtp", lambda port: [*words, f"--port={port}", LATE], stdin=str(file))
    if shutil.which("swaks"):
        plain = ["swaks", "--helo", "bench.test", "-f", ME, "-t", LATE, "-d", f"@{file}", "--silent", "3"]
        yield Contender("swaks", lambda port: [*plain, "--server", f"127.0.0.1:{port}"])
        yield Contender(
            "swaks --pipeline", lambda port: [*plain, "--pipeline", "--server", f"127.0.0.1:{port}"]
        )
    if source := shutil.which("smtp-source", path=f"{os.environ['PATH']}:/usr/sbin"):
        counts = [source, "-f", ME, "-t", LATE, "-s", "1", "-m", "1", "-l", str(size)]
        yield Contender("smtp-source", lambda port: [*counts, f"127.0.0.1:{port}"])
    yield from nodemailer([file])


def nodemailer(files: Sequence[Path]) -> Iterator[Contender]:
    """Where Node finds it (NODE_PATH)."""
    if _has_nodemailer():
        script, sources = HERE / "nodemailer_peer.js", [str(file) for file in files]
        yield Contender("nodemailer", lambda port: ["node", str(script), str(port), ME, LATE, *sources])


@functools.cache
def _has_nodemailer() -> bool:
    probe = ["node", "-e", "require('nodemailer')"]
    return (
        bool(shutil.which("node")) and not subprocess.run(probe, capture_output=True, check=False).returncode
    )
