"""Quotes of an mbox are taken off, readable from any offset, and putting them there again gives the file."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.message.message import Mbox
from ccc.message.octets import BLOCK, HeldOctets, blocks
from ccc.sources.unquoting import unquoted

HEAD = b"From ann@example.org Fri Jul  8 12:08:34 2011\nSubject: x\n\n"
PIECES = (b">From a\n", b">>From b\n", b"text\n", b"\n", b"> From c\n", b"x>From d\n", b">From", b">" * 200)


def quoted(octets: bytes) -> bytes:
    """As an mboxrd writes the body."""
    return HEAD + re.sub(rb"(?m)^(>{0,99}From )", rb">\1", octets.removeprefix(HEAD))


def test_it_can_be_read_from_any_offset() -> None:
    chance = random.Random(7)  # the same each time
    body = b"".join(chance.choices([*PIECES, b"y" * 5000], k=1200))
    assert len(body) > 2 * BLOCK
    octets, mbox = unquoted(HeldOctets(HEAD + body))
    whole = b"".join(blocks(octets))
    assert mbox.unquoted > 100
    assert (len(whole), octets.size) == (octets.size, len(HEAD + body) - mbox.unquoted)
    for offset in (*chance.sample(range(len(whole)), 40), 0, len(whole) - 1, len(whole)):
        assert octets.block(offset) == whole[offset : offset + BLOCK]


@pytest.mark.parametrize(
    "content", [b"", b"From a\n", HEAD, HEAD.rstrip(), HEAD + b"text\n", b">From a\n>From b\n"]
)
def test_what_has_no_quote_in_its_body_stays_the_same_object(content: bytes) -> None:
    octets = HeldOctets(content)
    assert unquoted(octets) == (octets, Mbox())


def test_a_quote_may_begin_the_body_or_end_the_file() -> None:
    octets, mbox = unquoted(HeldOctets(HEAD + b">From a\n>From "))
    assert (b"".join(blocks(octets)), mbox) == (HEAD + b"From a\nFrom ", Mbox(unquoted=2))


@given(st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_quoting_again_gives_the_file(body: bytes) -> None:
    octets, mbox = unquoted(HeldOctets(HEAD + body))
    if mbox.unquoted:
        assert quoted(b"".join(blocks(octets))) == HEAD + body
    else:
        assert b"".join(blocks(octets)) == HEAD + body
