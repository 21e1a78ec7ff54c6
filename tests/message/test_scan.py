"""The facts that one pass finds out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.message import BLOCK, Facts, HeldOctets, read
from ccc.message.scan import count_line_ends, is_utf8


def facts(octets: bytes) -> Facts:
    return read(HeldOctets(octets), "test.eml").facts


@pytest.mark.parametrize(
    ("body", "size"),
    [(b"", 0), (b"a", 3), (b"a\n", 3), (b"a\r\n", 3), (b"a\rb", 6), (b"\n\n", 4), (b"\r\r\n", 4)],
)
def test_the_size_is_that_on_the_wire(body, size):
    assert facts(b"To: a\n\n" + body).size == size


@pytest.mark.parametrize(
    ("octets", "header", "body"),
    [
        (b"To: a\n\nb", False, False),
        (b"To: \xc3\xa4\n\nb", True, False),
        (b"To: \xe4\n\nb", True, False),
        (b"To: a\n\n\xe4", False, True),
        (b"To: a\n\n" + b"x" * BLOCK + b"\xe4", False, True),
        (b"To: a\n\n\xe4" + b"x" * BLOCK, False, True),
    ],
)
def test_eight_bit_octets_are_seen(octets, header, body):
    found = facts(octets)
    assert (found.eight_bit_header, found.eight_bit_body) == (header, body)


@pytest.mark.parametrize(
    ("octets", "count"),
    [
        (b"To: " + b"x" * 994 + b"\n\n", 0),
        (b"To: " + b"x" * 995 + b"\r\n\r\n", 1),
        (b"To: a\n\n" + b"x" * 999, 1),
        (b"To: " + b"x" * 995 + b"\n\n" + (b"x" * 999 + b"\r\n") * 3, 4),
        (b"To: " + b"fold\n " * 999 + b"\n\nshort", 0),
    ],
)
def test_long_lines_are_counted_in_header_and_body(octets, count):
    assert facts(octets).long_lines == count


@pytest.mark.parametrize(
    ("octets", "stray"),
    [
        (b"To: a\n\nb\nc", 0),
        (b"To: a\r\n\r\nb\r\nc", 0),
        (b"To: a\r\rb\rc", 0),
        (b"To: a\n\nb\r\nc", 1),
        (b"To: a\r\n\r\nb\nc\r", 2),
        (b"To: a\r\n\r\nb\r\r\nc", 1),
        (b"To: a", 0),
    ],
)
def test_stray_line_ends_are_those_of_another_kind_than_most(octets, stray):
    assert facts(octets).stray == stray


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"x"])).map(b"".join))
def test_line_ends_are_counted_over_the_whole_file(rest):
    octets = b"To: a" + rest
    found = facts(octets)
    assert (found.crlf, found.lf, found.cr) == count_line_ends(octets)


@pytest.mark.parametrize(
    ("octets", "expected"), [(b"abc", False), (b"\xc3\xa4", True), (b"\xc3", False), (b"", False)]
)
def test_utf_8_is_more_than_ascii(octets, expected):
    assert is_utf8(octets) is expected
