"""What a SOURCE on the command line means: imap:, imap:// and imaps://, mid:, mbox:, else a file.

Nothing is opened to find out. A file whose name begins like one of these is written with its folder,
as in ./imap:42.
"""

import re
from typing import NamedTuple

from ccc.errors import UsageError

Ranges = tuple[tuple[int, int | None], ...]
"""First and last UID of each part of a list; None as the last is the newest there is."""

_HIGHEST = (1 << 32) - 1  # RFC 3501, 2.3.1.1: UIDs and UIDVALIDITY are 32-bit values
_NUMBER = re.compile(r"[1-9][0-9]{0,9}")
_SCHEME = re.compile(r"(imaps?|mid|mbox):", re.IGNORECASE)
_MBOX_NUMBER = re.compile(r"(?P<path>.+)#(?P<number>[0-9]+)", re.DOTALL)
_URL = re.compile(r"(?P<scheme>imaps?)://(?P<authority>[^/?]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_PLACE = re.compile(  # RFC 5092, 6; the "/" before ";UID=" is often forgotten
    r"/(?P<folder>[^;?]*)(?:;UIDVALIDITY=(?P<validity>[^;/?]*))?"
    r"(?:/?;UID=(?P<uid>[^;/?]*)|\?(?P<search>.*))",
    re.IGNORECASE | re.DOTALL,
)


class Wanted(NamedTuple):
    """What is wanted of a mail store: UIDs, what a search finds, or the message with a Message-ID."""

    folder: str | None = None  # None: the usual one
    uidvalidity: int | None = None
    uids: str = ""  # as parse_uids() reads them
    search: str = ""
    message_id: str = ""  # with its angle brackets


class Url(NamedTuple):
    """What an IMAP URL names (RFC 5092): a server as imap_from_url() takes it, and what is wanted there."""

    server: str
    wanted: Wanted


class MboxName(NamedTuple):
    """An mbox file, and which of its messages is meant, counted from 1; None for all."""

    path: str
    number: int | None = None


class NoUids(UsageError):
    """A text is no list of UIDs, and why."""

    def __init__(self, text: str, why: str) -> None:
        what = why if repr(text) in why else f"{text!r} is no list of UIDs: {why}"
        super().__init__(what, "write 42, or 42,50:60; bound: 1636544:42")
        self.why = why


def scheme_of(name: str) -> str:
    """What a name begins with: imap, imaps, mid or mbox; "" for a file."""
    match = _SCHEME.match(name)
    return match[1].lower() if match else ""


def from_name(name: str) -> Wanted | Url | None:
    """What a SOURCE wants of an IMAP server; None if it names no message there. Raises UsageError."""
    try:
        return _from_name(name)
    except NoUids as error:
        raise _no_source(name, error.why, "write imap:42, or imap:INBOX/42,50:60") from None


def _from_name(name: str) -> Wanted | Url | None:
    match scheme_of(name):
        case "" | "mbox":
            return None
        case "mid":
            return Wanted(message_id=_message_id(name))
        case _ if _URL.fullmatch(name):
            return _from_url(name)
        case "imap":
            return _from_short(name)
        case _:
            raise _no_source(name, "it names no server", "write imaps://USER@HOST/INBOX/;UID=42")


def mbox_from(name: str) -> MboxName:
    """The mbox that mbox:PATH or mbox:PATH#N names. Raises UsageError."""
    path = name.partition(":")[2]
    number = None
    if match := _MBOX_NUMBER.fullmatch(path):
        path, number = match["path"], int(match["number"])
    if not path or number == 0:
        what = "messages are counted from 1" if path else "it names no file"
        raise _no_source(name, what, "write mbox:PATH#1, or mbox:PATH for all of its messages")
    return MboxName(path, number)


def name_of(folder: str, uidvalidity: int, uid: int) -> str:
    """The SOURCE that names this message and no other, whatever becomes of the folder."""
    # 60:50 cannot be a range, but 50:60 could; three numbers never are.
    uids = f"{uid}" if uidvalidity > uid else f"{uid}:{uid}"
    return f"imap:{folder}/{uidvalidity}:{uids}"


def parse_uids(text: str) -> tuple[int | None, Ranges]:
    """The UIDVALIDITY that binds a list of UIDs, if it has one, and the list. Raises UsageError.

    42 · 42,50:60 · 50:* · bound: 1636544:42 · 1636544:50:60. Two numbers are a range if they ascend.
    """
    parts = [part.strip() for part in text.split(",")]
    numbers = parts[0].split(":")
    bound = None
    if len(numbers) == 3 or (len(numbers) == 2 and _descends(*numbers)):
        bound = _number(numbers[0], text)
        parts[0] = parts[0].partition(":")[2]
    return bound, tuple(_range(part, text) for part in parts)


def _range(part: str, text: str) -> tuple[int, int | None]:
    first, colon, last = part.partition(":")
    start = _number(first, text)
    if not colon:
        return start, start
    if last == "*":
        return start, None
    stop = _number(last, text)
    if stop < start:
        raise NoUids(text, f"{part} descends")
    return start, stop


def _descends(first: str, last: str) -> bool:
    return all(map(_NUMBER.fullmatch, (first, last))) and int(first) > int(last)


def _number(text: str, whole: str) -> int:
    if _NUMBER.fullmatch(text) and int(text) <= _HIGHEST:
        return int(text)
    raise NoUids(whole, f"{text!r} is no UID" if text else "a number is missing")


def _from_short(name: str) -> Wanted:
    """imap:UIDS or imap:FOLDER/UIDS."""
    folder, slash, uids = name.partition(":")[2].rpartition("/")
    if slash and not folder:
        raise _no_source(name, "it names no folder", "write imap:INBOX/42, or imap:42")
    if not uids:
        raise NoUids(uids, "it names no UID")
    validity, _ = parse_uids(uids)
    bare = uids.partition(":")[2] if validity else uids
    return Wanted(folder=folder or None, uidvalidity=validity, uids=bare.strip())


def _message_id(name: str) -> str:
    """The Message-ID of mid:<ID>, taken as it is, or of a URL (RFC 2392), which is percent-encoded."""
    text = name.partition(":")[2].strip()
    if text.startswith("<"):
        found = text
    else:
        before, slash, after = text.partition("/")
        if slash and "@" in before and "@" in after:
            # RFC 2392, 2: mid:message-id/content-id
            raise _no_source(name, "it names a part of a message", "leave out what follows the /")
        found = f"<{_decoded(text.removeprefix('//'), name)}>"
    if len(found) < 3 or not found.endswith(">") or not found.isprintable():
        raise _no_source(name, "it holds no Message-ID", "write it as the message has it: 'mid:<ID>'")
    return found


def _from_url(name: str) -> Url:
    match = _URL.fullmatch(name)
    place = match and _PLACE.match(match["rest"])
    if not match or not place:
        shown = name.rpartition("@")[2]
        cure = "write imaps://USER@HOST/INBOX/;UID=42, or imaps://USER@HOST/INBOX?SEARCH"
        raise _no_source(shown, "it names no message", cure)
    server = f"{match['scheme'].lower()}://{_authority(match['authority'])}"
    _check_server(server)
    folder = _decoded(place["folder"], "the folder").rstrip("/") or None
    wanted = Wanted(folder=folder, uidvalidity=_url_number(place["validity"]))
    if place["search"] is not None:
        return Url(server, wanted._replace(search=_decoded(place["search"], "the search")))
    if place.end() != len(match["rest"]):
        # RFC 5092, 6: /;SECTION=, /;PARTIAL=, ;URLAUTH=
        raise _no_source(match["rest"], "it names a part of a message", "end it with the UID")
    return Url(server, wanted._replace(uids=str(_url_number(place["uid"]))))


def _authority(text: str) -> str:
    """The server without how to log in, of which ccc takes the strongest way (RFC 5092, 3.2)."""
    userinfo, at, host = text.rpartition("@")
    if not at and host.startswith(";"):
        raise UsageError("an IMAP URL with ;AUTH= and no user", "write imaps://USER@HOST/INBOX/;UID=42")
    user = re.sub(r";AUTH=.*", "", userinfo, flags=re.IGNORECASE)
    return f"{user}@{host}" if user else host


def _check_server(server: str) -> None:
    """Raise UsageError if it is none, or has a password in it."""
    from ccc.transport.server import imap_from_url

    imap_from_url(server, option="the URL")


def _url_number(text: str | None) -> int | None:
    return None if text is None else _number(text, text)


def _decoded(text: str, what: str) -> str:
    """Percent-encoding undone (RFC 3986, 2.1), as UTF-8."""
    from urllib.parse import unquote

    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise UsageError(
            f"{what} is not UTF-8 when its percent-encoding is undone", "encode it anew"
        ) from None


def _no_source(name: str, why: str, cure: str) -> UsageError:
    return UsageError(f"{name!r} cannot be read: {why}", cure)
