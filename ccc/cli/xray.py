"""What a message says about itself, as panels and as JSON.

Nothing here decides anything: who stands in a header has seen the message or not, a Delivered-To may be
a lie, and a signature is only named, not verified.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from ccc.address import Mailbox, decode_words, read_list
from ccc.cli.panels import Panel, Row
from ccc.errors import MessageError
from ccc.message import Field, Header, Message
from ccc.message.display import add_to_list, shown_in
from ccc.message.findings import Finding, findings
from ccc.message.leftout import FROM_LINE_REASON, left_out
from ccc.message.resent import resent_block
from ccc.message.signatures import Signature, aligned, broken_by, signatures
from ccc.receipt import SCHEMA

PEOPLE = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")
ABOUT = ("Subject", "Date", "Message-ID")
HINTS = ("return-path", "delivered-to", "x-original-to", "envelope-to")
SOMEBODY = Mailbox("somebody", "example.org")  # stands for whoever a message may be sent to
BLOCK = resent_block(
    "Thu, 1 Jan 1970 00:00:00 +0000", SOMEBODY, (SOMEBODY,), (SOMEBODY,), "<resent@example.org>"
)


class Judged(NamedTuple):
    """A signature, whether it is an author's, and what would break it."""

    signature: Signature
    speaks: bool
    resent_block_breaks: bool
    cc_breaks: bool


def panels(message: Message) -> Iterator[Panel]:
    """Everything there is to say, what matters most first."""
    for title, rows in (
        ("What it says", (*_people(message.header), *_about(message.header))),
        ("Who passed it on", _fields(_resent(message.header))),
        ("How this copy came", _how_it_came(message)),
        ("What is signed", _signed(message.header)),
        ("What ccc leaves out", _left_out(message)),
        ("What it is", _facts(message)),
        ("Findings", (Row(each.level, each.text) for each in _findings(message))),
    ):
        found = tuple(rows)
        if found:
            yield Panel(title, found)


def as_json(message: Message) -> dict[str, object]:
    """The same for programs, schema 1."""
    header = message.header
    return {
        "schema": SCHEMA,
        "source": message.name,
        **{_key(name): _text(header.first(name.lower())) for name in ABOUT},
        **{_key(name): _addresses(header, name) for name in PEOPLE},
        "resent": [_field_json(field) for field in _resent(header)],
        "hints": [_field_json(field) for field in _hints(header)],
        "from_line": message.from_line.decode("utf-8", "backslashreplace"),
        "signatures": _signatures_json(header),
        "left_out": [{"field": it.field.name, "reason": it.reason} for it in left_out(header)],
        "size": message.content(header).size,
        "digest": message.digest,
        "findings": [{"code": it.code, "level": it.level, "text": it.text} for it in _findings(message)],
    }


def _findings(message: Message) -> tuple[Finding, ...]:
    return findings(message, message.content(message.header))


def _people(header: Header) -> Iterator[Row]:
    for name in PEOPLE:
        label = name
        for mailbox in (who for field in header.all(name.lower()) for who in read_list(field.value)):
            yield Row(label, mailbox)
            label = ""


def _about(header: Header) -> Iterator[Row]:
    return (Row(name, _text(field)) for name in ABOUT for field in header.all(name.lower()))


def _resent(header: Header) -> Iterator[Field]:
    return (field for field in header if field.key.startswith("resent-"))


def _hints(header: Header) -> Iterator[Field]:
    return (field for field in header if field.key in HINTS)


def _fields(fields: Iterable[Field]) -> Iterator[Row]:
    return (Row(field.name, _text(field)) for field in fields)


def _how_it_came(message: Message) -> Iterator[Row]:
    if message.from_line:
        yield Row("From_", message.from_line.decode("utf-8", "backslashreplace"))
    yield from _fields(_hints(message.header))
    hops = message.header.count("received")
    if hops:
        yield Row("Received", "by one server" if hops == 1 else f"by {hops} servers")


def _signed(header: Header) -> Iterator[Row]:
    for signature, speaks, resent_block_breaks, cc_breaks in _judged(header):
        whose = "as the author's domain" if speaks else "not the author's domain"
        yield Row(signature.kind.upper(), f"{signature.domain}, {whose}")
        counted = ((name, len([*same])) for name, same in groupby(sorted(signature.signed)))
        names = (f"{name} ({count} times)" if count > 1 else name for name, count in counted)
        yield Row("", f"signs {', '.join(names)}")
        spared = ", so a redirect leaves the block out" if speaks and resent_block_breaks else ""
        yield Row("", f"a resent block {_verb(resent_block_breaks)}{spared}")
        yield Row("", f"a new name in Cc {_verb(cc_breaks)}")


def _verb(breaks: bool) -> str:
    return "would break it" if breaks else "keeps it whole"


def _judged(header: Header) -> Iterator[Judged]:
    """Each signature, from the top."""
    header = header.ended()  # so that every comparison is about these very fields
    signed = signatures(header)
    if not signed:
        return
    lean = header.without([each.field for each in left_out(header)])
    authors = _fields_of(aligned(signed, shown_in(header, "from")))
    redirected = _fields_of(broken_by(header, lean.on_top(BLOCK)))
    resent = _fields_of(_broken_by_resend(header, lean))
    for each in signed:
        field = id(each.field)
        yield Judged(each, field in authors, field in redirected, field in resent)


def _fields_of(signed: Iterable[Signature]) -> set[int]:
    return {id(each.field) for each in signed}


def _broken_by_resend(header: Header, lean: Header) -> tuple[Signature, ...]:
    try:
        return broken_by(header, add_to_list(lean, "Cc", (SOMEBODY,)))
    except MessageError:
        return ()  # nobody can be added: a resend refuses it


def _left_out(message: Message) -> Iterator[Row]:
    if message.from_line:
        yield Row("From_", FROM_LINE_REASON)
    yield from (Row(each.field.name, each.reason) for each in left_out(message.header))


def _facts(message: Message) -> Iterator[Row]:
    facts = message.facts
    yield Row("size", f"{message.content(message.header).size} octets with CRLF line ends")
    ends = {"CRLF": facts.crlf, "LF": facts.lf, "CR": facts.cr}
    yield Row("line ends", ", ".join(f"{count} {kind}" for kind, count in ends.items() if count))
    yield Row("header", f"{len(message.header.fields)} fields, {_bits(facts.eight_bit_header)}")
    yield Row("body", _bits(facts.eight_bit_body))


def _bits(eight: bool) -> str:
    return "8-bit" if eight else "plain ASCII"


def _text(field: Field | None) -> str:
    return decode_words(field.text) if field else ""


def _key(name: str) -> str:
    return name.lower().replace("-", "_")


def _addresses(header: Header, name: str) -> list[dict[str, str]]:
    found = (who for field in header.all(name.lower()) for who in read_list(field.value))
    return [{"name": who.name, "address": who.addr_spec} for who in found]


def _field_json(field: Field) -> dict[str, str]:
    return {"field": field.name, "value": _text(field)}


def _signatures_json(header: Header) -> list[dict[str, object]]:
    return [
        {
            "kind": signature.kind,
            "domain": signature.domain,
            "signed": list(signature.signed),
            "resent_block_breaks": resent_block_breaks,
            "cc_breaks": cc_breaks,
        }
        for signature, _, resent_block_breaks, cc_breaks in _judged(header)
    ]
