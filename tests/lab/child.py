"""A server of the lab in a process of its own: it says its port, runs until told to stop, then reports.

with Child("tests.lab.sink", "PIPELINING", "CHUNKING") as sink:
    ...                      # talk to sink.port
sink.report["messages"]
"""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]


class Child:
    """Runs `python -m MODULE ARGUMENT…`; see the module."""

    def __init__(self, module: str, *arguments: object) -> None:
        self._command = [sys.executable, "-m", module, *map(str, arguments)]
        self.port = 0
        self.report: dict[str, Any] = {}

    def __enter__(self) -> Self:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._process = subprocess.Popen(self._command, cwd=ROOT, text=True, **pipes)  # type: ignore[call-overload]
        self.port = json.loads(self._process.stdout.readline())["port"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        out, _ = self._process.communicate()  # closes its stdin, which stops it
        self.report = json.loads(out or "{}")


def ready(port: int) -> None:
    """In the child: say the port, then wait to be told to stop."""
    sys.stdout.write(json.dumps({"port": port}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


def report(facts: dict[str, Any]) -> None:
    """In the child: the last word."""
    sys.stdout.write(json.dumps(facts) + "\n")
