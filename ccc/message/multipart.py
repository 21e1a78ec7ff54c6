"""Whether a multipart message looks cut off: its last boundary is missing.

The body is never parsed. All that is asked is whether the octets that must close it are there; an
epilogue may follow them.
"""

import re
from typing import Final

from ccc.message.header import Header
from ccc.message.octets import Octets, blocks

_NEAR_THE_END: Final = 64 * 1024
_VALUE_LIMIT: Final = 16 * 1024  # octets of a Content-Type worth looking at
# RFC 2045, 5.1: parameters, quoted or not; each is consumed, so that none is found inside another.
_PARAMETER: Final = re.compile(rb';\s*([^\s=;"]+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s;"]*))', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)


def close_delimiter(header: Header) -> bytes:
    """The octets that close the body if it is a multipart with a known boundary, else b""."""
    content_type = header.first("content-type")
    if not content_type:
        return b""
    value = content_type.value[:_VALUE_LIMIT].lstrip()
    if value[:10].lower() != b"multipart/":
        return b""
    boundary = next(
        (
            _unquoted(quoted) or bare
            for name, quoted, bare in _PARAMETER.findall(value)
            if name.lower() == b"boundary"
        ),
        b"",
    )
    return b"--" + boundary + b"--" if boundary else b""  # RFC 2046, 5.1.1


def looks_cut_off(body: Octets, closing: bytes) -> bool:
    """True if the closing delimiter stands nowhere in the body."""
    near = max(0, body.size - _NEAR_THE_END)
    return not _occurs(body, closing, near) and not (near and _occurs(body, closing, 0))


def _occurs(body: Octets, wanted: bytes, start: int) -> bool:
    tail = b""
    for block in blocks(body, start):
        window = tail + block
        if wanted in window:
            return True
        tail = window[max(0, len(window) - len(wanted) + 1) :]
    return False


def _unquoted(quoted: bytes) -> bytes:
    unfolded = quoted.replace(b"\r", b"").replace(b"\n", b"")
    return _QUOTED_PAIR.sub(rb"\1", unfolded).rstrip()
