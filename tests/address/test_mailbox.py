"""A mailbox renders itself for each use, and a harmful one cannot be built."""

import re

import pytest
from hypothesis import given

from ccc.address import Mailbox, parse_mailbox, read_list
from ccc.errors import AddressError
from tests.address.lists import locals_, mailboxes, names
from tests.lab.law import law

OUTSIDE_QUOTES = re.compile(r'"(?:[^"\\]|\\.)*"')


@law
@given(mailboxes)
def test_what_a_command_says_is_read_back_as_the_same_mailbox(mailbox):
    assert parse_mailbox(mailbox.addr_spec).key == mailbox.key


@law
@given(mailboxes)
def test_outside_quotes_a_command_holds_no_blank_no_control_and_no_bracket(mailbox):
    bare = OUTSIDE_QUOTES.sub("", mailbox.addr_spec)
    assert min(bare) > " "
    assert not set(bare) & set("<>,;:()\\\x7f") or mailbox.domain.startswith("[IPv6:")


@law
@given(mailboxes)
def test_not_even_in_quotes_does_a_command_hold_a_control_octet(mailbox):
    octets = mailbox.addr_spec.encode()
    assert min(octets) >= 0x20
    assert 0x7F not in octets


@law
@given(mailboxes)
def test_what_a_header_says_is_read_back_as_the_same_mailbox(mailbox):
    assert read_list(mailbox.header().encode()) == (mailbox,)


@given(mailboxes)
def test_what_a_header_says_is_valid_for_the_strict_reader_too(mailbox):
    assert parse_mailbox(mailbox.header()) == mailbox


@given(mailboxes)
def test_a_header_is_ascii_unless_the_local_part_is_not(mailbox):
    assert mailbox.header().isascii() == mailbox.ascii


@given(mailboxes)
def test_no_piece_of_a_name_is_over_75_octets(mailbox):
    assert all(len(piece) <= 75 for piece in mailbox.pieces()[:-1])


@pytest.mark.parametrize(
    ("local", "command"),
    [
        ("ann", "ann@x.org"),
        ("ann.lee+tag", "ann.lee+tag@x.org"),
        ("ann lee", '"ann lee"@x.org'),
        ("ann..lee", '"ann..lee"@x.org'),
        (".ann", '".ann"@x.org'),
        ("ann.", '"ann."@x.org'),
        ("a@b", '"a@b"@x.org'),
        ('a"b\\c', '"a\\"b\\\\c"@x.org'),
        ("x> NOTIFY=NEVER", '"x> NOTIFY=NEVER"@x.org'),
        ("=?utf-8?q?a?=", '"=?utf-8?q?a?="@x.org'),
        ("jürgen", "jürgen@x.org"),
    ],
)
def test_a_local_part_is_quoted_where_it_has_to_be(local, command):
    assert Mailbox(local, "x.org").addr_spec == command


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("", "a@x.org"),
        ("Ann Lee", "Ann Lee <a@x.org>"),
        ("Lee, Ann", '"Lee, Ann" <a@x.org>'),
        ("J. Doe", '"J. Doe" <a@x.org>'),
        ("Ann  Lee", '"Ann  Lee" <a@x.org>'),
        ('Ann "A" Lee', '"Ann \\"A\\" Lee" <a@x.org>'),
        ("boss@x.com", '"boss@x.com" <a@x.org>'),
        ("Jürgen Müller", "=?utf-8?q?J=C3=BCrgen_M=C3=BCller?= <a@x.org>"),
        ("漢字", "=?utf-8?b?5ryi5a2X?= <a@x.org>"),
        ("=?utf-8?q?a?=", "=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?= <a@x.org>"),
    ],
)
def test_a_name_is_written_plainly_where_it_can_be(name, header):
    assert Mailbox("a", "x.org", name).header() == header


@pytest.mark.parametrize("name", ["a" * 80, "a, " * 40, ("a" * 70 + " ") * 3 + "b" * 76])
def test_a_name_that_cannot_be_folded_is_encoded(name):
    header = Mailbox("a", "x.org", name).header()
    assert all(len(word) <= 75 for word in header.split(" "))
    assert header.startswith("=?utf-8?")


@pytest.mark.parametrize(
    ("mailbox", "eyes"),
    [
        (Mailbox("ann", "x.org"), "ann@x.org"),
        (Mailbox("root", ""), "root"),
        (Mailbox("root", "", "Charlie Root"), "Charlie Root <root>"),
        (Mailbox("ann", "x.org", "Ännchen"), "Ännchen <ann@x.org>"),
        (Mailbox("ann", "x.org", "b@x.org>, Bob <c@d"), '"b@x.org>, Bob <c@d" <ann@x.org>'),
        (Mailbox("a", "xn--bcher-kva.org"), "a@bücher.org (xn--bcher-kva.org)"),
        (Mailbox("a", "xn--bcher-kva.org", "A"), "A <a@bücher.org> (xn--bcher-kva.org)"),
        (Mailbox("a", "xn--.org"), "a@xn--.org"),
        (Mailbox("a", "[192.0.2.1]"), "a@[192.0.2.1]"),
    ],
)
def test_people_see_names_and_u_labels(mailbox, eyes):
    assert mailbox.eyes() == eyes


def test_people_see_the_a_labels_of_a_domain_that_looks_like_another():
    assert parse_mailbox("a@p\u0430ypal.com").eyes() == "a@p\u0430ypal.com (xn--pypal-4ve.com)"


def test_its_identity_is_the_local_part_as_written_and_the_domain():
    assert Mailbox("Ann", "x.org", "A").key == Mailbox("Ann", "x.org", "B").key
    assert Mailbox("Ann", "x.org").key != Mailbox("ann", "x.org").key


def test_a_person_is_the_same_in_any_case():
    assert Mailbox("Ann", "x.org", "A").same_person(Mailbox("aNN", "x.org"))
    assert not Mailbox("ann", "x.org").same_person(Mailbox("ann", "y.org"))


@pytest.mark.parametrize(
    ("one", "other"), [("stra\u00dfe", "strasse"), ("\u00d6l", "\u00f6l"), ("\u212a", "k")]
)
def test_only_ascii_capitals_are_not_heeded(one: str, other: str) -> None:
    assert not Mailbox(one, "x.org").same_person(Mailbox(other, "x.org"))
    assert Mailbox(one, "x.org").person != Mailbox(other, "x.org").person


def test_two_mailboxes_of_one_person_have_the_same_person() -> None:
    assert Mailbox("Ann.\u00d6", "x.org", "A").person == Mailbox("aNN.\u00d6", "x.org").person


def test_a_local_part_tells_whether_smtputf8_is_needed():
    assert Mailbox("ann", "xn--bcher-kva.org", "Ännchen").ascii
    assert not Mailbox("änn", "x.org").ascii


@pytest.mark.parametrize(
    ("local", "domain", "name", "reason"),
    [
        ("", "x.org", "", "the local part is missing"),
        ("a", "x.org> NOTIFY=NEVER", "", "lower-case A-labels"),
        ("a", "X.org", "", "lower-case A-labels"),
        ("a", "bücher.org", "", "lower-case A-labels"),
        ("a", "[192.0.2.1", "", "lower-case A-labels"),
        ("a", "[192.0.2.1>]", "", "lower-case A-labels"),
        ("a", "x.org\r\nBcc: b@y.org", "", "lower-case A-labels"),
        ("a\r\nb", "x.org", "", r"the character \x0d is not allowed"),
        ("a\0b", "x.org", "", r"the character \x00 is not allowed"),
        ("a\u200db", "x.org", "", r"the character \u{200d} is not allowed"),
        ("a", "x.org", "A\r\nBcc: b@y.org", r"the character \x0d is not allowed"),
        ("a", "x.org", "A\u202e", r"the character \u{202e} is not allowed"),
        ("a", "x.org", "A\u2028", r"the character \u{2028} is not allowed"),
        ("a", "x.org", "A\x85", r"the character \x85 is not allowed"),
        ("a", "x.org", "A\udcff", r"the character \u{dcff} is not allowed"),
        ("a\ud800", "x.org", "", r"the character \u{d800} is not allowed"),
        ("a" * 321, "x.org", "", "over 320 octets"),
        ("a", "x" * 321, "", "over 320 octets"),
    ],
)
def test_one_that_would_break_a_command_or_a_header_cannot_be_built(local, domain, name, reason):
    with pytest.raises(AddressError) as caught:
        Mailbox(local, domain, name)
    assert reason in caught.value.reason


def test_a_name_may_hold_the_joiners_of_persian_and_of_emoji():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert read_list(Mailbox("a", "x.org", family).header().encode())[0].name == family


@given(locals_, names)
def test_a_bare_name_of_a_header_is_shown_without_a_domain(local, name):
    assert "@" not in Mailbox(local, "", name).addr_spec or "@" in local
