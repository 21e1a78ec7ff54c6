"""The order of the tries, and who shares it; two threads are not needed for that."""

import random

from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import TryLaterError
from ccc.routes.mx.course import MOST_ADDRESSES, course, key, shared
from ccc.routes.mx.opportunistic import Opportunistic
from ccc.routes.mx.target import Host

ROWS = st.lists(st.lists(st.integers(), max_size=7).map(lambda row: tuple(map(str, row))), max_size=9)
DEMAND = Opportunistic().demand


def host(name: str, preference: int = 10, count: int = 2) -> Host:
    return Host(name, preference, tuple(f"192.0.2.{number}" for number in range(count)))


@given(ROWS)
def test_at_most_five_addresses_are_shared_out_and_all_if_there_are_no_more(rows):
    shares = shared(rows)
    assert sum(map(len, shares)) == min(MOST_ADDRESSES, sum(map(len, rows)))
    assert all(row[: len(share)] == share for row, share in zip(rows, shares, strict=True))


def test_each_host_gets_two_before_one_gets_more():
    rows = [tuple("abcdef"), tuple("gh"), tuple("ij")]
    assert shared(rows) == [("a", "b"), ("g", "h"), ("i",)]
    assert shared(rows[:2]) == [("a", "b", "c"), ("g", "h")]


def test_an_address_without_a_route_costs_no_try():
    hosts = [Host("a", 10, ("2001:db8::1", "192.0.2.1"))]
    (leg,) = course(hosts, DEMAND, lambda address: ":" not in address)
    assert leg.addresses == ("192.0.2.1",)


def test_without_any_route_the_addresses_are_tried_so_that_the_error_is_seen():
    (leg,) = course([host("a")], DEMAND, lambda _: False)
    assert leg.addresses == ("192.0.2.0", "192.0.2.1")


def test_a_host_that_its_policy_forbids_has_no_share():
    def demand(each: Host):
        if each.name == "a":
            raise TryLaterError("not named")
        return DEMAND(each)

    first, second = course([host("a", count=5), host("b", count=5)], demand, lambda _: True)
    assert (first.addresses, len(second.addresses)) == ((), 5)
    assert str(first.demand) == "not named"


@given(st.randoms(use_true_random=False))
def test_domains_with_the_same_hosts_share_a_course_whatever_chance_did(chance: random.Random):
    hosts = [host("a", 10), host("b", 10), host("c", 20)]
    equals = [host("a", 1), host("b", 1)]
    chance.shuffle(equals)
    assert way(hosts) == way([*equals, host("c", 2)])


def test_another_host_another_order_or_another_demand_is_another_course():
    hosts = [host("a", 10), host("b", 20)]
    ways = {
        way(hosts),
        way(hosts[:1]),
        way([host("a", 20), host("b", 10)]),
        way([host("a"), host("b")]),
        key(course(hosts, lambda each: DEMAND(each)._replace(words="verified"), lambda _: True)),
    }
    assert len(ways) == 5


def way(hosts):
    return key(course(hosts, DEMAND, lambda _: True))
