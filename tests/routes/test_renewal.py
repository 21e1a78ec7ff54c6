"""Submission with keys: asked when a session begins, once more when they are refused or have ended."""

import time
from contextlib import closing

import pytest

from ccc import deliver, plan_redirect
from ccc.accounts.oauth import oauth_keys
from ccc.config.account import Account
from ccc.errors import NotPermitted, TryLaterError
from ccc.receipt import exit_status
from ccc.routes.submission import Manner, Submission
from ccc.smtp.login import Password, Token
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from tests.accounts.oauth.told import keep
from tests.journal.sent import opened
from tests.journal.truth import ledger, phases, untrue
from tests.lab.sink import CHUNKING, PIPELINING, Sink
from tests.lab.tokens import TokenServer
from tests.smtp.play import judged, to, told

OFFERS = {"plain": (), "pipelining": PIPELINING, "chunking": CHUNKING}
EXPIRED = "421 4.7.0 the token has expired"


class Typed:
    """Somebody who types these passwords, one after another."""

    def __init__(self, *secrets):
        self.secrets = list(secrets)
        self.asked = 0

    def credentials(self):
        self.asked += 1
        if not self.secrets:
            raise NotPermitted("no password", "find one")
        return Password("user", self.secrets[0])

    def renewed(self):
        self.secrets = self.secrets[1:]
        return Password("user", self.secrets[0]) if self.secrets else None


def route(sink, credentials):
    server = Server("127.0.0.1", sink.port, security=Security.NONE, user="user")
    return Submission(server, credentials, Manner(timeouts=Timeouts().at_most(5)))


def fates(way, *deliveries):
    return judged(told(way.deliver(deliveries)), deliveries)[0]


@pytest.fixture
def tokens():
    with TokenServer() as server:
        yield server


@pytest.fixture
def keys(tokens, tmp_path):
    """The keys of an account that has logged in: access-0 now, access-1 after a refresh.

    Their clock goes two hours behind, so that they hand out a token which has ended by every other one.
    """
    account, environ = Account("work", oauth=tokens.oauth()), {"CCC_STATE_DIR": str(tmp_path / "state")}
    tokens.refresh.append("refresh-0")
    keep(account, environ, expires=time.time() - 600)
    return oauth_keys(account, "user", environ, clock=lambda: time.time() - 7200)


def test_keys_are_asked_when_a_session_begins():
    these = Typed("secret")
    with Sink(mechanisms=["PLAIN"]) as sink:
        way = route(sink, these)
        assert these.asked == 0
        assert fates(way, to("x"), to("y")) == {"x": "accepted", "y": "accepted"}
    assert these.asked == 1


def test_without_keys_nothing_is_connected():
    with Sink(mechanisms=["PLAIN"]) as sink:
        settled = told(route(sink, Typed()).deliver([to("x"), to("y")]))
        assert sink.links == 0
    assert [each.outcomes[0].cure for each in settled] == ["find one"] * 2


def test_a_connection_that_was_begun_for_nothing_is_closed():
    with Sink(mechanisms=["PLAIN"]) as sink:
        assert fates(route(sink, Typed()).dialling(), to("x")) == {"x": "deferred"}


def test_a_refused_password_is_followed_by_the_next_one():
    with Sink(mechanisms=["PLAIN"]) as sink:
        assert fates(route(sink, Typed("wrong", "secret")), to("x")) == {"x": "accepted"}
        assert sink.links == 2


def test_nobody_types_for_ever():
    these = Typed(*["wrong"] * 100)
    with Sink(mechanisms=["PLAIN"]) as sink:
        assert fates(route(sink, these), to("x")) == {"x": "deferred"}
        assert sink.links == 4


def test_where_no_login_is_offered_no_other_password_helps():
    these = Typed("a", "secret")
    with Sink(mechanisms=["CRAM-MD5"]) as sink:
        assert fates(route(sink, these), to("x")) == {"x": "deferred"}
        assert sink.links == 1


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_refused_token_is_refreshed(keys, tokens, mechanism):
    with Sink(mechanisms=[mechanism], token="access-1") as sink:
        assert fates(route(sink, keys), to("x")) == {"x": "accepted"}
        assert (sink.links, tokens.used) == (2, ["refresh-0"])


def test_a_token_that_is_refused_when_it_is_new_stays_refused(keys, tokens):
    with Sink(mechanisms=["XOAUTH2"], token="another") as sink:
        settled = told(route(sink, keys).deliver([to("x")]))
        assert sink.links == 2
    assert len(tokens.used) == 1
    assert "access-" not in settled[0].outcomes[0].reason


def test_why_there_is_no_other_token_is_told(keys, tokens):
    tokens.script["/token"] = [(400, {"error": "invalid_grant"})]
    with Sink(mechanisms=["XOAUTH2"], token="another") as sink:
        settled = told(route(sink, keys).deliver([to("x")]))
    assert settled[0].outcomes[0].cure == "run: ccc account login work"


class Turning:
    """A sink's token turns over with the session that the server ends."""

    def __init__(self, tokens, offers, *, at="MAIL", replies=("250 ok", EXPIRED, "250 ok")):
        self.sink = Sink(offers, mechanisms=["XOAUTH2"], token="access-0", verbs={at: list(replies)})
        self.tokens = tokens
        grant = tokens.grant

        def granting():
            given = grant()
            self.sink.token = given["access_token"]
            return given

        tokens.grant = granting


@pytest.mark.parametrize("offers", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA"])
def test_a_token_that_ends_in_mid_batch_is_refreshed_and_the_batch_goes_on(keys, tokens, offers, at):
    if at == "DATA" and "CHUNKING" in offers:
        at = "BDAT"
    usual = "354 go" if at == "DATA" else "250 ok"
    deliveries = [to(f"p{number}") for number in range(9)]
    with Turning(tokens, offers, at=at, replies=(usual, usual, EXPIRED, usual)).sink as sink:
        got = fates(route(sink, keys), *deliveries)
        assert sink.links == 2
    assert set(got.values()) == {"accepted"}
    assert sorted(each.forward_paths[0] for each in sink.transactions) == [f"p{n}@b.test" for n in range(9)]
    assert sink.faults == []


def test_a_link_that_is_lost_between_two_messages_may_be_a_token_that_ended(keys, tokens):
    with Turning(tokens, (), replies=("250 ok", "", "250 ok")).sink as sink:
        got = fates(route(sink, keys), *(to(name) for name in "xyz"))
        assert sink.links == 2
    assert got == {"x": "accepted", "y": "accepted", "z": "accepted"}


def test_after_the_last_octet_a_lost_link_leaves_it_in_doubt(keys, tokens):
    """And the rest is deferred, token or no token."""
    with Turning(tokens, (), at=".", replies=("250 ok", "", "250 ok")).sink as sink:
        got = fates(route(sink, keys), *(to(name) for name in "xyz"))
        assert sink.links == 1
    assert got == {"x": "accepted", "y": "in doubt", "z": "deferred"}


@pytest.mark.parametrize(
    "credentials", [Token("user", "access-0", time.time() + 600), Token("user", "access-0")]
)
def test_after_421_with_a_token_that_is_good_the_rest_is_deferred(credentials):
    with Sink(mechanisms=["XOAUTH2"], token="access-0", verbs={"MAIL": ["250 ok", "421 bye"]}) as sink:
        got = fates(route(sink, credentials), *(to(name) for name in "xyz"))
        assert sink.links == 1
    assert got == {"x": "accepted", "y": "deferred", "z": "deferred"}


def test_after_421_a_token_that_is_good_is_not_replaced(tokens, tmp_path):
    account, environ = Account("work", oauth=tokens.oauth()), {"CCC_STATE_DIR": str(tmp_path / "state")}
    keep(account, environ, expires=time.time() + 600)
    with Turning(tokens, ()).sink as sink:
        got = fates(route(sink, oauth_keys(account, "user", environ)), *(to(name) for name in "xy"))
        assert (sink.links, tokens.forms) == (1, [])
    assert got == {"x": "accepted", "y": "deferred"}


def test_if_no_other_token_comes_the_end_of_the_session_has_the_last_word(keys, tokens):
    tokens.script["/token"] = [(503, {})]
    with Sink(mechanisms=["XOAUTH2"], token="access-0", verbs={"MAIL": ["250 ok", EXPIRED]}) as sink:
        settled = told(route(sink, keys).deliver([to("x"), to("y")]))
    assert "the token has expired" in settled[1].outcomes[0].reason


def test_a_server_that_ends_every_session_is_not_asked_for_ever(keys, tokens):
    """A new token is not replaced within a minute."""
    with Turning(tokens, (), replies=("250 ok", EXPIRED, "250 ok", EXPIRED)).sink as sink:
        got = fates(route(sink, keys), *(to(name) for name in "vwxyz"))
        assert sink.links == 2
    assert list(got.values()) == ["accepted", "accepted", "deferred", "deferred", "deferred"]


def test_a_token_server_that_fails_defers_everything(tmp_path):
    with TokenServer() as gone:
        account = Account("work", oauth=gone.oauth())
    environ = {"CCC_STATE_DIR": str(tmp_path / "state")}
    keep(account, environ)
    with Sink(mechanisms=["XOAUTH2"]) as sink:
        settled = told(route(sink, oauth_keys(account, "user", environ)).deliver([to("x")]))
        assert sink.links == 0
    assert settled[0].outcomes[0].kind is TryLaterError.kind


@pytest.mark.parametrize("offers", OFFERS.values(), ids=OFFERS)
def test_the_journal_knows_each_mail_of_such_a_batch_as_sent_once(keys, tokens, offers, state_folder):
    plans = [
        plan_redirect(b"Message-ID: <%d@a.test>\r\n\r\nhi\r\n" % number, sender="me@a.test", to=["x@b.test"])
        for number in range(9)
    ]
    with (
        Turning(tokens, offers, replies=("250 ok", "250 ok", EXPIRED, "250 ok")).sink as sink,
        closing(opened(state_folder, create=True)) as journal,
    ):
        receipts = list(deliver(plans, route(sink, keys), journal=journal))
        assert sink.links == 2
    assert exit_status(receipts) == 0
    assert untrue(ledger(sink.transactions), phases(state_folder), 0) == []
    assert set(phases(state_folder).values()) == {"accepted"}
