"""Runs of ccc under strace: which system calls one makes, and what is left when it is killed at one of them.

    with Warm(folder) as ccc:
        calls = ccc.traced(["resend", …], environ)
        ccc.killed(["resend", …], environ, calls[17])     # SIGKILL instead of that call

strace counts the calls of each name on their own, so a call is known by its name and its number among those
of the same name. All runs are forks of one process (tests/journal/warm.py) and so make the same calls, but
for those that wait for the network: one more, or one less.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.lab.child import ROOT
from tests.lab.daemon import lacking, needed

KILLED = -signal.SIGKILL

_CALL = re.compile(r"^(\w+)\(", re.MULTILINE)


class Call(NamedTuple):
    """A system call of a run: the nth of its name, and how strace shows it."""

    name: str
    nth: int
    text: str


class Ended(NamedTuple):
    """How a run ended: its exit status, or a signal as a negative number; and what it said."""

    status: int
    out: str
    words: str


class Warm:
    """A process with ccc in it, ready to run in this folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._strace = needed("strace", "strace")
        self._child = 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-B", "-m", "tests.journal.warm"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload]
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._child:  # it may be waiting for somebody to attach to it
            with suppress(ProcessLookupError):
                os.kill(self._child, signal.SIGKILL)
        self._process.communicate()

    def run(self, arguments: Sequence[str], environ: Mapping[str, str]) -> Ended:
        """Run ccc to its end."""
        self._begin(arguments, environ, held=False)
        return self._ended()

    def traced(self, arguments: Sequence[str], environ: Mapping[str, str]) -> tuple[Call, ...]:
        """The system calls of a run."""
        log = self._folder / "trace"
        self._under_strace(arguments, environ, ["-y", "-s", "64", "-o", str(log)])
        counts: Counter[str] = Counter()
        calls = []
        for line in log.read_text(errors="replace").splitlines():
            if found := _CALL.match(line):
                counts[found[1]] += 1
                calls.append(Call(found[1], counts[found[1]], line))
        return tuple(calls)

    def killed(self, arguments: Sequence[str], environ: Mapping[str, str], at: Call) -> Ended:
        """Run ccc until this call, which it does not make; to its end if it does not come to it."""
        inject = f"inject={at.name}:signal=KILL:when={at.nth}"
        options = ["-e", f"trace={at.name}", "-e", inject, "-o", os.devnull]
        return self._under_strace(arguments, environ, options)

    def _under_strace(
        self, arguments: Sequence[str], environ: Mapping[str, str], options: Sequence[str]
    ) -> Ended:
        self._begin(arguments, environ, held=True)
        command = [self._strace, *options, "-p", str(self._child)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
            said = strace.stderr.readline() if strace.stderr else ""
            if "attached" not in said:
                os.kill(self._child, signal.SIGKILL)
                self._ended()
                assert "not permitted" in said, said
                lacking("processes cannot be traced here")
            os.kill(self._child, signal.SIGCONT)
            return self._ended()

    def _begin(self, arguments: Sequence[str], environ: Mapping[str, str], *, held: bool) -> None:
        request = {
            "arguments": [*arguments],
            "environ": {**environ},
            "folder": str(self._folder),
            "held": held,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        self._child = int(self._answer())

    def _ended(self) -> Ended:
        status, self._child = int(self._answer()), 0
        out, words = ((self._folder / name).read_text() for name in ("out", "err"))
        return Ended(status, out, words)

    def _answer(self) -> str:
        line: str = self._process.stdout.readline()
        assert line, "the warm process has ended"
        return line
