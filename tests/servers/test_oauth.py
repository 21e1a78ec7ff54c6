"""Real servers that take access tokens: Dovecot for IMAP, Postfix with Dovecot for submission."""

import imaplib
from types import SimpleNamespace

import pytest

from ccc.accounts.oauth import log_in, oauth_keys
from ccc.config.account import Account, Auth
from ccc.routes.submission import Manner, Submission
from ccc.transport.server import Security, Server
from tests.lab.dovecot_oauth import dovecot_oauth
from tests.lab.postfix import postfix
from tests.lab.tokens import TokenServer
from tests.smtp.play import judged, to, told

USER = "me@example.org"
MICROSOFT = 3000  # octets of a token; Google's have 200

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def house(authority):
    """A token server, a Dovecot that asks it, a Postfix that asks Dovecot."""
    with (
        TokenServer(user=USER, size=MICROSOFT) as tokens,
        dovecot_oauth(authority, tokens) as imap,
        postfix(authority, imap) as smtp,
    ):
        yield SimpleNamespace(tokens=tokens, imap=imap, smtp=smtp)


@pytest.fixture
def keys(house, tmp_path):
    """A user who has just logged in."""
    account = Account("work", auth=Auth.OAUTH, smtp=f"smtps://{USER}@localhost", oauth=house.tokens.oauth())
    environ = {"CCC_STATE_DIR": str(tmp_path / "state")}
    log_in(account, environ, lambda line: None, None, sleep=lambda seconds: None)
    return oauth_keys(account, USER, environ)


def submission(house, authority, credentials):
    server = Server("localhost", house.smtp.ports["submission"], security=Security.STARTTLS, user=USER)
    return Submission(server, credentials, Manner(ca_file=str(authority.ca_file)))


def fates(way, *deliveries):
    return judged(told(way.deliver(deliveries)), deliveries)[0]


def test_postfix_takes_a_token_that_is_longer_than_a_line(house, authority, keys):
    assert fates(submission(house, authority, keys), to("x"), to("y")) == {"x": "accepted", "y": "accepted"}


def test_postfix_gets_another_token_when_it_refuses_one(house, authority, keys, tmp_path):
    keys.credentials()
    house.tokens.good.clear()
    assert fates(submission(house, authority, keys), to("x")) == {"x": "accepted"}
    assert house.tokens.access[-1] == keys.credentials().secret


def test_a_token_that_dovecot_does_not_know_is_refused_in_its_words(house, authority, keys):
    token = keys.credentials()
    house.tokens.good.clear()
    (settled,) = told(submission(house, authority, token).deliver([to("x")]))
    assert '{"status":"invalid_token"}' in settled.outcomes[0].reason
    assert token.secret not in settled.outcomes[0].reason


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_dovecot_takes_the_token_for_imap(house, keys, mechanism):
    token = keys.credentials()
    said = {
        "XOAUTH2": f"user={USER}\x01auth=Bearer {token.secret}\x01\x01",
        "OAUTHBEARER": f"n,a={USER},\x01auth=Bearer {token.secret}\x01\x01",
    }
    imap = imaplib.IMAP4("127.0.0.1", house.imap.imap_port)
    try:
        assert imap.authenticate(mechanism, lambda challenge: said[mechanism].encode())[0] == "OK"
        assert imap.select()[0] == "OK"
    finally:
        imap.logout()
