"""Plans, findings and receipts in plain lines, for logs, pipes and screens alike.

No line begins with a digit: an MTA that runs ccc in a pipe would take it for a status.
"""

from collections.abc import Iterable, Iterator

from ccc.address import Mailbox
from ccc.cli.moments import shown
from ccc.cli.panels import NOBODY, Known, Panel, Row, envelope, header
from ccc.plan import Plan
from ccc.receipt import Outcome, Receipt, State, advice


def panel_lines(panel: Panel) -> Iterator[str]:
    """A panel: its title, then a line for each row."""
    yield panel.title
    texts = [text_of(row.what) for row in panel.rows]
    labels = max((len(row.label) for row in panel.rows), default=0)
    marked = (len(text) for row, text in zip(panel.rows, texts, strict=True) if row.mark)
    width = min(max(marked, default=0), 60)
    for row, text in zip(panel.rows, texts, strict=True):
        yield f"  {row.label:<{labels}}  {_marked(row, text, width)}".rstrip()


def text_of(what: Mailbox | str) -> str:
    """A person or a text."""
    return what.eyes() if isinstance(what, Mailbox) else what


def plan_lines(plan: Plan, way: str = "", known: Known = NOBODY) -> Iterator[str]:
    """Both panels of a plan, and its findings."""
    yield from panel_lines(envelope((plan,), way, known))
    yield from panel_lines(header(plan, known))
    yield from finding_lines(plan)


def finding_lines(plan: Plan) -> Iterator[str]:
    """One line for each finding."""
    return (f"{finding.level}: {finding.text}" for finding in plan.findings)


def accepted(receipt: Receipt) -> Iterable[Outcome]:
    """The recipients who have it."""
    return (outcome for outcome in receipt.outcomes if outcome.state is State.ACCEPTED)


def sent_lines(receipt: Receipt) -> Iterator[str]:
    """One line for each recipient who has it."""
    for outcome in accepted(receipt):
        to = outcome.mailbox.addr_spec
        if outcome.since is not None:
            yield f"{_name(receipt)}: {to} already delivered {shown(outcome.since)}, --again to repeat"
        else:
            second = "; it may be a second copy, since the first was in doubt" if outcome.second else ""
            yield f"sent {_name(receipt)} to {to}{_by(outcome)}{second}"


def failed_lines(receipt: Receipt, *, batch: bool = False) -> Iterator[str]:
    """One line for each recipient who has not, or may not have it, and one for the error.

    In a batch other messages may have been sent, so a second run must not name them again.
    """
    others = receipt.somebody_has_it
    for state in (State.REFUSED, State.DEFERRED, State.IN_DOUBT):
        for outcome in _in(receipt, state):
            to = outcome.mailbox.addr_spec
            alone = batch and state is State.DEFERRED and not outcome.entry
            spare = "; and this message alone" if alone else ""
            what = advice(outcome, others_have_it=others)
            when = f" {shown(outcome.since)}" if outcome.since is not None else ""
            yield f"{_name(receipt)}: {to} {state.value}{when}{_by(outcome)}; {what}{spare}"
    if receipt.error:
        named = receipt.error.what.startswith(repr(receipt.source))
        yield f"{receipt.error}" if named else f"{_name(receipt)}: {receipt.error}"


def _marked(row: Row, text: str, width: int) -> str:
    return f"{text:<{width}}  {row.mark}" if row.mark else text


def _in(receipt: Receipt, state: State) -> Iterable[Outcome]:
    return (outcome for outcome in receipt.outcomes if outcome.state is state)


def name_of(source: str) -> str:
    """A source as people call it."""
    return "standard input" if source == "-" else source


def _name(receipt: Receipt) -> str:
    return name_of(receipt.source)


def _by(outcome: Outcome) -> str:
    said = outcome.reply is not None or outcome.state is State.ACCEPTED
    hop = f" {'by' if said else 'at'} {outcome.hop}" if outcome.hop else ""
    return f"{hop}: {outcome.reason}" if outcome.reason else hop
