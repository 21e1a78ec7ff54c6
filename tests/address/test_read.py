"""A header's address-list is read for eyes: bad items hide no good ones, and nothing is an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox, extension, read_list
from ccc.visible import harmful
from tests.address.lists import lists, mailboxes, soup, texts
from tests.lab.law import law


def shown(value: str) -> list[tuple[str, str, str]]:
    return [(mailbox.local, mailbox.domain, mailbox.name) for mailbox in read_list(value.encode())]


@given(st.one_of(st.binary(max_size=60), texts.map(lambda text: text.encode(errors="replace"))))
def test_whatever_stands_in_a_header_is_read(value):
    assert all(isinstance(mailbox, Mailbox) for mailbox in read_list(value))


@law
@given(st.one_of(st.binary(max_size=60), soup.map(str.encode)))
def test_nothing_that_was_read_holds_a_harmful_character(value):
    for mailbox in read_list(value):
        assert not any(harmful(char) for char in mailbox.eyes() if char not in "\u200c\u200d")


@law
@given(soup)
def test_what_was_read_is_written_and_read_again_alike(value):
    for mailbox in [found for found in read_list(value.encode()) if found.domain]:
        assert read_list(mailbox.header().encode()) == (mailbox,)


@given(lists, st.sampled_from([b", ", b",\r\n ", b",\n\t", b" ,\r ", b",,", b";"]))
def test_a_list_is_read_whatever_stands_between_its_members(members, comma):
    assert read_list(comma.join(mailbox.header().encode() for mailbox in members)) == members


@given(soup, mailboxes)
def test_what_is_closed_does_not_hide_what_comes_next(value, mailbox):
    if (more := extension(value.encode(), (mailbox,))) is not None:
        assert read_list(value.encode() + more)[-1] == mailbox


@pytest.mark.parametrize(
    ("value", "mailboxes"),
    [
        ("", []),
        (" ", []),
        (" ann@x.org\r\n", [("ann", "x.org", "")]),
        ("Ann\r\n Lee <ann@x.org>", [("ann", "x.org", "Ann Lee")]),
        ('"Ann\r\n Lee" <ann@x.org>', [("ann", "x.org", "Ann Lee")]),
        ("Friends: a@x.org, b@y.org;, c@z.org", [("a", "x.org", ""), ("b", "y.org", ""), ("c", "z.org", "")]),
        ("undisclosed-recipients:;", []),
        ("a@x.org; b@y.org", [("a", "x.org", ""), ("b", "y.org", "")]),
        ("root, a@x.org", [("root", "", ""), ("a", "x.org", "")]),
        ("first.last", [("first.last", "", "")]),
        ("Charlie <root>", [("root", "", "Charlie")]),
        ("Charlie Root, a@x.org", [("a", "x.org", "")]),
        ("=?utf-8?q?Undisclosed?=", []),
        ("<>, a@x.org", [("a", "x.org", "")]),
        ("a@, @x.org, b@y.org", [("b", "y.org", "")]),
        ("a@b@c, b@y.org", [("b", "y.org", "")]),
        ("A <a@x.org, B <b@y.org>", [("b", "y.org", "B")]),
        ("a@x.org (Ann (A) Lee)", [("a", "x.org", "Ann (A) Lee")]),
        ("a@x.org (=?utf-8?q?=C3=84nn?=)", [("a", "x.org", "Änn")]),
        ("a@x.org (An\\)n)", [("a", "x.org", "An)n")]),
        ("(late) a@x.org, (c)", [("a", "x.org", "")]),
        ("Ann <a@x.org> (late)", [("a", "x.org", "Ann")]),
        ("boss@x.com <evil@y.org>", [("evil", "y.org", "boss@x.com")]),
        ("J. R. <a@x.org>", [("a", "x.org", "J. R.")]),
        ("J.R. <a@x.org> trailing", [("a", "x.org", "J.R.")]),
        ("<@r.org,@s.org:a@x.org>", [("a", "x.org", "")]),
        ("a..b.@docomo.example", [("a..b.", "docomo.example", "")]),
        ("a@under_score.org", [("a", "under_score.org", "")]),
        ("a@X.ORG.", [("a", "x.org", "")]),
        ("a@bücher.org", [("a", "xn--bcher-kva.org", "")]),
        ("a@😀.org, b@y.org", [("b", "y.org", "")]),
        ("a@[192.0.2.1]", [("a", "[192.0.2.1]", "")]),
        ("a@[nowhere], b@y.org", [("b", "y.org", "")]),
        ("a@x/y.org, b@y.org", [("b", "y.org", "")]),
        ('"=?utf-8?q?Doe=2C_J?=" <a@x.org>', [("a", "x.org", "Doe, J")]),
        ("=?utf-8?q?Doe,J@x?= <a@x.org>", [("a", "x.org", "Doe,J@x")]),
        ("=?utf-8?q?=1B[2J?= <a@x.org>", [("a", "x.org", "\ufffd[2J")]),
        ("=?utf-8?q?=0D=0ABcc:_b?= <a@x.org>", [("a", "x.org", "\ufffd\ufffdBcc: b")]),
        ("\u202eAnn\u200d <a@x.org>", [("a", "x.org", "\ufffdAnn\u200d")]),
        ("a\0b@x.org, b@y.org", [("b", "y.org", "")]),
        ("a@x.org (never closed, b@y.org", [("b", "y.org", "")]),
        ('a@x.org, "never closed, b@y.org', [("a", "x.org", ""), ("b", "y.org", "")]),
    ],
)
def test_people_are_shown_however_carelessly_they_were_written(value, mailboxes):
    assert shown(value) == mailboxes


def test_octets_that_are_not_utf_8_hide_no_address():
    assert read_list(b"J\xfcrgen <a@x.org>") == (Mailbox("a", "x.org", "J\ufffdrgen"),)
