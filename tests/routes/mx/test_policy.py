"""What protects the way to each host: DANE, MTA-STS, or less; and the floors that a user sets."""

import socket
import time

import pytest

from ccc.errors import Interrupted, LinkError, RefusedError, TryLaterError
from ccc.resolver import Resolver
from ccc.routes.mx.cache import Cache, Kept
from ccc.routes.mx.dane import State
from ccc.routes.mx.demand import LEVELS, Level
from ccc.routes.mx.page import Page
from ccc.routes.mx.policy import Policies
from ccc.routes.mx.sts import read_policy
from ccc.routes.mx.target import Host, Target
from ccc.smtp.session import StartTLSPolicy
from tests.lab.dns import Dns
from tests.routes.mx.shake import make, shake, zone
from tests.transport.signals import Signals

MX = make("mx.example.test")
HOST = Host("mx.example.test", 10, ("127.0.0.1",), True, "mx.example.test")
OTHER = Host("backup.example.test", 20, ("127.0.0.2",), True, "backup.example.test")
TARGET = Target("example.test", (HOST, OTHER), secure=True)
LITERAL = Target("[127.0.0.1]", (Host("", 0, ("127.0.0.1",)),), implicit=True)

TLSA = zone("_25._tcp.mx.example.test.", MX.tlsa())
UNUSABLE = zone("_25._tcp.mx.example.test.", MX.tlsa(1))
RECORD = '_mta-sts.example.test. 60 IN TXT "v=STSv1; id=1"'


def policy(mode="enforce", mx="mx.example.test"):
    return Page(f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 600\n".encode())


class Asked:
    """A policy of MTA-STS, and how often it was fetched."""

    def __init__(self, page=None):
        self.page = page or policy()
        self.times = 0

    def fetch(self, domain):
        self.times += 1
        return self.page


@pytest.fixture
def demand(tmp_path):
    """What is demanded of a host in this zone."""

    def demand(records="", floor="opportunistic", *, host=HOST, target=TARGET, sts=None, moods=None, **more):
        with Dns(records, secure=("test",), moods=moods) as dns:
            resolver = Resolver(dns.address, timeout=0.3)
            settings = {"fetch": (sts or Asked()).fetch, **more}
            policies = Policies(resolver, tmp_path / "mta-sts", LEVELS[floor], **settings)
            return policies.of(target).demand(host)

    return demand


def gist(demand):
    return demand.level, demand.starttls is StartTLSPolicy.REQUIRED, demand.words


def test_dane_comes_first(demand):
    found = demand(f"{TLSA}\n{RECORD}")
    assert gist(found) == (Level.DANE, True, "verified by DANE")
    assert (found.name, found.trust.tlsa, found.findings) == ("mx.example.test", (MX.tlsa(),), ())


def test_where_there_is_dane_no_policy_is_looked_for(demand):
    asked = Asked()
    demand(f"{TLSA}\n{RECORD}", sts=asked)
    assert asked.times == 0


def test_a_failing_dane_is_not_overridden_by_a_policy(demand):
    with pytest.raises(TryLaterError, match="TLSA"):
        demand(RECORD, moods={"_25._tcp.mx.example.test": "SERVFAIL"})


def test_a_policy_that_is_enforced_comes_next(demand):
    found = demand(RECORD)
    assert gist(found) == (Level.STS, True, "verified (MTA-STS)")
    assert (found.name, found.trust.verify, found.trust.tlsa) == ("mx.example.test", True, ())


def test_a_host_without_dane_beside_one_with_it_is_under_the_policy(demand):
    with pytest.raises(
        TryLaterError, match=r"backup\.example\.test is none of the hosts in the MTA-STS policy"
    ):
        demand(f"{TLSA}\n{RECORD}", host=OTHER)


def test_a_host_that_an_enforced_policy_does_not_name_is_not_used(demand):
    with pytest.raises(TryLaterError, match=r"is none of the hosts in the MTA-STS policy of example\.test"):
        demand(RECORD, sts=Asked(policy(mx="*.elsewhere.test")))


def test_a_policy_in_testing_changes_nothing_and_is_told(demand):
    found = demand(RECORD, sts=Asked(policy("testing")))
    assert gist(found) == (Level.OPPORTUNISTIC, False, "not verified")
    assert found.findings == ("example.test tests MTA-STS, and does not ask for it yet",)


def test_a_host_that_a_policy_in_testing_does_not_name_is_told(demand):
    (finding,) = demand(RECORD, sts=Asked(policy("testing", "other.test"))).findings
    assert "mx.example.test is none of the hosts in its policy; it is sent all the same" in finding


def test_a_policy_of_no_use_asks_for_nothing(demand):
    found = demand(RECORD, sts=Asked(policy("none")))
    assert gist(found) == (Level.OPPORTUNISTIC, False, "not verified")
    assert found.findings == ()


def test_a_policy_that_cannot_be_fetched_is_told(demand):
    found = demand(RECORD, sts=Asked(Page(None, "it is too slow")))
    assert gist(found) == (Level.OPPORTUNISTIC, False, "not verified")
    assert found.findings == ("MTA-STS: the policy of example.test cannot be fetched: it is too slow",)


def test_a_record_that_nobody_can_find_is_told(demand):
    found = demand(RECORD, moods={"_mta-sts.example.test": "SERVFAIL"})
    assert found.level is Level.OPPORTUNISTIC
    assert "cannot look up the TXT records of _mta-sts.example.test" in found.findings[0]


def test_a_policy_is_not_fetched_from_where_no_mail_would_go(demand):
    found = demand(f"{RECORD}\nmta-sts.example.test. 60 IN A 127.0.0.1", fetch=None)
    assert "there is no host mta-sts.example.test" in found.findings[0]


def test_an_older_policy_that_holds_on_is_told(demand, tmp_path):
    octets = policy().octets
    Cache(tmp_path / "mta-sts").write("example.test", Kept(read_policy(octets), octets, "0", 1000.0))
    found = demand(RECORD, sts=Asked(Page(None, "it is too slow")), clock=lambda: 1100.0)
    assert found.level is Level.STS
    assert "cannot be fetched" in found.findings[0]


def test_without_anything_tls_is_taken_where_it_is_offered(demand):
    found = demand()
    assert gist(found) == (Level.OPPORTUNISTIC, False, "not verified")
    assert (found.trust.verify, found.findings) == (False, ())


def test_records_of_no_use_ask_for_tls_with_anybody(demand):
    found = demand(UNUSABLE)
    assert gist(found) == (Level.OPPORTUNISTIC, True, "not verified")
    assert "none that ccc can use" in found.findings[0]


def test_a_policy_holds_beside_records_of_no_use(demand):
    assert demand(f"{UNUSABLE}\n{RECORD}").level is Level.STS


def test_an_address_has_neither_and_its_certificate_must_be_for_it(demand):
    found = demand(host=LITERAL.hosts[0], target=LITERAL)
    assert (found.level, found.name) == (Level.OPPORTUNISTIC, "127.0.0.1")
    assert demand(host=LITERAL.hosts[0], target=LITERAL, floor="verify").name == "127.0.0.1"


def test_verification_can_be_asked_for_everywhere(demand):
    found = demand(floor="verify")
    assert gist(found) == (Level.VERIFY, True, "verified")
    assert found.trust.verify
    assert demand(TLSA, "verify").level is Level.DANE
    assert demand(RECORD, "verify").level is Level.STS


def test_what_is_more_than_the_floor_is_kept(demand):
    assert demand(TLSA, "mta-sts").level is Level.DANE
    assert demand(TLSA, "dane").level is Level.DANE
    assert demand(RECORD, "mta-sts").level is Level.STS


@pytest.mark.parametrize(
    ("records", "floor", "why"),
    [
        ("", "dane", "mx.example.test has no TLSA records"),
        (RECORD, "dane", "mx.example.test has no TLSA records"),
        (UNUSABLE, "dane", State.UNUSABLE.value),
        ("", "mta-sts", "mx.example.test has no TLSA records, and example.test has no MTA-STS record"),
        (UNUSABLE, "mta-sts", "and example.test has no MTA-STS record"),
    ],
)
def test_a_host_below_the_floor_is_left_for_later_and_what_is_missing_is_said(demand, records, floor, why):
    with pytest.raises(TryLaterError) as caught:
        demand(records, floor)
    assert caught.value.what.startswith(f'mx.example.test does not offer what tls = "{floor}" asks for: ')
    assert why in caught.value.what
    assert "ask for less" in caught.value.cure


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (policy("testing"), "the MTA-STS policy of example.test has mode testing"),
        (policy("none"), "the MTA-STS policy of example.test has mode none"),
        (Page(None, "it is too slow"), "cannot be fetched: it is too slow"),
    ],
)
def test_a_policy_that_is_not_enforced_does_not_reach_the_floor(demand, page, why):
    with pytest.raises(TryLaterError) as caught:
        demand(RECORD, "mta-sts", sts=Asked(page))
    assert why in caught.value.what


def test_the_cure_names_what_would_do(demand):
    with pytest.raises(TryLaterError, match='tls = "mta-sts" would do now'):
        demand(RECORD, "dane")


UNPROVED = TARGET._replace(secure=False)


def test_a_mail_that_must_stay_under_tls_needs_a_verified_host(demand):
    found = demand(require_tls=True)
    assert (found.level, found.require_tls) == (Level.VERIFY, True)
    assert demand(TLSA, require_tls=True).level is Level.DANE
    assert not demand(TLSA).require_tls


def test_and_a_host_that_is_proved_to_be_the_domains(demand):
    with pytest.raises(RefusedError, match=r"neither DNSSEC nor MTA-STS proves mx\.example\.test"):
        demand(target=UNPROVED, require_tls=True)
    with pytest.raises(RefusedError):
        demand(RECORD, target=UNPROVED, require_tls=True, sts=Asked(policy("testing", "other.test")))


def test_a_policy_proves_it_even_in_testing(demand):
    tested = Asked(policy("testing"))
    assert demand(RECORD, target=UNPROVED, require_tls=True, sts=tested).level is Level.VERIFY


def test_a_policy_that_is_enforced_proves_more(demand):
    assert demand(RECORD, target=UNPROVED, require_tls=True).level is Level.STS


def test_a_domain_without_mx_records_is_its_own_host(demand):
    own = UNPROVED._replace(implicit=True)
    assert demand(target=own, require_tls=True).level is Level.VERIFY
    assert demand(host=LITERAL.hosts[0], target=LITERAL, require_tls=True).level is Level.VERIFY


@pytest.fixture
def believed(authority):
    return {"ca_file": str(authority.ca_file)}


@pytest.mark.parametrize(("records", "how"), [(RECORD, "verified (MTA-STS)"), ("", "verified")])
def test_a_verified_certificate_is_let_through(demand, authority, believed, records, how):
    found = demand(records, "verify", **believed)
    assert shake(found, authority.server_context("mx.example.test")) == f"TLSv1.3, {how}"


@pytest.mark.parametrize("records", [RECORD, ""])
@pytest.mark.parametrize("server", [make("mx.example.test"), make("mx.example.test", ended=True)])
def test_one_that_is_not_verified_is_not(demand, believed, records, server):
    with pytest.raises(LinkError, match="cannot be trusted"):
        shake(demand(records, "verify", **believed), server.server())


@pytest.mark.parametrize(
    ("records", "floor", "more", "who"),
    [
        (TLSA, "opportunistic", {}, r"its domain asks for verified TLS \(DANE\)"),
        (RECORD, "opportunistic", {}, r"its domain asks for verified TLS \(MTA-STS\)"),
        ("", "verify", {}, 'tls = "verify" asks for verified TLS'),
        ("", "opportunistic", {"require_tls": True}, "--require-tls asks for verified TLS"),
    ],
)
def test_who_asks_for_more_than_there_is_is_said(demand, records, floor, more, who):
    with pytest.raises(LinkError, match=f"the certificate of mx.*, and {who}") as caught:
        shake(demand(records, floor, **more), make("mx.example.test").server())
    assert "administrator" in caught.value.cure


def test_one_for_another_name_is_not_either(demand, authority, believed):
    with pytest.raises(LinkError, match="cannot be trusted"):
        shake(demand(RECORD, **believed), authority.server_context("example.test"))


@pytest.mark.parametrize("server", [make("elsewhere.test"), make("mx.example.test", ended=True)])
def test_where_nothing_was_promised_every_certificate_is(demand, server):
    assert shake(demand(), server.server()) == "TLSv1.3, not verified"


def test_a_signal_ends_the_handshake(demand):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs, Signals(come=True) as signals, pytest.raises(Interrupted):
        demand().secure(signals)(ours, time.monotonic() + 5)


def test_the_words_for_the_floors_are_these():
    assert LEVELS == {
        "opportunistic": Level.OPPORTUNISTIC,
        "verify": Level.VERIFY,
        "mta-sts": Level.STS,
        "dane": Level.DANE,
    }
    assert [level.word for level in sorted(Level)] == ["opportunistic", "verify", "mta-sts", "dane"]


def test_a_domain_is_asked_once_for_all_of_its_hosts(tmp_path):
    asked = Asked(policy(mx="*.example.test"))
    with Dns(RECORD, secure=("test",)) as dns:
        rules = Policies(Resolver(dns.address), tmp_path, fetch=asked.fetch).of(TARGET)
        assert {rules.demand(host).level for host in TARGET.hosts} == {Level.STS}
    assert asked.times == 1
    assert [each.name for each in dns.asked].count("_mta-sts.example.test") == 1
