"""Octets in, whole replies out, whatever the server sends (RFC 5321, 4.2)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import ProtocolError
from ccc.smtp.replies import LINE_LIMIT, REPLY_LIMIT, Reply, ReplyReader


def read(*pieces: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for piece in pieces for reply in reader.feed(piece)]


def test_a_reply_is_its_code_and_its_text():
    assert read(b"250 2.1.0 ok\r\n") == [Reply(250, (b"2.1.0 ok",))]


def test_lines_with_a_hyphen_go_on():
    assert read(b"250-a\r\n250-b\r\n250 c\r\n") == [Reply(250, (b"a", b"b", b"c"))]


def test_a_code_alone_is_a_reply():
    assert read(b"250\r\n") == [Reply(250, (b"",))]


def test_several_replies_may_come_at_once():
    assert [reply.code for reply in read(b"250 a\r\n550 b\r\n354 c\r\n")] == [250, 550, 354]


def test_a_line_end_may_be_lf_alone():
    assert read(b"250-a\n250 b\n") == [Reply(250, (b"a", b"b"))]


def test_a_reply_that_is_cut_before_its_line_end_is_none():
    reader = ReplyReader()
    assert list(reader.feed(b"250 ok")) == []
    assert not reader.empty


def test_a_reply_that_lacks_its_last_line_is_none():
    reader = ReplyReader()
    assert list(reader.feed(b"250-ok\r\n")) == []
    assert not reader.empty


def test_after_a_whole_reply_nothing_is_left():
    reader = ReplyReader()
    list(reader.feed(b"250 ok\r\n"))
    assert reader.empty


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"\r", b"hello", b"25", b"2500 ok", b"0250 ok", b"199 ok", b"600 ok", b"999 ok", b"000 ok"),
        *(b"250+ok", b"250\tok", b" 250 ok", b"-250 ok", b"25O ok", b"2\xb250 ok", b"250\rok", b"250\0ok"),
        *(b"\xd9\xa2\xd9\xa5\xd9\xa0 ok", b"HTTP/1.1 400 Bad Request", b"+OK", b"* OK IMAP"),
    ],
)
def test_what_is_no_reply_breaks_the_protocol(octets):
    with pytest.raises(ProtocolError):
        read(octets + b"\r\n")


def test_every_line_bears_the_same_code():
    with pytest.raises(ProtocolError, match="began with 250 and went on with 550"):
        read(b"250-a\r\n550 b\r\n")


def test_an_error_shows_the_beginning_of_the_line_and_no_control_octet():
    with pytest.raises(ProtocolError) as caught:
        read(b"\x1b[2J" + b"x" * 500 + b"\r\n")
    assert str(caught.value).isascii()
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_longest_line_is_read():
    line = b"250 " + b"x" * (LINE_LIMIT - 4)
    assert len(read(line + b"\r\n")) == 1
    assert len(read(line + b"\r", b"\n")) == 1


@pytest.mark.parametrize("end", [b"\r\n", b""])
def test_a_longer_line_breaks_the_protocol(end):
    with pytest.raises(ProtocolError):
        read(b"250 " + b"x" * LINE_LIMIT + end)


def test_a_line_that_never_ends_is_not_kept():
    with pytest.raises(ProtocolError):
        read(*[b"x" * 1000] * 100)


def test_a_reply_that_never_ends_is_not_kept():
    line = b"250-on and on\r\n"
    with pytest.raises(ProtocolError, match=str(REPLY_LIMIT)):
        read(*[line] * (2 * REPLY_LIMIT // len(line)))


def test_the_replies_before_a_broken_one_are_heard():
    reader = ReplyReader()
    replies = reader.feed(b"250 ok\r\nnonsense\r\n")
    assert next(replies).code == 250
    with pytest.raises(ProtocolError):
        next(replies)


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        (200, "accepted"),
        (299, "accepted"),
        (300, "go_ahead"),
        (399, "go_ahead"),
        (400, "refused transient"),
        (499, "refused transient"),
        (500, "refused"),
        (599, "refused"),
    ],
)
def test_the_first_digit_says_what_it_means(code, kinds):
    names = ("accepted", "go_ahead", "refused", "transient")
    assert [name for name in names if getattr(Reply(code), name)] == kinds.split()


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"5.1.1 no", "5.1.1"),
        (b"2.0.0", "2.0.0"),
        (b"4.999.999 x", "4.999.999"),
        (b"5.1.1no", ""),
        (b"no 5.1.1", ""),
        (b"3.1.1 x", ""),
        (b"5.1 x", ""),
        (b"5.1234.1 x", ""),
        (b"", ""),
    ],
)
def test_an_enhanced_status_code_stands_first_in_the_text(line, status):
    assert Reply(550, (line,)).enhanced == status


def test_a_reply_without_lines_has_no_enhanced_status_code():
    assert Reply(550).enhanced == ""


def test_the_text_is_on_one_line():
    assert str(Reply(550, (b"5.1.1 no ", b" such user"))) == "550 5.1.1 no such user"
    assert Reply(250).text == "250"
    assert Reply(250, (b"\xff",)).text == "250 \ufffd"


lines = st.lists(
    st.binary(max_size=60).filter(lambda octets: not set(octets) & {10, 13}), min_size=1, max_size=4
)
replies = st.builds(Reply, st.integers(200, 599), lines.map(tuple))


def octets_of(reply: Reply) -> bytes:
    *first, last = reply.lines
    return b"".join(b"%d-%b\r\n" % (reply.code, line) for line in first) + b"%d %b\r\n" % (reply.code, last)


@given(st.lists(replies, max_size=4), st.lists(st.integers(0, 800), max_size=6))
def test_it_does_not_matter_how_the_octets_are_cut(replies, cuts):
    octets = b"".join(map(octets_of, replies))
    places = [0, *sorted(min(cut, len(octets)) for cut in cuts), len(octets)]
    assert read(*(octets[a:b] for a, b in pairwise(places))) == replies


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_any_octets_give_replies_or_a_protocol_error(pieces):
    reader = ReplyReader()
    try:
        codes = [reply.code for piece in pieces for reply in reader.feed(piece)]
    except ProtocolError:
        return
    assert all(200 <= code < 600 for code in codes)
