"""Fields keep their octets; a header gains and loses whole ones."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.message.header import JUNK, Field, Header, line_end, parse, separator_at
from tests.lab.law import law

ends = st.sampled_from([b"\r", b"\n", b"\r\n"])
names = st.sampled_from([b"To", b"cc", b"X-A", b"Bcc ", b"Junk line", b"", b"8\xffbit"])
values = st.sampled_from([b": a", b":", b": \xc3\xa4", b": a,\n b", b" no colon", b":\r\n\t"])
lines = st.tuples(names, values, ends).map(b"".join)
headers = st.lists(lines, min_size=1).map(b"".join)
octets = st.lists(st.sampled_from(b"\r\n\t :AaZz\xff"), min_size=1).map(bytes)


def header(text: bytes) -> Header:
    return Header(parse(text))


@law
@given(octets)
def test_reading_then_writing_gives_the_same_octets(text):
    assert header(text).octets() == text


@given(headers)
def test_every_field_but_the_first_begins_without_white_space(text):
    assert all(field.raw[:1] not in (b" ", b"\t") for field in parse(text)[1:])


@given(headers)
def test_on_the_wire_a_header_has_crlf_only(text):
    assert header(text).wire() == b"".join(line + b"\r\n" for line in text.splitlines())


def test_no_octets_are_no_fields():
    assert parse(b"") == ()


@pytest.mark.parametrize(
    ("raw", "name", "key", "value", "text"),
    [
        (b"To: a\r\n", "To", "to", b" a", "a"),
        (b"BCC \t: a\n", "BCC", "bcc", b" a", "a"),
        (b"Subject:\r", "Subject", "subject", b"", ""),
        (b"Subject: a\r\n b\n\tc", "Subject", "subject", b" a\r\n b\n\tc", "a b\tc"),
        (b"X: a:b", "X", "x", b" a:b", "a:b"),
        (b"X: \xc3\xa4\xff\n", "X", "x", b" \xc3\xa4\xff", "ä\\xff"),
        (b"no field\n", "", JUNK, b"no field", "no field"),
        (b": nameless\n", "", JUNK, b": nameless", ": nameless"),
        (b"two words: x\n", "", JUNK, b"two words: x", "two words: x"),
        (b"\xc3\xa4: x\n", "", JUNK, b"\xc3\xa4: x", "ä: x"),
    ],
)
def test_a_field_knows_its_parts(raw, name, key, value, text):
    (field,) = parse(raw)
    assert (field.name, field.key, field.value, field.text) == (name, key, value, text)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_no_field_hides_behind_a_stray_line_end(end):
    assert header(b"To: a" + end + b"Bcc: b\r\n").count("bcc") == 1


@pytest.mark.parametrize("space", [b" ", b"\t"])
def test_a_fold_of_white_space_only_belongs_to_its_field(space):
    assert len(parse(b"To: a\n" + space + b"\nCc: b\n")) == 2  # RFC 5322, 4.2


def test_a_fold_belongs_to_the_junk_line_above_it():
    assert parse(b"junk\n Bcc: a\n") == (Field(b"junk\n Bcc: a\n", JUNK),)


def test_fields_are_found_by_key():
    read = header(b"To: a\nCc: b\nto: c\n")
    assert [field.raw for field in read.all("to")] == [b"To: a\n", b"to: c\n"]
    assert read.first("to") is read.fields[0]
    assert read.first("bcc") is None
    assert (read.count("to"), read.count("bcc")) == (2, 0)


def test_a_header_gains_on_top():
    assert header(b"To: a\r").on_top(b"A: 1\r\nB: 2\r\n").octets() == b"A: 1\r\nB: 2\r\nTo: a\r"


def test_a_header_loses_the_very_field_that_is_named():
    read = header(b"X: 1\nX: 1\nY: 2\n")
    assert read.without([read.fields[1]]).fields[0] is read.fields[0]
    assert read.without([read.fields[1]]).octets() == b"X: 1\nY: 2\n"


def test_a_lost_field_does_not_join_a_cr_and_an_lf():
    read = header(b"A: 1\rBcc: 2\r\n")
    left = Header((*read.without(read.all("bcc")), Field(b"\n", JUNK)))
    assert left.wire() == b"A: 1\r\n\r\n"


def test_a_header_gains_below_a_field():
    read = header(b"To: a\nX: b\n")
    assert read.after(read.fields[0], b"Cc: c\r\n").octets() == b"To: a\nCc: c\r\nX: b\n"


def test_a_header_gains_at_its_end():
    assert header(b"To: a\n").after(None, b"Cc: c\r\n").octets() == b"To: a\nCc: c\r\n"


def test_a_header_without_its_last_line_end_gains_at_its_end():
    assert header(b"To: a").after(None, b"Cc: c\r\n").octets() == b"To: a\r\nCc: c\r\n"


def test_an_empty_header_gains():
    assert Header(()).after(None, b"Cc: c\r\n").octets() == b"Cc: c\r\n"


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_field_is_extended_before_its_line_end(end):
    read = header(b"Cc: a" + end + b"X: b\n")
    assert read.extended(read.fields[0], b", c").octets() == b"Cc: a, c" + end + b"X: b\n"


def test_a_field_at_the_end_of_the_file_is_extended():
    read = header(b"Cc: a")
    assert read.extended(read.fields[0], b", c").octets() == b"Cc: a, c\r\n"


@law
@given(headers, st.data())
def test_what_is_not_touched_stays_octet_for_octet(text, data):
    read = header(text)
    gone = data.draw(st.lists(st.sampled_from(read.fields)))
    below = data.draw(st.sampled_from(read.fields))
    edited = read.after(below, b"New: 1\r\n").on_top(b"Top: 2\r\n").without(gone)
    kept = [field.raw for field in read if not any(field is lost for lost in gone)]
    left = [field.raw for field in edited if field.key not in ("new", "top")]
    assert left == kept


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (b"A: b\n\nbody", 5),
        (b"A: b\r\n\r\nbody", 6),
        (b"A: b\r\rbody", 5),
        (b"A: b\n\rbody", 5),
        (b"A: b\r\r\nbody", 5),
        (b"A: b\r\n\nbody", 6),
        (b"A: b\r\n\rbody", 6),
        (b"A: b\r\nc: d\r\n", -1),
        (b"A: b", -1),
        (b"A: b\n \n\n", 7),
        (b"A: b\n\nc\r\rd\n\re", 5),
        (b"A: b\n\rc\n\nd", 5),
        (b"A: b\r\n\r\nc\n\nd\n\re", 6),
    ],
)
def test_the_header_ends_at_the_first_empty_line(text, at):
    assert separator_at(text) == at


@given(octets)
def test_the_first_empty_line_is_the_first_that_splitlines_knows(text):
    expected = at = 0
    for line in text.splitlines(keepends=True):
        if at and line in (b"\r", b"\n", b"\r\n"):
            expected = at
            break
        at += len(line)
    assert separator_at(text) == (expected or -1)


@pytest.mark.parametrize(
    ("text", "end"), [(b"a\r\n", b"\r\n"), (b"a\n", b"\n"), (b"a\r", b"\r"), (b"a", b""), (b"", b"")]
)
def test_a_line_end_is_told(text, end):
    assert line_end(text) == end


@pytest.mark.parametrize(
    "text",
    [
        b"X: " + b"x" * 5_000_000 + b"\n",
        b"X: a\n" + b" fold\n" * 20_000,
        b"X: a\n" * 40_000,
        b"\r" * 40_000,
        b":" * 1_000_000,
        b"a" * 1_000_000,
        b"a " * 1_000_000,
    ],
    ids=["5 MB field", "folds", "fields", "empty", "colons", "name", "words"],
)
def test_a_huge_header_takes_linear_time(text):
    before = time.process_time()
    assert header(text).octets() == text
    assert time.process_time() - before < 1
