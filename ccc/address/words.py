"""Encoded words: how a name that is not ASCII stands in a header (RFC 2047).

Written: UTF-8 in whole characters, each word at most 75 long. Read: for eyes only, so leniently, in linear
time and without an error. What was decoded never goes into a header without being encoded again.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

LONGEST = 75  # RFC 2047, 2
_ROOM = LONGEST - len("=?utf-8?q??=")
_LITERALLY = frozenset(  # RFC 2047, 5 (3)
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
)
_WORD = (  # compiled when it is needed: most names are ASCII
    r"=\?([\w.:+-]{1,60})(?:\*[\w-]*+)?"  # RFC 2231, 5: charset*language
    r"\?([bBqQ])\?([ ->@-~]*+)\?="
)


def encode_words(text: str) -> list[str]:
    """`text` as encoded words, to be written with a blank or a fold between them."""
    if _is_mostly_plain(text):
        return [f"=?utf-8?q?{part}?=" for part in _pack(map(_quoted_printable, text), _ROOM)]
    from binascii import b2a_base64

    parts = [part.encode() for part in _pack(text, _ROOM // 4 * 3)]
    return [f"=?utf-8?b?{b2a_base64(part, newline=False).decode()}?=" for part in parts]


def _is_mostly_plain(text: str) -> bool:
    octets = text.encode()
    return 2 * sum(octet in _LITERALLY or octet == 0x20 for octet in octets) > len(octets)


def _quoted_printable(char: str) -> str:
    if char == " ":
        return "_"  # RFC 2047, 4.2 (2)
    return "".join([chr(o) if o in _LITERALLY else f"={o:02X}" for o in char.encode()])


def _pack(units: Iterable[str], room: int) -> Iterator[str]:
    """Units joined into parts of at most `room` octets: a character is never divided."""
    part: list[str] = []
    used = 0
    for unit in units:
        size = len(unit.encode())
        if used + size > room:  # RFC 2047, 5: each word holds whole characters
            yield "".join(part)
            part, used = [], 0
        part.append(unit)
        used += size
    yield "".join(part)


def decode_words(text: str) -> str:
    """`text` with its encoded words decoded, for eyes; what cannot be decoded stays as it is."""
    if "=?" not in text:
        return text
    shown: list[str] = []
    run: list[bytes] = []  # words of one charset that stand side by side: some divide a character
    charset, end = "", 0
    for match in re.finditer(_WORD, text, re.ASCII):
        octets = _octets(match)
        if octets is None:
            continue
        between = text[end : match.start()]
        apart = not run or bool(between.strip())  # RFC 2047, 6.2: a blank between two is not shown
        if apart or match[1].lower() != charset:
            shown += _decode(run, charset), between if apart else ""
            run, charset = [], match[1].lower()
        run.append(octets)
        end = match.end()
    return "".join((*shown, _decode(run, charset), text[end:]))


def _octets(word: re.Match[str]) -> bytes | None:
    """What a word encodes, or None if its charset is unknown or its base64 is none."""
    from binascii import Error, a2b_base64, a2b_qp

    if not _is_charset(word[1]):
        return None
    if word[2] in "qQ":
        return a2b_qp(word[3], header=True)
    try:
        return a2b_base64(word[3] + "===")  # many writers forget the padding
    except Error:
        return None


@lru_cache(maxsize=64)
def _is_charset(name: str) -> bool:
    """Whether Python decodes it and knows it well enough for an alias.

    Of any other name it would look for a module, and find tricks such as punycode, which is quadratic.
    """
    from encodings.aliases import aliases

    known = name.lower().replace("-", "_")
    if known not in aliases and known not in aliases.values() and known != "koi8_u":
        return False
    try:
        return bool(b"?".decode(name, "replace"))
    except LookupError:  # zip, hex and the like
        return False


def _decode(run: list[bytes], charset: str) -> str:
    return b"".join(run).decode(charset, "replace") if run else ""
