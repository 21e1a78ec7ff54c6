"""The steps of a dialogue: what a protocol generator asks of the transport that drives it.

Octets are counted from the first one said on a connection, before TLS. With every reply the transport
tells how many of them it had handed to the operating system when the reply came, how many by now, and how
many were said: so the protocol can tell an answer from what came before the question, and a link that was
lost before the last octet of a message from one that was lost after it.
"""

from collections.abc import Generator
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from ccc.address import Mailbox
from ccc.delivery import Delivery, Stage
from ccc.errors import ProtocolError
from ccc.smtp.replies import Reply

if TYPE_CHECKING:
    import re


class Wait(Enum):
    """What is waited for; the transport has a time for each (RFC 5321, 4.5.3.2)."""

    GREETING = "greeting"
    COMMAND = "command"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    CONTENT = "content"


class Say(NamedTuple):
    """Send these octets; small ones may wait for the next Hear. `shown` stands for them in a transcript.

    What `hides` finds in anything that is heard from here on is a secret.
    """

    octets: bytes
    shown: str | None = None
    hides: "re.Pattern[bytes] | None" = None


class Hear(NamedTuple):
    """Send what waits, then give the next reply as a Heard."""

    wait: Wait


class Heard(NamedTuple):
    """A reply; how many octets had been handed over when it came, how many by now, of how many `said`."""

    reply: Reply
    before: int
    written: int
    said: int


class StartTLS(NamedTuple):
    """Put TLS on the connection now; everything heard in clear is void (RFC 3207, 4.2)."""


class Mark(NamedTuple):
    """Before the next octet goes out it must be on disk that these recipients come to this stage with it."""

    delivery: Delivery
    forward_paths: tuple[Mailbox, ...]
    stage: Stage


Step: TypeAlias = Say | Hear | StartTLS | Mark
Result = TypeVar("Result")
Dialogue: TypeAlias = Generator[Step, Heard | None, Result]


def hear(wait: Wait) -> Dialogue[Heard]:
    """The next reply."""
    heard = yield Hear(wait)
    if heard is None:
        raise TypeError("a Hear is answered with a Heard")
    return heard


def ask(
    command: bytes,
    wait: Wait = Wait.COMMAND,
    shown: str | None = None,
    hides: "re.Pattern[bytes] | None" = None,
) -> Dialogue[Reply]:
    """One command, without its CRLF, and the reply to it; ProtocolError if that came before the command."""
    yield Say(command + b"\r\n", shown, hides)
    heard = yield from hear(wait)
    if heard.before < heard.said and not heard.reply.refused:  # a refusal may come at any time
        raise ProtocolError(f"the server answered before it was asked: {heard.reply}", heard.written)
    return heard.reply
