"""What an earlier run did about a recipient, and so what this one has to do."""

from dataclasses import replace
from enum import Enum
from hashlib import sha256
from typing import NamedTuple

from ccc.address import Mailbox, parse_mailbox
from ccc.delivery import unanswered
from ccc.errors import CopyUnreadable, Kind
from ccc.journal.entry import Phase
from ccc.plan import Action, Plan
from ccc.receipt import Outcome, State
from ccc.smtp.replies import Reply

KEY = 16  # octets


class Act(Enum):
    """What this run does about a recipient."""

    ENTER = "enter"  # nobody knows of it yet, or it is asked for again
    TAKE_UP = "take up"  # what an earlier run stored has not arrived
    LEAVE = "leave"  # it is settled, or not ours


class Known(NamedTuple):
    """A recipient as the journal has it; the columns of COLUMNS."""

    id: int
    entry: int
    name: str
    intent: bytes
    address: str
    phase: str
    run: str | None
    changed: float
    planned: float
    attempts: int
    next_attempt: float | None
    second: int  # 1 if it was in doubt before: the next copy may be a second one
    kind: str
    reason: str
    cure: str
    hop: str
    code: int
    reply: str

    @property
    def in_doubt(self) -> bool:
        """It is in doubt, or was: another copy may be a second one."""
        return bool(self.second) or self.phase == Phase.IN_DOUBT.value


COLUMNS = (
    "recipient.id, entry, name, intent, address, phase, run, changed, planned, attempts, "
    "next_attempt, second, kind, reason, cure, hop, code, reply"
)


def key_of(digest: bytes, action: Action, mailbox: Mailbox) -> bytes:
    """What makes two deliveries the same: the message, what is done with it, and the recipient."""
    local, domain = mailbox.key
    return sha256(digest + f"{action.value}\0{local}\0{domain}".encode()).digest()[:KEY]


def intent_of(plan: Plan) -> bytes:
    """What is made of the message, and who wrote it about what.

    The date and the Message-ID of a resent block do not count: they are new each time.
    """
    edited, path = plan.edited, plan.envelope.reverse_path
    shown = [[mailbox.header() for mailbox in people] for people in (edited.to, edited.cc)]
    left_out = sorted(plan.request.keep), sorted(plan.request.strip)
    read = plan.author, plan.subject  # a message's identity leaves out its header
    block = bool(edited.resent_message_id)
    parts = path and path.addr_spec, plan.identity.header(), read, shown, block, left_out
    return sha256(repr(parts).encode("utf-8", "backslashreplace")).digest()


def act_on(known: Known | None, intent: bytes, *, again: bool, resend: bool) -> Act:
    """What to do: `again` repeats what is settled, `resend` what is in doubt."""
    if known is None:
        return Act.ENTER
    match Phase(known.phase):
        case Phase.PLANNED | Phase.SENDING | Phase.COMMITTING:
            return Act.LEAVE
        case Phase.IN_DOUBT:  # what goes out again is what is shown
            return Act.TAKE_UP if resend and known.intent == intent else Act.LEAVE
        case Phase.DEFERRED if known.intent == intent and not again:
            return Act.TAKE_UP
        case _:
            return Act.ENTER if again else Act.LEAVE


def outcome_of(known: Known, mailbox: Mailbox) -> Outcome:
    """What became of a recipient whom this run leaves alone."""
    state, kind, reason, cure = _told(known)
    reply = reply_of(known.code, known.reply)
    return Outcome(mailbox, state, reply, reason, kind, known.hop, cure, known.name, known.changed)


def outcome_unread(known: Known, error: CopyUnreadable) -> Outcome:
    """Nothing was done about a recipient, and nothing has changed: what is stored cannot be read now."""
    doubt = known.phase == Phase.IN_DOUBT.value
    outcome = unanswered(parse_mailbox(known.address), error, committed=doubt)
    return replace(outcome, entry=known.name)


def reply_of(code: int, text: str) -> Reply | None:
    """The reply as it was recorded; None where there was none."""
    return Reply(code, tuple(line.encode() for line in text.split("\n"))) if code else None


def _told(known: Known) -> tuple[State, Kind | None, str, str]:
    """State, kind, reason and cure."""
    last = f" (last answer: {known.reason})" if known.reason else ""
    match Phase(known.phase):
        case Phase.ACCEPTED:
            return State.ACCEPTED, None, known.reason, ""
        case Phase.REFUSED:
            return State.REFUSED, Kind(known.kind), known.reason, "--again tries once more"
        case Phase.BOUNCED:
            reason = "reported as failed" + (f": {known.reason}" if known.reason else "")
            return State.REFUSED, Kind.REFUSED, reason, "--again tries once more"
        case Phase.DROPPED:
            return State.REFUSED, Kind.DECLINED, "closed by you while it was in doubt", "--again sends it"
        case Phase.IN_DOUBT:
            return State.IN_DOUBT, Kind.TRY_LATER, known.reason, in_doubt_cure(known.name)
        case Phase.DEFERRED:
            cure = f"`ccc retry {known.name}` sends it as it was planned then, --again as it is now"
            return State.DEFERRED, Kind.TRY_LATER, f"it was planned in another way before{last}", cure
        case _:
            cure = f"see `ccc log {known.name}`"
            return State.DEFERRED, Kind.TRY_LATER, "another ccc has it at this moment", cure


def in_doubt_cure(name: str) -> str:
    """What can be done about a delivery that may have arrived."""
    return (
        "it may have arrived, so ask the recipient; "
        f"`ccc retry {name} --in-doubt resend` sends it again, `--in-doubt drop` closes it"
    )
