"""A secret that a server says back is found in every usual form, and nothing else is taken for it."""

import quopri
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import NotPermitted, ProtocolError
from ccc.smtp.echo import LEAST, pattern_of
from ccc.smtp.extensions import Extensions
from ccc.smtp.login import Password, Token, log_in
from ccc.smtp.replies import LINE_LIMIT, ReplyReader
from tests.smtp.play import play

USER = "me@example.org"
SECRET = "s=cret+/ pä?w%"
OCTETS = SECRET.encode()
FORMS = {
    "raw": OCTETS,
    "percent": quote(SECRET, safe="").encode(),
    "percent in small letters": quote(SECRET, safe="").lower().encode(),
    "every octet in percent": b"".join(b"%%%02X" % octet for octet in OCTETS),
    "quoted-printable": quopri.encodestring(OCTETS),
    "base64": b64encode(OCTETS),
    "base64 for URLs": urlsafe_b64encode(OCTETS),
    "PLAIN": b64encode(f"\0{USER}\0{SECRET}".encode()),
    "PLAIN with both names": b64encode(f"{USER}\0{USER}\0{SECRET}".encode()),
    "XOAUTH2": b64encode(f"user={USER}\x01auth=Bearer {SECRET}\x01\x01".encode()),
    "OAUTHBEARER": b64encode(f"n,a={USER},\x01auth=Bearer {SECRET}\x01\x01".encode()),
    "a line of base64": b64encode(f"AUTH PLAIN {b64encode(OCTETS).decode()} {SECRET}".encode()),
}


def left(octets, secret=SECRET, user=USER):
    return pattern_of(user, secret).sub(b"***", octets)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found(form):
    shown = left(b"535 5.7.8 no: [" + FORMS[form] + b"] is wrong")
    assert shown.startswith(b"535 5.7.8 no: [")
    assert shown.replace(b"=\n", b"").endswith(b"***] is wrong")


@given(st.text(min_size=LEAST, max_size=100).filter(lambda text: "\0" not in text), st.binary(), st.binary())
def test_no_form_of_a_secret_outlives_the_stars(secret, before, after):
    octets = secret.encode("utf-8", "replace")
    secret = octets.decode()
    within = b64encode(before + octets + after)
    for form in (octets, quote(octets, safe="").encode(), b64encode(octets)):
        assert form not in left(b"250 " + form + b" ok", secret)
    assert within not in left(b"250 " + within + b" ok", secret)


@pytest.mark.parametrize("secret", ["a", "250", "abc"])
def test_a_secret_of_few_characters_is_found_in_a_login_and_spares_other_words(secret):
    assert left(b"250 abc a mailbox is 250 octets", secret) == b"250 abc a mailbox is 250 octets"
    assert left(b64encode(f"\0{USER}\0{secret}".encode()), secret) == b"***"


def test_a_long_token_is_found_by_its_beginning():
    token = "ya29." + "x7_-" * 500
    assert left(f"535 {token}, expired".encode(), token) == b"535 *** expired"
    assert left(b"334 " + b64encode(f"user=me\x01auth=Bearer {token}\x01\x01".encode()), token).endswith(
        b"***"
    )


@pytest.mark.parametrize("line", [b"5.7.8 authentication failed", b"2.0.0 Ok: queued as 4bXyZ", b""])
def test_what_is_not_the_secret_stays(line):
    assert left(line) == line


def test_finding_it_takes_no_time_in_a_long_line():
    hostile = (b"s" * 2048 + b"%73" * 600)[:LINE_LIMIT]
    assert left(hostile * 16) == hostile * 16


def test_a_reply_is_heard_without_it_from_then_on():
    reader = ReplyReader()
    (before,) = reader.feed(b"250 " + OCTETS + b"\r\n")
    reader.hide(pattern_of(USER, SECRET))
    (after,) = reader.feed(b"550-no " + OCTETS + b"\r\n550 5.7.1 " + FORMS["PLAIN"] + b"\r\n")
    assert before.lines == (OCTETS,)
    assert after.code == 550
    assert after.lines[0] == b"no ***"
    assert after.lines[1].endswith(b"***")


def test_what_is_no_reply_is_quoted_without_it():
    reader = ReplyReader()
    reader.hide(pattern_of(USER, SECRET))
    with pytest.raises(ProtocolError) as caught:
        list(reader.feed(b"AUTH PLAIN " + FORMS["base64"] + b"\r\n"))
    assert "'AUTH PLAIN ***'" in caught.value.what


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"])
def test_every_login_says_what_to_hide_before_it_says_the_secret(mechanism):
    kind = Token if mechanism in ("XOAUTH2", "OAUTHBEARER") else Password
    step = next(log_in(Extensions({"AUTH": (mechanism,)}), kind(USER, SECRET), "nonce"))
    assert step.hides is not None
    assert step.hides.search(OCTETS)


def test_what_a_server_says_of_a_token_is_repeated_without_it():
    complaint = b64encode(b'{"status":"401","token":"' + quote_plus("s=cret+/").encode() + b'"}').decode()
    script = f"C: AUTH XOAUTH2 ***\nS: 334 {complaint}\nC: ***\nS: 535 no"
    with pytest.raises(NotPermitted, match="401") as caught:
        play(log_in(Extensions({"AUTH": ("XOAUTH2",)}), Token(USER, "s=cret+/"), ""), script)
    assert quote_plus("s=cret+/") not in caught.value.what
