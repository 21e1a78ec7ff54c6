"""Lets a mail server that runs commands as another user run a command of ours.

Postfix refuses to run a pipe as root, and its user can often not read the interpreter or the checkout. So
what it runs is a small script that hands the message, the environment and the folder over a socket, and
ends with the exit status and the output that come back. `runs` keeps what happened.
"""

import contextlib
import json
import os
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ccc

WHERE_CCC_IS = str(Path(ccc.__file__).parents[1])  # the command runs in another folder
SCRIPT = """#!/usr/bin/python3 -SE
import json, os, socket, sys
name = os.path.basename(sys.argv[0])
link = socket.socket(socket.AF_UNIX)
link.connect({path!r})
job = {{"name": name, "arguments": sys.argv[1:], "environment": dict(os.environ)}}
link.sendall(json.dumps(job).encode() + b"\\n" + sys.stdin.buffer.read())
link.shutdown(socket.SHUT_WR)
status, _, output = link.makefile("rb").read().partition(b"\\n")
sys.stdout.buffer.write(output)
sys.stdout.flush()
os._exit(int(status))
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One command that was run."""

    name: str
    arguments: tuple[str, ...]  # what the server's script was called with: sender, recipient
    message: bytes
    status: int
    output: bytes


class Bridge:
    """Listens in `home`; use as a context."""

    def __init__(self, home: Path) -> None:
        self._path = home / "bridge"
        # Written once, and linked to: for what was just written, a fork of another thread may still hold it
        # open for writing, and such a file cannot be executed (ETXTBSY).
        self._script = home / "bridge.py"
        self._script.write_text(SCRIPT.format(path=str(self._path)))
        self._script.chmod(0o755)
        self._commands: dict[str, tuple[list[str], dict[str, str]]] = {}
        self.runs: list[Run] = []
        self._closing = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self._path))
        self._path.chmod(0o666)
        self._socket.listen(64)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def write(self, script: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Make the script that runs the command; it gets the server's environment and these on top."""
        self._commands[script.name] = (list(command), dict(environment))
        script.unlink(missing_ok=True)
        script.symlink_to(self._script)

    def _serve(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(OSError):
                link, _ = self._socket.accept()
                threading.Thread(target=self._run, args=(link,), daemon=True).start()

    def _run(self, link: socket.socket) -> None:
        with link, link.makefile("rb") as stream:
            job: dict[str, Any] = json.loads(stream.readline())
            message = stream.read()
            command, extra = self._commands[job["name"]]
            environment = {**job["environment"], "PYTHONPATH": WHERE_CCC_IS, **extra}
            done = subprocess.run(
                command,
                input=message,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=os.sep,
                check=False,
            )
            arguments = tuple(job["arguments"])
            self.runs.append(Run(job["name"], arguments, message, done.returncode, done.stdout))
            link.sendall(b"%d\n" % (done.returncode % 256) + done.stdout)
