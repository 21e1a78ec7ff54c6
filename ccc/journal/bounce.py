"""Reads a delivery status notification: of which message, about which recipients, and what became of them.

It is a multipart/report (RFC 6522) that holds a message/delivery-status (RFC 3464) or its international form
(RFC 6533), and mostly the message that came back, or its header. Strangers write it: what cannot be read in
it is passed over, and the one error is that it is no report. It is read with what reads every message here.
"""

import re
from collections.abc import Iterator
from enum import Enum
from itertools import islice
from typing import Final, NamedTuple

from ccc.errors import MessageError
from ccc.message.digest import message_id
from ccc.message.header import Header, parse, separator_at
from ccc.message.lines import LF, unified
from ccc.message.multipart import close_delimiter

LARGEST: Final = 16 << 20  # octets of a report
_MOST_PARTS: Final = 64  # a report has three
_DEEPEST: Final = 8
_MOST_GROUPS: Final = 100_000  # of fields, one for each recipient
_HEADER: Final = 256 << 10  # octets of a header, or of what is said of one recipient

_STATUS: Final = ("message/delivery-status", "message/global-delivery-status")  # RFC 3464, 2; RFC 6533, 4
_RETURNED: Final = (  # RFC 6522, 3 and 4; RFC 6533, 4
    *("message/rfc822", "text/rfc822-headers"),
    *("message/global", "message/global-headers"),
)
_OTHER_REPORTS: Final = {
    "message/disposition-notification": "a receipt that says whether a mail was read",
    "message/global-disposition-notification": "a receipt that says whether a mail was read",
    "message/feedback-report": "a complaint about a mail",
}
_CODE: Final = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9])")  # RFC 3463, 2
_BLANK_LINES: Final = re.compile(rb"\n(?:[ \t]*\n)+")
_HEXCHAR: Final = re.compile(rb"\+([0-9A-F]{2})")  # RFC 3461, 4
_EMBEDDED: Final = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")  # RFC 6533, 3


class Action(Enum):
    """What the reporting server did for a recipient (RFC 3464, 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


class Returned(NamedTuple):
    """The names of the message that came back, with their angle brackets; "" where it does not say."""

    message_id: str = ""
    resent_message_id: str = ""


class Reported(NamedTuple):
    """What is reported about one recipient, as text from outside.

    `address` is the original recipient if it is known, else the final one; `written` is the original one
    as it stood, in case that it was not encoded after all. `status` is such as "5.1.1", or "".
    """

    address: str
    final: str
    action: Action
    status: str
    diagnostic: str
    remote_mta: str
    written: str = ""


class Report(NamedTuple):
    """A delivery status notification: `envid` is the envelope id that the message was sent with, or ""."""

    envid: str
    returned: Returned
    recipients: tuple[Reported, ...]


class _Part(NamedTuple):
    """A part of a message, or all of it; its line ends are LF."""

    kind: str
    header: Header
    body: bytes


def read_report(octets: bytes) -> Report:
    """Read a report; MessageError if it is none."""
    if len(octets) > LARGEST:
        raise MessageError(
            f"the report has {len(octets)} octets, and at most {LARGEST >> 20} MiB are read",
            cure="cut the returned message off and keep its header",
        )
    parts = tuple(islice(_parts(unified(octets, LF)), _MOST_PARTS))
    found = (group for part in parts if part.kind in _STATUS for group in _groups(_decoded(part)))
    groups = tuple(islice(found, _MOST_GROUPS + 1))
    if not groups:
        raise _no_report(parts)
    if len(groups) > _MOST_GROUPS:
        raise MessageError(f"the report is about more than {_MOST_GROUPS} recipients")
    recipients = tuple(_recipients(groups))
    if not recipients:
        raise MessageError(
            "the report says of nobody what became of their copy",
            cure="read the words in it: they are for people",
        )
    envids = (_text(group, "original-envelope-id") for group in groups)  # RFC 3464, 2.2.1
    return Report(next(filter(None, envids), ""), _returned(parts), recipients)


def _parts(octets: bytes, depth: int = 0) -> Iterator[_Part]:
    """The message, its parts, their parts; a message within it is not opened."""
    part = _part(octets)
    yield part
    delimiter = close_delimiter(part.header)[:-2]
    if delimiter and depth < _DEEPEST:
        for piece in _pieces(part.body, delimiter):
            yield from _parts(piece, depth + 1)


def _part(octets: bytes) -> _Part:
    header, body = _split(octets)
    field = header.first("content-type")
    kind = field.text.partition(";")[0].strip().lower() if field else ""
    return _Part(kind or "text/plain", header, body)  # RFC 2045, 5.2


def _split(octets: bytes) -> tuple[Header, bytes]:
    """A header and what follows it; an empty line on top is a header without fields."""
    if octets.startswith(LF):
        return Header(()), octets[1:]
    end = separator_at(octets)
    head = octets if end < 0 else octets[:end]
    return Header(parse(head[:_HEADER])), b"" if end < 0 else octets[end + 1 :]


def _pieces(body: bytes, delimiter: bytes) -> Iterator[bytes]:
    """What stands between the delimiter lines (RFC 2046, 5.1.1)."""
    line = re.compile(rb"^" + re.escape(delimiter) + rb"(--)?[ \t]*(?:\n|\Z)", re.MULTILINE)
    start = -1
    for found in line.finditer(body):
        if start >= 0:
            yield body[start : found.start()]  # with the line end that is the delimiter's, which harms nobody
        start = found.end()
        if found[1]:
            return
    if start >= 0:  # cut off
        yield body[start:]


def _decoded(part: _Part) -> bytes:
    """The octets of a part (RFC 2045, 6); as they are if they cannot be decoded."""
    import binascii

    match _text(part.header, "content-transfer-encoding").lower():
        case "base64":
            try:
                return unified(binascii.a2b_base64(part.body), LF)
            except binascii.Error:
                return part.body
        case "quoted-printable":
            return unified(binascii.a2b_qp(part.body), LF)
        case _:
            return part.body


def _groups(status: bytes) -> Iterator[Header]:
    """The fields about the message, then those about each recipient (RFC 3464, 2.1)."""
    start = 0
    for blank in _BLANK_LINES.finditer(status):
        yield Header(parse(status[start : blank.start()][:_HEADER]))
        start = blank.end()
    yield Header(parse(status[start:][:_HEADER]))


def _recipients(groups: tuple[Header, ...]) -> Iterator[Reported]:
    for group in groups:
        final = _address(_text(group, "final-recipient"))
        written = _address(_text(group, "original-recipient"))
        code = _CODE.match(_text(group, "status"))
        status = code[0] if code else ""
        action = _action(_text(group, "action"), status)
        if action and (final or written):
            yield Reported(
                address=_original(written, final) or final,
                final=final,
                action=action,
                status=status,
                diagnostic=_untyped(_text(group, "diagnostic-code")),
                remote_mta=_untyped(_text(group, "remote-mta")),
                written=written,
            )


def _action(text: str, status: str) -> Action | None:
    """What was done; a word of the server's own is understood by the status beside it (RFC 3464, 2.3.4)."""
    word = text.partition(" ")[0].lower()
    known = {action.value: action for action in Action}
    by_status = {"5": Action.FAILED, "4": Action.DELAYED, "2": Action.DELIVERED}
    return known.get(word) or by_status.get(status[:1])


def _address(text: str) -> str:
    """The address of a recipient field; "" for what is no address of the Internet's (RFC 3464, 2.3.1)."""
    kind, semicolon, address = text.partition(";")
    if not semicolon:  # some leave the type out
        kind, address = "rfc822" if "@" in text else "", text
    address = address.strip().removeprefix("<").removesuffix(">")
    match kind.strip().lower():
        case "rfc822":
            return address
        case "utf-8":  # RFC 6533, 3
            return _EMBEDDED.sub(_character, address)
        case _:
            return ""


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return found[0] if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)


def _original(written: str, final: str) -> str:
    """The original recipient, decoded where it is xtext (RFC 3461, 4), which some servers leave as it is."""
    if written.lower() == final.lower() or "+" not in written:
        return written
    encoded = written.encode()
    if len(_HEXCHAR.findall(encoded)) < encoded.count(b"+"):
        return written  # in xtext, each + would begin a hexchar
    try:
        decoded = _HEXCHAR.sub(lambda found: bytes((int(found[1], 16),)), encoded).decode()
    except UnicodeDecodeError:
        return written
    return decoded if decoded.isprintable() else written  # RFC 3461, 4.2


def _returned(parts: tuple[_Part, ...]) -> Returned:
    """The names in the message that came back."""
    part = next((part for part in parts if part.kind in _RETURNED), None)
    if part is None:
        return Returned()
    header, _ = _split(_decoded(part).lstrip(LF))
    name = message_id(header).decode("utf-8", "backslashreplace")
    found = re.search(r"<[^<>]*>", _text(header, "resent-message-id"))  # of the topmost block
    return Returned(name, found[0] if found else "")


def _text(header: Header, key: str) -> str:
    field = header.first(key)
    return field.text if field else ""


def _untyped(text: str) -> str:
    """The text without its type (RFC 3464, 2.1.2) and its folds."""
    kind, semicolon, rest = text.partition(";")
    shown = rest if semicolon and kind.strip().replace("-", "").isalnum() else text
    return " ".join(shown.split())


def _no_report(parts: tuple[_Part, ...]) -> MessageError:
    other = next((_OTHER_REPORTS[part.kind] for part in parts if part.kind in _OTHER_REPORTS), "")
    what = other or f"a mail of the type {parts[0].kind} without a message/delivery-status in it"
    return MessageError(
        f"it is no delivery report: it is {what}",
        cure="give the whole mail in which a server reports what it could not deliver",
    )
