"""Content on the wire: dot-stuffed after DATA (RFC 5321, 4.5.2), in counted chunks after BDAT (RFC 3030).

Both take octets whose line ends are all CRLF already (message/lines.py sees to that), cut anywhere. That
is why nothing that looks like an end of data can be smuggled through: in DATA a dot that begins a line is
always doubled, and no bare CR or LF exists that a server could take for a line end (RFC 5321, 2.3.8).
"""

from collections.abc import Iterable, Iterator

END_OF_DATA = b".\r\n"  # the content before it ends in CRLF (RFC 5321, 4.1.1.4)


def dot_stuffed(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks with a dot before each dot that begins a line (RFC 5321, 4.5.2)."""
    before = b"\r\n"  # the last two octets: the content begins a line
    for block in blocks:
        if not block:
            continue
        stuffed = block
        # Base64 has no dot at all, and looking for one is quicker than looking for three octets.
        if b"." in block:
            stuffed = block.replace(b"\r\n.", b"\r\n..")
            if _begins_a_line(before, block):
                stuffed = b"." + stuffed
            elif before.endswith(b"\r") and block.startswith(b"\n."):
                stuffed = b"\n." + stuffed[1:]
        yield stuffed
        before = (before + block)[-2:]


def _begins_a_line(before: bytes, block: bytes) -> bool:
    """A dot stands first in the block, and a line end before it."""
    return block.startswith(b".") and before == b"\r\n"


def chunks(blocks: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The blocks as chunks of at least `size` octets, each with whether it is the last one."""
    held: list[bytes] = []
    length = 0
    for block in blocks:
        if length >= size:
            yield b"".join(held), False
            held, length = [], 0
        held.append(block)
        length += len(block)
    yield b"".join(held), True
