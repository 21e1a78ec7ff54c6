"""What read() takes, what it refuses, and where the parts of a message lie."""

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import MessageError
from ccc.message import BLOCK, HeldOctets, Message, read
from ccc.message.message import HEADER_LIMIT, LINES_LIMIT, Mbox
from tests.lab.law import law

FROM_LINE = b"From ann@x.org Mon Jan  1 10:00:00 2024\n"


def message(octets: bytes) -> Message:
    return read(HeldOctets(octets), "test.eml")


def refused(octets: bytes) -> MessageError:
    with pytest.raises(MessageError) as error:
        message(octets)
    assert type(error.value) is MessageError
    return error.value


def body(read_message: Message) -> bytes:
    octets = read_message.body
    return b"".join(octets.block(at) for at in range(0, octets.size, BLOCK))


def whole(read_message: Message) -> bytes:
    header = read_message.header.octets()
    return read_message.lead + header + read_message.separator + body(read_message)


leads = st.sampled_from([b"", b"\xef\xbb\xbf", FROM_LINE, b">" + FROM_LINE, b"\xef\xbb\xbf" + FROM_LINE])
anything = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b"To: a", b"X", b":", b"\xff", b".", b"From x"])
).map(b"".join)


@law
@given(leads, anything)
def test_reading_then_writing_gives_the_same_octets(lead, rest):
    octets = lead + b"Subject: x" + rest
    assert whole(message(octets)) == octets


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_message_has_a_header_an_empty_line_and_a_body(end):
    read_message = message(b"To: a" + end + b"Cc: b" + end + end + b"text" + end)
    assert [field.key for field in read_message.header] == ["to", "cc"]
    assert (read_message.separator, body(read_message)) == (end, b"text" + end)
    assert read_message.name == "test.eml"


@pytest.mark.parametrize("octets", [b"To: a", b"To: a\n", b"To: a\r\n b", b"To: a\rjunk"])
def test_a_header_may_end_with_the_file(octets):
    read_message = message(octets)
    assert (read_message.header.octets(), read_message.separator) == (octets, b"")
    assert read_message.body.size == 0


@pytest.mark.parametrize("octets", [b"To: a\n\n", b"To: a\r\n\r\n", b"To: a\r\r"])
def test_a_body_may_be_empty(octets):
    read_message = message(octets)
    assert len(read_message.separator) == len(octets) - len(read_message.header.octets())
    assert read_message.body.size == 0


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK])
@pytest.mark.parametrize("separator", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r", b"\r\n\r"])
def test_the_empty_line_is_found_where_blocks_meet(size, separator):
    for shift in range(-len(separator), 2):
        header = b"To: a" + b"x" * (size - 5 + shift)
        read_message = message(header + separator + b"body")
        assert read_message.header.octets() + read_message.separator == header + separator
        assert body(read_message) == b"body"


@pytest.mark.parametrize(
    ("lead", "from_line", "has_bom"),
    [
        (b"", b"", False),
        (b"\xef\xbb\xbf", b"", True),
        (FROM_LINE, FROM_LINE[:-1], False),
        (b">" + FROM_LINE, b">" + FROM_LINE[:-1], False),
        (FROM_LINE[:-1] + b"\r\n", FROM_LINE[:-1], False),
        (FROM_LINE[:-1] + b"\r", FROM_LINE[:-1], False),
        (b"\xef\xbb\xbf" + FROM_LINE, FROM_LINE[:-1], True),
        (FROM_LINE + b">From uucp remote from x\n", FROM_LINE[:-1], False),
    ],
)
def test_what_stands_before_the_header_is_set_apart(lead, from_line, has_bom):
    read_message = message(lead + b"To: a\n\nbody\n")
    assert read_message.lead == lead
    assert (read_message.from_line, read_message.has_bom) == (from_line, has_bom)
    assert read_message.header.octets() == b"To: a\n"


@pytest.mark.parametrize("octets", [b"From : ann@x.org\n\n", b"From \t: ann@x.org\n", b"From: a\n"])
def test_a_from_field_is_no_from_line(octets):
    assert message(octets).header.count("from") == 1  # RFC 5322, 4.5.8


@pytest.mark.parametrize(
    ("octets", "place"),
    [
        (b"", "line 1"),
        (b"\n", "line 1"),
        (b"\r\n\r\nTo: a\n", "line 1"),
        (b"no field\n\nbody", "line 1"),
        (b"no field", "line 1"),
        (FROM_LINE, "line 2"),
        (FROM_LINE + b"\nbody", "line 2"),
        (b"\xef\xbb\xbf", "line 1"),
        (b"\x89PNG\r\n\x1a\n", "line 1"),
    ],
)
def test_a_message_without_any_field_is_refused(octets, place):
    error = refused(octets)
    assert (error.what, error.place) == (f"there is no header field ({place})", place)


@pytest.mark.parametrize(
    ("octets", "place"),
    [(b" To: a\n\n", "line 1"), (b"\tx", "line 1"), (FROM_LINE + b" To: a\n", "line 2")],
)
def test_a_first_line_that_is_a_continuation_is_refused(octets, place):
    error = refused(octets)
    assert error.what == f"the first line is a continuation ({place})"


@pytest.mark.parametrize("at", [6, 100, BLOCK - 1, BLOCK, 3 * BLOCK + 17])
@pytest.mark.parametrize("top", [b"To: a\n\n", b"To: a"], ids=["in the body", "in the header"])
def test_a_nul_is_refused_wherever_it_is(at, top):
    octets = top + b"x" * (at - len(top)) + b"\0tail"
    error = refused(octets)
    assert error.place == f"octet {octets.index(0) + 1}"
    assert "tr -d" in error.cure


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused_with_the_cure(codec):
    error = refused("To: a\n\nbody\n".encode(codec))
    assert "UTF-16" in error.what
    assert "iconv" in error.cure


def test_one_octet_is_no_utf_16():
    assert refused(b"x").what == "there is no header field (line 1)"


MAIL = b"To: a\nSubject: b\n\ntext\n\n"


@pytest.mark.parametrize("count", [2, 3, 30])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_several_messages_in_one_file_are_counted_and_refused(count, end):
    error = refused(((FROM_LINE + MAIL) * count).replace(b"\n", end))
    assert error.what == f"there are {count} messages in the file"
    assert "name one of them, as mbox:PATH#1" in error.cure


def test_many_messages_are_counted_where_blocks_meet():
    count = 3 * BLOCK // len(FROM_LINE + MAIL)
    assert refused((FROM_LINE + MAIL) * count).what == f"there are {count} messages in the file"


def test_a_message_without_a_body_counts():
    assert "there are 2" in refused(FROM_LINE + b"To: a\n\n" + FROM_LINE + b"To: b\n").what


@pytest.mark.parametrize(
    "octets",
    [
        MAIL + FROM_LINE + MAIL,  # no From_ line on top
        FROM_LINE + b"To: a\n\ntext\n" + FROM_LINE + b"To: b\n",  # no empty line before
        FROM_LINE + b"To: a\n\ntext\n\nFrom here on, nothing: see below\n",  # no time
        FROM_LINE + b"To: a\n\ntext\n\nFrom 10:00 to 11:00 we talk\nabout it\n",  # no field below
        FROM_LINE + b"To: a\n\ntext\n\n>" + FROM_LINE + b"To: b\n",  # escaped
        b"\xef\xbb\xbf" + MAIL + FROM_LINE + MAIL,
    ],
)
def test_a_line_that_only_looks_like_a_separator_is_text(octets):
    assert whole(message(octets)) == octets


@pytest.mark.parametrize("rest", [b"", b"x", b"\n", b"\n\nbody", b"x" * 3 * BLOCK + b"\n\nbody"])
def test_a_header_over_8_mib_is_refused(rest):
    error = refused(FROM_LINE + b"X: " + b"x" * (HEADER_LIMIT - 2) + rest)
    assert error.what == "the header is over 8 MiB (line 2)"
    assert "look whether this file is a message at all" in error.cure


@pytest.mark.parametrize("rest", [b"", b"\n\nbody"])
def test_a_header_of_8_mib_is_read(rest):
    header = b"X: " + b"x" * (HEADER_LIMIT - 4)
    assert message(header + rest).header.octets() == header + rest[:1]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("line", [b"a", b" fold"])
def test_a_header_of_over_100_000_lines_is_refused(end, line):
    error = refused(b"To: a" + end + (line + end) * LINES_LIMIT + end + b"body")
    assert error.what == "the header has 100001 lines, and 100000 are the most (line 1)"
    assert error.cure


def test_a_header_of_100_000_lines_is_read():
    assert len(message(b"To: a\n" * LINES_LIMIT + b"\nbody\n").header.fields) == LINES_LIMIT


def test_a_header_that_is_refused_takes_no_memory_for_each_line():
    octets = HeldOctets(b"To: a\n" + b"a\n" * (HEADER_LIMIT // 2 - 3))
    tracemalloc.start()
    with pytest.raises(MessageError):
        read(octets, "test.eml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * HEADER_LIMIT


@pytest.mark.parametrize("end", [b"\n", b"\r", b""])
def test_a_header_of_several_blocks_may_end_with_the_file(end):
    octets = b"To: a" + b"x" * (2 * BLOCK) + end
    assert message(octets).header.octets() == octets


def test_a_header_of_several_blocks_is_read():
    fields = b"X-Filler: some text\n" * 50_000
    assert message(fields + b"\nbody").header.octets() == fields


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (b"", ""),
        (b"Message-ID: <a@b>\n", "<a@b>"),
        (b"message-id:\n <a@\n b>\n", "<a@b>"),
        (b"Message-ID: <a@b> (added by x)\n", "<a@b>"),
        (b"Message-ID: bare\n", "bare"),
        (b"Message-ID: > <\n", "><"),
        (b"Message-ID: <\xff@b>\n", "<\\xff@b>"),
        (b"Message-ID: <a@b>\nMessage-ID: <c@d>\n", "<a@b>"),
    ],
)
def test_the_message_id_is_read(field, expected):
    assert message(b"To: a\n" + field).message_id == expected


def test_the_body_is_never_held():
    class Endless:
        size = 64 * BLOCK
        line = b"0123456789abcdef" * 4 + b"\r\n"
        text = line * (2 * BLOCK // len(line))

        def block(self, offset: int) -> bytes:
            if offset == 0:
                return b"To: a\r\n\r\n" + b"x" * (BLOCK - 9)
            return self.text[offset % 66 :][: min(BLOCK, self.size - offset)]

    octets = Endless()
    tracemalloc.start()
    read_message = read(octets, "big")
    for _ in read_message.content(read_message.header).blocks():
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * BLOCK


def test_a_hostile_message_is_scanned_in_linear_time():
    before = time.process_time()
    message(FROM_LINE + b"To: a\n\n" + (b"\n\nFrom " + b"1:11" * 90) * 20_000)
    message(b"To: a\n\n" + b"\r" * 2_000_000)
    message(b"To: a\n\n" + b"\r\n" * 2_000_000)
    message(b"To: a\n\n" + b"x" * 8_000_000)
    assert time.process_time() - before < 4


def test_what_looks_like_a_further_message_belongs_to_one_whose_octets_are_counted():
    message = read(HeldOctets((FROM_LINE + MAIL) * 3), "mbox:a#1", counted=True)
    assert message.mbox == Mbox(inside=2)


def test_a_message_whose_octets_are_counted_may_be_an_ordinary_one():
    assert read(HeldOctets(FROM_LINE + MAIL), "mbox:a#1", counted=True).mbox is None
