"""The terminal, the door to rich: two panels, a table for a batch, a bar for what takes long.

Nothing from outside is ever markup: every value becomes a Text by way of visible(). Each colour stands
beside a word that says the same.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, NamedTuple

from rich.box import ROUNDED
from rich.console import Console, Group
from rich.panel import Panel as Box
from rich.table import Table
from rich.text import Text

from ccc.address import Mailbox
from ccc.cli.panels import NOBODY, Known, Panel, Row, envelope, header
from ccc.cli.shelf import Row as Mail
from ccc.message.findings import Finding
from ccc.plan import Change, Mark, Plan
from ccc.visible import visible

WIDEST = 88  # columns; longer lines are hard to read
WIDEST_TABLE = 132  # of mails to pick, which are not read from end to end
STYLES = {
    Mark.NEW.value: "bold green",
    Mark.BLIND.value: "bold green",
    Mark.SEEN.value: "bold yellow",
    Mark.NEW_NOT_SENT.value: "magenta",
    Mark.SEEN_NOT_SENT.value: "dim",
    "warning": "bold yellow",
    "note": "cyan",
}


def console(
    color: str = "auto",
    file: IO[str] | None = None,
    *,
    stdout: bool = False,
    record: bool = False,
    width: int | None = None,
) -> Console:
    """A console for words; `color` is auto, always or never. NO_COLOR is rich's own business."""
    made = Console(
        file=file,
        stderr=file is None and not stdout,
        force_terminal=True if color == "always" else None,
        color_system=None if color == "never" else "auto",
        record=record,
        markup=False,
        highlight=False,
        emoji=False,
    )
    made.width = width or min(made.width, WIDEST)
    return made


def show_plan(screen: Console, plan: Plan, way: str = "", known: Known = NOBODY) -> None:
    """Both panels, then a line for each finding."""
    for panel in (envelope((plan,), way, known), header(plan, known)):
        screen.print(box(panel))
    show_findings(screen, plan.findings)


class Batch(NamedTuple):
    """What to say of a batch besides its plans: its way, and who is known from earlier runs."""

    way: str = ""
    known: Known = NOBODY
    of_each: Sequence[Known] = ()  # the same for each plan, in a word
    going: Sequence[int] | None = None  # the numbers of the plans that go out; None: all


def show_batch(screen: Console, plans: Sequence[Plan], batch: Batch) -> None:
    """Who gets the mails, one table of them, what changes in their headers, and each finding once."""
    screen.print(box(envelope(plans, batch.way, batch.known)))
    of_each = batch.of_each or [NOBODY] * len(plans)
    going = range(len(plans)) if batch.going is None else batch.going
    table = Table(box=ROUNDED, expand=True, title="Header: what they see", title_justify="left")
    table.add_column("Message", overflow="fold")
    for name in ("From", "Subject"):
        table.add_column(name, overflow="fold", ratio=1)
    table.add_column("People", overflow="fold")
    for plan, known in zip(plans, of_each, strict=True):
        table.add_row(*map(text, (plan.source, plan.author, plan.subject)), _seen_by(plan, known))
    screen.print(table)
    screen.print(box(changes([plans[number] for number in going], [of_each[number] for number in going])))
    counted = Counter(finding for plan in plans for finding in plan.findings)
    show_findings(screen, counted, lambda finding: _times(counted[finding]))


def show_findings(
    screen: Console, findings: Iterable[Finding], suffix: Callable[[Finding], str] = lambda _: ""
) -> None:
    """One line for each finding, its level first."""
    for finding in findings:
        line = Text(f"{finding.level}: ", STYLES[finding.level])
        screen.print(line.append(visible(finding.text) + suffix(finding), "default"))


def box(panel: Panel) -> Box:
    """A panel in a frame: labels, what they stand for, and the marks."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(no_wrap=True)
    for row in panel.rows:
        what = person(row.what) if isinstance(row.what, Mailbox) else text(row.what)
        grid.add_row(text(row.label), what, Text(row.mark, STYLES.get(row.mark.partition(" (")[0], "")))
    return Box(grid, box=ROUNDED, title=text(panel.title, "bold"), title_align="left")


def person(mailbox: Mailbox) -> Text:
    """Name and address; the address is bold where the name could be taken for one."""
    shown = visible(mailbox.eyes())
    name, bracket, address = shown.rpartition("<")
    deceiving = "@" in mailbox.name
    return Text(name + bracket).append(address, "bold" if deceiving else "default")


def text(value: str, style: str = "") -> Text:
    """A value from outside, made harmless."""
    return Text(visible(value), style)


@contextmanager
def progress(
    screen: Console, messages: int, octets: int
) -> Iterator[tuple[Callable[[int], None] | None, Callable[[], None]]]:
    """A bar: of octets for one message, else of messages. It is gone when all is done."""
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

    done = MofNCompleteColumn() if messages > 1 else DownloadColumn()
    with Progress(TextColumn("sending"), BarColumn(), done, console=screen, transient=True) as bar:
        task = bar.add_task("", total=messages if messages > 1 else octets)
        if messages > 1:
            yield None, lambda: bar.advance(task)
        else:
            yield lambda more: bar.advance(task, more), lambda: None


def mail_table(
    title: str, mails: Sequence[tuple[Mail, bool]], at: int, foot: Iterable[str], people: str = "From"
) -> Group:
    """Mails that can be picked, each with whether it is marked; `at` is where the cursor stands."""
    table = Table(box=ROUNDED, expand=True, title=text(title, "bold"), title_justify="left")
    for name, width in (("", 2), ("Date", 16), ("", 3)):
        table.add_column(name, width=width, no_wrap=True)
    for name, ratio in ((people, 2), ("Subject", 3)):
        table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
    table.add_column("Size", width=6, justify="right", no_wrap=True)
    for place, (mail, marked) in enumerate(mails):
        sign = ">" * (place == at) + "*" * marked
        cells = (mail.when, mail.flags, mail.who, mail.subject, mail.size)
        style = "bold green" if marked else ""
        table.add_row(f"{sign:>2}", *map(text, cells), style=f"{style} reverse" if place == at else style)
    return Group(table, *map(text, foot))


@contextmanager
def redrawn(screen: Console) -> Iterator[Callable[[Group], None]]:
    """A place on the screen where one thing is drawn after another, as wide as it is now; gone at the end."""
    from rich.live import Live

    with Live(
        console=screen, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
    ) as live:

        def draw(what: Group) -> None:
            screen.width = min(os.get_terminal_size(2).columns, WIDEST_TABLE)
            live.update(what, refresh=True)

        yield draw


def changes(plans: Sequence[Plan], of_each: Sequence[Known] = ()) -> Panel:
    """What the headers of a batch gain and lose, each with the number of messages where it is not all.

    Those who are known, by `of_each` plan, are in the new fields and get nothing, or get it again.
    """
    people = Counter(
        (name, who, known.get(who.key, mark.value))
        for plan, known in zip(plans, of_each or [NOBODY] * len(plans), strict=True)
        for name, marked in plan.shown.lists()
        for who, mark in marked
        if mark in (Mark.NEW, Mark.NEW_NOT_SENT)
    )
    resent = Counter(plan.identity for plan in plans if plan.resent_message_id)
    rows = [Row("Resent-From", who, _some(count, plans)) for who, count in resent.items()]
    rows += [Row(name, who, mark + _some(count, plans)) for (name, who, mark), count in people.items()]
    rows += _left_out(plans)
    return Panel("Header: what changes", tuple(rows or [Row("", "nothing")]))


def _left_out(plans: Sequence[Plan]) -> Iterator[Row]:
    """The fields that are left out; those of one reason and one number together."""
    gone = Counter(field for plan in plans for field in _gone(plan))
    together: dict[tuple[str, int], list[str]] = {}
    for (name, reason), count in gone.items():
        together.setdefault((reason, count), []).append(name)
    for (reason, count), names in together.items():
        yield Row("Left out", f"{', '.join(names)}{_some(count, plans)}: {reason}")


def _gone(plan: Plan) -> Iterable[tuple[str, str]]:
    """The name of each field that is left out, and why, once."""
    return dict.fromkeys((edit.name, edit.reason) for edit in plan.edits if edit.change is Change.LEFT_OUT)


def _some(count: int, plans: Sequence[Plan]) -> str:
    return f" ({count} of {len(plans)})" if count < len(plans) else ""


def _seen_by(plan: Plan, known: Known) -> Text:
    people = (each for _, marked in plan.shown.lists() for each in marked)
    marks = Counter(known.get(who.key, mark.value) for who, mark in people)
    return Text("\n").join(Text(f"{count} {mark}", STYLES.get(mark, "")) for mark, count in marks.items())


def _times(count: int) -> str:
    return f" ({count} messages)" if count > 1 else ""
