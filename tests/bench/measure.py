"""Contenders take turns, each against servers of its own; the median counts."""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ccc.config import Config
from ccc.journal.opening import open_journal
from tests.lab.child import Child

# As users have it: Python may keep what it has compiled.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True, slots=True)
class Contender:
    """A program that sends mail: `command` for a port; the mail on stdin if it reads it there."""

    name: str
    command: Callable[[int], list[str]]
    stdin: str = os.devnull
    extensions: Sequence[str] = ("PIPELINING", "CHUNKING")


@dataclass(frozen=True, slots=True)
class Result:
    """What one contender needed: the median time, the highest peak; round trips and messages of one run."""

    name: str
    seconds: float
    peak: float  # MiB
    round_trips: float
    messages: float


class Entrant:
    """A contender with its sink, and a delaying proxy before it if a round trip should take time."""

    def __init__(self, contender: Contender, delay: float, stack: ExitStack) -> None:
        self.contender = contender
        self.runs: list[tuple[float, float]] = []
        self.sink = stack.enter_context(Child("tests.lab.sink", *contender.extensions))
        self.proxy = stack.enter_context(Child("tests.lab.proxy", self.sink.port, delay)) if delay else None

    def run(self) -> None:
        """Once."""
        port = self.proxy.port if self.proxy else self.sink.port
        launch = [sys.executable, "-IS", str(LAUNCH), self.contender.stdin]
        command = [*launch, *self.contender.command(port)]
        with tempfile.TemporaryDirectory() as state:  # nothing was sent before, as far as ccc knows
            environment = {**ENVIRONMENT, "CCC_STATE_DIR": state}
            _begin_journal(environment)
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        seconds, peak, status = done.stdout.split()
        if status != "0":
            raise SystemExit(f"{self.contender.name} ended with {status}:\n{done.stderr[-2000:]}")
        self.runs.append((float(seconds), float(peak)))

    def result(self) -> Result:
        """When the servers have ended; the first of several runs was to warm up."""
        seconds, peak = zip(*(self.runs[1:] or self.runs), strict=True)
        trips = self.proxy.report["round_trips"] if self.proxy else 0
        counts = (count / len(self.runs) for count in (trips, self.sink.report["messages"]))
        return Result(self.contender.name, statistics.median(seconds), max(peak), *counts)


def _begin_journal(environment: Mapping[str, str]) -> None:
    """Make the journal beforehand: only the first run of all has to."""
    journal = open_journal(Config(), environment)
    if journal is not None:
        journal.close()


def measure(contenders: Sequence[Contender], *, delay: float = 0.0, rounds: int = 5) -> list[Result]:
    """Let the contenders take turns, `rounds` times."""
    with ExitStack() as stack:
        entrants = [Entrant(contender, delay, stack) for contender in contenders]
        for _ in range(rounds):
            for entrant in entrants:
                entrant.run()
    return [entrant.result() for entrant in entrants]
