"""Plays the server of a dialogue from a text, without a socket: server lines in, client lines out.

    play(dialogue, '''
        C: MAIL FROM:<me@a.test>           what the client must say next …
        S: 250 ok                          … before it hears this
        E: 552 too big                     a reply that came before what the client said just now
        T: TLS                             the client must put TLS on the connection
        !: lost after 12                   12 octets of what was said last were handed over, no more
        !: SIGINT                          all was handed over, then a signal came
        !: disk                            the journal cannot be written: nothing of that was handed over
    ''')

As in a transcript, content stands there as "(27 octets of content)" and a secret as "***"; `Played.wire`
has the octets. Octets count as handed over when the client waits, or when there are many.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ccc.address import Mailbox
from ccc.delivery import Delivery, Dsn, Settled
from ccc.envelope import Envelope
from ccc.errors import Interrupted, JournalFailed, LinkError, LinkLost, ProtocolError
from ccc.receipt import Outcome
from ccc.smtp.conversation import Conversation
from ccc.smtp.extensions import Extensions
from ccc.smtp.replies import Reply
from ccc.smtp.steps import Hear, Heard, Mark, Say, StartTLS

MANY = 65536
SIGNALS = {"SIGINT": 2, "SIGTERM": 15}
PIPELINING = ("PIPELINING",)
CHUNKING = ("PIPELINING", "CHUNKING")


@dataclass
class Played:
    """What came of a dialogue."""

    result: object = None
    wire: bytes = b""
    written: int = 0
    turns: int = 0  # how often the client had to wait for something it had asked
    waits: list[str] = field(default_factory=list)
    course: list[str] = field(default_factory=list)  # what was said and, as "(sending x, y)", what was marked


def play(dialogue, script: str) -> Played:
    """Play the script to its end; AssertionError where the client says anything else."""
    return _Player(script).play(dialogue)


def reply(text: str) -> Reply:
    """The reply in `text`; its lines are separated by line ends."""
    lines = text.splitlines()
    return Reply(int(lines[0][:3]), tuple(line[4:].encode() for line in lines))


class _Player:
    def __init__(self, script: str) -> None:
        self.script = list(_items(script))
        self.said: list[str] = []
        self.waiting = 0
        self.heard_at = 0  # what was handed over when the last reply came
        self.played = Played()

    def play(self, dialogue) -> Played:
        try:
            step = next(dialogue)
            while True:
                try:
                    heard = self.carry_out(step)
                except (LinkError, Interrupted, JournalFailed) as error:
                    step = dialogue.throw(error)
                else:
                    step = dialogue.send(heard)
        except StopIteration as end:
            self.played.result = end.value
        self.expect_said()
        assert not self.script, f"the client never came to {self.script}"
        return self.played

    def carry_out(self, step) -> Heard | None:
        match step:
            case Say(octets, shown):
                self.say(octets, shown)
            case Hear(wait):
                self.played.waits.append(wait.value)
                return self.hear()
            case Mark(_, paths, stage):
                assert paths
                names = ", ".join(path.local for path in paths)
                self.played.course.append(f"({stage.value} {names})")
            case StartTLS():
                self.expect_said()
                assert self.script.pop(0) == ("T", "TLS")
        return None

    def say(self, octets: bytes, shown: str | None) -> None:
        self.played.wire += octets
        self.waiting += len(octets)
        lines = (octets.decode() if shown is None else shown).splitlines()
        self.said += lines
        self.played.course += lines
        if self.waiting >= MANY:
            before = self.played.written
            self.flush()
            if self.script[len(self.said) :][:1] and self.script[len(self.said)][0] == "!":
                self.expect_said()
                self.fail(self.script.pop(0)[1], before)

    def flush(self) -> None:
        self.played.written += self.waiting
        self.waiting = 0

    def expect_said(self) -> None:
        said, self.said = self.said, []
        expected = []
        while self.script and self.script[0][0] == "C":
            expected.append(self.script.pop(0)[1])
        assert said == expected, f"the client says {said}, not {expected}"

    def hear(self) -> Heard:
        before, self.played.turns = self.played.written, self.played.turns + bool(self.said)
        self.flush()
        self.expect_said()
        who, text = self.script.pop(0) if self.script else ("!", "lost")
        match who:
            case "S":
                self.heard_at = self.played.written
                return Heard(reply(text), self.heard_at, self.heard_at, self.heard_at)
            case "E":
                return Heard(reply(text), self.heard_at, self.played.written, self.played.written)
            case "!":
                self.fail(text, before)
        raise AssertionError(f"the client waits, and the script goes on with {who}: {text}")

    def fail(self, text: str, before: int) -> None:
        """What a line that begins with "!" says; octets are counted from what was said last."""
        what, *after = text.split()
        written = before + int(after[1]) if after else self.played.written
        match what:
            case "lost":
                raise LinkLost("the link was lost", written=written)
            case "nonsense":
                raise ProtocolError("that is no SMTP", written)
            case "disk":
                raise JournalFailed("the journal cannot be written", "make room on the disk", before)
            case _:
                raise Interrupted(what, SIGNALS[what], written)


def _items(script: str) -> Iterable[tuple[str, str]]:
    """Who and what; the lines of a reply are one item."""
    reply_lines: list[str] = []
    for line in script.splitlines():
        who, colon, text = line.strip().partition(":")
        if not colon:
            assert not who, line
            continue
        text = text.removeprefix(" ")
        if who in "SE":
            reply_lines.append(text)
            if text[3:4] == "-":
                continue
            text, reply_lines = "\n".join(reply_lines), []
        yield who, text


# messages and those who get them


@dataclass(frozen=True)
class Text:
    """A content made of octets; `fails_after` so many blocks of `block` octets it raises `error`."""

    octets: bytes = b"Subject: hi\r\n\r\nHello.\r\n"
    utf8_header: bool = False
    block: int = 262144
    fails_after: int | None = None
    error: Exception | None = None

    @property
    def size(self) -> int:
        return len(self.octets)

    @property
    def eight_bit(self) -> bool:
        return not self.octets.isascii()

    def blocks(self, end: bytes = b"\r\n"):
        for number, at in enumerate(range(0, len(self.octets), self.block)):
            if number == self.fails_after:
                raise self.error
            yield self.octets[at : at + self.block].replace(b"\r\n", end)


HELLO = Text()
ME = Mailbox("me", "a.test")


def to(
    *names: str,
    content: Text = HELLO,
    dsn: Dsn | None = None,
    reverse_path: Mailbox | None = ME,
    envid: str = "",
    require_tls: bool = False,
) -> Delivery:
    """A delivery to `name@b.test`."""
    mailboxes = tuple(Mailbox(name, "b.test") for name in names)
    return Delivery(Envelope(reverse_path, mailboxes), content, dsn, envid, require_tls=require_tls)


def offering(lines: Iterable[str]) -> Extensions:
    """A server with these lines in its EHLO reply."""
    return Extensions({line.split()[0]: tuple(line.split()[1:]) for line in lines})


@dataclass
class Conversed:
    """What came of a conversation: the fate of each recipient, by name."""

    played: Played
    conversation: Conversation
    untaken: int  # deliveries that were not asked for
    fates: dict[str, str]
    outcomes: dict[str, Outcome]


def converse(
    script: str,
    *deliveries: Delivery,
    offers: Sequence[str] = (),
    window: int = 4,
    lmtp: bool = False,
) -> Conversed:
    """Deliver while the script plays; every recipient must have exactly one outcome."""
    conversation = Conversation(offering(offers), window=window, lmtp=lmtp, hop="mx")
    rest = iter(deliveries)
    played = play(conversation.deliver(rest), script)
    untaken = len(list(rest))
    taken = deliveries[: len(deliveries) - untaken]
    return Conversed(played, conversation, untaken, *judged(conversation.settled, taken))


def told(news: Iterable[tuple[Settled, ...]]) -> list[Settled]:
    """What a route says, one by one; AssertionError if it speaks and says nothing."""
    told: list[Settled] = []
    for some in news:
        assert some
        told += some
    return told


def judged(settled, deliveries: Iterable[Delivery]) -> tuple[dict[str, str], dict[str, Outcome]]:
    """State of each recipient by local part, and its outcome; AssertionError if one has none or two."""
    outcomes = [outcome for each in settled for outcome in each.outcomes]
    named = sorted(path.local for each in deliveries for path in each.envelope.forward_paths)
    assert sorted(outcome.mailbox.local for outcome in outcomes) == named
    return (
        {outcome.mailbox.local: outcome.state.value for outcome in outcomes},
        {outcome.mailbox.local: outcome for outcome in outcomes},
    )
