"""A server that takes nobody's first try, and one that takes nothing ever: `ccc retry` alone sees to it."""

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from ccc import deliver, plan_redirect
from ccc.config import Config
from ccc.dispatch import deliver_again
from ccc.journal.entry import Entry, Record
from ccc.journal.journal import Journal
from ccc.journal.log import Log
from ccc.journal.opening import open_journal
from ccc.journal.retry import due, waiting
from ccc.journal.schedule import INTERVALS, JITTER, MINUTE
from ccc.receipt import Receipt, State, exit_status
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.journal.running import ccc
from tests.journal.truth import ledger, phases, untrue
from tests.lab.sink import CHUNKING, Sink

MAIL = b"From: a@a.test\r\nMessage-ID: <%d@a.test>\r\n\r\nHello\r\n"
ANN, BOB = "ann@b.test", "bob@b.test"
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE
CRON = 5 * MINUTE
START = 1_800_000_000.0
NOT_YET = "451 4.7.1 greylisted, try again later"


class Clock:
    """The time, which moves when the test says so; jitter as it comes."""

    def __init__(self, *chances: float) -> None:
        self.now = START
        self._chances = chances or (0.5,)
        self._asked = 0

    def __call__(self) -> float:
        return self.now

    def chance(self) -> float:
        self._asked += 1
        return self._chances[self._asked % len(self._chances)]


class Greylist(Sink):
    """Answers 451 to a recipient until so much time has passed since it was first named; notes the tries."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__(CHUNKING)
        self.tries: dict[str, list[float]] = defaultdict(list)
        self._clock, self._seconds = clock, seconds

    def scripted(self, kind: str, key: str, usual: str) -> str:
        if kind != "rcpt":
            return super().scripted(kind, key, usual)
        self.tries[key].append(self._clock())
        return NOT_YET if self._clock() - self.tries[key][0] < self._seconds else usual

    @property
    def offered(self) -> list[bytes]:
        """The content of every try, taken or not, as it came over the wire."""
        return [octets for session in self.sessions for octets in contents(session.wire)]


def contents(wire: bytes) -> Iterator[bytes]:
    """The chunks that a client said."""
    while found := re.search(rb"BDAT (\d+) LAST\r\n", wire):
        end = found.end() + int(found[1])
        yield wire[found.end() : end]
        wire = wire[end:]


class Cron:
    """`ccc redirect` once, and `ccc retry` whenever the clock says."""

    def __init__(self, state: Path, sink: Sink, clock: Clock) -> None:
        self.state, self.clock = state, clock
        self._route = Submission(Server("127.0.0.1", sink.port, security=Security.NONE))

    @contextmanager
    def journal(self) -> Iterator[Journal]:
        """The journal with our clock."""
        if not (self.state / "journal.db").exists():
            made = open_journal(Config(), {"CCC_STATE_DIR": str(self.state)})
            assert made is not None
            made.close()
        with closing(Journal(self.state, Config(), clock=self.clock, chance=self.clock.chance)) as journal:
            yield journal

    def send(self, *to: str, number: int = 1) -> list[Receipt]:
        """`ccc redirect`."""
        plan = plan_redirect(MAIL % number, sender="me@a.test", to=to)
        with self.journal() as journal:
            return list(deliver(plan, self._route, journal=journal))

    def retry(self) -> list[Receipt]:
        """`ccc retry`."""
        with self.journal() as journal:
            return list(deliver_again(due(journal, all_=False, resend=False), self._route, journal))

    def every(self, seconds: float, until: float) -> list[Receipt]:
        """`ccc retry` again and again; what it came to."""
        receipts = []
        while self.clock.now < until:
            self.clock.now += seconds
            receipts += self.retry()
        return receipts

    def entries(self) -> list[Entry]:
        """What the journal has, the newest first."""
        with self.journal() as journal:
            return list(Log(journal).entries())

    def records(self) -> list[Record]:
        """The same, recipient by recipient."""
        return [record for entry in self.entries() for record in entry.records]

    def next_attempt(self) -> float:
        """When the first delivery is due."""
        with self.journal() as journal:
            when = waiting(journal).next_attempt
        assert when is not None
        return when


def states(receipts: list[Receipt]) -> list[tuple[str, State]]:
    return [(each.mailbox.addr_spec, each.state) for receipt in receipts for each in receipt.outcomes]


@contextmanager
def greylisted(state: Path, seconds: float, *chances: float) -> Iterator[tuple[Cron, Greylist]]:
    clock = Clock(*chances)
    with Greylist(clock, seconds) as sink:
        yield Cron(state, sink, clock), sink


@contextmanager
def never(state: Path, *chances: float) -> Iterator[tuple[Cron, Greylist]]:
    """A server that greylists for good."""
    with greylisted(state, float("inf"), *chances) as both:
        yield both


def test_everything_arrives_once_by_retry_alone(state_folder):
    with greylisted(state_folder, MINUTE, 0.0, 0.3, 0.99) as (cron, sink):
        for number in range(5):
            status = exit_status(cron.send(f"ann{number}@b.test", f"bob{number}@b.test", number=number))
            assert status == 75
        assert phases(state_folder).keys() == {
            (f"<{number}@a.test>", f"{who}{number}@b.test") for number in range(5) for who in ("ann", "bob")
        }
        receipts = cron.every(CRON, START + HOUR)
    assert exit_status(receipts) == 0
    assert set(phases(state_folder).values()) == {"accepted"}
    assert untrue(ledger(sink.transactions), phases(state_folder), 0) == []
    assert {len(tries) for tries in sink.tries.values()} == {2}


def test_nothing_is_tried_before_it_is_due(state_folder):
    with never(state_folder) as (cron, sink):
        cron.send(ANN)
        when = cron.next_attempt()
        cron.clock.now = when - 0.001
        assert cron.retry() == []
        assert len(sink.sessions) == 1
        cron.clock.now = when
        assert states(cron.retry()) == [(ANN, State.DEFERRED)]
        assert len(sink.sessions) == 2


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999999])
def test_the_intervals_grow_and_their_jitter_has_bounds(state_folder, chance):
    with never(state_folder, chance) as (cron, sink):
        cron.send(ANN)
        for _ in range(len(INTERVALS) + 3):
            cron.clock.now = cron.next_attempt()
            cron.retry()
    waits = [after - before for before, after in pairwise(sink.tries[ANN])]
    usual = [*INTERVALS, *[INTERVALS[-1]] * 3]
    assert all(
        (1 - JITTER) * each <= wait <= (1 + JITTER) * each for wait, each in zip(waits, usual, strict=True)
    )
    assert waits[: len(INTERVALS)] == sorted(set(waits[: len(INTERVALS)]))


def test_recipients_of_one_message_wait_for_themselves(state_folder):
    with greylisted(state_folder, MINUTE, 0.0, 0.999) as (cron, sink):
        cron.send(ANN, BOB)
        when = {record.mailbox.addr_spec: record.next_attempt for record in cron.records()}
        assert len(set(when.values())) == 2
        for _ in when:
            cron.clock.now = cron.next_attempt()
            cron.retry()
    assert {who: tries[1:] for who, tries in sink.tries.items()} == {who: [at] for who, at in when.items()}
    assert untrue(ledger(sink.transactions), phases(state_folder), 0) == []


def test_each_try_has_the_very_same_octets(state_folder):
    with greylisted(state_folder, 2 * HOUR) as (cron, sink):
        cron.send(ANN)
        cron.every(CRON, START + DAY)
    (taken,) = sink.transactions
    assert len(sink.offered) == len(sink.tries[ANN]) > 4
    assert set(sink.offered) == {taken.content}
    (entry,) = cron.entries()
    assert b"Resent-Message-ID: %b\r\n" % entry.resent_message_id.encode() in taken.content


def test_what_stands_in_the_journal_after_a_try_is_what_the_server_said(state_folder):
    with never(state_folder) as (cron, _):
        cron.send(ANN)
        cron.every(CRON, START + HOUR)
        (record,) = cron.records()
    assert (record.phase.value, record.attempts) == ("deferred", 4)
    assert (record.reply.code, record.reply.enhanced) == (451, "4.7.1")
    assert record.next_attempt is not None
    assert record.next_attempt > cron.clock.now


def test_it_gives_up_after_five_days(state_folder):
    with never(state_folder, 0.0, 0.5, 0.999) as (cron, sink):
        cron.send(ANN)
        receipts = cron.every(HOUR, START + 6 * DAY)
        *before, last = receipts
        assert {state for _, state in states(before)} == {State.DEFERRED}
        (outcome,) = last.outcomes
        assert (outcome.state, last.exit_status) == (State.REFUSED, 69)
        assert outcome.reason == "given up after 5 days: 451 4.7.1 greylisted, try again later"
        first, *_, end = sink.tries[ANN]
        assert 5 * DAY <= end - first <= 5 * DAY + (1 + JITTER) * INTERVALS[-1] + HOUR
        assert cron.retry() == []
    assert phases(state_folder) == {("<1@a.test>", ANN): "refused"}
    assert untrue(ledger(sink.transactions), phases(state_folder), 69) == []


def test_who_is_given_up_takes_nobody_else_along(state_folder):
    with never(state_folder) as (cron, sink):
        cron.send(ANN)
        cron.every(6 * HOUR, START + 4 * DAY)
        sink.tries[BOB].append(-float("inf"))  # an old friend of the server's
        cron.send(ANN, BOB, number=2)
        cron.every(6 * HOUR, START + 6 * DAY)
    assert phases(state_folder) == {
        ("<1@a.test>", ANN): "refused",
        ("<2@a.test>", ANN): "deferred",
        ("<2@a.test>", BOB): "accepted",
    }


def test_who_was_deferred_by_a_clock_that_ran_ahead_is_not_kept_waiting_for_years(state_folder):
    with greylisted(state_folder, MINUTE) as (cron, sink):
        cron.clock.now = START + 12 * 365 * DAY
        cron.send(ANN)
        sink.tries[ANN] = [START - HOUR]
        cron.clock.now = START
        assert states(cron.retry()) == [(ANN, State.ACCEPTED)]


def test_octets_are_kept_while_somebody_waits_and_go_when_nobody_does(state_folder):
    with never(state_folder) as (cron, _):
        cron.send(ANN)
        cron.every(6 * HOUR, START + 4 * DAY)
        (waits,) = cron.entries()
        cron.every(6 * HOUR, START + 6 * DAY)
        (given_up,) = cron.entries()
    assert (waits.has_octets, given_up.has_octets) == (True, False)


def test_to_give_up_is_loud_even_where_retry_is_quiet(state_folder, tmp_path):
    with never(state_folder) as (cron, sink):
        cron.clock.now = time.time() - 6 * DAY
        cron.send(ANN)
        done = ccc("retry", "-q", "--smtp", f"smtp://127.0.0.1:{sink.port}", folder=tmp_path)
    assert done.status == 69
    assert "given up after 5 days" in done.err
    assert ANN in done.err
