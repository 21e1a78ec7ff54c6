"""What a domain says of MTA-STS, well formed and not (RFC 8461, 3.1 and 3.2)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.routes.mx.sts import LONGEST, Mode, NotAPolicy, Policy, read_policy, read_record

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 86400\r\n"


@pytest.mark.parametrize(
    "text",
    [
        b"v=STSv1; id=20260101",
        b"v=STSv1; id=20260101;",
        b"v=STSv1 ;id=20260101 ; ",
        b"v=STSv1;id=20260101;later=x",
        b"v=STSv1; later=x; id=20260101",
        b"v=STSv1; id=20260101; id=2",
    ],
)
def test_a_record_has_an_id(text):
    assert read_record([text]) == "20260101"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"v=STSv1",
        b"v=STSv1;",
        b"v=STSv1; id=",
        b"v=STSv1; id=a-b",
        b"v=STSv1; id=" + b"x" * 33,
        b"v=STSv1; id=1; nothing",
        b"v=STSv1; id=1; x=a b",
        b"v=STSv1; id=1; x=\xff",
        b"v=STSv1;; id=1",
        b"v=STSv2; id=1",
        b"V=STSv1; id=1",
        b"v = STSv1; id=1",
        b" v=STSv1; id=1",
        b"id=1; v=STSv1",
    ],
)
def test_what_is_no_record_has_none(text):
    assert read_record([text]) is None


def test_other_texts_beside_it_do_not_count():
    assert read_record([b"v=spf1 -all", b"v=STSv1; id=1", b"v=STSv10; id=2"]) == "1"


def test_two_records_are_none():
    assert read_record([b"v=STSv1; id=1", b"v=STSv1; id=1"]) is None
    assert read_record([b"v=STSv1; id=1", b"v=STSv1; bad"]) is None


@given(st.lists(st.binary(max_size=60) | st.binary(max_size=60).map(b"v=STSv1;".__add__), max_size=3))
def test_any_texts_have_an_id_or_none(texts):
    found = read_record(texts)
    assert found is None or found.isalnum()


def policy(**lines: str) -> bytes:
    """The good policy with these lines in place of its own; an empty one is left out."""
    own = {"version": "STSv1", "mode": "enforce", "mx": "mx.example.org", "max_age": "86400"}
    return "".join(f"{key}: {value}\n" for key, value in (own | lines).items() if value).encode()


def test_a_policy_is_read_with_either_line_end():
    expected = Policy(Mode.ENFORCE, 86400, ("mx.example.org",))
    assert read_policy(GOOD) == read_policy(GOOD.replace(b"\r\n", b"\n")) == expected
    assert read_policy(GOOD.rstrip()) == expected
    assert read_policy(GOOD + b"\r\n\n") == expected


def test_blanks_around_a_value_do_not_count():
    octets = b"version:STSv1\nmode:\t enforce \nmx:mx.a.test\nmax_age:1 \n"
    assert read_policy(octets) == Policy(Mode.ENFORCE, 1, ("mx.a.test",))


@pytest.mark.parametrize("mode", Mode)
def test_each_mode_is_known(mode):
    assert read_policy(policy(mode=mode.value)).mode is mode


def test_every_mx_counts_and_of_other_keys_the_first():
    octets = policy() + b"mx: *.EXAMPLE.net\nmode: none\nmax_age: 1\nversion: STSv2\nmx: mx.example.org\n"
    assert read_policy(octets) == Policy(Mode.ENFORCE, 86400, ("mx.example.org", "*.example.net"))


def test_keys_that_are_not_known_are_passed_over():
    assert read_policy(policy(later="an ünusual value: yes")) == read_policy(policy())


def test_a_policy_that_asks_for_nothing_needs_no_host():
    assert read_policy(policy(mode="none", mx="")) == Policy(Mode.NONE, 86400)


@pytest.mark.parametrize("age", ["0", "31557600", "0000000060"])
def test_an_age_up_to_a_year_is_one(age):
    assert read_policy(policy(max_age=age)).max_age == int(age)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "version"),
        (policy(version="STSv2"), "version"),
        (policy(version=""), "version"),
        (policy(mode="force"), "mode"),
        (policy(mode="Enforce"), "mode"),
        (policy(mode=""), "mode"),
        (policy(mx=""), "no mx"),
        (policy(mode="testing", mx=""), "no mx"),
        (policy(max_age=""), "max_age"),
        (policy(max_age="31557601"), "max_age"),
        (policy(max_age="-1"), "max_age"),
        (policy(max_age="\u0661"), "max_age"),
        (policy(max_age="9" * 5000), "max_age"),
        (policy(mx="bücher.example"), "line 3 names no host"),
        (policy(mx="*.*.example.org"), "line 3 names no host"),
        (policy(mx="mx.*.org"), "line 3 names no host"),
        (policy(mx="*example.org"), "line 3 names no host"),
        (policy(mx="mx..org"), "line 3 names no host"),
        (policy(mx="mx.example.org."), "line 3 names no host"),
        (policy(mx="-mx.org"), "line 3 names no host"),
        (policy(mx="x" * 64 + ".org"), "line 3 names no host"),
        (policy(mx=".".join(["abcdefg"] * 40)), "line 3 names no host"),
        (policy() + b"nothing\n", "line 5 is no key"),
        (policy() + b" key: value\n", "line 5 is no key"),
        (policy() + b"key: a\x00b\n", "line 5 is no key"),
        (GOOD.replace(b"\r\n", b"\r"), "line 1 is no key"),
        (policy() + b"key: \xff\n", "not UTF-8"),
        (b"\xef\xbb\xbf" + GOOD, "line 1 is no key"),
        (b"<html>", "line 1 is no key"),
        (GOOD + b"x" * LONGEST, "more than 64 KiB"),
    ],
)
def test_what_is_no_policy_says_why(octets, why):
    with pytest.raises(NotAPolicy, match=why):
        read_policy(octets)


lines = st.lists(
    st.sampled_from(["version: STSv1", "mode: none", "mode: enforce", "mx: *.a.test", "max_age: 5", "x: y"])
    | st.text(max_size=20),
    max_size=8,
)


@given(lines.map("\n".join).map(str.encode) | st.binary(max_size=100))
def test_any_octets_are_a_policy_or_none(octets):
    try:
        found = read_policy(octets)
    except NotAPolicy:
        return
    assert found.hosts or found.mode is Mode.NONE
    assert 0 <= found.max_age <= 31557600


def test_a_policy_names_its_hosts_and_one_label_for_a_star():
    found = read_policy(policy() + b"mx: *.mail.example.org\n")
    assert found.names("mx.example.org")
    assert found.names("MX.Example.ORG")
    assert found.names("a.mail.example.org")
    assert not found.names("mail.example.org")
    assert not found.names("a.b.mail.example.org")
    assert not found.names("xmx.example.org")
