"""The journal: what ccc means to send, how far it has come, and what became of it.

A delivery is *entered* (with its exact octets) before the server hears of it, *noted* as sending before MAIL
and as committing before its last octet, and *settled* with each recipient's outcome before ccc says it. Each
is on disk before the next thing happens; what is done at the same time costs one commit. So whenever ccc is
killed, the phase on disk says whether the server can have the message (RFC 1047): it cannot before
`committing`, and nobody knows from there to the answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import NamedTuple, Self

from ccc.address import Mailbox, parse_mailbox
from ccc.config import Config, InDoubt
from ccc.delivery import Delivery, Dsn, Settled, Stage, Watch, watched
from ccc.duration import shown
from ccc.envelope import Envelope
from ccc.errors import CopyUnreadable, Kind, StateError
from ccc.journal.claims import Run, is_alive, sweep
from ccc.journal.contents import Contents, Prepared
from ccc.journal.origins import remember
from ccc.journal.records import Records
from ccc.journal.reserve import Reserve
from ccc.journal.schedule import interval
from ccc.journal.store import JournalFull, Store
from ccc.journal.verdict import (
    Act,
    Known,
    act_on,
    in_doubt_cure,
    intent_of,
    key_of,
    outcome_of,
    outcome_unread,
)
from ccc.plan import Plan
from ccc.receipt import Outcome, State


class Terms(NamedTuple):
    """How the deliveries of a run go out, for `ccc retry` to do the same, and what is repeated."""

    way: Mapping[str, object] = MappingProxyType({})
    dsn: Dsn | None = None
    again: bool = False  # repeat what was accepted or refused
    resend: bool = False  # repeat what is in doubt
    watch: Watch | None = None  # who is told how far the contents have gone out


class Entered(NamedTuple):
    """What is to be sent for a plan, and what became of those whom this run leaves alone."""

    deliveries: tuple[Delivery, ...]
    outcomes: tuple[Outcome, ...]


class Reviewed(NamedTuple):
    """What would be done about a recipient, and what became of it before; None if nobody knows of it."""

    mailbox: Mailbox
    act: Act
    outcome: Outcome | None
    on_word: bool  # it is left alone in doubt, and the user could have the same sent again


class _Held(NamedTuple):
    """What this run has in its hands: the rows of a delivery's recipients."""

    entry: int
    name: str
    planned: float
    rows: dict[tuple[str, str], "_Row"]


class _Row(NamedTuple):
    id: int
    attempts: int
    second: bool  # it was in doubt: this may be a second copy


class _Fresh(NamedTuple):
    """A recipient for whom a new entry is made, and whose place it takes."""

    mailbox: Mailbox
    key: bytes
    known: Known | None


class _Sorted(NamedTuple):
    """The recipients of a plan: to be entered, left by an earlier run in an entry, and to be left alone."""

    fresh: list[_Fresh]
    left: dict[int, list[Known]]
    outcomes: list[Outcome]


class Journal:
    """The journal of a state folder, for one run; a Witness of what the routes do."""

    def __init__(
        self, folder: Path, config: Config, *, clock: Callable[[], float], chance: Callable[[], float]
    ) -> None:
        self.folder = folder
        self.store = Store(folder / "journal.db")
        self.contents = Contents(folder, self.store)
        self.clock = clock
        self.config = config
        self._records = Records(self.store)
        self._reserve = Reserve(folder / "journal.db-reserve")
        self._chance = chance
        self._run: Run | None = None
        self._held: dict[Delivery, _Held] = {}
        self._noted: dict[int, Stage] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back; what is not settled is for another run to take up."""
        self.store.close()
        if self._run is not None:
            self._run.end()

    @property
    def run(self) -> Run:
        """The claim of this run on what it has in its hands."""
        if self._run is None:
            with suppress(StateError):  # what stays does no harm
                sweep(self.folder)
                self.store.sweep()
            self._run = Run.begin(self.folder)
        return self._run

    def review(self, plan: Plan, terms: Terms) -> Iterator[Reviewed]:
        """What would be done about each recipient; nothing is written."""
        intent, digest = intent_of(plan), bytes.fromhex(plan.message.digest)
        for mailbox in plan.envelope.forward_paths:
            known = self._records.known(key_of(digest, plan.action, mailbox))
            act = self._act(known, intent, terms)
            on_word = act is not self._act(known, intent, terms._replace(resend=True))
            yield Reviewed(mailbox, act, outcome_of(known, mailbox) if known else None, on_word)

    def prepare(self, plan: Plan) -> Prepared:
        """The octets of a plan, ready to be entered; MessageError if they cannot be read."""
        return self.contents.prepare(plan, self.run.name)

    def enter(self, prepared: Sequence[Prepared], terms: Terms) -> list[Entered]:
        """Enter what is new and take up what is left from earlier runs; on disk when this returns."""
        try:
            self._reserve.keep()
            with self.store.transaction():
                self.recover()
                way = self._records.way(terms.way)
                return [self._enter(one, terms, way) for one in prepared]
        finally:
            for one in prepared:
                one.drop()

    def note(self, delivery: Delivery, forward_paths: tuple[Mailbox, ...], stage: Stage) -> None:
        """Remember how far a delivery is about to come."""
        rows = self._held[delivery].rows
        self._noted.update((rows[mailbox.key].id, stage) for mailbox in forward_paths)

    def secure(self) -> None:
        """Bring what was noted to the disk; StateError if that cannot be done."""
        if self._noted:
            with self.store.transaction():
                self._records.advance(self._noted, self.clock())
            self._noted.clear()

    def settle(self, news: Iterable[Settled]) -> list[Settled]:
        """Record what became of recipients; the same news as the journal sees it."""
        now = self.clock()
        judged = [Settled(each.delivery, tuple(self._judged(each, now))) for each in news]
        try:
            self._write(judged, now)
        except JournalFull:
            self._reserve.spend()
            self._write(judged, now)
        self._noted.clear()
        self.contents.sweep()
        for delivery, outcomes in judged:
            rows = self._held[delivery].rows
            for outcome in outcomes:
                del rows[outcome.mailbox.key]
            if not rows:
                del self._held[delivery]
        return judged

    def _write(self, judged: Iterable[Settled], now: float) -> None:
        """Bring what became of recipients to the disk, and with the same commit what is about to go out."""
        with self.store.transaction():
            self._records.advance(self._noted, now)
            for each in judged:
                self._record(each, now)

    def recover_if_needed(self) -> None:
        """Take from runs that have died what they held in their hands; where none has, nothing is written."""
        if any(self._dead_runs()):
            with self.store.transaction():
                self.recover()

    def recover(self) -> None:
        """The same in a transaction."""
        for run in self._dead_runs():
            self._records.take_from(run, self.clock())

    def _dead_runs(self) -> Iterator[str]:
        """The runs that have something in their hands and do not run any more."""
        return (run for run in self._records.runs() if not is_alive(self.folder, run))

    def take_up(self, entry: int, rows: Sequence[Known], watch: Watch | None = None) -> Delivery | None:
        """In a transaction: take what is stored for these recipients; None if its octets are gone.

        CopyUnreadable if they cannot be read now: then nothing has changed.
        """
        content = self.contents.stored(entry)
        if content is None:
            return None
        self._reserve.keep()
        self._records.claim(rows, self.run.name)
        path, dsn, filed = self._records.way_back(entry)
        envelope = Envelope(path, tuple(parse_mailbox(each.address) for each in rows))
        second = any(each.in_doubt for each in rows)
        delivery = Delivery(envelope, watched(content, watch), dsn, rows[0].name, filed, second)
        held = {
            mailbox.key: _Row(each.id, each.attempts, each.in_doubt)
            for mailbox, each in zip(envelope.forward_paths, rows, strict=True)
        }
        self._held[delivery] = _Held(entry, rows[0].name, rows[0].planned, held)
        return delivery

    def _act(self, known: Known | None, intent: bytes, terms: Terms) -> Act:
        resend = terms.resend or self.config.in_doubt is InDoubt.RESEND
        return act_on(known, intent, again=terms.again, resend=resend)

    def _enter(self, prepared: Prepared, terms: Terms, way: int) -> Entered:
        """Enter one plan: its new recipients, and those of earlier entries that have not got it."""
        plan, intent = prepared.plan, intent_of(prepared.plan)
        if plan.message.origin is not None:
            remember(self.store, plan.message.origin, prepared.digest)
        fresh, left, outcomes = self._sorted(prepared, intent, terms)
        deliveries = []
        for entry, rows in left.items():
            try:
                delivery = self.take_up(entry, rows, terms.watch)
            except CopyUnreadable as error:  # it may be readable the next time
                outcomes += (outcome_unread(each, error) for each in rows)
                continue
            if delivery is not None:
                deliveries.append(delivery)
                if terms.way:  # `ccc retry` goes the way that was named last
                    self._records.reroute(entry, way)
            else:  # its octets are gone, and here they are again
                fresh += (self._anew(prepared, each) for each in rows)
        for one in fresh:
            if one.known is not None:
                self._records.supersede(one.known)
                self.contents.drop_if_settled(one.known.entry)
        if fresh:
            deliveries.append(self._insert(prepared, intent, fresh, terms, way))
        return Entered(tuple(deliveries), tuple(outcomes))

    def _sorted(self, prepared: Prepared, intent: bytes, terms: Terms) -> _Sorted:
        """The recipients of a plan by what this run does about them."""
        plan, found = prepared.plan, _Sorted([], {}, [])
        for mailbox in plan.envelope.forward_paths:
            key = key_of(prepared.digest, plan.action, mailbox)
            known = self._records.known(key)
            act = self._act(known, intent, terms)
            if known is None or act is Act.ENTER:
                found.fresh.append(_Fresh(mailbox, key, known))
            elif act is Act.TAKE_UP:
                found.left.setdefault(known.entry, []).append(known)
            else:
                found.outcomes.append(outcome_of(known, mailbox))
        return found

    def _anew(self, prepared: Prepared, known: Known) -> _Fresh:
        mailbox = parse_mailbox(known.address)
        return _Fresh(mailbox, key_of(prepared.digest, prepared.plan.action, mailbox), known)

    def _insert(
        self, prepared: Prepared, intent: bytes, fresh: Sequence[_Fresh], terms: Terms, way: int
    ) -> Delivery:
        """A new entry."""
        envelope, now, subjects = prepared.plan.envelope, self.clock(), self.config.journal_subjects
        entry, name = self._records.insert(prepared, intent, way, terms.dsn, now, with_subject=subjects)
        content = watched(self.contents.keep(entry, prepared), terms.watch)
        if len(fresh) < len(envelope.forward_paths):
            envelope = Envelope(envelope.reverse_path, tuple(one.mailbox for one in fresh))
        delivery = Delivery(envelope, content, terms.dsn, name, prepared.plan.message.filed)
        rows = {}
        for mailbox, key, known in fresh:
            second = bool(known and known.in_doubt)
            number = self._records.insert_recipient(entry, key, mailbox, self.run.name, now, second=second)
            rows[mailbox.key] = _Row(number, 0, second)
        self._held[delivery] = _Held(entry, name, now, rows)
        return delivery

    def _judged(self, settled: Settled, now: float) -> Iterator[Outcome]:
        """The outcomes with what the journal knows: the ID, whether it is given up, what comes next."""
        held = self._held[settled.delivery]
        for outcome in settled.outcomes:
            row = held.rows[outcome.mailbox.key]
            outcome = replace(outcome, entry=held.name, second=row.second)
            match outcome.state:
                case State.IN_DOUBT:
                    yield replace(outcome, cure=in_doubt_cure(held.name))
                case State.DEFERRED if now - held.planned >= self.config.retry_for:
                    reason = f"given up after {shown(self.config.retry_for)}: {outcome.reason}"
                    yield replace(outcome, state=State.REFUSED, kind=Kind.REFUSED, reason=reason, cure="")
                case _:
                    yield outcome

    def _record(self, settled: Settled, now: float) -> None:
        """In a transaction: write down what became of some recipients of a delivery."""
        held = self._held[settled.delivery]
        for outcome in settled.outcomes:
            row = held.rows[outcome.mailbox.key]
            again = self._comes_again(outcome)
            later = now + interval(row.attempts + 1, self._chance()) if again else None
            self._records.settle(row.id, outcome, now, later)
        self.contents.drop_if_settled(held.entry)

    def _comes_again(self, outcome: Outcome) -> bool:
        """Whether `ccc retry` will try it without being told to."""
        doubt = outcome.state is State.IN_DOUBT and self.config.in_doubt is InDoubt.RESEND
        return doubt or outcome.state is State.DEFERRED
