"""Sets of UIDs: what is written is what was meant, in pieces that fit into a command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.imap.uids import LARGEST, LONGEST, ascending, pieces, read, uid_set

UIDS = st.lists(st.one_of(st.integers(1, 60), st.integers(1, LARGEST)), max_size=200).map(ascending)


def meant(uids: bytes) -> list[int]:
    """Every UID of a set."""
    found: list[int] = []
    for each in filter(None, uids.split(b",")):
        first, _, last = each.partition(b":")
        found += range(int(first), int(last or first) + 1)
    return found


@given(UIDS)
def test_a_set_names_each_uid_once_and_no_other(uids: tuple[int, ...]) -> None:
    assert meant(uid_set(uids)) == list(uids)


@given(UIDS, st.integers(1, 50))
def test_pieces_are_the_whole_and_none_is_too_large(uids: tuple[int, ...], most: int) -> None:
    found = list(pieces(uids, most))
    assert [uid for piece in found for uid in piece] == list(uids)
    assert all(0 < len(piece) <= most for piece in found)


def test_neighbours_become_a_range_and_scattered_ones_are_split_by_length() -> None:
    assert uid_set((1, 2, 3, 7, 9, 10)) == b"1:3,7,9:10"
    assert [len(piece) for piece in pieces(range(1, 1001), 1000)] == [1000]
    scattered = range(LARGEST - 20_000, LARGEST, 2)
    assert all(len(uid_set(piece)) <= LONGEST for piece in pieces(scattered, 100_000))
    assert sum(map(len, pieces(scattered, 100_000))) == 10_000


@given(UIDS)
def test_a_search_response_is_read_as_it_was_written(uids: tuple[int, ...]) -> None:
    said = b" ".join(b"%d" % uid for uid in uids)
    assert tuple(read(said)) == tuple(read(b" " + said + b" ")) == uids


@pytest.mark.parametrize(
    "said", [b"x", b"0", b"1 -1", b"4294967296", b"1,2", b"1:2", b"99999999999", b"1\t2"]
)
def test_what_is_no_list_of_uids_is_refused(said: bytes) -> None:
    with pytest.raises(ValueError, match="is no UID"):
        read(said)
