"""A real server of one's own, on free ports of loopback: started, waited for, stopped by its process id.

A missing package skips the test and is named, except when CCC_REQUIRE_SERVERS=1: then it fails.
"""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

START = 30.0  # seconds; far more than any of them needs
PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin", "/usr/lib/postfix/sbin"))


def lacking(what: str) -> None:
    """Skip the test that needs `what`, or fail it where every server must be there."""
    if os.environ.get("CCC_REQUIRE_SERVERS") == "1":
        pytest.fail(f"CCC_REQUIRE_SERVERS=1, but {what}")
    pytest.skip(what)


def needed(program: str, package: str) -> str:
    """The path of a program of a Debian package."""
    found = shutil.which(program, path=PATH)
    if found is None:
        lacking(f"needs the Debian package {package}")
    assert found is not None
    return found


def needs_root(server: str) -> None:
    """Some servers change to other users, which only root can."""
    if os.geteuid() != 0:
        lacking(f"{server} can only be started by root")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [sock.getsockname()[1] for sock in socks]


@contextlib.contextmanager
def folder(name: str) -> Iterator[Path]:
    """A folder that servers under other users can reach (pytest's own are for one user only)."""
    with tempfile.TemporaryDirectory(prefix=f"ccc-{name}-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o755)
        yield Path(made)


def until(done: Callable[[], bool], what: Callable[[], str], timeout: float = 30.0) -> None:
    """Look until something is done; fails with `what` was seen instead."""
    deadline, never = time.monotonic() + timeout, threading.Event()
    while not done():
        assert time.monotonic() < deadline, what()
        never.wait(0.002)


class Daemon:
    """One server process in the foreground of its own session; `log` gets what it prints."""

    def __init__(self, command: Sequence[str | Path], log: Path) -> None:
        self._log = log
        self._command = [str(word) for word in command]
        self._output = log.open("ab")
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            start_new_session=True,
            cwd="/",
        )

    def wait_for(self, port: int, greeting: bytes = b"", host: str = "127.0.0.1") -> None:
        """Until the port answers (with `greeting`); fails with the log if the server ends or is too slow."""
        deadline = time.monotonic() + START
        while not _greeted(host, port, greeting):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=0.02)
                self._fail("ended")
            if time.monotonic() > deadline:
                self._fail("did not answer")

    def stop(self) -> None:
        """End it, and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()

    def _fail(self, how: str) -> None:
        log = self._log.read_text(errors="replace")[-4000:]
        pytest.fail(f"{self._command} {how}:\n{log}")


def _greeted(host: str, port: int, greeting: bytes) -> bool:
    try:
        with socket.create_connection((host, port), timeout=5) as sock:
            if greeting:
                return bool(select.select([sock], [], [], 5)[0]) and sock.recv(512).startswith(greeting)
            return True
    except OSError:
        return False
