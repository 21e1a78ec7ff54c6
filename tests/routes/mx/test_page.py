"""The policy file over HTTPS: only as RFC 8461, 3.3 has it."""

import datetime as dt
import ssl

import pytest
import trustme

from ccc.resolver import Resolver
from ccc.routes.mx.page import Pages
from ccc.routes.mx.sts import LONGEST
from ccc.routes.mx.usable import Bounds, flaw
from tests.lab.daemon import free_ports
from tests.lab.dns import Dns
from tests.lab.web import Web, page

ZONE = "mta-sts.example.test. 60 IN A 127.0.0.1"
POLICY = b"version: STSv1\nmode: none\nmax_age: 1\n"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (
        len(POLICY),
        POLICY,
    )
)


@pytest.fixture(scope="module")
def web(authority):
    with Web(authority.server_context("mta-sts.example.test")) as server:
        yield server


@pytest.fixture(scope="module")
def resolver():
    with Dns(ZONE) as dns:
        yield Resolver(dns.address, timeout=0.5)


@pytest.fixture
def fetch(web, resolver, authority):
    """What a fetch brings when the web server gives this answer."""

    def fetch(answer, domain="example.test", **more):
        web.answer = answer
        settings = {"ca_file": str(authority.ca_file), "port": web.port, "seconds": 5.0}
        return Pages(resolver, **(settings | more)).fetch(domain)

    return fetch


@pytest.mark.parametrize("kind", [b"text/plain", b"TEXT/Plain; charset=utf-8"])
def test_a_policy_is_fetched(fetch, kind):
    assert fetch(page(POLICY, kind=kind)).octets == POLICY


def test_a_policy_in_chunks_is_fetched(fetch):
    assert fetch(CHUNKED).octets == POLICY


def test_the_host_and_the_path_are_the_well_known_ones(fetch, web):
    fetch(page(POLICY))
    assert web.asked[-1] == "GET /.well-known/mta-sts.txt HTTP/1.1"
    assert web.names[-1] == "mta-sts.example.test"


def test_the_largest_policy_is_fetched(fetch):
    assert len(fetch(page(b"x" * LONGEST)).octets) == LONGEST


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (page(b"x" * (LONGEST + 1)), "it has more than 64 KiB"),
        (page(POLICY, status=b"404 Not Found"), "mta-sts.example.test answered 404"),
        (page(POLICY, status=b"203 Hm"), "mta-sts.example.test answered 203"),
        (page(POLICY, kind=b"text/html"), "something else than plain text"),
        (page(POLICY, kind=b""), "something else than plain text"),
        (b"220 mx.example.test ESMTP\r\n", "is not HTTP"),
        (page(POLICY)[:-1], "did not send all of it"),
        (page(POLICY).replace(b"Content-Length", b"X-Length"), "did not say how long it is"),
        (CHUNKED[:-7], "is not HTTP"),
        (b"", "the connection was lost"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000, "is not HTTP"),
    ],
)
def test_what_is_no_policy_file_is_none(fetch, answer, why):
    found = fetch(answer)
    assert found.octets is None
    assert why in found.why


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary Redirect"])
def test_a_redirect_is_not_followed(fetch, web, status):
    before = web.links
    where = b"Location: https://mta-sts.example.test:%d/x\r\n" % web.port
    assert fetch(page(POLICY, status=status, more=where)).octets is None
    assert web.links == before + 1


def test_a_server_that_is_silent_is_not_waited_for(authority, resolver):
    with Web(authority.server_context("mta-sts.example.test"), None) as web:
        pages = Pages(resolver, ca_file=str(authority.ca_file), port=web.port, seconds=0.2)
        assert pages.fetch("example.test").why == "it is too slow"


EXPIRED = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("example.test", {}),
        ("mx.example.test", {}),
        ("mta-sts.example.test", {"not_before": EXPIRED - dt.timedelta(days=9), "not_after": EXPIRED}),
    ],
)
def test_a_certificate_that_is_not_right_ends_it(resolver, tmp_path, name, options):
    issuer, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(name, **options).configure_cert(context)
    issuer.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Web(context, page(POLICY)) as web:
        found = Pages(resolver, ca_file=str(tmp_path / "ca.pem"), port=web.port).fetch("example.test")
    assert "cannot be trusted" in found.why
    assert web.asked == []


def test_an_issuer_that_nobody_knows_ends_it(fetch, web):
    asked = len(web.asked)
    assert "cannot be trusted" in fetch(page(POLICY), ca_file=None).why
    assert len(web.asked) == asked


def test_a_host_that_does_not_exist_has_no_page(fetch):
    assert fetch(b"", "example.org").why == "there is no host mta-sts.example.org"


def test_a_host_that_nobody_can_find_has_no_page(authority):
    with Dns(ZONE, moods={"mta-sts.example.test": "SERVFAIL"}) as dns:
        found = Pages(Resolver(dns.address, timeout=0.3)).fetch("example.test")
    assert "cannot look up" in found.why


def test_a_port_that_nobody_listens_on_has_no_page(fetch):
    assert "connection refused" in fetch(b"", port=free_ports(1)[0]).why


def test_an_address_that_mail_would_not_go_to_is_not_asked(fetch, web):
    links = web.links
    found = fetch(page(POLICY), usable=lambda address: not flaw(address, Bounds()))
    assert found.why == "there is no host mta-sts.example.test"
    assert web.links == links
