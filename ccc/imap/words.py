"""What a command is made of: octets that go out as they are, and literals."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias


class Literal(NamedTuple):
    """Octets that go out as a literal (RFC 3501, 4.3)."""

    octets: bytes


Words: TypeAlias = "bytes | Sequence[bytes | Literal]"


def quoted(octets: bytes) -> bytes:
    """Octets as a quoted string (RFC 3501, 4.3)."""
    return b'"%b"' % octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
