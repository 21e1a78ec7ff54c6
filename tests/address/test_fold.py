"""Lists are written folded, and added to a list only where they will be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox, extension, fold_list, parse_recipients, read_list
from tests.address.lists import lists, mailboxes, soup
from tests.lab.law import law

some = lists.filter(bool)
ends = st.sampled_from([b"\r\n", b"\n"])
ANN, BOB = parse_recipients("ann@example.org, Bob <bob@example.org>")
LONG = Mailbox("a " * 160, "b" * 320, "Ann")


def body(field: bytes) -> bytes:
    return field.partition(b":")[2]


@law
@given(some)
def test_a_field_that_is_written_is_read_back(members):
    assert read_list(body(fold_list("Cc", members))) == members


@given(some, ends)
def test_every_line_but_the_first_begins_with_a_blank_and_holds_more(members, end):
    lines = fold_list("Resent-To", members, end).split(end)
    assert lines.pop() == b""
    assert lines[0].startswith(b"Resent-To:")
    assert all(line.startswith(b" ") and line.strip() for line in lines[1:])


@given(some)
def test_no_line_is_over_78_octets_but_for_an_address_that_is(members):
    for line in fold_list("Resent-To", members).split(b"\r\n"):
        assert len(line) <= 78 or line.count(b" ") == 1 or b'"' in line
        assert len(line) <= 998


@given(some)
def test_a_line_with_an_encoded_word_has_at_most_76_octets(members):
    lines = fold_list("Resent-To", members).split(b"\r\n")
    assert all(len(line) <= 76 for line in lines if b"=?utf-8?" in line and b"@" not in line)


def test_the_longest_mailbox_of_all_stays_below_998_octets():
    assert max(map(len, fold_list("Cc", (LONG, LONG)).split(b"\r\n"))) <= 998


def test_mailboxes_share_a_line_as_long_as_there_is_room():
    assert fold_list("Cc", (ANN, BOB)) == b"Cc: ann@example.org, Bob <bob@example.org>\r\n"
    assert fold_list("Cc", (ANN, BOB) * 2) == (
        b"Cc: ann@example.org, Bob <bob@example.org>, ann@example.org,\r\n Bob <bob@example.org>\r\n"
    )


def test_a_mailbox_that_fits_on_a_line_is_not_divided():
    name = "A rather long name that leaves no room"
    members = (ANN, Mailbox("somebody", "example.org", name))
    assert fold_list("Cc", members).splitlines()[1] == f" {name} <somebody@example.org>".encode()


def test_a_long_name_is_folded_between_its_words():
    field = fold_list("Cc", (Mailbox("a", "x.org", "word " * 20 + "end"),))
    assert len(field.splitlines()) == 2
    assert b"word\r\n word" in field


@law
@given(soup.map(str.encode), some, ends)
def test_what_stood_in_a_list_is_read_as_before_and_then_what_was_added(value, members, end):
    more = extension(value, members, end)
    if more is not None:
        assert read_list(value + more) == read_list(value) + members


@given(soup.map(str.encode), mailboxes)
def test_what_is_added_makes_lines_that_continue_the_field(value, mailbox):
    more = extension(value, (mailbox,))
    if more is not None:
        assert all(line.startswith(b" ") and line.strip() for line in more.split(b"\r\n")[1:])
        assert more.split(b"\r\n")[0] in (b"", b",")


@pytest.mark.parametrize(
    ("value", "added"),
    [
        (b" a@x.org", b",\r\n ann@example.org"),
        (b" a@x.org\r\n", b",\r\n ann@example.org"),
        (b" a@x.org,", b"\r\n ann@example.org"),
        (b" a@x.org, (and so on)", b"\r\n ann@example.org"),
        (b" a@x.org (\\()", b",\r\n ann@example.org"),
        (b"", b"\r\n ann@example.org"),
        (b" ", b"\r\n ann@example.org"),
        (b" none:;", b",\r\n ann@example.org"),
        (b" F: a@x.org, b@x.org;", b",\r\n ann@example.org"),
        (b" F: a@x.org; ,", b"\r\n ann@example.org"),
        (b" a@x.org;", b",\r\n ann@example.org"),
        (b" A <a@x.org, B <b@x.org>", b",\r\n ann@example.org"),
        (b" not an address", b",\r\n ann@example.org"),
        (b" \xff\x00", b",\r\n ann@example.org"),
    ],
)
def test_a_comma_is_written_where_one_is_missing(value, added):
    assert extension(value, (ANN,)) == added


@pytest.mark.parametrize(
    "value",
    [
        b' "a@x.org',
        b" a@x.org (late",
        b" a@x.org ((late)",
        b" a@[192.0.2.1",
        b" F: a@x.org",
        b" F: a@x.org,",
        b" F: a@x.org; G:",
        b" A <a@x.org",
        b" A <a@x.org>, B <",
        b" <@r.org,a@x.org",
        b" <a@x.org> <",
        b" a@x.org \\",
    ],
)
def test_nothing_is_added_behind_what_is_never_closed(value):
    assert extension(value, (ANN,)) is None


def test_to_add_nobody_adds_no_octet():
    assert extension(b" a@x.org", ()) == b""


def test_a_comma_does_not_lengthen_a_line_that_is_full():
    assert extension(b" " + b"a" * 990, (ANN,)) == b"\r\n ,\r\n ann@example.org"
    assert extension(b" " + b"a" * 990 + b",", (ANN,)) == b"\r\n ann@example.org"
    assert extension(b" " + b"a" * 990 + b",\r\n b", (ANN,)) == b",\r\n ann@example.org"


def test_a_list_in_a_file_with_other_line_ends_keeps_them():
    assert extension(b" a@x.org", (ANN, BOB), b"\n") == b",\n ann@example.org, Bob <bob@example.org>"
