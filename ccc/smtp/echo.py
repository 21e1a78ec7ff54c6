"""A secret that a server says back: found in what it says, in every usual form, and made stars.

What a server says is shown, written to transcripts and kept in the journal. One that quotes the command which
it refuses, or a hostile one, would write the password there.
"""

import re
from base64 import b64encode

LEAST = 4  # octets of a secret that is looked for everywhere; less would stand in many an innocent word
_BEGINNING = 64  # octets by which a long secret is known


def pattern_of(user: str, secret: str) -> re.Pattern[bytes]:
    """What finds the secret of this user: as it is, percent-encoded, quoted-printable, in base64."""
    raw = secret.encode()
    if len(raw) < LEAST:
        return re.compile(_in_base64(b64encode(f"\0{user}\0{secret}".encode()).rstrip(b"=")))  # RFC 4616, 2
    known, rest = raw[:_BEGINNING], rb"\S*" if len(raw) > _BEGINNING else b""
    plain = b"".join(map(_octet, known)) + rest
    return re.compile(b"|".join((plain, *(_in_base64(_core(known, shift)) for shift in range(3)))))


def _octet(value: int) -> bytes:
    """One octet as it is, as %41 (RFC 3986, 2.1) or as =41 (RFC 2045, 6.7)."""
    return b"(?:[%%=](?i:%02x)|%b)" % (value, re.escape(bytes((value,))))


def _core(raw: bytes, shift: int) -> bytes:
    """What is the same in the base64 of everything that holds `raw` at a place of this remainder by 3."""
    first = (shift * 8 + 5) // 6  # characters that also depend on what stands before
    return b64encode(bytes(shift) + raw)[first : (shift + len(raw)) * 8 // 6]


def _in_base64(core: bytes) -> bytes:
    """These characters of base64, or what stands for them in URLs (RFC 4648, 5), and all that follow."""
    urls = {b"+": b"[+-]", b"/": b"[/_]"}
    each = (bytes((value,)) for value in core)
    return b"".join(urls.get(one, one) for one in each) + rb"[A-Za-z0-9+/_=-]*"
