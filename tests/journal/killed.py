"""ccc killed at a system call of a delivery, then run again until nothing is left: what the server has then.

A scenario is a way to send (DATA, DATA with PIPELINING, BDAT), how many people, one of whom the server
refuses, and how many messages. At each point the folder that the killed run left is taken up twice: by a user
who holds what is in doubt, which is ccc's own way, and by one who has it sent again (in_doubt = "resend").
"""

import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from ccc.config import Config
from ccc.journal.opening import open_journal
from tests.journal.strace import KILLED, Call, Ended, Warm
from tests.journal.truth import Key, ledger, phases, untrue
from tests.lab.records import Transaction
from tests.lab.sink import CHUNKING, PIPELINING, Sink

WAYS = {"DATA": (), "DATA, PIPELINING": PIPELINING, "BDAT": CHUNKING}
REFUSED = "no@b.test"
PEOPLE = ("ann@b.test", REFUSED, "bob@b.test")
LARGE = 100_000  # octets; such a content is not in the database, but in the spool
FOUND = ("in doubt", "deferred", "settled", "not recorded", "not reached")
TRIES = 3  # to come to a call: one that waits for the network is not made in each run
AGAIN = "it may be a second copy"

Copies = dict[Key, list[bytes]]


class Scenario(NamedTuple):
    """What is sent, and how."""

    way: str
    people: int
    messages: int
    octets: int = 0

    @property
    def first(self) -> bool:
        """Whether the journal is made on the way; in the other scenarios there is one already."""
        return self.people == self.messages == 1 and not self.octets

    def __str__(self) -> str:
        people = "1 recipient" if self.people == 1 else f"{self.people} recipients, 1 refused"
        messages = "1 message" if self.messages == 1 else f"{self.messages} messages"
        return f"{self.way}; {people}; {messages}{' of 100 kB' if self.octets else ''}"


class Point(NamedTuple):
    """What came of a kill: what the journal had then, and how many copies were missing, or too many."""

    found: str  # one of FOUND
    wrong: tuple[str, ...]
    lost: int = 0
    duplicates: int = 0  # that nobody announced
    second: int = 0  # copies that were announced: sent again out of doubt


class Server(Sink):
    """A sink that knows when every link has ended."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(WAYS[scenario.way], rcpt={REFUSED: "550 5.1.1 no such user"})
        self._quiet = threading.Condition()
        self._playing = 0

    def play(self, sock: object, number: int) -> None:
        with self._quiet:
            self._playing += 1
        try:
            super().play(sock, number)  # type: ignore[arg-type]
        finally:
            with self._quiet:
                self._playing -= 1
                self._quiet.notify_all()

    def forget(self) -> None:
        """Drop what was recorded."""
        self.transactions.clear()
        self.sessions.clear()

    def since(self, start: int) -> list[Transaction]:
        """What it has accepted since it had so many, when every octet that was sent has been read."""
        with self._quiet:
            assert self._quiet.wait_for(lambda: not self._playing, 10)
        return self.transactions[start:]


class Ground:
    """A scenario, played again and again in a folder: `point` kills, runs again, and counts."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self.folder, self.scenario = folder, scenario
        self.ccc, self.server = Warm(folder), Server(scenario)  # the first one skips without strace
        self.people = PEOPLE[: scenario.people]
        self.keys = {(f"<{n}@a.test>", each) for n in range(scenario.messages) for each in self.people}
        self.wanted = {key for key in self.keys if key[1] != REFUSED}
        self._states = 0
        for number in range(scenario.messages):
            text = f"From: me@a.test\r\nTo: x@a.test\r\nMessage-ID: <{number}@a.test>\r\n\r\n.Hello\r\n"
            (folder / f"{number}.eml").write_text(text + "x\r\n" * (scenario.octets // 3), newline="")
        (folder / "resend.toml").write_text('in_doubt = "resend"\n')
        if journal := open_journal(Config(), self.environ(folder / "made")):
            journal.close()

    def __enter__(self) -> Self:
        self.server.__enter__()
        self.ccc.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.ccc.__exit__(kind, error, at)
        self.server.close()
        assert self.server.faults == []

    @property
    def command(self) -> list[str]:
        """The command line that is killed, and given again."""
        names = [f"{number}.eml" for number in range(self.scenario.messages)]
        way = f"--smtp=smtp://127.0.0.1:{self.server.port}"
        return ["resend", "--yes", "--from=me@a.test", way, *(f"--to={each}" for each in self.people), *names]

    def calls(self) -> tuple[Call, ...]:
        """The system calls of a run, from the first one of the journal on."""
        state = self.fresh()
        calls = self.ccc.traced(self.command, self.environ(state))
        first = next(place for place, call in enumerate(calls) if str(state) in call.text)
        return calls[first:]

    def fresh(self, like: Path | None = None) -> Path:
        """Another state folder: a copy, or as it is before the run that will be killed."""
        self._states += 1
        state = self.folder / f"state{self._states}"
        like = like or (None if self.scenario.first else self.folder / "made")
        if like and like.exists():
            shutil.copytree(like, state)
        return state

    def environ(self, state: Path, *, config: str = "") -> dict[str, str]:
        usual = {"CCC_STATE_DIR": str(state), "HOME": str(self.folder), "PATH": os.environ["PATH"]}
        return {**usual, "CCC_CONFIG": str(self.folder / config)} if config else usual

    def point(self, call: Call) -> Point:
        """Kill a run at this call: what is true then, and after everything that can be done about it."""
        self.server.forget()
        for _ in range(TRIES):
            state, start = self.fresh(), len(self.server.transactions)
            ended = self.ccc.killed(self.command, self.environ(state), call)
            if ended.status == KILLED:
                break
        before = self.server.since(start)
        states = [self.fresh(like=state) for _ in range(2)]
        said = phases(state)
        status = None if ended.status == KILLED else ended.status
        wrong = [f"after the kill: {each}" for each in untrue(ledger(before), said, status)]
        doubts = {key for key, phase in said.items() if phase == "in doubt"}
        held = _Held(self, states[0], self.environ(states[0]), before, doubts)
        resent = _Resent(self, states[1], self.environ(states[1], config="resend.toml"), before, doubts)
        for each in (held, resent):
            wrong += each.wrong()
        for folder in (state, *states):
            shutil.rmtree(folder, ignore_errors=True)  # the first one may never have been made
        found = _found(said) if ended.status == KILLED else "not reached"
        lost, duplicates = held.lost + resent.lost, held.duplicates + resent.duplicates
        return Point(found, tuple(wrong), lost, duplicates, held.second + resent.second)


def _found(said: dict[Key, str]) -> str:
    for phase in ("in doubt", "deferred"):
        if phase in said.values():
            return phase
    return "settled" if said else "not recorded"


class _Again:
    """What a user does after the kill, in one state folder, and what the server and the journal say then."""

    policy = ""

    def __init__(
        self,
        ground: Ground,
        state: Path,
        environ: dict[str, str],
        before: Sequence[Transaction],
        doubts: set[Key],
    ) -> None:
        self.ground, self.state, self.environ = ground, state, environ
        self.before, self.doubts = before, doubts
        self.start = 0
        self.lost = self.duplicates = self.second = 0
        self.words = ""

    def wrong(self) -> list[str]:
        """Do it; what was wrong."""
        self.start = len(self.ground.server.transactions)
        return [f"{self.policy}: {each}" for each in self.done()]

    def done(self) -> Iterator[str]:
        raise NotImplementedError

    def run(self, *arguments: str) -> Ended:
        ended = self.ground.ccc.run(arguments, self.environ)
        self.words += ended.words
        return ended

    def copies(self) -> Copies:
        """What the server has by now."""
        return ledger([*self.before, *self.ground.server.since(self.start)])

    def announced(self) -> set[Key]:
        """Those of whom ccc said that they may have got a second copy."""
        return {key for key in self.ground.keys if any(AGAIN in line for line in _about(key, self.words))}

    def count(self, open_: Iterable[Key] = ()) -> None:
        """Count what is lost, and who has more than one copy, at this moment."""
        copies, announced = self.copies(), self.announced()
        self.duplicates = self.second = 0
        self.lost = len([key for key in self.ground.wanted - {*open_} if not copies.get(key)])
        for key, some in copies.items():
            if key in announced & self.doubts:
                self.second += len(some) - 1
            else:
                self.duplicates += len(some) - 1

    def all_accepted(self, said: Mapping[Key, str]) -> bool:
        """Whether everybody has it whom the server does not refuse."""
        return {said.get(key) for key in self.ground.wanted} == {"accepted"}

    def status(self, keys: set[Key]) -> int:
        """The exit status of a run that settles these."""
        return 69 if keys - self.ground.wanted else 0


class _Held(_Again):
    """in_doubt = "hold": what is in doubt waits for the user's word, and then it is given."""

    policy = "hold"

    def done(self) -> Iterator[str]:
        retried = self.run("retry")
        yield from _all("after retry", untrue(self.copies(), phases(self.state)))
        if retried.status not in (0, 69, 75 if self.doubts else 0):
            yield f"retry ends with {retried.status}: {retried.words}"
        if self.doubts:
            yield from self.reported(retried)
        repeated = self.run(*self.ground.command)
        said = phases(self.state)
        yield from _all("after the repetition", untrue(self.copies(), said, repeated.status))
        expected = 75 if self.doubts else self.status(self.ground.keys)
        if repeated.status != expected or set(said) != self.ground.keys:
            yield f"the repetition ends with {repeated.status}, not {expected}: {repeated.words} {said}"
        yield from (
            f"{key} is in doubt, and the repetition does not say so: {repeated.words}"
            for key in self.doubts
            if not any("in doubt" in line and "--in-doubt resend" in line for line in _about(key, self.words))
        )
        self.count(self.doubts)
        if self.doubts:
            yield from self.decided()

    def reported(self, retried: Ended) -> Iterator[str]:
        """Whether `ccc retry` and `ccc log` name what is in doubt."""
        number = len(self.doubts)
        what = "1 delivery is" if number == 1 else f"{number} deliveries are"
        if f"{what} in doubt" not in retried.words:
            yield f"retry does not say that {what} in doubt: {retried.words}"
        logged = self.run("log", "--state", "in-doubt").out
        if len(logged.splitlines()) != number:
            yield f"the log has {logged}, and {self.doubts} are in doubt"
        for message, mailbox in self.doubts:
            source = f"{message[1:].partition('@')[0]}.eml"
            if not any(mailbox in line and source in line for line in logged.splitlines()):
                yield f"{mailbox} of {source} is in doubt, and the log does not say so: {logged}"

    def decided(self) -> Iterator[str]:
        """The user has them sent again: the same octets, one more copy at the most, and said so."""
        ended = self.run("retry", "--in-doubt", "resend")
        copies, said = self.copies(), phases(self.state)
        yield from _all("sent out of doubt", untrue(copies, said, resent=self.doubts))
        if ended.status != self.status(self.doubts) or not self.all_accepted(said):
            yield f"sent out of doubt, it ends with {ended.status}: {ended.words} {said}"
        if self.announced() != self.doubts & self.ground.wanted:
            yield f"{self.doubts} were sent again, and it says {ended.words}"
        self.count()


class _Resent(_Again):
    """in_doubt = "resend": it is sent again at once, and said so."""

    policy = "resend"

    def done(self) -> Iterator[str]:
        self.run("retry")
        yield from _all("after retry", untrue(self.copies(), phases(self.state), resent=self.doubts))
        repeated = self.run(*self.ground.command)
        copies, said = self.copies(), phases(self.state)
        yield from _all("after the repetition", untrue(copies, said, repeated.status, resent=self.doubts))
        if repeated.status != self.status(self.ground.keys) or not self.all_accepted(said):
            yield f"the repetition ends with {repeated.status}: {repeated.words} {said}"
        if self.announced() != self.doubts & self.ground.wanted:
            yield f"{self.doubts} were in doubt, and it says {self.words}"
        self.count()


def _about(key: Key, words: str) -> Iterator[str]:
    """The lines about a message and a recipient."""
    source = f"{key[0][1:].partition('@')[0]}.eml"
    return (line for line in words.splitlines() if source in line and key[1] in line)


def _all(when: str, wrong: Iterable[str]) -> Iterator[str]:
    return (f"{when}: {each}" for each in wrong)


class Tally(NamedTuple):
    """All points of a scenario together."""

    scenario: Scenario
    points: Sequence[Point]

    def __str__(self) -> str:
        found = Counter(point.found for point in self.points)
        lost, duplicates, second = (
            sum(getattr(point, name) for point in self.points) for name in ("lost", "duplicates", "second")
        )
        cells = {"points": len(self.points), "lost": lost, "duplicates": duplicates, "announced": second}
        cells |= {name: found[name] for name in FOUND}
        columns = "  ".join(f"{name} {count:4}" for name, count in cells.items())
        return f"killed: {self.scenario!s:54}  {columns}"

    def faults(self) -> list[str]:
        """What was wrong at any point; a few of them will do."""
        return [one for point in self.points for one in point.wrong][:20]
