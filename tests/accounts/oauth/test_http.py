"""One form, one answer: where it may go, whom it believes, and what a hostile server cannot do."""

import json

import pytest

from ccc.accounts.oauth.http import MOST, endpoint, post
from ccc.config.account import Account, OAuth
from ccc.errors import ConfigurationError, TryLaterError
from tests.lab.fault import FaultServer, Step, fin, send, stall
from tests.lab.tokens import TokenServer

FORM = {"refresh_token": "s3cret&=\N{SNOWMAN}"}
GOOD = b'{"access_token": "a"}'


def place(url):
    return endpoint(Account("work", oauth=OAuth(token_url=url)), "token_url")


def asked(*steps, seconds=5.0):
    """The answer of a server that takes the form and then does this."""
    form = Step("form", lambda peer: peer.wire.sock.recv(65536))
    with FaultServer([form, *steps]) as server:
        return post(place(f"http://127.0.0.1:{server.port}/token"), FORM, seconds=seconds)


def http(body, *, status=b"200 OK", more=b""):
    head = b"HTTP/1.1 %b\r\nContent-Type: text/html\r\n%bContent-Length: %d\r\n\r\n"
    return head % (status, more, len(body)) + body


def test_the_form_comes_as_it_was_meant(tokens):
    post(place(f"{tokens.base}/token"), FORM)
    assert tokens.forms[0].fields == FORM


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://x.test/", "https://", "https:///token", "//x.test/", "token", "https://x.test:99999/"),
        *("https://me:pw@x.test/", "https://x.test/#here", "https://x.test/a b", "https://x.test/\r\nX: y"),
        *("https://m\N{LATIN SMALL LETTER O WITH DIAERESIS}x.test/", "https://[::1/"),
    ],
)
def test_what_is_no_address_of_a_web_server_is_the_configurations_fault(url):
    with pytest.raises(ConfigurationError, match=r"account work: token_url is no address"):
        place(url)


def test_nothing_goes_in_clear_to_another_host():
    with pytest.raises(ConfigurationError, match="use https://"):
        place("http://login.test/token")


def test_a_missing_url_names_its_key():
    with pytest.raises(ConfigurationError, match="account work has no token_url"):
        place("")


def test_the_query_of_a_url_stays(tokens):
    post(place(f"{tokens.base}/token?tenant=x"), FORM)
    assert tokens.forms[0].path == "/token?tenant=x"


def test_https_is_verified(authority):
    with TokenServer(tls=authority.server_context()) as tokens:
        answer = post(place(f"{tokens.base}/device"), {"client_id": "client"}, str(authority.ca_file))
        assert answer.text("user_code") == "WDJB-MJHT"
        with pytest.raises(TryLaterError, match="cannot be trusted"):
            post(place(f"{tokens.base}/device"), FORM)


def test_a_certificate_for_another_name_gets_nothing(authority):
    with TokenServer(tls=authority.server_context("elsewhere.test")) as tokens:
        with pytest.raises(TryLaterError, match="cannot be trusted"):
            post(place(f"{tokens.base}/token"), FORM, str(authority.ca_file))
        assert tokens.forms == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(tokens, status):
    there = b"Location: %b/token\r\n" % tokens.base.encode()
    answer = asked(send(http(b"", status=b"%d Moved" % status, more=there)))
    assert (answer.status, answer.members) == (status, {})
    assert tokens.forms == []


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"<html>log in to the hotel's network</html>",
            b"",
            b"[]",
            b"null",
            b'"a"',
            b"\xff\xfe",
            b"[" * 50_000,
        ),
        *(b'{"a": ' * 9_000, b'{"access_token": "a"', b"1" * 5_000, GOOD + GOOD),
    ],
)
def test_what_is_no_json_object_says_nothing(body):
    assert asked(send(http(body))).members == {}


def test_an_answer_in_chunks_is_read():
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (GOOD[:5], GOOD[5:], b""))
    answer = asked(send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))
    assert answer.text("access_token") == "a"


@pytest.mark.parametrize("size", [MOST + 1, 1 << 22])
def test_an_answer_of_any_size_is_read_no_further_than_the_limit(size):
    with pytest.raises(TryLaterError, match="more than 64 KiB"):
        asked(send(http(json.dumps({"a": "x" * size}).encode())), fin())


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"220 mail.test ESMTP\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200, b"\0" * 100),
        *(b"HTTP/1.1 " + b"2" * 70_000, b"HTTP/1.1 99999 x\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
          b"chunked\r\n\r\nzz\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000),
    ],
)  # fmt: skip
def test_what_is_no_http_is_no_answer(octets):
    with pytest.raises(TryLaterError, match="no answer from the token server") as caught:
        asked(send(octets), fin())
    assert "s3cret" not in str(caught.value)


def drips():
    """An octet of the head again and again, each long before any patience with one octet would end."""

    def play(peer):
        for _ in range(1000):
            peer.send(b"H")
            peer.pause(0.01)

    return Step("drips", play)


@pytest.mark.parametrize(
    "steps", [(stall(),), (drips(),), (send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), stall())]
)
def test_a_slow_server_has_a_limit_for_all_of_its_answer(steps):
    with pytest.raises(TryLaterError, match="too slow"):
        asked(*steps, seconds=0.15)


def test_a_server_that_is_not_there_is_named():
    with TokenServer() as gone:
        pass
    with pytest.raises(TryLaterError, match=r"no answer from the token server localhost:\d+: .*refused"):
        post(place(f"{gone.base}/token"), FORM)
