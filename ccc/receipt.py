"""What became of each recipient, and the exit status of a run.

A message has no fate of its own: each recipient has one (RFC 5321, 3.3). A receipt is the list of them,
or the error that came before the first of them. This is the only place that turns a kind of failure into
an exit status, so that one message and a batch of ten thousand follow the same rule.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol

from ccc.address import Mailbox
from ccc.errors import CccError, Kind
from ccc.smtp.replies import Reply

SCHEMA = 1

# The numbers are those of sysexits.h, which Postfix pipes, .forward files and cron wrappers read.
EXIT: dict[Kind, int] = {
    Kind.DECLINED: 1,
    Kind.USAGE: 64,
    Kind.MESSAGE: 65,
    Kind.SOURCE: 66,
    Kind.DOMAIN: 68,
    Kind.REFUSED: 69,
    Kind.BUG: 70,
    Kind.CANNOT_WRITE: 73,
    Kind.NOT_RECORDED: 74,
    Kind.TRY_LATER: 75,
    Kind.PROTOCOL: 76,
    Kind.PERMISSION: 77,
    Kind.CONFIGURATION: 78,
    Kind.INTERRUPTED: 130,
}

# A run exits with the first of these that occurred: what running again can still change comes first.
# 76 is no result of a delivery (there it is deferred or in doubt), so it stands beside 75.
WORST_FIRST = (130, 75, 76, 70, 78, 77, 74, 73, 69, 68, 65, 66, 64, 1, 0)


class State(Enum):
    """Where one recipient's copy is."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    IN_DOUBT = "in doubt"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recipient: its state, the reply that decided, and at which hop.

    `reason` says why in one sentence, with the reply's text where a reply decided; `cure` is the next
    step where one is known. `kind` is None exactly when it was accepted.

    With a journal, `entry` is the ID there; `since` is the Unix time at which an earlier run came to this
    outcome, None if this one did; `second` says that it may be a second copy, the first one being in doubt.
    """

    mailbox: Mailbox
    state: State
    reply: Reply | None = None
    reason: str = ""
    kind: Kind | None = None
    hop: str = ""
    cure: str = ""
    entry: str = ""
    since: float | None = None
    second: bool = False

    def __post_init__(self) -> None:
        if (self.state is State.ACCEPTED) != (self.kind is None):
            raise ValueError(f"an outcome cannot be {self.state.value} with the kind {self.kind}")

    @property
    def exit_status(self) -> int:
        """The exit status that this recipient alone would give.

        In doubt is always 75. So is what a signal cut short: the run, not the recipient, was
        interrupted, and status_of() says by what.
        """
        if self.kind is None:
            return 0
        if self.state is State.IN_DOUBT or self.kind is Kind.INTERRUPTED:
            return EXIT[Kind.TRY_LATER]
        return EXIT[self.kind]

    def as_json(self) -> dict[str, object]:
        """The outcome for `--json`; the reply is the server's own text, not yet made visible."""
        return {
            "recipient": self.mailbox.addr_spec,
            "state": self.state.value,
            "kind": self.kind.value if self.kind else None,
            "reason": self.reason,
            "cure": self.cure,
            "reply": reply_json(self.reply),
            "hop": self.hop,
            "id": self.entry,
            "since": self.since,
            "second_copy": self.second,
        }


def advice(outcome: Outcome, *, others_have_it: bool = False) -> str:
    """What to do about an outcome: nothing, or the next step in a few words."""
    match outcome.state:
        case State.ACCEPTED:
            return ""
        case State.IN_DOUBT:  # RFC 1047, 2: no protocol can close this gap
            asked = "it may have arrived, so ask the recipient before sending it again"
            return outcome.cure if outcome.entry else asked
        case State.REFUSED:
            return outcome.cure or "it is refused for good"
        case _ if outcome.since is not None:
            return outcome.cure
        case _:
            return _next_attempt(outcome, others_have_it=others_have_it)


def _next_attempt(outcome: Outcome, *, others_have_it: bool) -> str:
    """What to do about a recipient for whom it can be tried again."""
    if outcome.entry:  # the journal keeps it: nobody is named again, nobody gets it twice
        again = f"`ccc retry {outcome.entry}` tries again"
    elif others_have_it:
        again = "name only those who were deferred, and try again"
    else:
        again = "try again" if outcome.cure else "try again later"
    return f"{outcome.cure}, then {again}" if outcome.cure else again


class Planned(Protocol):
    """What a receipt needs of a plan."""

    def as_json(self) -> dict[str, object]:
        """Its facts, for `--json`."""


class Receipt(NamedTuple):
    """What became of one message: an outcome for each recipient, and an error where there was one.

    An error without outcomes stopped the message before anything was sent; an error beside outcomes
    says what happened besides, such as a record that could not be written.
    """

    source: str
    outcomes: tuple[Outcome, ...] = ()
    error: CccError | None = None
    plan: Planned | None = None

    @property
    def exit_status(self) -> int:
        """The exit status that this message alone would give."""
        return exit_status((self,))

    def statuses(self) -> Iterator[int]:
        """The exit status of each recipient, and of the error."""
        yield from (outcome.exit_status for outcome in self.outcomes)
        if self.error:
            yield status_of(self.error)

    @property
    def somebody_has_it(self) -> bool:
        """A recipient has it, or may have it: a second run must not name them again."""
        return any(outcome.state in (State.ACCEPTED, State.IN_DOUBT) for outcome in self.outcomes)

    def as_json(self) -> dict[str, object]:
        """The receipt for `--json`, schema 1, with what its plan said."""
        return {
            **(self.plan.as_json() if self.plan else {}),
            "schema": SCHEMA,
            "source": self.source,
            "outcomes": [outcome.as_json() for outcome in self.outcomes],
            "error": error_json(self.error),
            "exit_status": self.exit_status,
        }


def exit_status(receipts: Iterable[Receipt]) -> int:
    """The exit status of a run: the worst that occurred, 0 if nothing went wrong."""
    return worst(status for receipt in receipts for status in receipt.statuses())


def status_of(error: CccError) -> int:
    """The exit status of an error that ended something; only Ctrl-C is 130, other signals mean later."""
    return EXIT[error.kind]


def worst(statuses: Iterable[int]) -> int:
    """The first of WORST_FIRST that occurs in `statuses`; 0 if there are none."""
    return min(statuses, key=WORST_FIRST.index, default=0)


def reply_json(reply: Reply | None) -> dict[str, object] | None:
    """A reply for `--json`: the server's own text, not yet made visible."""
    if reply is None:
        return None
    return {"code": reply.code, "enhanced": reply.enhanced, "text": reply.text}


def error_json(error: CccError | None) -> dict[str, object] | None:
    """An error for `--json`, not yet made visible."""
    if error is None:
        return None
    return {"kind": error.kind.value, "what": error.what, "cure": error.cure}
