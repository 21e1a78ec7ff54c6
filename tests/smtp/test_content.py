"""Content on the wire: dots and chunks, wherever the blocks are cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ccc.message.lines import unified
from ccc.smtp.content import END_OF_DATA, chunks, dot_stuffed
from tests.lab.law import law
from tests.lab.oracle import stray
from tests.lab.wire import undotted

texts = st.lists(
    st.sampled_from([b".", b"..", b"\r\n", b"\r", b"\n", b"a", b".\r\n", b"ab"]), max_size=30
).map(lambda pieces: unified(b"".join(pieces)))


def cut(octets: bytes, places: list[int]) -> list[bytes]:
    """The octets in pieces, some of them empty."""
    at = [0, *sorted(min(place, len(octets)) for place in places), len(octets)]
    return [octets[a:b] for a, b in pairwise(at)]


def stuffed(*blocks: bytes) -> bytes:
    return b"".join(dot_stuffed(blocks))


def test_a_dot_at_the_beginning_of_the_content_is_doubled():
    assert stuffed(b".a\r\n") == b"..a\r\n"


def test_a_dot_within_a_line_stays():
    assert stuffed(b"a.b\r\n") == b"a.b\r\n"


def test_a_line_end_that_is_cut_in_two_begins_a_line_all_the_same():
    assert stuffed(b"a\r", b"\n.b\r\n") == b"a\r\n..b\r\n"
    assert stuffed(b"a\r\n", b".b\r\n") == b"a\r\n..b\r\n"
    assert stuffed(b"a", b"\r", b"\n", b".", b"\r\n") == b"a\r\n..\r\n"


def test_a_line_feed_that_begins_a_block_is_a_line_end_only_after_a_carriage_return():
    assert stuffed(b"a.", b"\r\n", b"b.") == b"a.\r\nb."


def test_nothing_is_nothing():
    assert stuffed() == stuffed(b"") == b""


@law
@given(texts, st.lists(st.integers(0, 60), max_size=8))
def test_a_server_gets_back_what_was_stuffed_wherever_it_was_cut(text, places):
    wire = stuffed(*cut(text, places))
    assert undotted(wire) == text


@law
@given(texts, st.lists(st.integers(0, 60), max_size=8))
def test_the_only_end_of_data_is_the_last_one(text, places):
    wire = b"\r\n" + stuffed(*cut(text, places)) + END_OF_DATA
    assert wire.find(b"\r\n.\r\n") == len(wire) - 5


@law
@given(texts, st.lists(st.integers(0, 60), max_size=8))
def test_stuffing_makes_no_bare_line_end(text, places):
    assert stray(stuffed(*cut(text, places)) + END_OF_DATA) == []


@law
@given(st.lists(st.binary(max_size=20), max_size=12), st.integers(1, 30))
def test_chunks_hold_all_octets_and_one_is_the_last(blocks, size):
    made = list(chunks(blocks, size))
    assert b"".join(chunk for chunk, _ in made) == b"".join(blocks)
    assert [last for _, last in made] == [False] * (len(made) - 1) + [True]
    assert all(len(chunk) >= size for chunk, last in made if not last)


def test_a_block_of_the_right_size_is_a_chunk_of_its_own():
    block = b"x" * 100
    assert [chunk for chunk, _ in chunks([block] * 3, 100)] == [block] * 3
