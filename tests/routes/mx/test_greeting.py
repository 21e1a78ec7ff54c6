"""The name that mail hosts are greeted with, and what they would refuse it for."""

import socket

import pytest

from ccc.resolver import Resolver
from ccc.routes.mx.greeting import Greeting, own_name
from tests.lab.dns import Dns

ZONE = """
host.here.test. IN A 192.0.2.1
nat.here.test. IN A 192.0.2.2
inside.here.test. IN A 10.0.0.9
1.2.0.192.in-addr.arpa. IN PTR host.here.test.
"""


@pytest.fixture(scope="module")
def dns():
    with Dns(ZONE, moods={"broken.here.test": "SERVFAIL", "9.2.0.192.in-addr.arpa": "SERVFAIL"}) as server:
        yield server


@pytest.fixture
def greet(dns):
    def greet(address, host="", helo=""):
        told = []
        greeting = Greeting(Resolver(dns.address), helo, lambda: host, told.append)
        name = greeting.name(address)
        before = len(told)
        assert greeting.name(address) == name
        assert len(told) == before  # once
        return name, told

    return greet


def test_a_name_that_leads_to_our_address_is_used_and_nothing_has_to_be_said(greet):
    assert greet("192.0.2.1", "Host.Here.test.") == ("host.here.test", [])


def test_the_configured_name_is_used_whatever_the_dns_says(greet):
    assert greet("192.0.2.1", "host.here.test", "mine.test") == ("mine.test", [])


@pytest.mark.parametrize("host", ["", "nat.here.test", "gone.test", "broken.here.test", "bare", "b d.test"])
def test_else_it_is_the_address_and_the_way_out_is_told(greet, host):
    name, told = greet("192.0.2.1", host)
    assert name == "[192.0.2.1]"
    assert "no name of this host leads to 192.0.2.1" in told[0]
    assert "--helo" in told[0]


def test_behind_a_translator_any_name_will_do_that_leads_out(greet):
    name, told = greet("10.0.0.1", "nat.here.test")
    assert name == "nat.here.test"
    assert told == [
        "mail hosts see another address of this network than 10.0.0.1; they refuse addresses that providers "
        "give to homes as well, which ccc cannot know"
    ]


def test_behind_a_translator_a_name_that_leads_nowhere_else_will_not_do(greet):
    assert greet("10.0.0.1", "inside.here.test")[0] == "[10.0.0.1]"


def test_an_address_without_a_name_is_told(greet):
    _, told = greet("192.0.2.2", "nat.here.test")
    assert told[0].startswith("192.0.2.2 has no name in the DNS (PTR record)")


def test_what_nobody_can_say_is_not_told(greet):
    assert greet("192.0.2.9", helo="mine.test") == ("mine.test", [])


@pytest.mark.parametrize(("address", "literal"), [("127.0.0.1", "[127.0.0.1]"), ("::1", "[IPv6:::1]")])
def test_on_this_host_nothing_is_told(greet, address, literal):
    assert greet(address) == (literal, [])


def test_this_host_knows_its_name_or_none():
    assert "." in (own_name() or ".")


def test_a_host_name_that_the_dns_cannot_hold_is_no_name(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "x" * 64)
    assert own_name() == ""
