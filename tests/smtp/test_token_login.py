"""Logging in with access tokens, which are long, end while one works, and may hold what strangers wrote."""

from base64 import b64decode, b64encode

import pytest

from ccc.errors import LoginRefused, NotPermitted
from ccc.smtp.extensions import Extensions
from ccc.smtp.login import Held, Password, Token, log_in
from tests.smtp.play import play

MECHANISMS = ("OAUTHBEARER", "XOAUTH2")


def login(script, mechanism, token):
    return play(log_in(Extensions({"AUTH": (mechanism,)}), token, ""), script)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_command_is_no_longer_than_commands_may_be(mechanism):
    """RFC 5321, 4.5.3.1.4, and RFC 4954, 4: a longer response waits for the challenge."""
    size = 1
    while len(login(f"C: AUTH {mechanism} ***\nS: 235 hi", mechanism, Token("me", "x" * size)).wire) <= 508:
        size += 3
    longer = Token("me", "x" * (size + 3))
    played = login(f"C: AUTH {mechanism}\nS: 334 \nC: ***\nS: 235 hi", mechanism, longer)
    command, response, _ = played.wire.split(b"\r\n")
    assert command == f"AUTH {mechanism}".encode()
    assert b"auth=Bearer " + longer.secret.encode() in b64decode(response)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_server_may_refuse_before_the_long_response(mechanism):
    with pytest.raises(LoginRefused, match="no such thing"):
        login(f"C: AUTH {mechanism}\nS: 504 5.7.4 no such thing", mechanism, Token("me", "x" * 9000))


@pytest.mark.parametrize(("mechanism", "answer"), [("OAUTHBEARER", b"\x01"), ("XOAUTH2", b"")])
def test_a_long_token_may_be_refused_in_a_challenge_too(mechanism, answer):
    problem = b64encode(b'{"status":"invalid_token"}').decode()
    script = f"C: AUTH {mechanism}\nS: 334 \nC: ***\nS: 334 {problem}\nC: ***\nS: 535 5.7.8 no"
    with pytest.raises(LoginRefused, match="invalid_token"):
        login(script, mechanism, Token("me", "x" * 9000))


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(
    "token", [Token("me", "x\x01auth=Bearer y"), Token("me\x01x", "y"), Token("me", "a\r\nb")]
)
def test_a_token_cannot_say_more_than_a_token(mechanism, token):
    with pytest.raises(NotPermitted, match="control character") as caught:
        login("", mechanism, token)
    assert "Bearer" not in str(caught.value)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_server_that_repeats_the_token_does_not_have_it_shown(mechanism):
    problem = b64encode(b'{"status":"invalid_token","was":"very-s3cret-token"}').decode()
    script = f"C: AUTH {mechanism} ***\nS: 334 {problem}\nC: ***\nS: 535 5.7.8 no"
    with pytest.raises(LoginRefused) as caught:
        login(script, mechanism, Token("me", "very-s3cret-token"))
    assert "s3cret" not in str(caught.value)


def test_a_wrong_password_is_a_refused_login_too():
    with pytest.raises(LoginRefused):
        play(
            log_in(Extensions({"AUTH": ("PLAIN",)}), Password("me", "x"), ""), "C: AUTH PLAIN ***\nS: 535 no"
        )


def test_what_is_held_has_no_other():
    assert Held(Token("me", "x")).renewed() is None
