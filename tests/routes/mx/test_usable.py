"""Which addresses and names of mail hosts lead to us, and are left out."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.routes.mx.usable import Bounds, flaw, in_turn, is_private, name_flaw

NOWHERE = Bounds()
OURS = {
    "a loopback address": ("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::127.0.0.1"),
    "an unspecified address": ("0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"),
    "a link-local address": ("169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "2002:a9fe:a9fe::1"),
    "a multicast address": ("224.0.0.1", "239.255.255.250", "ff02::1"),
    "an address of a private network": (
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
        *("fd00::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1"),
    ),
    "a reserved address": ("255.255.255.255", "240.0.0.1"),
}
THEIRS = (
    *("192.0.2.1", "172.15.0.1", "172.32.0.1", "8.8.8.8", "128.0.0.1"),
    *("2001:db8::1", "2a00::1", "64:ff9b::808:808"),
)


@pytest.mark.parametrize(("why", "address"), [(why, each) for why, some in OURS.items() for each in some])
def test_what_leads_to_us_is_left_out(why, address):
    assert flaw(address, NOWHERE) == why


@pytest.mark.parametrize("address", THEIRS)
def test_what_anybody_can_reach_is_taken(address):
    assert flaw(address, NOWHERE) == ""


def test_a_private_network_can_be_allowed_and_nothing_else_by_that():
    allowed = {each for some in OURS.values() for each in some if not flaw(each, Bounds(private=True))}
    assert allowed == set(OURS["an address of a private network"])
    assert allowed == {each for some in OURS.values() for each in some if is_private(each)}


def test_loopback_can_be_allowed_for_tests_and_nothing_else_by_that():
    allowed = {each for some in OURS.values() for each in some if not flaw(each, Bounds(loopback=True))}
    assert allowed == set(OURS["a loopback address"])


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_judged_alike_however_it_is_wrapped(address: IPv4Address):
    plain = flaw(str(address), NOWHERE)
    for wrapped in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert flaw(str(ip_address(wrapped)), NOWHERE) == plain


def test_what_is_no_address_is_left_out():
    assert flaw("fe80::1%eth0x", NOWHERE)
    assert flaw("mx.example.org", NOWHERE) == "no address"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("192.0.2.1", "an address, where a name belongs"),
        ("[192.0.2.1]", "an address, where a name belongs"),
        ("2001:db8::1", "an address, where a name belongs"),
        ("1.2.3", "an address, where a name belongs"),
        ("localhost", "this host's name for itself"),
        ("LocalHost", "this host's name for itself"),
        ("mail.localhost", "this host's name for itself"),
        ("localhost.localdomain", "this host's name for itself"),
        (f"{'x' * 64}.example.org", "too long a name"),
        (".".join(["x" * 60] * 5), "too long a name"),
        ("a..b", "no host name"),
        (r"nul\000.example.org", "no host name"),
        ("mx example.org", "no host name"),
        ("mx.example.org", ""),
        ("MX_1.example.org", ""),
        ("mailhub", ""),
    ],
)
def test_a_name_is_one_of_a_mail_host_or_not(name, why):
    assert name_flaw(name) == why


@given(st.lists(st.sampled_from(["::1", "::2", "::3", "1.1.1.1", "2.2.2.2", "3.3.3.3"]), unique=True))
def test_both_families_come_in_turn_and_each_keeps_its_order(addresses):
    turned = in_turn(tuple(addresses))
    for six in (True, False):
        assert [a for a in turned if (":" in a) is six] == [a for a in addresses if (":" in a) is six]
    families = [":" in each for each in turned]
    least = min(families.count(True), families.count(False))
    assert families[: 2 * least] == [True, False] * least


@pytest.mark.parametrize("address", ["192.0.0.8", "198.18.0.1", "2001:0:4136:e378::1"])
def test_what_is_no_host_of_the_world_is_left_out(address):
    assert flaw(address, Bounds())
