"""What is odd about a message that goes out all the same.

Nothing is repaired: a repair would change octets. Who sends it should know, and decide.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from ccc.message.content import Content
from ccc.message.header import JUNK
from ccc.message.lines import CRLF
from ccc.message.message import Mbox, Message
from ccc.message.scan import count_line_ends

# RFC 5322, 3.6: "at most one", apart from the fields that are never sent on.
_ONCE: Final = {
    "date": "Date",
    "from": "From",
    "sender": "Sender",
    "reply-to": "Reply-To",
    "to": "To",
    "cc": "Cc",
    "message-id": "Message-ID",
    "in-reply-to": "In-Reply-To",
    "references": "References",
    "subject": "Subject",
    "mime-version": "MIME-Version",  # RFC 2045, 4
    "content-type": "Content-Type",
    "content-transfer-encoding": "Content-Transfer-Encoding",
}


class Finding(NamedTuple):
    """One odd thing: a name for programs, how bad it is, a sentence for people."""

    code: str
    level: Literal["note", "warning"]
    text: str


def findings(message: Message, content: Content) -> tuple[Finding, ...]:
    """All that is odd about the message itself and about its header as it goes out, header first."""
    return (
        *_about_header(message),
        *_about_octets(content),
        *_about_lines(message),
        *_about_body(message),
        *_about_mbox(message.mbox or Mbox()),
    )


def _about_header(message: Message) -> Iterator[Finding]:
    if _ends_early(message):
        text = "the header ends after its first line: the file's line ends are CR CR LF"
        yield Finding("header-ends-early", "warning", text)
    counted = Counter([field.key for field in message.header])
    if not (counted["from"] or counted["date"]):  # RFC 5322, 3.6: these two are required
        text = "no From and no Date (RFC 5322, 3.6): this is hardly a mail"
        yield Finding("no-from-no-date", "warning", text)
    for key, name in _ONCE.items():
        if counted[key] > 1:
            yield _duplicate(name, counted[key])
    if junk := counted[JUNK]:
        yield _junk(message, junk)


def _about_octets(content: Content) -> Iterator[Finding]:
    """What the new fields may bring along, so that it is not judged by the header as it came."""
    if content.utf8_header:
        text = "the header has raw UTF-8: SMTPUTF8 is used where it is offered, else only 8BITMIME"
        yield Finding("eight-bit-header", "note", text)
    elif not content.head.isascii():
        text = "the header has octets over 127 that are not UTF-8: they go out as they are"
        yield Finding("eight-bit-header", "warning", text)


def _ends_early(message: Message) -> bool:
    """True if CR CR LF, which a careless conversion makes of CRLF, was a line end and an empty line."""
    if message.separator != CRLF or not 0 < message.facts.cr <= message.facts.crlf:
        return False
    return count_line_ends(message.header.octets()) == (0, 0, 1)


def _about_lines(message: Message) -> Iterator[Finding]:
    facts = message.facts
    if message.has_bom:
        yield Finding("byte-order-mark", "note", "the byte-order mark before the header is dropped")
    if facts.long_lines:
        text = (
            f"{_many(facts.long_lines, 'line')} over 998 octets (RFC 5322, 2.1.1): "
            "a server may refuse or break such lines, and breaking one breaks signatures"
        )
        yield Finding("long-lines", "warning", text)
    if facts.stray:
        text = f"{_many(facts.stray, 'line end')} of another kind than the rest: all become CRLF"
        yield Finding("stray-line-ends", "warning", text)


def _about_body(message: Message) -> Iterator[Finding]:
    if message.facts.cut_off:
        text = "the multipart body has no closing boundary: the message looks cut off"
        yield Finding("cut-off", "warning", text)


def _about_mbox(mbox: Mbox) -> Iterator[Finding]:
    if mbox.unquoted:
        lines = _many(mbox.unquoted, "line")
        text = f'{lines} of the body without the ">" that the mbox had put before "From "'
        yield Finding("mbox-unquoted", "note", text)
    if mbox.quoted:
        lines = _many(mbox.quoted, "line")
        text = f'{lines} of the body with ">" before "From ", which the mbox may have put there: it stays'
        yield Finding("mbox-quoted", "note", text)
    if mbox.inside:
        lines = _many(mbox.inside, "From line")
        text = f"{lines} in the body, such as another message begins with: the mbox counts it to this one"
        yield Finding("mbox-inside", "warning", text)


def _duplicate(name: str, count: int) -> Finding:
    text = f"{_many(count, f'{name} field')}: mail programs differ in which one they show"
    return Finding("duplicate-field", "warning", text)


def _junk(message: Message, count: int) -> Finding:
    first = message.header.all(JUNK)[0]
    line = message.first_line + message.header.line_of(first) - 1
    text = (
        f"{_many(count, 'line')} of junk in the header, first in line {line}: "
        "some mail programs end the header there"
    )
    return Finding("junk-line", "warning", text)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
