"""Octets that are read block by block."""

import pytest

from ccc.errors import SourceChanged
from ccc.message.octets import BLOCK, HeldOctets, Rest, blocks


def test_a_block_has_256_kib_at_most():
    octets = HeldOctets(b"x" * (BLOCK + 7))
    assert [len(block) for block in blocks(octets)] == [BLOCK, 7]


def test_blocks_begin_at_the_offset():
    assert list(blocks(HeldOctets(b"abcdef"), 4)) == [b"ef"]


def test_nothing_has_no_block():
    assert list(blocks(HeldOctets(b""))) == []


def test_the_rest_is_what_follows_an_offset():
    rest = Rest(HeldOctets(b"header body"), 7)
    assert (rest.size, rest.block(0), rest.block(2), rest.block(4)) == (4, b"body", b"dy", b"")


class Shrunk:
    """Says it has ten octets and gives four."""

    size = 10

    def block(self, offset: int) -> bytes:
        return b"abcd"[offset:]


def test_octets_that_end_too_early_are_a_changed_source():
    with pytest.raises(SourceChanged) as error:
        list(blocks(Shrunk()))
    assert error.value.place == "octet 5"
