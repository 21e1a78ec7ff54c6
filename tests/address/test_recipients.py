"""What users type becomes recipients, or is refused with a place and a reason."""

import re

import pytest
from hypothesis import given

from ccc.address import Mailbox, parse_mailbox, parse_recipients, read_list, undeliverable
from ccc.errors import AddressError, UsageError
from tests.address.lists import lists, texts
from tests.lab.law import law

LDH = re.compile(
    r"(?=.{1,255}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


def refused(text: str) -> AddressError:
    with pytest.raises(AddressError) as caught:
        parse_recipients(text)
    return caught.value


def accepted(text: str) -> tuple[Mailbox, ...]:
    try:
        return parse_recipients(text)
    except AddressError:
        return ()


@given(texts.filter(lambda text: not accepted(text)))
def test_what_is_not_taken_is_refused_at_a_place_in_the_text(text):
    error = refused(text)
    assert 0 <= error.position <= len(text)
    assert error.reason


@given(texts)
def test_every_recipient_can_stand_in_an_envelope(text):
    assert all(not undeliverable(mailbox) for mailbox in accepted(text))


@law
@given(texts)
def test_every_recipient_is_read_back_from_its_command(text):
    for mailbox in accepted(text):
        assert parse_mailbox(mailbox.addr_spec).key == mailbox.key


@given(texts)
def test_every_recipient_keeps_the_limits_of_smtp(text):
    for mailbox in accepted(text):
        assert len(mailbox.addr_spec.encode()) <= 254
        assert len(mailbox.addr_spec.encode()) - len(mailbox.domain) - 1 <= 64
        assert mailbox.domain.startswith("[") or LDH.fullmatch(mailbox.domain)


@given(texts)
def test_what_the_strict_reader_takes_the_lenient_one_reads_alike(text):
    if strict := accepted(text):
        assert [mailbox.key for mailbox in read_list(text.encode())] == [mailbox.key for mailbox in strict]


@law
@given(lists)
def test_a_list_that_is_written_is_read_back(mailboxes):
    text = ", ".join(mailbox.header() for mailbox in mailboxes)
    assert accepted(text) == mailboxes


@pytest.mark.parametrize(
    ("text", "mailboxes"),
    [
        ("ann@x.org", [("ann", "x.org", "")]),
        ("<ann@x.org>", [("ann", "x.org", "")]),
        ("Ann Lee <ann@x.org>", [("ann", "x.org", "Ann Lee")]),
        ("Ann\tLee<ann@x.org>", [("ann", "x.org", "Ann Lee")]),
        ('"Lee, Ann" <ann@x.org>', [("ann", "x.org", "Lee, Ann")]),
        ('"A \\"B\\" C" <ann@x.org>', [("ann", "x.org", 'A "B" C')]),
        ("J. R. R. T <ann@x.org>", [("ann", "x.org", "J. R. R. T")]),
        ('Dr. "A" Lee <ann@x.org>', [("ann", "x.org", "Dr. A Lee")]),
        ("a@x.org, b@y.org", [("a", "x.org", ""), ("b", "y.org", "")]),
        (",a@x.org,,b@y.org,", [("a", "x.org", ""), ("b", "y.org", "")]),
        ("Friends: a@x.org, B <b@y.org>;", [("a", "x.org", ""), ("b", "y.org", "B")]),
        ("F: a@x.org;, none:;, b@y.org", [("a", "x.org", ""), ("b", "y.org", "")]),
        ("(c) ann (c (d)) @ (e) x (f) . org (g)", [("ann", "x.org", "")]),
        ("(\\() ann@x.org", [("ann", "x.org", "")]),
        ("ann . lee @ x . org", [("ann.lee", "x.org", "")]),
        ('"ann lee"@x.org', [("ann lee", "x.org", "")]),
        ('"ann".lee@x.org', [("ann.lee", "x.org", "")]),
        ('"a\\"b"@x.org', [('a"b', "x.org", "")]),
        ('""."a"@x.org', [(".a", "x.org", "")]),
        ("<@a.org,@b.org:ann@x.org>", [("ann", "x.org", "")]),
        ("<,@a.org,,@[192.0.2.1]:ann@x.org>", [("ann", "x.org", "")]),
        ("Ann <@a.org : ann@x.org>", [("ann", "x.org", "Ann")]),
        ("=?utf-8?q?J=C3=BCrgen?= <j@x.org>", [("j", "x.org", "Jürgen")]),
        ("=?utf-8?q?J=C3?= =?utf-8?q?=BCrgen?= M <j@x.org>", [("j", "x.org", "Jürgen M")]),
        ("Jürgen <jürgen@bücher.org>", [("jürgen", "xn--bcher-kva.org", "Jürgen")]),
        ("a@X.Org", [("a", "x.org", "")]),
        ("a@localhost", [("a", "localhost", "")]),
        ("a@[192.0.2.1]", [("a", "[192.0.2.1]", "")]),
        ("a@[ipv6:2001:DB8:0::1]", [("a", "[IPv6:2001:db8::1]", "")]),
        ("a" * 64 + "@x.org", [("a" * 64, "x.org", "")]),
        ("a@" + "b" * 63 + ".org", [("a", "b" * 63 + ".org", "")]),
        ("!#$%&'*+/=?^_`{|}~-@x.org", [("!#$%&'*+/=?^_`{|}~-", "x.org", "")]),
    ],
)
def test_a_list_may_be_written_in_every_form_of_the_standard(text, mailboxes):
    assert [(m.local, m.domain, m.name) for m in parse_recipients(text)] == mailboxes


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 0, "there is no address"),
        (" , ", 0, "there is no address"),
        ("none:;", 0, "there is no address"),
        ("root", 4, "the domain is missing"),
        ("Ann <root>", 9, "the domain is missing"),
        ("a@", 2, "the domain is missing"),
        ("a@x.org, b@ ", 11, "the domain is missing"),
        ("@x.org", 0, "the local part is missing"),
        ('""@x.org', 0, "the local part is missing"),
        ("<>", 1, "there is no address in the angle brackets"),
        ("x@y> NOTIFY=NEVER", 3, "the '>' closes nothing"),
        ("<x@y> NOTIFY=NEVER", 6, "a comma is missing after the '>'"),
        ("<x@y.org", 0, "the '<' is never closed"),
        ("<a@x.org, b@y.org>", 0, "the '<' is never closed"),
        ('"ann@x.org', 0, "the quote is never closed"),
        ("ann@x.org (late", 10, "the comment is never closed"),
        ("ann@x.org)", 9, "the ')' closes nothing"),
        ("ann@[192.0.2.1", 4, "the '[' is never closed"),
        ("ann@x]", 5, "the ']' closes nothing"),
        ("a\\b@x.org", 1, "'\\b' cannot stand in an address"),
        ("a@x.org; b@y.org", 7, "addresses are separated by commas, and the ';' closes no group"),
        ("F: a@x.org", 0, "the group is never closed with a ';'"),
        ("F: G: a@x.org;;", 4, "a group cannot stand in a group"),
        (": a@x.org;", 0, "the group has no name"),
        ("F@G: a@x.org;", 1, "'@' cannot stand in a name without quotes"),
        ("F: a@x.org; b@y.org", 12, "a comma is missing after the group"),
        ("a@x.org b@y.org", 8, "a comma is missing, or '<' and '>' round the address"),
        ("Ann Lee ann@x.org", 4, "a comma is missing, or '<' and '>' round the address"),
        ('"a"b@x.org', 3, "a comma is missing, or '<' and '>' round the address"),
        ("boss@x <evil@y.org>", 4, "'@' cannot stand in a name without quotes"),
        ("A <b <c@x.org>", 5, "'<' cannot stand in the local part"),
        ("a@b@x.org", 3, "'@' cannot stand in the domain"),
        (".a@x.org", 0, "the local part has a dot too many"),
        ("a.@x.org", 1, "the local part has a dot too many"),
        ("a..b@x.org", 2, "the local part has a dot too many"),
        ('"".".".@x.org', 6, "the local part has a dot too many"),
        ("a@x..org", 4, "the domain has a dot too many"),
        ("a@x.org.", 7, "the domain has a dot too many"),
        ("=?utf-8?q?a?=@x.org", 0, "an encoded word cannot stand in the local part"),
        ("a@[192.0.2.1]x", 13, "something follows the address literal"),
        ('a@"x".org', 2, "'x' cannot stand in the domain"),
        ("a@x_y.org", 2, "the domain label x_y holds more than letters, digits and hyphens"),
        ("a@192.0.2.1", 2, "the domain ends in a number; an IP address is written [192.0.2.1]"),
        ("<a.org:ann@x.org>", 0, "'<' cannot stand in a name without quotes"),
        ("<@a b:ann@x.org>", 4, "a comma is missing, or '<' and '>' round the address"),
        ("<@a,b:ann@x.org>", 4, "'b' cannot stand in a source route"),
        ("<@a,@:ann@x.org>", 5, "the domain is missing"),
        ("<@a.org>", 1, "the local part is missing"),
        ("a" * 65 + "@x.org", 0, "the local part is over 64 octets"),
        ("ü" * 33 + "@x.org", 0, "the local part is over 64 octets"),
        ('"' + "a " * 31 + 'a"@x.org', 0, "the local part is over 64 octets"),
        ("A <" + "a" * 330 + "@x.org>", 3, "a part of the address is over 320 octets"),
        ("a@" + ".".join(["b" * 63] * 4), 0, "the address is over 254 octets"),
        ("a\x00@x.org", 1, r"the character \x00 is not allowed"),
        ("a@x.org\r\nBcc: b@y.org", 7, r"the character \x0d is not allowed"),
        ("Ann\u202e <a@x.org>", 3, r"the character \u{202e} is not allowed"),
        ("a\x9b@x.org", 1, r"the character \x9b is not allowed"),
        ("a\u2029@x.org", 1, r"the character \u{2029} is not allowed"),
        ("a\udcff@x.org", 1, r"the character \u{dcff} is not allowed"),
        ("a\u200d@x.org", 0, r"the character \u{200d} is not allowed"),
        ('"A\tB" <a@x.org>', 0, r"the character \x09 is not allowed"),
        ("=?utf-8?q?=0D=0ABcc:?= <a@x.org>", 0, r"the character \x0d is not allowed"),
        ("=?utf-8?q?=E2=80=AE?= <a@x.org>", 0, r"the character \u{202e} is not allowed"),
        ("a\u3000b@x.org", 0, "the local part holds the blank U+3000"),
        ('"a\\ü"@x.org', 2, "a backslash stands before a character that is not ASCII"),
    ],
)
def test_what_is_no_address_is_refused_with_its_place_and_the_reason(text, position, reason):
    error = refused(text)
    assert (error.position, error.reason) == (position, reason)
    assert error.text == text


def test_the_sentence_reads_well_aloud():
    assert str(refused("root")) == "address 'root', character 5: the domain is missing"


def test_a_wrong_address_is_a_fault_of_the_command_line():
    assert isinstance(refused("root"), UsageError)


def test_a_backslash_before_another_stands_for_itself():
    assert parse_mailbox('"a\\\\ü"@x.org').local == "a\\ü"


def test_where_one_address_is_expected_two_are_refused():
    assert parse_mailbox("Ann <ann@x.org>,").name == "Ann"
    with pytest.raises(AddressError, match="character 10: one address was expected") as caught:
        parse_mailbox("a@x.org, b@y.org, c@z.org")
    assert caught.value.position == 9


def test_private_characters_and_hard_blanks_may_stand_in_names():
    assert parse_mailbox("A\xa0B\ue000 <a@x.org>").name == "A\xa0B\ue000"


def test_private_characters_may_stand_in_local_parts():
    assert parse_mailbox("a\ue000@x.org").local == "a\ue000"
