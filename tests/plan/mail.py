"""What the tests of plans are about: a mail from Ann to Bob and Carol, and short ways to plan it."""

from datetime import UTC, datetime
from typing import Any

from ccc.address import Mailbox, parse_mailbox, parse_recipients
from ccc.message.message import Message, read
from ccc.message.octets import HeldOctets
from ccc.plan import Action, Plan, Request, make_plan

NOW = datetime(2026, 3, 9, 8, 7, 6, tzinfo=UTC)
HEADER = (
    "From: Ann <ann@example.org>",
    "To: Bob <bob@example.org>",
    "Cc: Carol <carol@example.net>",
    "Subject: hello",
    "Date: Mon, 9 Mar 2026 08:00:00 +0000",
    "Message-ID: <1@example.org>",
)
_ONE = {"sender", "envelope_from", "account"}
_MANY = {"to", "cc", "bcc", "show_to", "show_cc", "show_resent_to", "show_resent_cc", "identities"}


def octets(*lines: str, body: str = "hello\r\n") -> bytes:
    return ("\r\n".join((*lines, "", body))).encode()


def mail(*lines: str, body: str = "hello\r\n") -> Message:
    """A message with these header lines, or the usual ones."""
    return read(HeldOctets(octets(*(lines or HEADER), body=body)), "a.eml")


def with_lines(*lines: str, header: tuple[str, ...] = HEADER) -> Message:
    """The usual message with more lines on top."""
    return mail(*lines, *header)


def request(action: Action, **options: Any) -> Request:
    """A request whose addresses are written as text."""
    for name, value in options.items():
        if name in _ONE and isinstance(value, str):
            options[name] = parse_mailbox(value)
        elif name in _MANY and isinstance(value, str):
            options[name] = parse_recipients(value)
    return Request(action, **options)


def resend(message: Message | None = None, /, **options: Any) -> Plan:
    asked = request(Action.RESEND, **({"to": "dora@example.com"} | options))
    return make_plan(asked, message or mail(), now=NOW, token="token")


def redirect(message: Message | None = None, /, **options: Any) -> Plan:
    defaults = {"to": "dora@example.com", "sender": "Me <me@example.com>"}
    asked = request(Action.REDIRECT, **(defaults | options))
    return make_plan(asked, message or mail(), now=NOW, token="token")


def sent(plan: Plan) -> bytes:
    """The octets that go out."""
    return b"".join(plan.content.blocks())


def values(plan: Plan, name: str) -> list[str]:
    """The values of the fields of that name in what goes out."""
    header = read(HeldOctets(sent(plan)), "sent").header
    return [field.text for field in header.all(name.lower())]


def names(mailboxes: tuple[Mailbox, ...]) -> list[str]:
    return [mailbox.addr_spec for mailbox in mailboxes]


def codes(plan: Plan) -> list[str]:
    return [finding.code for finding in plan.findings]


def texts(plan: Plan, code: str) -> list[str]:
    return [finding.text for finding in plan.findings if finding.code == code]


def levels(plan: Plan, code: str) -> list[str]:
    return [finding.level for finding in plan.findings if finding.code == code]


def signed(domain: str, *fields: str, kind: str = "DKIM-Signature") -> str:
    """A signature field over the fields named; nobody looks at its b=."""
    return f"{kind}: v=1; a=rsa-sha256; d={domain}; s=s; h={':'.join(fields)}; bh=x; b=x"
