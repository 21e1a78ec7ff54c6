"""APPEND (RFC 3501, 6.3.11): a message into a folder, streamed, with its flags and its date."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ccc.delivery import Sendable
from ccc.errors import (
    CccError,
    MessageTooBig,
    RefusedError,
    SourceChanged,
    SourceError,
    TryLaterError,
)
from ccc.imap.fetch import internal_date
from ccc.imap.names import mailbox
from ccc.imap.refusals import FULL, TOO_BIG, Refused, code_of, explained
from ccc.imap.wire import Bounds

if TYPE_CHECKING:
    from ccc.imap.client import Client

PATIENCE = 10.0  # times the usual: what is not waited for would be appended twice
FOUR_DIGITS = 253_402_214_400  # Unix time of the last day whose year is written with four digits everywhere
_FLAG = re.compile(r"\\?[^\s\x00-\x1f\x7f-\U0010ffff(){%*\"\\\]]+")  # RFC 3501, 9: flag
_SYSTEM = frozenset({"\\answered", "\\flagged", "\\deleted", "\\seen", "\\draft"})  # RFC 3501, 2.3.2
_APPENDED = re.compile(rb"(\d{1,10}) (\d{1,10})")  # RFC 4315, 3


class Appended(NamedTuple):
    """Where a message lies now, if the server says so (RFC 4315, 3)."""

    uidvalidity: int | None = None
    uid: int | None = None


def append(
    client: "Client",
    folder: str,
    content: Sendable,
    flags: Sequence[str] = (),
    received: float | None = None,
    before_last: Callable[[], None] | None = None,
) -> Appended:
    """Put a message into a folder; `before_last` is called before the octets that make it whole."""
    size = content.size
    limit = _limit(client.offered)
    if limit is not None and size > limit:
        raise MessageTooBig(size, limit)
    dated = received is not None and 0 <= received < FOUR_DIGITS
    date = b" " + internal_date(received or 0) if dated else b""
    command = b"APPEND %b (%b)%b " % (mailbox(folder), settable(flags), date)
    client.begin(Bounds(content=size))
    tag = client.new_tag()
    announced, synchronizing = client.announce(size)
    try:
        client.wire.send(tag + b" " + command + announced)
        if synchronizing:
            client.go_ahead(tag, "APPEND")
        if not _stream(client, content, size, before_last):
            client.end(tag, "APPEND")  # it says why it takes no more, if it says anything
            client.wire.broken("the IMAP server says that it has a message which it took only a part of")
        client.wire.expect(Bounds(patience=PATIENCE))
        said = client.end(tag, "APPEND")
    except Refused as refused:
        raise _refusal(refused, folder, size, limit) from None
    finally:
        client.wire.hold_out = False
    return _appended(said)


def _appended(said: bytes) -> Appended:
    """What the server says of the new message's place."""
    code = code_of(said)
    match = _APPENDED.fullmatch(code.data) if code.name == "APPENDUID" else None
    return Appended(int(match[1]), int(match[2])) if match else Appended()


def _stream(client: "Client", content: Sendable, size: int, before_last: Callable[[], None] | None) -> bool:
    """Say the octets of a literal and the end of its command; False if the server takes no more."""
    left = size
    try:
        for block, last in _with_last(content.blocks()):
            left -= len(block)
            if left < 0 or (last and left):
                break
            if client.wire.muted:
                return False
            if last:
                if before_last is not None:
                    before_last()
                client.wire.hold_out = True
            client.wire.send(block, "")
    except BaseException:
        client.wire.close()  # a literal that was begun cannot be taken back
        raise
    if left:
        client.wire.close()
        raise SourceChanged("the message became another one while it was sent", cure="run it again")
    if client.wire.transcript:
        client.wire.transcript.note(f"{size} octets")
    client.wire.send(b"\r\n", "")
    return True


def _with_last(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each block, and whether it is the last one that holds anything."""
    held = b""
    for block in blocks:
        if block:
            if held:
                yield held, False
            held = block
    if held:
        yield held, True


def settable(flags: Sequence[str]) -> bytes:
    """Those flags that a client may set, never the one for new messages (RFC 3501, 2.3.2), in a row."""
    kept = (flag for flag in dict.fromkeys(flags) if _FLAG.fullmatch(flag))
    return " ".join(flag for flag in kept if flag[0] != "\\" or flag.lower() in _SYSTEM).encode("ascii")


def _limit(offered: frozenset[str]) -> int | None:
    """The largest message that the server takes, if it says so (RFC 7889, 2)."""
    found = (each.partition("=")[2] for each in offered if each.startswith("APPENDLIMIT="))
    return next((int(each) for each in found if each.isascii() and each.isdigit() and len(each) < 20), None)


def _refusal(refused: Refused, folder: str, size: int, limit: int | None) -> CccError:
    """Why the message is not in the folder."""
    code = refused.code.name
    said = f"the IMAP server did not put the message into folder {folder!r}: {refused.text}"
    if code == "TRYCREATE" or code == "NONEXISTENT":
        return SourceError(said, "create the folder in a mail client, or name another one")
    if code in TOO_BIG:
        return MessageTooBig(size, limit) if limit else RefusedError(said, "the message is too big for it")
    if code in FULL:
        return TryLaterError(said, "make room in that mailbox")
    return explained(
        refused, f"cannot append to folder {folder!r}", "see what the server's administrator says of it"
    )
