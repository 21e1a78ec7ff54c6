"""Mail over the whole way: real DNS with DNSSEC, real TLS, hosts that are the right ones or are not."""

import sys

import pytest

from ccc.resolver import Resolver
from ccc.routes.mx.demand import LEVELS
from ccc.routes.mx.page import Pages
from ccc.routes.mx.policy import Policies
from ccc.routes.mx.route import Mx
from ccc.routes.submission import Manner
from ccc.transport.timeouts import Timeouts
from tests.lab.sink import PIPELINING, Sink
from tests.lab.web import Web, page
from tests.routes.mx.shake import make, zone
from tests.smtp.play import to, told

MX = make("mx.b.test")
ROOT = make("root", issues=True)
DANE = "b.test. MX 10 mx.b.test.\nmx.b.test. A 127.0.0.1"


def tlsa(*records):
    return zone("_25._tcp.mx.b.test.", *records).replace(" 60 IN ", " ")


@pytest.fixture
def send(knot):
    """What becomes of a mail to x@b.test in this zone, whose host is this sink."""

    def send(sink, records, floor="opportunistic", *, require_tls=False, **more):
        resolver = Resolver(knot.zone(f"{DANE}\n{records}"))
        policies = Policies(resolver, None, LEVELS[floor], require_tls=require_tls, **more)
        manner = Manner(timeouts=Timeouts().at_most(5), allow_loopback=True)
        route = Mx(resolver, manner, policies, port=sink.port)
        (settled,) = told(route.deliver([to("x")]))
        return settled.outcomes[0]

    return send


def test_dane_lets_the_right_host_have_it(send):
    with Sink(PIPELINING, tls=MX.server()) as sink:
        outcome = send(sink, tlsa(MX.tlsa()), "dane")
    assert outcome.state.value == "accepted"
    assert outcome.hop == f"mx.b.test [127.0.0.1]:{sink.port}, TLSv1.3, verified by DANE"
    assert sink.transactions[0].tls


@pytest.mark.parametrize("server", [make("mx.b.test"), None], ids=["another", "stripped"])
def test_with_dane_nothing_goes_to_another_host_or_in_clear(send, server):
    with Sink(PIPELINING, tls=server.server() if server else None) as sink:
        outcome = send(sink, tlsa(MX.tlsa()))
    assert outcome.state.value == "deferred"
    assert outcome.reason.endswith("and its domain asks for verified TLS (DANE)")
    assert sink.transactions == []
    assert all(b"MAIL" not in session.wire for session in sink.sessions)


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python shows the issuers from 3.13 on")
def test_an_issuer_that_dane_knows_vouches_for_the_host(send):
    with Sink(PIPELINING, tls=make("mx.b.test", by=ROOT).server()) as sink:
        outcome = send(sink, tlsa(ROOT.tlsa(2)), "dane")
    assert outcome.hop.endswith("TLSv1.3, verified by DANE")
    assert sink.links == 2


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python shows the issuers from 3.13 on")
def test_an_issuer_that_is_only_shown_vouches_for_nobody(send):
    forged = make("mx.b.test")._replace(above=(ROOT.certificate,))
    with Sink(PIPELINING, tls=forged.server()) as sink:
        outcome = send(sink, tlsa(ROOT.tlsa(2)))
    assert outcome.state.value == "deferred"
    assert sink.transactions == []


def test_records_of_no_use_still_ask_for_tls(send):
    with Sink(PIPELINING, tls=make("elsewhere.test").server()) as sink:
        assert send(sink, tlsa(MX.tlsa(1))).hop.endswith("TLSv1.3, not verified")
    with Sink(PIPELINING) as sink:
        assert send(sink, tlsa(MX.tlsa(1))).state.value == "deferred"
    assert sink.transactions == []


@pytest.fixture
def promised(send, knot, authority):
    """The same under a policy of MTA-STS."""
    record = '_mta-sts.b.test. TXT "v=STSv1; id=1"\nmta-sts.b.test. A 127.0.0.1'
    ca_file = str(authority.ca_file)

    def promised(sink, mode="enforce", host="mx.b.test", floor="opportunistic"):
        text = f"version: STSv1\nmode: {mode}\nmx: {host}\nmax_age: 60\n".encode()
        with Web(authority.server_context("mta-sts.b.test"), page(text)) as web:
            pages = Pages(Resolver(knot.address), ca_file=ca_file, port=web.port)
            return send(sink, record, floor, ca_file=ca_file, fetch=pages.fetch)

    return promised


def test_an_enforced_policy_lets_a_verified_host_have_it(promised, authority):
    with Sink(PIPELINING, tls=authority.server_context("mx.b.test")) as sink:
        outcome = promised(sink, floor="mta-sts")
    assert outcome.state.value == "accepted"
    assert outcome.hop.endswith("TLSv1.3, verified (MTA-STS)")


@pytest.mark.parametrize("mode", ["enforce", "testing"])
@pytest.mark.parametrize("case", ["certificate", "name", "stripped"])
def test_an_enforced_policy_keeps_it_from_any_other_and_a_tested_one_does_not(
    promised, authority, mode, case
):
    names = {"certificate": "elsewhere.test", "name": "mx.b.test"}
    server = authority.server_context(names[case]) if case in names else None
    with Sink(PIPELINING, tls=server) as sink:
        outcome = promised(sink, mode, "*.other.test" if case == "name" else "mx.b.test")
    assert outcome.state.value == ("deferred" if mode == "enforce" else "accepted")
    assert len(sink.transactions) == (mode == "testing")


def test_where_nothing_is_promised_it_goes_in_clear_and_that_is_said(send):
    with Sink(PIPELINING) as sink:
        assert send(sink, "").hop.endswith(", in clear")


def test_a_floor_keeps_it_from_who_promises_nothing(send, authority):
    with Sink(PIPELINING, tls=authority.server_context("mx.b.test")) as sink:
        outcome = send(sink, "", "mta-sts")
        assert outcome.state.value == "deferred"
        assert 'does not offer what tls = "mta-sts" asks for' in outcome.reason
        assert sink.links == 0
        outcome = send(sink, "", "verify", ca_file=str(authority.ca_file))
    assert outcome.hop.endswith("TLSv1.3, verified")


@pytest.mark.parametrize("offers", [True, False])
def test_what_must_stay_under_tls_goes_to_who_sees_to_it(send, offers):
    extensions = (*PIPELINING, "REQUIRETLS") if offers else PIPELINING
    with Sink(extensions, tls=MX.server()) as sink:
        outcome = send(sink, tlsa(MX.tlsa()), require_tls=True)
    assert outcome.state.value == ("accepted" if offers else "refused")
    assert [b"REQUIRETLS" in each.mail_line for each in sink.transactions] == [True] * offers
    assert sink.faults == []
