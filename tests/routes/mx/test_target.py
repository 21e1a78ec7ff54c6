"""Where mail for a domain goes, asked of a real resolver and a scripted server."""

import pytest

from ccc.errors import DomainError, RefusedError, TryLaterError
from ccc.receipt import EXIT
from ccc.resolver import Resolver
from ccc.routes.mx.target import MOST_HOSTS, Host, find
from ccc.routes.submission import Manner
from tests.lab.dns import Dns

ZONE = rf"""
usual.test. IN MX 20 second.usual.test.
usual.test. IN MX 10 first.usual.test.
first.usual.test. IN A 192.0.2.1
first.usual.test. IN A 192.0.2.2
first.usual.test. IN AAAA 2001:db8::1
second.usual.test. IN A 192.0.2.3
alone.test. IN A 192.0.2.4
nothing.test. IN TXT "no address"
local.test. IN A 127.0.0.1
null.test. IN MX 0 .
mixed.test. IN MX 0 .
mixed.test. IN MX 10 first.usual.test.
equal.test. IN MX 10 first.usual.test.
equal.test. IN MX 10 second.usual.test.
equal.test. IN MX 5 third.usual.test.
third.usual.test. IN A 192.0.2.5
bogus.test. IN MX 1 192.0.2.9.
bogus.test. IN MX 2 localhost.
bogus.test. IN MX 3 loop.bogus.test.
bogus.test. IN MX 4 loopback.bogus.test.
bogus.test. IN MX 5 none.bogus.test.
bogus.test. IN MX 6 wild.bogus.test.
bogus.test. IN MX 7 gone.bogus.test.
bogus.test. IN A 192.0.2.10
loop.bogus.test. IN CNAME pool.bogus.test.
pool.bogus.test. IN CNAME loop.bogus.test.
loopback.bogus.test. IN A 127.0.0.1
loopback.bogus.test. IN AAAA ::1
none.bogus.test. IN TXT "no address"
wild.bogus.test. IN A 0.0.0.0
wild.bogus.test. IN AAAA ::ffff:7f00:1
only.test. IN MX 1 loopback.bogus.test.
only.test. IN A 192.0.2.11
private.test. IN MX 1 inside.private.test.
inside.private.test. IN A 10.0.0.1
partly.test. IN MX 1 broken.test.
partly.test. IN MX 2 first.usual.test.
behind.test. IN MX 1 broken.test.
alias.test. IN MX 1 called.alias.test.
called.alias.test. IN CNAME first.usual.test.
called.test. IN CNAME usual.test.
to.localhost.test. IN MX 1 sly.test.
sly.test. IN CNAME localhost.
localhost. IN A 192.0.2.12
{"".join(f"many.test. IN MX {number} m{number}.many.test.{chr(10)}" for number in range(30))}
{"".join(f"m{number}.many.test. IN A 192.0.2.{100 + number}{chr(10)}" for number in range(30))}
"""


@pytest.fixture(scope="module")
def dns():
    with Dns(ZONE, secure=("usual.test",), moods={"broken.test": "SERVFAIL"}) as server:
        yield server


@pytest.fixture
def look(dns):
    def look(domain, shuffle=lambda _: None, **manner):
        return find(Resolver(dns.address), domain, Manner(**manner), shuffle)

    return look


def names(target) -> list[str]:
    return [host.name for host in target.hosts]


def test_hosts_come_by_preference_each_with_its_addresses_in_turn(look):
    target = look("usual.test")
    assert target.hosts == (
        Host("first.usual.test", 10, ("2001:db8::1", "192.0.2.1", "192.0.2.2"), True, "first.usual.test"),
        Host("second.usual.test", 20, ("192.0.2.3",), True, "second.usual.test"),
    )
    assert (target.secure, target.implicit, target.findings) == (True, False, ())


def test_equals_are_shuffled_and_nobody_else(look):
    assert names(look("equal.test", lambda some: some.reverse())) == [
        "third.usual.test",
        "second.usual.test",
        "first.usual.test",
    ]


def test_without_an_mx_the_domain_is_its_own_host(look):
    target = look("alone.test")
    assert (names(target), target.hosts[0].addresses, target.implicit) == (
        ["alone.test"],
        ("192.0.2.4",),
        True,
    )


def test_a_domain_that_is_an_alias_has_the_hosts_of_the_other(look):
    assert names(look("called.test")) == ["first.usual.test", "second.usual.test"]


@pytest.mark.parametrize(
    ("domain", "what"),
    [
        ("null.test", "null.test takes no mail: its MX record says so (null MX)"),
        ("mixed.test", "mixed.test takes no mail: its MX record says so (null MX)"),
        ("gone.test", "there is no domain gone.test"),
        ("nothing.test", "nothing.test takes no mail: it has neither MX records nor an address"),
        (
            "local.test",
            "local.test takes no mail: it has neither MX records nor an address; "
            "the address 127.0.0.1 of local.test is left out: it is a loopback address",
        ),
        ("x" * 64 + ".test", f"{'x' * 64}.test takes no mail: it is too long a name"),
        ("localhost", "localhost takes no mail: it is this host's name for itself"),
    ],
)
def test_a_domain_that_takes_no_mail_is_refused_for_good(look, domain, what):
    with pytest.raises(DomainError) as caught:
        look(domain)
    assert (caught.value.what, EXIT[caught.value.kind]) == (what, 68)


def test_bogus_hosts_are_left_out_and_each_is_told(look):
    with pytest.raises(TryLaterError) as caught:  # the loop may be mended
        look("bogus.test")
    assert "in a circle" in caught.value.what


def test_a_domain_with_mx_hosts_none_of_which_may_be_used_has_no_other_host(look):
    with pytest.raises(RefusedError) as caught:
        look("only.test")
    assert caught.value.what == (
        "none of the mail hosts of only.test may be used: "
        "the address ::1 of loopback.bogus.test is left out: "
        "it is a loopback address; the address 127.0.0.1 of loopback.bogus.test is left out: "
        "it is a loopback address"
    )


def test_no_bogus_host_is_in_the_target(look, dns):
    target = look("bogus.test", allow_loopback=True)
    assert names(target) == ["loopback.bogus.test", "wild.bogus.test"]
    assert target.hosts[1].addresses == ("::ffff:127.0.0.1",)
    for name in ("192.0.2.9", "localhost", "loop.bogus.test", "none.bogus.test", "gone.bogus.test"):
        assert any(finding.startswith(f"{name} is left out: ") for finding in target.findings), name
    assert not {"192.0.2.9", "localhost"} & {each.name for each in dns.asked}


def test_a_private_network_is_entered_only_if_that_is_allowed(look):
    with pytest.raises(RefusedError, match="--allow-private-mx"):
        look("private.test")
    assert look("private.test", allow_private=True).hosts[0].addresses == ("10.0.0.1",)


def test_a_host_that_cannot_be_looked_up_is_left_out_if_there_is_another_one(look):
    target = look("partly.test")
    assert names(target) == ["first.usual.test"]
    assert target.findings[0].startswith("broken.test is left out: cannot look up")


@pytest.mark.parametrize("domain", ["behind.test", "broken.test"])
def test_where_nobody_can_say_it_is_tried_later(look, domain):
    with pytest.raises(TryLaterError, match="SERVFAIL"):
        look(domain)


def test_a_host_that_is_an_alias_is_followed_and_that_is_told(look):
    target = look("alias.test")
    assert target.hosts[0].canonical == "first.usual.test"
    assert target.findings == ("called.alias.test is only an alias (CNAME) of first.usual.test",)


def test_an_alias_of_this_host_is_left_out(look):
    with pytest.raises(RefusedError, match="localhost is left out: it is this host's name for itself"):
        look("to.localhost.test")


def test_only_so_many_hosts_are_looked_up(look):
    target = look("many.test")
    assert len(target.hosts) == MOST_HOSTS
    assert target.findings == ("many.test has 30 MX hosts; ccc looks at the first 10",)


@pytest.mark.parametrize(
    ("domain", "address"), [("[192.0.2.1]", "192.0.2.1"), ("[IPv6:2001:db8::1]", "2001:db8::1")]
)
def test_an_address_literal_needs_no_look_up(look, dns, domain, address):
    before = len(dns.asked)
    target = look(domain)
    assert target.hosts == (Host("", 0, (address,)),)
    assert len(dns.asked) == before


def test_of_many_addresses_a_few_are_looked_at():
    zone = "flood.test. IN MX 10 h.flood.test.\n"
    zone += "".join(f"h.flood.test. IN A 127.0.{each >> 8}.{each & 255}\n" for each in range(1, 400))
    with Dns(zone) as server, pytest.raises(RefusedError) as caught:
        find(Resolver(server.address), "flood.test", Manner())
    assert len(caught.value.what) < 2000
