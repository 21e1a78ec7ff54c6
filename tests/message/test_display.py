"""The people a header shows, and how it comes to show more."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox
from ccc.errors import MessageError
from ccc.message.display import add_to_list, shown_in
from ccc.message.header import Header, parse
from tests.lab.law import law

NEW = Mailbox("new", "x.com")
OTHER = Mailbox("other", "y.org", "An Other")


def header(text: bytes) -> Header:
    return Header(parse(text))


def test_everybody_in_every_such_field_is_shown():
    read = header(b"To: a@x.org, B <b@x.org>\nCc: c@x.org\nTO : Team: d@x.org,\n e@x.org;\n")
    assert [mailbox.local for mailbox in shown_in(read, "to")] == ["a", "b", "d", "e"]


def test_nobody_is_shown_where_there_is_no_field():
    assert shown_in(header(b"To: a@x.org\n"), "cc") == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Cc: a@x.org\n", b"Cc: a@x.org,\r\n new@x.com\n"),
        (b"Cc: a@x.org\r\nX: y\r\n", b"Cc: a@x.org,\r\n new@x.com\r\nX: y\r\n"),
        (b"Cc: a@x.org,\n b@x.org\nX: y\n", b"Cc: a@x.org,\n b@x.org,\r\n new@x.com\nX: y\n"),
        (b"Cc: a@x.org\nCc: b@x.org\n", b"Cc: a@x.org\nCc: b@x.org,\r\n new@x.com\n"),
        (b"Cc: undisclosed-recipients:;\n", b"Cc: undisclosed-recipients:;,\r\n new@x.com\n"),
        (b"Cc:\n", b"Cc:\r\n new@x.com\n"),
        (b"To: a@x.org\nSubject: s\n", b"To: a@x.org\nCc: new@x.com\r\nSubject: s\n"),
        (b"To: a@x.org\nTo: b@x.org\nX: y\n", b"To: a@x.org\nTo: b@x.org\nCc: new@x.com\r\nX: y\n"),
        (b"From: a@x.org\nX: y\n", b"From: a@x.org\nCc: new@x.com\r\nX: y\n"),
        (b"Subject: s\n", b"Subject: s\nCc: new@x.com\r\n"),
        (b"To: a@x.org", b"To: a@x.org\r\nCc: new@x.com\r\n"),
    ],
)
def test_new_people_stand_at_the_end_of_the_last_cc(before, after):
    assert add_to_list(header(before), "Cc", [NEW]).octets() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"To: a@x.org\n", b"To: a@x.org,\r\n new@x.com\n"),
        (b"From: a@x.org\nCc: c@x.org\n", b"From: a@x.org\nTo: new@x.com\r\nCc: c@x.org\n"),
        (b"Cc: c@x.org\n", b"Cc: c@x.org\nTo: new@x.com\r\n"),
    ],
)
def test_and_so_they_do_in_to(before, after):
    assert add_to_list(header(before), "To", [NEW]).octets() == after


def test_nobody_to_add_changes_nothing():
    read = header(b"To: a@x.org\n")
    assert add_to_list(read, "Cc", []) is read


@pytest.mark.parametrize("value", [b'"open <a@x.org>', b"(open a@x.org", b"Team: a@x.org", b"A <a@x.org"])
def test_a_list_that_never_closes_is_refused(value):
    with pytest.raises(MessageError) as error:
        add_to_list(header(b"X: y\n z\nCc: " + value + b"\n"), "Cc", [NEW])
    assert error.value.place == "header line 3"
    assert "--bcc" in error.value.cure


names = st.sampled_from([b"To", b"Cc", b"cc ", b"From", b"X"])
values = st.sampled_from([b": a@x.org", b":", b": A <a@x.org>,\r\n\tb@y.org", b": (c) d@x.org", b" junk"])
texts = st.lists(st.tuples(names, values, st.sampled_from([b"\n", b"\r\n", b"\r"])).map(b"".join))


@law
@given(texts.map(b"".join), st.sampled_from(["To", "Cc"]))
def test_octets_are_added_in_one_place_and_the_rest_stays(text, name):
    read = header(text)
    longer = add_to_list(read, name, [NEW, OTHER]).octets()
    common = next((n for n, (a, b) in enumerate(zip(text, longer)) if a != b), len(text))  # noqa: B905
    assert longer.endswith(text[common:])


@given(texts.map(b"".join), st.sampled_from(["To", "Cc"]))
def test_who_was_added_is_shown_last_and_no_second_field_is_made(text, name):
    read = header(text)
    longer = add_to_list(read, name, [NEW, OTHER])
    assert shown_in(longer, name.lower())[-2:] == (NEW, OTHER)
    assert longer.count(name.lower()) == max(1, read.count(name.lower()))
