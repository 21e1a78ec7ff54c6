import pytest

from ccc.errors import ConfigurationError, TryLaterError
from ccc.resolver import Answer, Mx, Resolver, Srv, believed
from ccc.transport.tlsa import Tlsa
from tests.lab.dns import Dns

ZONE = r"""
example.org. 60 IN MX 20 second.example.org.
example.org. 60 IN MX 10 first.example.org.
example.org. 60 IN TXT "v=one " "and two"
_imaps._tcp.example.org. 60 IN SRV 10 1 993 light.example.org.
_imaps._tcp.example.org. 60 IN SRV 10 9 993 heavy.example.org.
_imaps._tcp.example.org. 60 IN SRV 0 0 9993 best.example.org.
_imap._tcp.example.org. 60 IN SRV 0 0 0 .
nothing.example.org. 60 IN MX 0 .
alias.example.org. 60 IN CNAME host.example.org.
host.example.org. 60 IN A 192.0.2.1
host.example.org. 60 IN AAAA 2001:db8::1
_25._tcp.host.example.org. 60 IN TLSA 3 1 1 abababababababababababababababababababababababababababababababab
"""


@pytest.fixture(scope="module")
def dns():
    moods = {
        "broken.example.org": "SERVFAIL",
        "refused.example.org": "REFUSED",
        "silent.example.org": "silence",
    }
    with Dns(ZONE, secure=("example.org",), moods=moods) as server:
        yield server


@pytest.fixture
def resolver(dns):
    return Resolver(dns.address)


def test_mail_hosts_come_by_preference(resolver):
    assert resolver.mx("example.org").records == (Mx(10, "first.example.org"), Mx(20, "second.example.org"))


def test_a_null_mx_has_no_host(resolver):
    assert resolver.mx("nothing.example.org").records == (Mx(0, ""),)


def test_services_come_by_priority_and_then_by_weight(resolver):
    found = resolver.srv("_imaps._tcp.example.org").records
    assert [each.target.partition(".")[0] for each in found] == ["best", "heavy", "light"]


def test_a_service_that_is_not_offered_has_no_target(resolver):
    assert resolver.srv("_imap._tcp.example.org").records == (Srv(0, 0, 0, ""),)


def test_the_pieces_of_a_text_are_joined(resolver):
    assert resolver.txt("example.org").records == (b"v=one and two",)


def test_addresses_of_both_kinds_are_found_behind_an_alias(resolver):
    found = resolver.addresses("alias.example.org")
    assert found.records == ("2001:db8::1", "192.0.2.1")
    assert found.canonical == "host.example.org"


def test_a_name_is_an_alias_of_the_next_one(resolver):
    assert resolver.alias("alias.example.org").records == ("host.example.org",)
    assert resolver.alias("host.example.org").records == ()


def test_the_silence_of_one_question_does_not_make_a_signed_host_look_unsigned(dns):
    with Dns(ZONE, secure=("example.org",), moods={"host.example.org AAAA": "SERVFAIL"}) as half:
        found = Resolver(half.address, timeout=0.3).addresses("host.example.org")
    assert (found.records, found.secure) == (("192.0.2.1",), True)


def test_the_certificates_of_a_host_are_found(resolver):
    assert resolver.tlsa("_25._tcp.host.example.org") == Answer(
        (Tlsa(3, 1, 1, b"\xab" * 32),), True, True, "_25._tcp.host.example.org"
    )


def test_a_name_that_is_not_there_does_not_exist(resolver):
    assert resolver.mx("gone.example.org") == Answer(secure=True, canonical="gone.example.org")


def test_a_name_without_such_a_record_exists(resolver):
    assert resolver.srv("host.example.org") == Answer((), True, True, "host.example.org")


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".org", r"a\046b.org", "bücher.example"])
def test_what_cannot_stand_in_the_dns_is_not_there_and_nobody_is_asked(dns, resolver, name):
    before = len(dns.asked)
    assert not resolver.mx(name).exists
    assert len(dns.asked) == before


@pytest.mark.parametrize(("name", "code"), [("broken", "SERVFAIL"), ("refused", "REFUSED")])
def test_a_server_that_fails_gives_no_answer(dns, name, code):
    with pytest.raises(TryLaterError, match=f"answered {code}"):
        Resolver(dns.address, timeout=0.15).mx(f"{name}.example.org")


def test_a_server_that_is_silent_gives_no_answer(dns):
    with pytest.raises(TryLaterError, match=r"no answer within 0\.15 seconds"):
        Resolver(dns.address, timeout=0.15).mx("silent.example.org")


def test_a_port_that_nobody_listens_on_gives_no_answer():
    with Dns() as gone:
        address = gone.address
    with pytest.raises(TryLaterError, match=r"cannot look up the MX records of example\.org"):
        Resolver(address, timeout=0.15).mx("example.org")


def test_an_answer_that_was_cut_is_asked_for_over_tcp():
    with Dns(ZONE, moods={"example.org": "cut"}) as dns:
        assert len(Resolver(dns.address).mx("example.org").records) == 2
    assert [each.tcp for each in dns.asked] == [False, True]


def test_a_server_without_edns_is_asked_without_it():
    with Dns(ZONE, moods={"example.org": "no edns"}) as dns:
        assert len(Resolver(dns.address).mx("example.org").records) == 2


def test_an_answer_is_secure_if_dnssec_proved_it(resolver):
    assert resolver.mx("example.org").secure
    with Dns(ZONE) as unsigned:
        assert not Resolver(unsigned.address).mx("example.org").secure


@pytest.mark.parametrize(("address", "ours"), [("127.0.0.53", True), ("::1", True), ("192.0.2.1", False)])
def test_only_a_resolver_on_this_host_is_believed_unasked(address, ours):
    assert believed(address) == ours


def test_the_systems_servers_are_read_from_its_file(tmp_path):
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.53\nnameserver 2001:db8::53\n")
    made = Resolver(resolv_conf=str(tmp_path / "resolv.conf"))._resolver()
    assert made.nameservers == ["192.0.2.53", "2001:db8::53"]


def test_without_the_systems_file_this_host_is_asked(tmp_path):
    assert Resolver(resolv_conf=str(tmp_path / "none"))._resolver().nameservers == ["127.0.0.1"]


@pytest.mark.parametrize("server", ["dns.example.org", "127.0.0.1:", "127.0.0.1:0", "[::1]:x", "1.2.3"])
def test_what_is_no_address_is_no_resolver(server):
    with pytest.raises(ConfigurationError, match="no address of a DNS resolver"):
        Resolver(server)


@pytest.mark.parametrize(
    ("server", "address", "port"),
    [("::1", "::1", 53), ("[::1]", "::1", 53), ("[::1]:5353", "::1", 5353), ("127.0.0.1", "127.0.0.1", 53)],
)
def test_a_resolver_is_named_with_or_without_a_port(server, address, port):
    made = Resolver(server)._resolver()
    assert (made.nameservers, made.port) == ([address], port)


def chain(length: int) -> str:
    """So many aliases, each of the next, and then a host."""
    aliases = (f"c{number}.test. IN CNAME c{number + 1}.test." for number in range(length))
    return "\n".join((*aliases, f"c{length}.test. IN A 192.0.2.1"))


def test_ten_aliases_are_followed_though_the_server_follows_only_some():
    with Dns(chain(10)) as dns:
        found = Resolver(dns.address).addresses("c0.test")
    assert (found.records, found.canonical) == (("192.0.2.1",), "c10.test")


@pytest.mark.parametrize("zone", [chain(11), "c0.test. IN CNAME c1.test.\nc1.test. IN CNAME c0.test."])
def test_more_aliases_or_a_circle_of_them_give_no_answer(zone):
    with Dns(zone) as dns, pytest.raises(TryLaterError, match="more than 10 times or in a circle"):
        Resolver(dns.address).addresses("c0.test")


def test_an_alias_is_secure_only_if_each_part_of_its_way_is():
    zone = (
        "\n".join(f"c{n}.a.test. IN CNAME c{n + 1}.a.test." for n in range(7)) + "\nc7.a.test. IN A 192.0.2.1"
    )
    with Dns(zone, secure=("c0.a.test",)) as dns:
        assert not Resolver(dns.address).addresses("c0.a.test").secure
    with Dns(zone, secure=("a.test",)) as dns:
        assert Resolver(dns.address).addresses("c0.a.test").secure


def test_the_names_of_an_address_are_found():
    with Dns("1.2.0.192.in-addr.arpa. IN PTR host.test.") as dns:
        assert Resolver(dns.address).names("192.0.2.1").records == ("host.test",)
        assert Resolver(dns.address).names("2001:db8::1").records == ()
