"""DANE: what is found in signed DNS, and which certificates it lets through (RFC 7672)."""

import sys

import pytest

from ccc.errors import LinkError, TryLaterError
from ccc.resolver import Resolver
from ccc.routes.mx.dane import State, is_usable, look_up
from ccc.routes.mx.demand import Demand, Level
from ccc.routes.mx.target import Host, Target
from ccc.smtp.session import StartTLSPolicy
from ccc.transport.tls import Trust
from ccc.transport.tlsa import Tlsa
from tests.lab.dns import Dns
from tests.routes.mx.shake import make, shake, zone

ISSUERS_ARE_SEEN = sys.version_info >= (3, 13)

MX = make("mx.example.test")
OTHER = make("mx.example.test")
ROOT = make("root", issues=True)
MIDDLE = make("middle", by=ROOT, issues=True)
LEAF = make("mx.example.test", by=MIDDLE)
AT = "_25._tcp.mx.example.test."

HOST = Host("mx.example.test", 10, ("127.0.0.1",), True, "mx.example.test")
TARGET = Target("example.test", (HOST,), secure=True)


def found(records, host=HOST, target=TARGET, *, secure=("test",), moods=None):
    with Dns(records, secure=secure, moods=moods) as dns:
        return look_up(Resolver(dns.address, timeout=0.3), target, host)


def test_records_in_signed_dns_count():
    dane = found(zone(AT, MX.tlsa()))
    assert (dane.state, dane.base, dane.records) == (State.USABLE, "mx.example.test", (MX.tlsa(),))
    assert dane.names == ()


@pytest.mark.skipif(not ISSUERS_ARE_SEEN, reason="Python shows the issuers from 3.13 on")
def test_below_an_issuer_a_certificate_may_have_each_name_that_is_proved():
    assert found(zone(AT, ROOT.tlsa(2))).names == ("mx.example.test", "example.test")
    assert found(zone(AT, ROOT.tlsa(2)), ALIAS).names == (
        "mx.example.test",
        "alias.example.test",
        "example.test",
    )


def test_without_records_there_is_no_dane():
    assert found("").state is State.ABSENT
    assert found("mx.example.test. 60 IN A 127.0.0.1").why == "mx.example.test has no TLSA records"


@pytest.mark.parametrize(
    ("target", "host", "why"),
    [
        (TARGET._replace(secure=False), HOST, "the MX records of example.test"),
        (TARGET, HOST._replace(secure=False), "the addresses of mx.example.test"),
        (TARGET, HOST._replace(name=""), "an address has no"),
    ],
)
def test_what_dnssec_did_not_prove_is_not_even_asked_for(target, host, why):
    with Dns(zone(AT, MX.tlsa()), secure=("test",)) as dns:
        dane = look_up(Resolver(dns.address), target, host)
    assert dane.state is State.ABSENT
    assert why in dane.why
    assert dns.asked == []


def test_records_that_dnssec_did_not_prove_do_not_count():
    assert found(zone(AT, MX.tlsa()), secure=()).state is State.ABSENT


@pytest.mark.parametrize("mood", ["SERVFAIL", "REFUSED", "silence"])
def test_a_look_up_that_fails_is_never_taken_for_no_dane(mood):
    with pytest.raises(
        TryLaterError, match=r"cannot look up the TLSA records of _25\._tcp\.mx\.example\.test"
    ):
        found(zone(AT, MX.tlsa()), moods={AT: mood})


ALIAS = HOST._replace(name="alias.example.test")


def test_the_name_behind_an_alias_comes_first():
    both = f"{zone(AT, MX.tlsa())}\n{zone('_25._tcp.alias.example.test.', OTHER.tlsa())}"
    dane = found(both, ALIAS)
    assert (dane.base, dane.records) == ("mx.example.test", (MX.tlsa(),))


def test_the_alias_itself_comes_after_it():
    dane = found(zone("_25._tcp.alias.example.test.", OTHER.tlsa()), ALIAS)
    assert (dane.base, dane.records) == ("alias.example.test", (OTHER.tlsa(),))


ABROAD = "alias.example.test. 60 IN CNAME mx.example.org."
TO_ABROAD = HOST._replace(name="alias.example.test", secure=False, canonical="mx.example.org")


def test_a_signed_alias_of_a_host_that_is_not_signed_has_records_of_its_own():
    records = f"{ABROAD}\n{zone('_25._tcp.alias.example.test.', MX.tlsa())}"
    assert found(records, TO_ABROAD).base == "alias.example.test"
    assert found(records, TO_ABROAD, secure=()).state is State.ABSENT


def test_an_alias_that_is_not_signed_is_not_asked_for_any():
    moods = {"_25._tcp.alias.example.test": "SERVFAIL"}
    assert found(ABROAD, TO_ABROAD, secure=(), moods=moods).state is State.ABSENT


def test_a_signed_alias_whose_records_nobody_can_find_is_not_taken_for_one_without():
    with pytest.raises(TryLaterError):
        found(ABROAD, TO_ABROAD, moods={"_25._tcp.alias.example.test": "SERVFAIL"})


@pytest.mark.parametrize("usage", [0, 1, 4, 255])
def test_records_that_are_not_for_smtp_are_unusable(usage):
    dane = found(zone(AT, MX.tlsa(usage)))
    assert (dane.state, dane.records) == (State.UNUSABLE, ())


@pytest.mark.parametrize("record", [Tlsa(3, 2, 1, b"x" * 32), Tlsa(3, 1, 9, b"x"), Tlsa(3, 0, 0, b"x")])
def test_a_record_that_nothing_can_match_is_unusable(record):
    assert found(zone(AT, record)).state is State.UNUSABLE


def test_a_digest_of_the_wrong_length_is_unusable_or_no_answer():
    """dnspython takes no answer that has one, and then nothing is sent; which is as safe."""
    assert not is_usable(Tlsa(3, 1, 1, b"x"))
    with pytest.raises(TryLaterError):
        found(zone(AT, MX.tlsa(), Tlsa(3, 1, 1, b"x")))


def test_one_usable_record_is_enough():
    records = zone(AT, MX.tlsa(1), Tlsa(3, 2, 1, b"x" * 32), MX.tlsa(3, 1, 2), MX.tlsa(3, 1, 1))
    assert found(records).records == (MX.tlsa(3, 1, 2),)


def test_issuers_are_of_use_where_python_shows_them():
    assert is_usable(ROOT.tlsa(2)) == ISSUERS_ARE_SEEN


def demand(*records, names=("mx.example.test", "example.test")):
    trust = Trust(tlsa=records, names=names)
    return Demand(Level.DANE, StartTLSPolicy.REQUIRED, "mx.example.test", trust, "verified by DANE")


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_the_certificate_that_a_record_knows_is_let_through(selector, matching):
    how = shake(demand(OTHER.tlsa(), MX.tlsa(3, selector, matching)), MX.server())
    assert how == "TLSv1.3, verified by DANE"


@pytest.mark.parametrize(
    "certificate",
    [make("elsewhere.test"), make("mx.example.test", ended=True), make()],
    ids=["name", "ended", "none"],
)
def test_of_the_hosts_own_certificate_neither_name_nor_dates_count(certificate):
    assert shake(demand(certificate.tlsa()), certificate.server())


def test_another_certificate_is_not_let_through():
    with pytest.raises(LinkError, match="none of those in its TLSA records") as caught:
        shake(demand(MX.tlsa(), MX.tlsa(3, 0, 2)), OTHER.server())
    assert "administrator" in caught.value.cure


def test_a_certificate_by_an_issuer_that_everybody_believes_is_not_either(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with pytest.raises(LinkError, match="none of those in its TLSA records"):
        shake(demand(MX.tlsa()), authority.server_context("mx.example.test"))


def test_an_issuer_does_not_vouch_for_itself_as_the_hosts_own():
    with pytest.raises(LinkError, match="none of those"):
        shake(demand(ROOT.tlsa(3)), LEAF.server())


def anchored(demand, *issuers):
    return demand.anchored(tuple(each.der for each in issuers))


@pytest.mark.parametrize("issuer", [ROOT, MIDDLE], ids=["root", "middle"])
def test_a_certificate_below_a_known_issuer_is_let_through(issuer):
    assert shake(anchored(demand(issuer.tlsa(2)), issuer), LEAF.server()) == "TLSv1.3, verified by DANE"


@pytest.mark.parametrize(
    ("certificate", "why"),
    [
        (make("elsewhere.test", by=MIDDLE), "is for another host"),
        (make("a.b.example.test", by=MIDDLE), "is for another host"),
        (make("mx.example.test", by=MIDDLE, ended=True), "cannot be trusted"),
        (make("mx.example.test"), "cannot be trusted"),
    ],
    ids=["name", "deep", "ended", "self"],
)
def test_one_that_is_not_right_is_not(certificate, why):
    with pytest.raises(LinkError, match=why):
        shake(anchored(demand(ROOT.tlsa(2)), ROOT), certificate.server())


@pytest.mark.parametrize("name", ["example.test", "*.example.test"])
def test_below_an_issuer_a_certificate_may_be_for_the_domain(name):
    assert shake(anchored(demand(ROOT.tlsa(2)), ROOT), make(name, by=MIDDLE).server())


def test_an_issuer_that_is_only_shown_proves_nothing():
    """A stranger can put the issuer of somebody else behind a certificate of his own."""
    forged = make("mx.example.test")._replace(above=(MIDDLE.certificate, ROOT.certificate))
    with pytest.raises(LinkError, match=r"cannot be trusted|none of those"):
        shake(demand(ROOT.tlsa(2)), forged.server())


@pytest.mark.skipif(not ISSUERS_ARE_SEEN, reason="Python shows the issuers from 3.13 on")
@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("issuer", [ROOT, MIDDLE], ids=["root", "middle"])
def test_an_issuer_that_a_record_knows_is_found_among_those_shown(issuer, selector, matching):
    assert shake(demand(issuer.tlsa(2, selector, matching)), LEAF.server())


def test_a_certificate_that_is_its_own_issuer_may_be_known_as_that():
    itself = make("mx.example.test")
    assert shake(demand(itself.tlsa(2)), itself.server())


def test_but_not_for_another_name_than_its_own():
    itself = make("elsewhere.test")
    with pytest.raises(LinkError, match="is for another host"):
        shake(demand(itself.tlsa(2)), itself.server())


def test_real_signed_dns_is_believed(knot):
    address = knot.zone(f"""
        example.test. MX 10 mx.example.test.
        mx.example.test. A 127.0.0.1
        {AT} TLSA 3 1 1 {MX.tlsa().data.hex()}
        alias.example.test. CNAME mx.example.test.
        plain.open. MX 10 mx.example.test.
    """)
    resolver = Resolver(address)
    assert look_up(resolver, TARGET, HOST).records == (MX.tlsa(),)
    assert (
        look_up(resolver, TARGET, HOST._replace(name="none.test", canonical="none.test")).state
        is State.ABSENT
    )
    assert resolver.addresses("alias.example.test").secure
    assert not resolver.mx("plain.open").secure


def test_real_dns_whose_signature_is_wrong_is_no_answer(knot):
    address = knot.zone(f"_25._tcp.mx.example.bogus. TLSA 3 1 1 {MX.tlsa().data.hex()}")
    host = HOST._replace(name="mx.example.bogus", canonical="mx.example.bogus")
    with pytest.raises(TryLaterError, match="SERVFAIL"):
        look_up(Resolver(address), TARGET, host)
