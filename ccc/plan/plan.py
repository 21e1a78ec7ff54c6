"""The plan: everything that is going to happen to one message, before anything does (law 3).

`--dry-run`, the panels, `--json` and the octets on the wire all come from this one object. Making it
reads no clock and rolls no dice: the time and the token of the Resent-Message-ID are arguments.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccc.address import Mailbox, decode_words
from ccc.envelope import Envelope
from ccc.errors import LoopError
from ccc.message.content import Content
from ccc.message.display import shown_in
from ccc.message.findings import Finding, findings
from ccc.message.header import Header
from ccc.message.leftout import FROM_LINE_REASON
from ccc.message.message import Message
from ccc.message.resent import count_blocks
from ccc.plan.edits import Change, Edit, Edited, redirect, resend
from ccc.plan.identity import envelope_of, identify
from ccc.plan.people import oddities
from ccc.plan.request import Action, Request
from ccc.plan.shown import Marked, Shown, about_those_there, already_there, mark_recipients, show

if TYPE_CHECKING:
    from datetime import datetime

MOST_RECEIVED = 100  # RFC 5321, 6.3: a loop is not assumed below 100
MOST_BLOCKS = 10

_TOKEN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")  # RFC 5322, 3.6.4: dot-atom-text


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Plan:
    """Who gets the message, what goes out, what was changed, and what is worth knowing about it.

    Compared by identity: two plans may be alike and still be two.
    """

    request: Request
    message: Message
    identity: Mailbox
    envelope: Envelope
    content: Content
    edited: Edited
    findings: tuple[Finding, ...]

    @property
    def action(self) -> Action:
        """Resend or redirect."""
        return self.request.action

    @property
    def source(self) -> str:
        """The name of the source, as the user wrote it."""
        return self.message.name

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Every change: what stood before the header, what is left out, what is added."""
        line = self.message.from_line
        lead = (Edit(Change.LEFT_OUT, "From_", line, FROM_LINE_REASON),) if line else ()
        return (*lead, *self.edited.edits)

    @property
    def resent_message_id(self) -> str:
        """The Resent-Message-ID with its angle brackets; empty without a resent block."""
        return self.edited.resent_message_id

    @property
    def recipients(self) -> Marked:
        """The forward-paths, each marked as new, seen already or seen nowhere."""
        return mark_recipients(self.envelope.forward_paths, self.shown)

    @property
    def shown(self) -> Shown:
        """The address-lists as the new people will read them."""
        added = (self.edited.to, self.edited.cc)
        block = self.action is Action.REDIRECT
        return show(self.edited.lean, self.request.people, added, block)

    @property
    def subject(self) -> str:
        """The Subject for eyes, decoded and not yet made visible."""
        return self._text("subject")

    @property
    def author(self) -> str:
        """The From for eyes."""
        return self._text("from")

    @property
    def date(self) -> str:
        """The Date as written."""
        return self._text("date")

    def as_json(self) -> dict[str, object]:
        """The plan for `--json`, schema 1."""
        from ccc.plan.schema import as_json

        return as_json(self)

    def _text(self, key: str) -> str:
        field = self.edited.lean.first(key)
        return decode_words(field.text) if field else ""


def make_plan(request: Request, message: Message, *, now: "datetime", token: str) -> Plan:
    """The plan for this message; `token` is unique and makes the Resent-Message-ID.

    Raises UsageError if the message is not the user's to resend or none of its fields is left, LoopError
    if it goes in circles, and MessageError if its Cc cannot be extended.
    """
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"{token!r} cannot stand in a Resent-Message-ID")
    header, people = message.header, request.people
    _refuse_loop(header)
    identity, about_identity = identify(request, header)
    envelope, about_envelope = envelope_of(request, header, identity)
    there = already_there(header, people)
    if request.action is Action.RESEND:
        edited = resend(request, header, there)
    else:
        edited = redirect(request, header, identity, now=now, token=token)
    content = message.content(edited.header)
    return Plan(
        request=request,
        message=message,
        identity=identity,
        envelope=envelope,
        content=content,
        edited=edited,
        findings=(
            *about_identity,
            *about_envelope,
            *about_those_there(there, people, edited.lean),
            *edited.findings,
            *people.findings,
            *_about_authors(header),
            *findings(message, content),
        ),
    )


def _about_authors(header: Header) -> Iterator[Finding]:
    """What is odd about the addresses in From; only what might be odd is read."""
    values = [field.value for field in header.fields if field.key == "from"]
    if not all(map(_looks_plain, values)):
        yield from oddities(shown_in(header, "from"))


def _looks_plain(value: bytes) -> bool:
    """Surely no address in a name, and no character that is not ASCII."""
    encoded = b"=?" in value or b"xn--" in value.lower()  # RFC 2047, 2; RFC 5890, 2.3.2.1
    return value.isascii() and value.count(b"@") <= 1 and not encoded


def _refuse_loop(header: Header) -> None:
    hops, blocks = header.count("received"), count_blocks(header)
    if hops >= MOST_RECEIVED or blocks >= MOST_BLOCKS:
        raise LoopError(
            f"the message has gone through {hops} servers and was resent {blocks} times: "
            "it goes round in circles",
            cure="look for a rule that sends it back to where it came from",
        )
