"""Domains are IDNA 2008 and LDH, address literals are IP addresses, and eyes see U-labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address.domain import a_labels, u_labels

labels = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="."), min_size=1, max_size=12
)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("example.org", "example.org"),
        ("Example.ORG", "example.org"),
        ("localhost", "localhost"),
        ("4.example", "4.example"),
        ("123.com", "123.com"),
        ("a-b.c--d.org", "a-b.c--d.org"),
        ("straße.de", "xn--strae-oqa.de"),
        ("STRASSE.de", "strasse.de"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("Bu\u0308cher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("b" * 63 + ".org", "b" * 63 + ".org"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("[IPv6:::1]", "[IPv6:::1]"),
        ("[ipv6:2001:DB8:0:0:0:0:0:1]", "[IPv6:2001:db8::1]"),
    ],
)
def test_a_domain_has_one_usual_form(text, domain):
    assert a_labels(text) == domain


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "a label of the domain is empty"),
        ("a..b", "a label of the domain is empty"),
        ("under_score.org", "holds more than letters, digits and hyphens"),
        ("-a.org", "begins or ends with a hyphen"),
        ("a-.org", "begins or ends with a hyphen"),
        ("b" * 64 + ".org", "a label of the domain is over 63 octets"),
        ("a." * 128 + "org", "the domain is over 255 octets"),
        ("192.0.2.1", "an IP address is written"),
        ("example.123", "the domain ends in a number"),
        ("xn--a.org", "the domain label xn--a is not valid"),
        ("xn--.org", "the domain label xn-- is not valid"),
        ("xn--abc-.org", "is not valid"),
        ("\u2126.org\u3002de", "is not valid"),
        ("\U0001f600.org", "is not valid"),
        ("ä" * 64 + ".org", "is not valid"),
        ("a\u200db.org", "is not valid"),
        ("\u0661a.org", "is not valid"),
        ("[192.0.2]", "192.0.2 is not an IP address"),
        ("[192.0.2.256]", "is not an IP address"),
        ("[192.0.2.01]", "is not an IP address"),
        ("[2001:db8::1]", "is not an IP address"),
        ("[IPv6:2001:db8::1::2]", "is not an IP address"),
        ("[IPv6:192.0.2.1]", "is not an IP address"),
        ("[IPv6:fe80::1%eth0]", "is not an IP address"),
        ("[x400:nowhere]", "is not an IP address"),
        ("[]", "is not an IP address"),
    ],
)
def test_what_is_no_domain_has_a_reason(text, reason):
    with pytest.raises(ValueError, match=reason):
        a_labels(text)


@given(labels)
def test_every_domain_that_is_taken_is_ascii_and_its_own_usual_form(label):
    try:
        domain = a_labels(f"{label}.org")
    except ValueError as error:
        domain = "refused.org"
        assert str(error)  # noqa: PT017
    assert domain.isascii()
    assert a_labels(domain) == domain


@given(labels)
def test_eyes_see_what_was_typed(label):
    try:
        domain = a_labels(f"{label}.org")
    except ValueError:
        return
    assert a_labels(u_labels(domain)) == domain


@pytest.mark.parametrize(
    ("domain", "shown"),
    [
        ("example.org", "example.org"),
        ("mail.xn--bcher-kva.example", "mail.bücher.example"),
        ("xn--a.org", "xn--a.org"),
        ("notxn--a.org", "notxn--a.org"),
        ("", ""),
    ],
)
def test_a_label_that_stands_for_nothing_is_shown_as_it_is(domain, shown):
    assert u_labels(domain) == shown
