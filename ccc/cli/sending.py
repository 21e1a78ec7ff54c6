"""What `resend` and `redirect` both do: read, plan, show, ask, deliver, say.

At a terminal every plan is shown before one question is asked. Unattended nothing is asked, and a plan
is made when its turn has come, so that ten thousand messages need no more memory than one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain, groupby
from typing import TYPE_CHECKING, NamedTuple

from ccc.api import fresh_token, local_time
from ccc.cli import words
from ccc.cli.after import Aftermath
from ccc.cli.bug import report
from ccc.cli.choices import Choices
from ccc.cli.ledger import NOBODY_KNOWN, Standing, look_up, remind, terms_of
from ccc.cli.report import Report
from ccc.cli.save import save
from ccc.cli.signals import Interrupts
from ccc.cli.taken import Taken
from ccc.cli.terminal import agreed, ask, say
from ccc.cli.ways import Way, Ways
from ccc.errors import CccError, Declined, Interrupted, TryLaterError
from ccc.message import Message
from ccc.plan import Change, Mark, Plan, Request
from ccc.receipt import Receipt
from ccc.routes.closed import Closed

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.journal.journal import Journal, Terms
    from ccc.routes.route import Route

Bar = tuple[Callable[[int], None] | None, Callable[[], None]]  # told of octets, and of a message done

SAID = ("identity-from-message", "foreign-from")  # notes that nobody should miss
BIG = 4 << 20  # octets; more content than this gets a progress bar


class Tools(NamedTuple):
    """What a run works with."""

    ways: Ways
    taken: Taken
    after: Aftermath
    journal: "Journal | None"


def send(run: "Run") -> int:
    """Do what is asked; returns the exit status."""
    plans = run.plans()
    if run.terminal:
        plans = iter(run.shown_and_asked(list(plans)))
    if run.choices.dry_run:
        run.rehearse(plans)
    else:
        run.deliver(plans)
    if (left := run.taken.left()) and not run.choices.quiet:
        say(f"--limit {run.choices.limit} left out {left} more")
    return run.report.status


class Run:
    """One run: its command line, whether somebody can be asked, and how it went so far."""

    def __init__(self, choices: Choices, interrupts: Interrupts, tools: Tools, *, terminal: bool) -> None:
        self.choices = choices
        self.interrupts = interrupts
        self.terminal = terminal
        self.ways, self.taken, self.after, self.journal = tools
        self.terms: Terms | None = terms_of(choices) if self.journal else None
        several = self.taken.several
        self.report = Report(
            interrupts, as_json=choices.as_json, quiet=choices.quiet, batch=several, sums_up=several
        )
        self.planned = 1  # messages, where all of them were planned before the first was sent
        self._names: dict[tuple[str, Request], str] = {}  # of the messages taken so far, by digest and way

    def plans(self) -> Iterator[Plan]:
        """The plan for each message; a bad one is said at once and does not stop the others."""
        now = local_time()
        for item in self.taken:
            if self.interrupts.count:
                self.report.leave(item.name)
                continue
            try:
                message = item.read()
                plan = self.ways.planned(message, now=now, token=fresh_token())
                self.after.check(self.ways.of_plan(plan))
                if self._taken_already(message, plan):
                    continue
                self._save(plan)
            except Interrupted:
                if not self.interrupts.are_counted:
                    raise
                self.report.leave(item.name)
            except CccError as error:
                self.report.record(Receipt(item.name, error=error))
            except Exception as bug:  # noqa: BLE001  # ours, and no reason to keep the others waiting
                self.report.record(Receipt(item.name, error=CccError(report(bug))))
            else:
                self._say_findings(plan)
                yield plan

    def _taken_already(self, message: Message, plan: Plan) -> bool:
        """The same message went the same way in this run before: nobody gets it twice."""
        if not self.taken.several:
            return False
        key = (message.digest, plan.request)
        first = self._names.get(key)
        if first is None:
            self._names[key] = message.name
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
                if finding.level == "warning" or finding.code in SAID:
                    say(f"{finding.level}: {words.name_of(plan.source)}: {finding.text}")

    def shown_and_asked(self, plans: list[Plan]) -> list[Plan]:
        """The same plans, when they were shown and the answer was yes; Declined if it was no."""
        if not plans:
            return plans
        self.planned = len(plans)
        order = {request: place for place, request in enumerate(dict.fromkeys(map(_request, plans)))}
        plans.sort(key=lambda plan: order[plan.request])  # what goes out the same way stands together
        standing = self._standing(plans)
        answered = self.choices.yes or self.choices.dry_run
        if standing.doubts and not answered and agreed(doubtful(plans, standing)):
            self.terms = self.terms and self.terms._replace(resend=True)
            standing = self._standing(plans)
        if not (self.choices.quiet and answered):
            self._show(plans, standing)
        if not answered and (who := standing.goes_to(plans)):
            going = [plans[number] for number in standing.going(plans)]
            ask(question(going, who, batch=len(plans) > 1))
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
            with self._bar(first) as bar:
                some = self._until_a_signal(chain((first,), plans))
                try:
                    for number, (_, group) in enumerate(groupby(some, key=_request)):
                        self._deliver(group, bar, first=not number)
                finally:
                    self.after.finish()
                    self.report.finish(journal=self.journal is not None)
        if self.journal is not None and not self.choices.quiet:
            remind(self.journal, self.report.in_doubt)

    def _until_a_signal(self, plans: Iterable[Plan]) -> Iterator[Plan]:
        """The plans; those whose turn comes after a signal are not begun."""
        for plan in plans:
            if self.interrupts.count:
                self.report.leave(plan.source, plan)
            else:
                yield plan

    def _deliver(self, plans: Iterator[Plan], bar: Bar, *, first: bool) -> None:
        """Send those that go out the same way."""
        from ccc.dispatch import deliver

        head, (watch, tick) = next(plans), bar
        group = chain((head,), plans)
        try:
            way, route = self.ways.of_plan(head), self._route(head)
        except Declined:
            raise
        except CccError as error:
            if first:
                raise
            self._leave(group, error)
            return
        self.interrupts.begin_sending()
        self.report.data.begin_sending()
        for receipt in deliver(
            group,
            route,
            dsn=self.choices.dsn,
            watch=watch,
            journal=self.journal,
            terms=self._terms(way),
        ):
            if isinstance(receipt.plan, Plan):
                receipt = self.after.followed(receipt, receipt.plan, way)
            self.report.record(receipt)
            tick()

    def _leave(self, plans: Iterable[Plan], error: CccError) -> None:
        """These cannot go out; others have gone, by another account."""
        for plan in plans:
            self.report.record(Receipt(plan.source, error=error, plan=plan))

    def _terms(self, way: Way) -> "Terms | None":
        """How the journal says that these went out."""
        return self.terms and self.terms._replace(way=terms_of(self.choices, way.account).way)

    def _route(self, first: Plan) -> "Route":
        """The route, logged in; where the one message has gone out before, nobody is asked for a password."""
        if self.taken.several or self._standing([first]).goes_to([first]):
            return self.ways.open(first)
        # Nothing should go this way; what another run lets go of at this moment must not go without a login.
        return Closed(TryLaterError("another ccc had it until now"))

    def _show(self, plans: list[Plan], standing: Standing) -> None:
        from ccc.cli.render import Batch, console, show_batch, show_plan

        way = ", ".join(dict.fromkeys(map(self._by, plans)))
        screen = console(self.choices.color)
        if self.taken.several:
            batch = Batch(way, standing.marks(plans), standing.of_each(plans), standing.going(plans))
            show_batch(screen, plans, batch)
        else:
            show_plan(screen, plans[0], way, standing.marks(plans))

    def _by(self, plan: Plan) -> str:
        """Where a plan goes, and where a copy of it is kept."""
        way = self.ways.of_plan(plan)
        return way.name + self.after.words(way)

    def _say_plan(self, plan: Plan) -> None:
        standing = self._standing([plan])
        if self.choices.color == "always":
            self._show([plan], standing)
            return
        for line in words.plan_lines(plan, self._by(plan), standing.marks([plan])):
            say(line)

    def _bar(self, first: Plan) -> AbstractContextManager[Bar]:
        if not self.terminal or self.choices.quiet or not (self.taken.many or first.content.size > BIG):
            return nullcontext((None, lambda: None))
        from ccc.cli.render import console, progress

        return progress(console(self.choices.color), self.planned, first.content.size)

    def _save(self, plan: Plan) -> None:
        """--save-bytes: the octets that are sent."""
        if self.choices.save_bytes == "-":
            for block in plan.content.blocks():
                self.report.data.octets(block)
        elif self.choices.save_bytes:
            save(plan, self.choices.save_bytes)


def _request(plan: Plan) -> Request:
    """What plans have in common that go out the same way."""
    return plan.request


def doubtful(plans: Sequence[Plan], standing: Standing) -> str:
    """The question about those who may have it from an earlier run."""
    from ccc.cli.moments import shown

    first, others = standing.doubts[0], len(standing.doubts) - 1
    some = f"{first.mailbox.eyes()} and {others} more" if others else first.mailbox.eyes()
    what = words.name_of(plans[0].source) if len(plans) == 1 else "some of these messages"
    when = shown(first.since or 0)
    return f"On {when} no answer came, so {some} may have {what} already. Send it there again?"


def question(plans: Sequence[Plan], paths: "Sequence[Mailbox] | None" = None, *, batch: bool = False) -> str:
    """The one question, which names whoever may have a message already; to all, or to `paths` alone.

    The only one of a `batch` that goes out is called by its name.
    """
    paths = plans[0].envelope.forward_paths if paths is None else paths
    marked = (each for plan in plans for each in plan.recipients)
    again = tuple({who.eyes(): None for who, mark in marked if mark is Mark.SEEN and who in paths})
    whom = paths[0].eyes() if len(paths) == 1 else f"these {len(paths)} people"
    one = words.name_of(plans[0].source) if batch else "it"
    what = one if len(plans) == 1 else f"these {len(plans)} messages"
    if not again:
        return f"Send {what} to {whom}?"
    some = ", ".join(again[:3]) + (f" and {len(again) - 3} more" if len(again) > 3 else "")
    return f"{some} may have {what} already. Send {what} to {whom} all the same?"
