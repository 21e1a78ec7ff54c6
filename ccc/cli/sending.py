"""What `resend` and `redirect` both do: read, plan, show, ask, deliver, say.

At a terminal every plan is shown before one question is asked. Unattended nothing is asked, and a plan
is made when its turn has come, so that ten thousand messages need no more memory than one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING

from ccc.api import fresh_token, local_time
from ccc.cli import words
from ccc.cli.bug import report
from ccc.cli.choices import Choices
from ccc.cli.ledger import NOBODY_KNOWN, Standing, look_up, remind, terms_of
from ccc.cli.report import Report
from ccc.cli.save import save
from ccc.cli.signals import Interrupts
from ccc.cli.terminal import agreed, ask, say
from ccc.cli.way import logged_in
from ccc.errors import CccError, Interrupted, TryLaterError
from ccc.message import Message
from ccc.plan import Change, Mark, Plan, Request, make_plan
from ccc.receipt import Receipt
from ccc.routes.closed import Closed
from ccc.sources import is_stream, read_source

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.journal.journal import Journal, Terms
    from ccc.routes.route import Route

Bar = tuple[Callable[[int], None] | None, Callable[[], None]]  # told of octets, and of a message done

BIG = 4 << 20  # octets; more content than this gets a progress bar
MANY = 20  # messages; so does a batch of more


def send(request: Request, run: "Run") -> int:
    """Do what is asked; returns the exit status."""
    plans = run.plans(request)
    if run.terminal:
        plans = iter(run.shown_and_asked(list(plans)))
    if run.choices.dry_run:
        run.rehearse(plans)
    else:
        run.deliver(plans)
    if run.choices.left and not run.choices.quiet:
        say(f"--limit {run.choices.limit} left out {run.choices.left} more")
    return run.report.status


class Run:
    """One run: its command line, whether somebody can be asked, and how it went so far."""

    def __init__(
        self,
        choices: Choices,
        interrupts: Interrupts,
        way: "Route | None",
        journal: "Journal | None",
        *,
        terminal: bool,
    ) -> None:
        self.choices = choices
        self.sources = choices.taken
        self.interrupts = interrupts
        self.terminal = terminal
        self.way = way
        self.journal = journal
        self.terms: Terms | None = terms_of(choices) if journal else None
        batch = len(self.sources) > 1
        self.report = Report(interrupts, as_json=choices.as_json, quiet=choices.quiet, batch=batch)
        self._names: dict[str, str] = {}  # of the messages taken so far, by their digest

    def plans(self, request: Request) -> Iterator[Plan]:
        """The plan for each message; a bad one is said at once and does not stop the others."""
        now = local_time()
        streams = {source: _read(source) for source in self.sources if is_stream(source)}
        for source in self.sources:
            if self.interrupts.count:
                self.report.record(Receipt(source, error=self.interrupts.as_error()))
                continue
            try:
                message = read_source(source) if source not in streams else _given(streams[source])
                plan = make_plan(request, message, now=now, token=fresh_token())
                if self._taken_already(message):
                    continue
                self._save(plan)
            except Interrupted:
                raise
            except CccError as error:
                self.report.record(Receipt(source, error=error))
            except Exception as bug:  # noqa: BLE001  # ours, and no reason to keep the others waiting
                self.report.record(Receipt(source, error=CccError(report(bug))))
            else:
                self._say_findings(plan)
                yield plan

    def _taken_already(self, message: Message) -> bool:
        """The same message stands in this run before: nobody gets it twice."""
        if len(self.sources) == 1:
            return False
        digest = message.digest
        first = self._names.get(digest)
        if first is None:
            self._names[digest] = message.name
            return False
        if not self.choices.quiet:
            say(f"note: {message.name}: left out, it is the same message as {first}")
        return True

    def _say_findings(self, plan: Plan) -> None:
        """Where no panel shows them, what should be known before it is sent."""
        if not (self.terminal or self.choices.dry_run or self.choices.quiet or self.choices.as_json):
            gone = dict.fromkeys(edit.name for edit in plan.edits if edit.change is Change.LEFT_OUT)
            if gone:
                say(f"note: {words.name_of(plan.source)}: left out: {', '.join(gone)}")
            for finding in plan.findings:
                if finding.level == "warning" or finding.code == "identity-from-message":
                    say(f"{finding.level}: {words.name_of(plan.source)}: {finding.text}")

    def shown_and_asked(self, plans: list[Plan]) -> list[Plan]:
        """The same plans, when they were shown and the answer was yes; Declined if it was no."""
        if not plans:
            return plans
        standing = self._standing(plans)
        answered = self.choices.yes or self.choices.dry_run
        if standing.doubts and not answered and agreed(doubtful(plans, standing)):
            self.terms = self.terms and self.terms._replace(resend=True)
            standing = self._standing(plans)
        if not (self.choices.quiet and answered):
            self._show(plans, standing)
        if not answered and (who := standing.goes_to(plans)):
            ask(question(plans, who))
        return plans

    def _standing(self, plans: Sequence[Plan]) -> Standing:
        """What the journal knows of their recipients."""
        if self.journal is None or self.terms is None:
            return NOBODY_KNOWN
        return look_up(self.journal, plans, self.terms)

    def rehearse(self, plans: Iterable[Plan]) -> None:
        """Say what would be sent."""
        planned = False
        for plan in plans:
            planned = True
            if self.choices.as_json:
                self.report.data.json({**plan.as_json(), "known": self._standing([plan]).as_json()})
            elif not (self.terminal or self.choices.quiet):
                self._say_plan(plan)
        if planned and not self.choices.quiet and not self.choices.as_json:
            say("nothing was sent: this was a dry run")

    def deliver(self, plans: Iterator[Plan]) -> None:
        """Send them, and say what became of each."""
        first = next(plans, None)  # planned while a signal still ends the run at once
        if first is not None:
            self._deliver(first, plans)
        if self.journal is not None and not self.choices.quiet:
            remind(self.journal, self.report.in_doubt)

    def _deliver(self, first: Plan, others: Iterable[Plan]) -> None:
        from ccc.dispatch import deliver

        route, plans = self._route(first), chain((first,), others)
        self.interrupts.begin_sending()
        self.report.data.begin_sending()
        with self._bar(first) as (watch, tick):
            for receipt in deliver(
                plans, route, dsn=self.choices.dsn, watch=watch, journal=self.journal, terms=self.terms
            ):
                self.report.record(receipt)
                tick()

    def _route(self, first: Plan) -> "Route":
        """The route, logged in; where the one message has gone out before, nobody is asked for a password."""
        if len(self.sources) > 1 or self._standing([first]).goes_to([first]):
            return logged_in(self.way, self.choices)
        # Nothing should go this way; what another run lets go of at this moment must not go without a login.
        return Closed(TryLaterError("another ccc had it until now"))

    def _show(self, plans: list[Plan], standing: Standing) -> None:
        from ccc.cli.render import console, show_batch, show_plan

        way = self.way.name if self.way else ""
        screen = console(self.choices.color)
        if len(self.sources) == 1:
            show_plan(screen, plans[0], way, standing.marks(plans))
        else:
            show_batch(screen, plans, way, standing.marks(plans))

    def _say_plan(self, plan: Plan) -> None:
        standing = self._standing([plan])
        if self.choices.color == "always":
            self._show([plan], standing)
            return
        for line in words.plan_lines(plan, self.way.name if self.way else "", standing.marks([plan])):
            say(line)

    def _bar(self, first: Plan) -> AbstractContextManager[Bar]:
        many = len(self.sources)
        if not self.terminal or self.choices.quiet or (many <= MANY and first.content.size <= BIG):
            return nullcontext((None, lambda: None))
        from ccc.cli.render import console, progress

        return progress(console(self.choices.color), many, first.content.size)

    def _save(self, plan: Plan) -> None:
        """--save-bytes: the octets that are sent."""
        if self.choices.save_bytes == "-":
            for block in plan.content.blocks():
                self.report.data.octets(block)
        elif self.choices.save_bytes:
            save(plan, self.choices.save_bytes)


def _read(source: str) -> Message | CccError:
    """A stream, read whole before anything is sent: it may be slow, and a signal must end the wait."""
    try:
        return read_source(source)
    except Interrupted:
        raise
    except CccError as error:
        return error


def _given(read: Message | CccError) -> Message:
    if isinstance(read, CccError):
        raise read
    return read


def doubtful(plans: Sequence[Plan], standing: Standing) -> str:
    """The question about those who may have it from an earlier run."""
    from ccc.cli.moments import shown

    first, others = standing.doubts[0], len(standing.doubts) - 1
    some = f"{first.mailbox.eyes()} and {others} more" if others else first.mailbox.eyes()
    what = words.name_of(plans[0].source) if len(plans) == 1 else "some of these messages"
    when = shown(first.since or 0)
    return f"On {when} no answer came, so {some} may have {what} already. Send it there again?"


def question(plans: Sequence[Plan], paths: "Sequence[Mailbox] | None" = None) -> str:
    """The one question, which names whoever may have a message already; to all, or to `paths` alone."""
    paths = plans[0].envelope.forward_paths if paths is None else paths
    marked = (each for plan in plans for each in plan.recipients)
    again = tuple({who.eyes(): None for who, mark in marked if mark is Mark.SEEN and who in paths})
    whom = paths[0].eyes() if len(paths) == 1 else f"these {len(paths)} people"
    what = "it" if len(plans) == 1 else f"these {len(plans)} messages"
    if not again:
        return f"Send {what} to {whom}?"
    some = ", ".join(again[:3]) + (f" and {len(again) - 3} more" if len(again) > 3 else "")
    return f"{some} may have {what} already. Send {what} to {whom} all the same?"
