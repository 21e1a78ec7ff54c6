"""Octets in, octets out: a message is never parsed and serialized again.

Reading order: octets (where they come from), lines (what ends one), header (fields that keep their octets),
message (what is read, what is refused), scan, digest and multipart (what one pass finds out), content (what
goes out). Then what is done to a header: leftout, resent, display; and what that means: signatures, findings.
"""

from ccc.message.content import Content
from ccc.message.header import Field, Header
from ccc.message.message import Message, Origin, read
from ccc.message.octets import BLOCK, HeldOctets, Octets
from ccc.message.scan import Facts

__all__ = [
    "BLOCK",
    "Content",
    "Facts",
    "Field",
    "Header",
    "HeldOctets",
    "Message",
    "Octets",
    "Origin",
    "read",
]
