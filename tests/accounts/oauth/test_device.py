"""The device flow (RFC 8628): how often the server is asked, for how long, and what its words lead to."""

import pytest

from ccc.accounts.oauth import log_in
from ccc.errors import ConfigurationError, NotPermitted, TryLaterError
from tests.accounts.oauth.told import Clock, kept
from tests.lab.tokens import PENDING, SLOW_DOWN

HANGS_UP = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"  # and that was all


def logged_in(account, environ, clock=None):
    """What the user is told, and how long ccc paused."""
    said, clock = [], clock or Clock()
    log_in(account, environ, said.append, None, clock=clock, sleep=clock.sleep)
    return said, clock.naps


def test_the_user_is_shown_where_to_type_which_code(tokens, account, environ):
    said, _ = logged_in(account, environ)
    assert f"{tokens.base}/activate" in said[0]
    assert "WDJB-MJHT" in said[1]
    assert "good for 15 minutes" in said[2]
    assert tokens.forms[0].fields == {"client_id": "client", "scope": "mail.send mail.read"}


def test_what_was_granted_is_kept(account, environ):
    said, _ = logged_in(account, environ)
    tokens = kept(account, environ)
    assert (tokens.access, tokens.refresh) == ("access-1", "refresh-1")
    assert tokens.expires == 1_000_005.0 + 3600
    assert said[-1].startswith("logged in to account work as me@example.org; the tokens are in /")


def test_the_secret_code_is_not_shown(account, environ):
    said, _ = logged_in(account, environ)
    assert "device-secret" not in "".join(said)


def test_it_is_asked_again_in_the_interval_that_the_server_wants(tokens, account, environ):
    tokens.script["/token"] = [PENDING] * 3
    assert logged_in(account, environ)[1] == [5.0] * 4


def test_slow_down_means_five_seconds_more_each_time(tokens, account, environ):
    tokens.script["/token"] = [PENDING, SLOW_DOWN, PENDING, SLOW_DOWN]
    assert logged_in(account, environ)[1] == [5.0, 5.0, 10.0, 10.0, 15.0]


@pytest.mark.parametrize("failure", [HANGS_UP, (503, {}), (500, {"error": "server_error"})])
def test_a_server_that_fails_is_asked_half_as_often(tokens, account, environ, failure):
    tokens.script["/token"] = [failure, failure, PENDING]
    assert logged_in(account, environ)[1] == [5.0, 10.0, 20.0, 20.0]


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((400, {"error": "access_denied", "error_description": "\x1b[H"}), NotPermitted, r"refused .*\\x1b"),
        ((400, {"error": "expired_token"}), NotPermitted, "not typed in time; run: ccc account login work"),
        ((401, {"error": "invalid_client"}), ConfigurationError, "check client_id"),
        ((400, {"error": "invalid_grant"}), NotPermitted, "invalid_grant"),
        ((302, {}), ConfigurationError, "another place"),
        ((404, {}), ConfigurationError, "no token server"),
    ],
)
def test_some_answers_end_it(tokens, account, environ, answer, error, words):
    tokens.script["/token"] = [PENDING, answer]
    with pytest.raises(error, match=words) as caught:
        logged_in(account, environ)
    assert "device-secret" not in str(caught.value)
    assert len(tokens.forms) == 3


def test_a_code_that_nobody_types_ends_when_it_has_expired(tokens, account, environ):
    tokens.script["/token"] = [PENDING] * 1000
    clock = Clock()
    with pytest.raises(NotPermitted, match="not typed in time"):
        logged_in(account, environ, clock)
    assert 890 <= sum(clock.naps) <= 900


@pytest.mark.parametrize("device_code", ["", "x\x01y", 5, None])
def test_a_start_without_a_code_is_none(tokens, account, environ, device_code):
    start = {"device_code": device_code, "user_code": "X", "verification_uri": "https://x.test/"}
    tokens.script["/device"] = [(200, start)]
    with pytest.raises(TryLaterError, match="nothing that ccc can use"):
        logged_in(account, environ)


def test_a_page_that_is_none_is_not_shown(tokens, account, environ):
    start = {"device_code": "d", "user_code": "X", "verification_uri": "file:///etc/passwd"}
    tokens.script["/device"] = [(200, start)]
    with pytest.raises(TryLaterError, match="nothing that ccc can use"):
        logged_in(account, environ)


def test_what_is_shown_of_a_hostile_server_is_harmless(tokens, account, environ):
    hostile = "\x1b]0;x\x07\u202e" + "y" * 9000
    start = {"device_code": "d", "user_code": hostile, "verification_uri": f"https://x.test/{hostile}"}
    tokens.script["/device"] = [(200, start)]
    tokens.script["/token"] = [(200, tokens.grant())]
    said, _ = logged_in(account, environ)
    assert all(line.isprintable() and len(line) < 600 for line in said)


@pytest.mark.parametrize(
    ("interval", "naps"),
    [(None, 5.0), (1, 1.0), ("7", 7.0), (-3, 5.0), (True, 5.0), (1e99, 600.0), ("x", 5.0)],
)
def test_an_interval_that_is_none_is_five_seconds(tokens, account, environ, interval, naps):
    start = {"device_code": "device-secret", "user_code": "X", "verification_uri": "https://x.test/"}
    tokens.script["/device"] = [(200, {**start, "interval": interval, "expires_in": 10**400})]
    assert logged_in(account, environ)[1] == [naps]


def test_a_wrong_client_is_named_at_once(tokens, account, environ):
    account = account._replace(oauth=tokens.oauth(client_id="wrong"))
    with pytest.raises(ConfigurationError, match=r"AADSTS700016.*check client_id"):
        logged_in(account, environ)
