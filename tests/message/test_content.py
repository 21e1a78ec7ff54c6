"""What goes out: the edited header, the body as it is, one kind of line end."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.message import BLOCK, Content, HeldOctets, read
from ccc.message.leftout import left_out
from ccc.message.lines import unified
from tests.lab.law import law

pieces = [b"\r", b"\n", b"\r\n", b"a", b".", b"\n.\r", b"Bcc: x", b"To: y", b" "]
rests = st.lists(st.sampled_from(pieces)).map(b"".join)


def content(octets: bytes, top: bytes = b"", without: str = "") -> Content:
    message = read(HeldOctets(octets), "test.eml")
    header = message.header.without(message.header.all(without)) if without else message.header
    return message.content(header.on_top(top))


def sent(content: Content, end: bytes = b"\r\n") -> bytes:
    return b"".join(content.blocks(end))


@law
@given(rests)
def test_an_unedited_message_goes_out_with_its_line_ends_unified(rest):
    octets = b"Subject: x" + rest
    assert sent(content(octets)) == unified(octets)


@law
@given(rests)
def test_what_is_put_on_top_changes_nothing_below(rest):
    octets = b"Subject: x" + rest
    assert sent(content(octets, top=b"Top: 1\r\n")) == b"Top: 1\r\n" + unified(octets)


@law
@given(rests, st.sampled_from(["to", "bcc"]))
def test_the_announced_size_is_what_is_sent(rest, without):
    made = content(b"Subject: x" + rest, without=without)
    assert made.size == len(sent(made))


@law
@given(rests, st.sampled_from(["to", "bcc"]))
def test_no_bare_cr_or_lf_is_sent(rest, without):
    octets = sent(content(b"Subject: x" + rest, without=without))
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", octets)


@law
@given(rests)
def test_lf_line_ends_are_the_same_lines(rest):
    made = content(b"Subject: x" + rest)
    assert sent(made, b"\n") == sent(made).replace(b"\r\n", b"\n")


@law
@given(rests)
def test_a_left_out_field_takes_its_own_lines_and_no_others(rest):
    message = read(HeldOctets(b"Subject: x" + rest), "test.eml")
    gone = [item.field for item in left_out(message.header)]
    kept = [field.raw for field in message.header if not any(field is item for item in gone)]
    body = message.body.block(0)
    expected = b"".join(map(unified, [*kept, message.separator, body]))
    assert sent(message.content(message.header.without(gone))) == expected


def test_a_cr_before_a_left_out_field_does_not_swallow_the_empty_line():
    assert sent(content(b"To: a\rBcc: b\r\n\nbody", without="bcc")) == b"To: a\r\n\r\nbody\r\n"


def test_a_header_only_message_stays_header_only():
    assert sent(content(b"To: a")) == b"To: a\r\n"


def test_a_big_body_comes_in_blocks():
    made = content(b"To: a\n\n" + b"line\n" * BLOCK)
    assert max(map(len, made.blocks())) <= 2 * BLOCK
    assert sum(map(len, made.blocks())) == made.size


@pytest.mark.parametrize(
    ("octets", "top", "eight_bit", "utf8"),
    [
        (b"To: a\n\nb", b"", False, False),
        (b"To: a\n\n\xff", b"", True, False),
        (b"To: \xff\n\nb", b"", True, False),
        (b"To: \xc3\xa4\n\nb", b"", True, True),
        (b"To: a\n\nb", "X: ä\r\n".encode(), True, True),
    ],
)
def test_what_the_server_must_offer_is_known(octets, top, eight_bit, utf8):
    made = content(octets, top)
    assert (made.eight_bit, made.utf8_header) == (eight_bit, utf8)


def test_a_left_out_field_needs_nothing_of_the_server():
    made = content(b"Bcc: \xc3\xa4\nTo: a\n\nb", without="bcc")
    assert (made.eight_bit, made.utf8_header) == (False, False)
