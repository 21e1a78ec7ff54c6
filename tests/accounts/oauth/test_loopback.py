"""The browser flow (RFC 8252) with PKCE: whose answer counts, and what the port of this host gives away."""

import socket
import threading
from urllib.parse import parse_qsl, urlsplit
from urllib.request import urlopen

import pytest

from ccc.accounts.oauth import log_in
from ccc.accounts.oauth.loopback import CALLERS, Proof, Returns, by_browser, said_in
from ccc.errors import ConfigurationError, NotPermitted
from tests.accounts.oauth.told import Clock, kept


@pytest.fixture
def account(account, tokens):
    return account._replace(oauth=tokens.oauth(device=False))


@pytest.fixture(autouse=True)
def visitor(tokens):
    """The browser has seen its page when a test ends."""
    yield
    if thread := getattr(tokens, "visitor", None):
        thread.join()


def logged_in(account, environ, browser):
    said = []
    log_in(account, environ, said.append, browser, clock=Clock())
    return said


def test_the_browser_comes_back_with_what_is_kept(tokens, account, environ):
    said = logged_in(account, environ, tokens.browser)
    assert kept(account, environ).refresh == "refresh-1"
    assert said[-1].startswith("logged in to account work as me@example.org")


def test_the_code_is_exchanged_with_its_proof(tokens, account, environ):
    account = account._replace(oauth=account.oauth._replace(client_secret="not-really-a-secret"))
    logged_in(account, environ, tokens.browser)
    fields = tokens.forms[0].fields
    assert fields["grant_type"] == "authorization_code"
    assert 43 <= len(fields["code_verifier"]) <= 128
    assert fields["redirect_uri"].startswith("http://127.0.0.1:")
    assert (fields["client_id"], fields["client_secret"]) == ("client", "not-really-a-secret")


def test_the_challenge_is_that_of_the_standard():
    """RFC 7636, appendix B."""
    proof = Proof("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "")
    assert proof.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_the_page_is_asked_for_with_all_that_the_standards_want(tokens, account, environ):
    pages = []
    logged_in(account, environ, lambda url: pages.append(url) or tokens.browser(url))
    pairs = parse_qsl(urlsplit(pages[0]).query)
    asked = dict(pairs)
    assert len(asked) == len(pairs)
    assert asked["access_type"] == "offline"
    assert pages[0].startswith(f"{tokens.base}/authorize?prompt=consent&")
    assert asked["response_type"] == "code"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == "mail.send mail.read"
    assert asked["login_hint"] == "me@example.org"
    assert len(asked["state"]) >= 32


def test_two_logins_have_nothing_in_common(tokens, account, environ):
    pages = []
    for _ in range(2):
        logged_in(account, environ, lambda url: pages.append(url) or tokens.browser(url))
        tokens.visitor.join()
    first, second = (dict(parse_qsl(urlsplit(page).query)) for page in pages)
    assert not {first["state"], first["code_challenge"]} & {second["state"], second["code_challenge"]}


def test_without_a_browser_the_url_is_shown(tokens, account, environ):
    said = []

    def say(line):
        said.append(line)
        if line.startswith(tokens.base):
            tokens.browser(line)

    log_in(account, environ, say, None, clock=Clock())
    assert said[0] == "open this URL in a browser on this host, log in and agree:"
    assert "ssh -L" in said[2]


def test_a_browser_that_does_not_start_is_no_obstacle(tokens, account, environ):
    said = []

    def say(line):
        said.append(line)
        if line.startswith(tokens.base):
            tokens.browser(line)

    log_in(account, environ, say, lambda url: False, clock=Clock())
    assert said[0].startswith("open this URL")


def test_a_refusal_at_the_provider_is_told(tokens, account, environ):
    def browser(url):
        return tokens.browser(url, code="", error="access_denied", error_description="\x1b[2J no")

    with pytest.raises(NotPermitted, match=r"refused the login to account work: access_denied: \\x1b\[2J no"):
        logged_in(account, environ, browser)
    assert tokens.forms == []


def test_who_does_not_log_in_in_time_is_told_how_to_begin_again(account):
    with pytest.raises(NotPermitted, match=r"within .* minutes; run: ccc account login work"):
        by_browser(account, print, None, Clock(), seconds=0.02)


def test_a_code_that_the_server_does_not_take_is_its_refusal(tokens, account, environ):
    with pytest.raises(NotPermitted, match="PKCE"):
        logged_in(
            account, environ, lambda url: tokens.browser(url.replace("code_challenge=", "code_challenge=x"))
        )


@pytest.mark.parametrize("key", ["authorize_url", "token_url"])
def test_without_its_urls_nothing_is_opened(account, environ, key):
    account = account._replace(oauth=account.oauth._replace(**{key: ""}))
    with pytest.raises(ConfigurationError, match=key):
        logged_in(account, environ, lambda url: pytest.fail(url))


@pytest.mark.parametrize(
    "request_line",
    [
        *("GET /?code=x&state=other HTTP/1.1", "GET /?code=x HTTP/1.1", "GET /?state=st HTTP/1.1"),
        *("GET /favicon.ico?code=x&state=st HTTP/1.1", "POST /?code=x&state=st HTTP/1.1", "GET", ""),
        *("GET /?code=x&code=y&state=st HTTP/1.1", "GET /?code=x&state=st", "GET http://[/ HTTP/1.1"),
        "GET /?" + "&".join(f"a{n}=1" for n in range(99)) + "&code=x&state=st HTTP/1.1",
        "GET /?code=x&state=\N{SNOWMAN} HTTP/1.1",
    ],
)
def test_another_request_is_not_the_answer(request_line):
    assert said_in(request_line.encode() + b"\r\n\r\n", "st") is None


def test_the_answer_is_the_one_with_our_state():
    said = said_in(b"GET /?state=st&code=4%2F0A HTTP/1.1\r\nHost: x\r\n\r\n", "st")
    assert said == {"state": "st", "code": "4/0A"}


@pytest.fixture
def returns():
    """A port that waits for the state `st`; `found()` is what came."""
    with Returns() as waiting:
        came = []
        thread = threading.Thread(target=lambda: came.append(waiting.wait("st", 10)))
        thread.start()

        def found():
            thread.join()
            return came[0]

        waiting.found = found
        yield waiting
        thread.join()


def page(returns, query):
    with urlopen(f"{returns.uri}{query}", timeout=10) as answer:
        return answer.read().decode(), answer.headers


def test_the_page_holds_nothing_of_what_was_asked(returns):
    text, headers = page(returns, "?code=x&state=st&a=%3Cscript%3E")
    assert "You can close this page" in text
    assert "script" not in text
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_page_of_a_refusal_says_so(returns):
    assert "refused" in page(returns, "?error=access_denied&state=st")[0]


def test_whoever_knocks_besides_is_in_nobodys_way(returns):
    """A browser opens links that it does not use; another program may send anything."""
    there = ("127.0.0.1", returns.port)
    with socket.create_connection(there), socket.create_connection(there) as half:
        half.sendall(b"GET /?code=evil&st")
        with socket.create_connection(there) as other:
            other.sendall(b"GET /?code=evil&state=wrong HTTP/1.1\r\n\r\n")
            assert other.recv(64).startswith(b"HTTP/1.1 404")
        with socket.create_connection(there) as flood:
            flood.sendall(b"x" * 20000)
            assert flood.recv(64) == b""
        page(returns, "?code=good&state=st")
    assert returns.found()["code"] == "good"


def test_a_crowd_of_callers_does_not_keep_the_browser_out(returns):
    crowd = [socket.create_connection(("127.0.0.1", returns.port)) for _ in range(CALLERS * 2)]
    page(returns, "?code=good&state=st")
    crowd[0].settimeout(10)
    assert crowd[0].recv(1) == b"", "the first ones gave way"
    for each in crowd:
        each.close()
    assert returns.found()["code"] == "good"


def test_only_this_host_is_listened_to(returns):
    assert returns._listening.getsockname()[0] == "127.0.0.1"
    page(returns, "?code=x&state=st")
