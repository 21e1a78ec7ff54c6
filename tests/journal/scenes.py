"""Runs of ccc that are to meet an accident: what they send by which way, and what an earlier run has left.

A scene is played in the process at hand: by tests/journal/doomed.py in a child that is killed at some
line, and by the test itself when it looks afterwards whether ccc gets over that.
"""

from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ccc import Plan, deliver, plan_redirect
from ccc.config import Config
from ccc.dispatch import deliver_again
from ccc.journal.journal import Journal
from ccc.journal.opening import open_journal
from ccc.journal.retry import due
from ccc.receipt import exit_status
from ccc.routes.route import Route
from ccc.routes.sendmail import Sendmail
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.lab.sink import CHUNKING, PIPELINING
from tests.routes.sessions import Appending

ME = "me@a.test"
ONE = ("bob@b.test",)
SOME = ("bob@b.test", "gone@b.test", "later@b.test")
GONE = {"gone@b.test": "550 5.1.1 no such user"}
BUSY = {**GONE, "later@b.test": "451 4.2.0 not now"}

SMALL = (100,)
LARGE = (200_000,)  # becomes a file in the spool
SEVERAL = (100, 100, 100, 100, 100)
MIXED = (100, 200_000, 100)

WAYS = {"data": (), "pipelining": PIPELINING, "chunking": CHUNKING}


class Scene(NamedTuple):
    """One run. `act`: send; take up, with the same command, what was deferred; or retry it."""

    way: str  # of WAYS, or sendmail, or append
    to: tuple[str, ...]
    sizes: tuple[int, ...]  # octets of each message, roughly
    act: str = "send"

    @property
    def name(self) -> str:
        """For the name of a test."""
        load = (
            {1: "a small one", 5: "five", 3: "three"}[len(self.sizes)]
            if self.sizes != LARGE
            else "a large one"
        )
        return f"{self.act} {load} to {len(self.to)} by {self.way}"

    def plans(self) -> tuple[Plan, ...]:
        """The plans, which are others each time in what is new each time."""
        mails = (self.mail(number) for number in range(len(self.sizes)))
        return tuple(plan_redirect(mail, sender=ME, to=self.to) for mail in mails)

    def mail(self, number: int) -> bytes:
        """A message."""
        return _mail(number, self.sizes[number])

    @property
    def keys(self) -> set[tuple[str, str]]:
        """Everything that is to arrive, or to be refused."""
        return {(f"<{number}@a.test>", to) for number in range(len(self.sizes)) for to in self.to}

    def route(self, where: str) -> Route:
        """The way there: a port, or the path of a program."""
        if self.way == "sendmail":
            return Sendmail(where)
        if self.way == "append":
            return Appending(int(where))
        return Submission(Server("127.0.0.1", int(where), security=Security.NONE))

    def play(self, state: Path, where: str, plans: tuple[Plan, ...]) -> int:
        """The run itself; its exit status."""
        if self.act == "retry":
            return self.retry(state, where, all_=True)
        with closing(opened(state)) as journal:
            return exit_status(deliver(iter(plans), self.route(where), journal=journal))

    def retry(self, state: Path, where: str, *, all_: bool = False, resend: bool = False) -> int:
        """`ccc retry`; its exit status."""
        with closing(opened(state)) as journal:
            taken = due(journal, all_=all_, resend=resend)
            return exit_status(deliver_again(taken, self.route(where), journal))


@cache
def _mail(number: int, size: int) -> bytes:
    header = b"From: ann@a.test\r\nTo: all@b.test\r\nMessage-ID: <%d@a.test>\r\n\r\n" % number
    return header + b"".join(b"%08d 0123456789\r\n" % line for line in range(size // 20))


def opened(state: Path) -> Journal:
    """The journal of a state folder."""
    journal = open_journal(Config(), {"CCC_STATE_DIR": str(state)})
    assert journal is not None
    return journal


def _scenes() -> Iterator[Scene]:
    for way in WAYS:
        for to in (ONE, SOME):
            for sizes in (SMALL, LARGE, SEVERAL):
                yield Scene(way, to, sizes)
        yield Scene(way, SOME, MIXED, "take up")
        yield Scene(way, SOME, MIXED, "retry")
    yield Scene("sendmail", ONE, SMALL)
    yield Scene("sendmail", ONE, LARGE)
    yield Scene("sendmail", ONE, MIXED)
    yield Scene("append", ONE, SMALL)
    yield Scene("append", ONE, MIXED)


SCENES = {scene.name: scene for scene in _scenes()}
