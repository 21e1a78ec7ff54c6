"""ccc as processes of its own that share one state folder, as cron and a user start them."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from tests.cli.conftest import environment

MAIL = b"From: a@a.test\r\nTo: list@b.test\r\nMessage-ID: <%d@a.test>\r\n\r\nHello %d\r\n"
REASONS = ("another ccc has it at this moment", " in doubt ")  # the latter if the other one has died of it


class Ended(NamedTuple):
    """A process that has ended: its exit status (a signal counts downwards from 0), and what it said."""

    status: int
    out: str
    err: str


class Running:
    """`ccc ARGUMENT…`, begun."""

    def __init__(self, *arguments: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ccc", *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def ended(self) -> Ended:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=600)
        return Ended(self.process.returncode, out, err)


def ccc(*arguments: str, folder: Path) -> Ended:
    """`ccc ARGUMENT…` from beginning to end."""
    return Running(*arguments, folder=folder).ended()


def together(count: int, *arguments: str, folder: Path) -> list[Ended]:
    """So many of them at once."""
    running = [Running(*arguments, folder=folder) for _ in range(count)]
    return [each.ended() for each in running]


def complaints(ended: Iterable[Ended]) -> list[str]:
    """What no run may say or be, whoever else is running: 0 is done, 75 is that another ccc had something."""
    wrong = []
    for each in ended:
        if each.status not in (0, 75) or "Traceback" in each.err or "locked" in each.err:
            wrong.append(f"{each.status}: {each.err[-2000:]}")
        if each.status == 75 and not any(reason in each.err for reason in REASONS):
            wrong.append(f"75 without its reason: {each.err[-2000:]}")
    return wrong


def sources(folder: Path, count: int) -> list[str]:
    """So many different mails in files; their names."""
    names = [f"{number}.eml" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(MAIL % (number, number))
    return names
