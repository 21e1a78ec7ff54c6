"""Line ends: one rule, wherever the blocks are cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.message.lines import CRLF, LF, LINE_LIMIT, Ruler, Unifier, unified, unify

text = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b".", b"\n.\n"])).map(b"".join)


def cut(octets: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(at % (len(octets) + 1) for at in cuts)
    return [octets[a:b] for a, b in zip([0, *places], [*places, len(octets)], strict=True)]


def plainly(octets: bytes, end: bytes) -> bytes:
    """The rule in one line of Python: bytes.splitlines() knows CR, LF and CRLF and nothing else."""
    return b"".join(line + end for line in octets.splitlines())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"", b""),
        (b"a", b"a\r\n"),
        (b"a\n", b"a\r\n"),
        (b"a\r", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"a\nb\r\nc\rd", b"a\r\nb\r\nc\r\nd\r\n"),
        (b"\r\r\n", b"\r\n\r\n"),
        (b"\n\r", b"\r\n\r\n"),
        (b"\r\n\n", b"\r\n\r\n"),
    ],
)
def test_cr_lf_and_crlf_are_one_line_end_each(given, expected):
    assert unified(given) == expected


SMUGGLED = [
    b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r",
    b"\r\n.\r\r\n", b"\r\r\n.\r\r\n",
]  # fmt: skip


@pytest.mark.parametrize("frame", SMUGGLED)
@pytest.mark.parametrize("at", range(4))
def test_no_smuggled_line_end_survives_at_any_cut(frame, at):
    sent = b"".join(unify(cut(b"a" + frame + b"b", [at])))
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", sent)


@given(text, st.lists(st.integers(0, 99)), st.sampled_from([CRLF, LF]))
def test_the_cuts_do_not_matter(octets, cuts, end):
    assert b"".join(unify(cut(octets, cuts), end)) == plainly(octets, end)


@given(text, st.lists(st.integers(0, 99)))
def test_no_bare_cr_or_lf_is_left(octets, cuts):
    for block in unify(cut(octets, cuts)):
        assert not re.search(rb"\r(?!\n)|(?<!\r)\n", block)


@given(text)
def test_unifying_twice_changes_nothing(octets):
    assert unified(unified(octets)) == unified(octets)


@given(text, st.lists(st.integers(0, 99)))
def test_every_line_end_is_counted_once(octets, cuts):
    unifier = Unifier()
    for block in cut(octets, cuts):
        unifier.feed(block)
    unifier.finish()
    crlf = octets.count(b"\r\n")
    expected = (crlf, octets.count(b"\n") - crlf, octets.count(b"\r") - crlf)
    assert (unifier.crlf, unifier.lf, unifier.cr) == expected


def test_finishing_twice_adds_nothing():
    unifier = Unifier()
    unifier.feed(b"a\r")
    assert (unifier.finish(), unifier.finish()) == (CRLF, b"")


def test_a_block_of_crlf_lines_is_passed_through_uncopied():
    block = b"line\r\n" * 9
    assert Unifier().feed(block) is block


def long_lines(octets: bytes, cuts: list[int] = ()) -> int:
    ruler = Ruler()
    for block in unify(cut(octets, list(cuts))):
        ruler.feed(block)
    return ruler.long_lines


@pytest.mark.parametrize(("length", "count"), [(997, 0), (998, 0), (999, 1), (5000, 1)])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r", b"\nnext\n"])
@pytest.mark.parametrize("before", [b"", b"short\n" * 300])
def test_a_line_may_have_998_octets(before, length, end, count):
    assert long_lines(before + b"x" * length + end) == count


lengths = st.lists(st.sampled_from([0, 1, 77, 500, LINE_LIMIT, LINE_LIMIT + 1, LINE_LIMIT + 2, 2600]))


@given(lengths, st.lists(st.integers(0, 20_000)))
def test_long_lines_are_counted_whatever_the_cuts(lengths, cuts):
    octets = b"".join(b"x" * length + b"\n" for length in lengths)
    assert long_lines(octets, cuts) == sum(length > LINE_LIMIT for length in lengths)
