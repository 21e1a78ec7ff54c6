"""Any hosts, any domains, any accidents: each recipient has the fate that RFC 5321, 5.1 gives, and once."""

import re
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccc.receipt import State
from tests.lab.sink import CHUNKING, PIPELINING
from tests.lab.witness import Disk
from tests.routes.mx.lab import Hosts, mail, outcomes

NAMED = re.compile(rb"RCPT TO:<([^>]*)>")
PASSED_OVER = {  # what makes a host one that is passed over
    "greeting 421": {"GREETING": "421 busy"},
    "greeting 554": {"GREETING": "554 no"},
    "no greeting": {"GREETING": ""},
    "nonsense": {"GREETING": "hello"},
    "no EHLO": {"EHLO": "550 no"},
    "lost at EHLO": {"EHLO": ""},
    "lost at MAIL": {"MAIL": ""},
    "lost at RCPT": {"RCPT": ""},
}
LAST_WORD = {  # what a host says to everybody, and what that is
    "fine": ({}, "accepted"),
    "421 to MAIL": ({"MAIL": "421 bye"}, "deferred"),
    "451 to MAIL": ({"MAIL": "451 later"}, "deferred"),
    "550 to MAIL": ({"MAIL": "550 no"}, "refused"),
    "451 to RCPT": ({"RCPT": "451 grey"}, "deferred"),
    "421 to RCPT": ({"RCPT": "421 bye"}, "deferred"),
    "451 in the end": ({".": "451 later", "BDAT": "451 later"}, "deferred"),
    "554 in the end": ({".": "554 spam", "BDAT": "554 spam"}, "refused"),
    "421 in the end": ({".": "421 bye", "BDAT": "421 bye"}, "deferred"),
    "lost in the end": ({".": "", "BDAT": ""}, "in doubt"),
}
GONE = "refuses the connection"


class World(NamedTuple):
    """How each host behaves, the hosts of each domain in order, who is at which domain, who is unknown."""

    hosts: list[str]
    domains: list[list[int]]
    people: list[int]
    unknown: set[int]
    offers: tuple[str, ...]

    def fate(self, person: int) -> str:
        """What becomes of somebody, by the book."""
        for host in self.domains[self.people[person]]:
            how = self.hosts[host]
            if self.offers == CHUNKING and how in ("lost at MAIL", "lost at RCPT"):
                return "in doubt"  # all of it is said at once
            if how in LAST_WORD:
                fate = LAST_WORD[how][1]
                before = how in ("421 to MAIL", "451 to MAIL", "550 to MAIL")
                return "refused" if person in self.unknown and not before else fate
        hosts = {self.hosts[host] for host in self.domains[self.people[person]]}
        return "refused" if hosts <= {"greeting 554", "no EHLO"} else "deferred"


HOW = st.sampled_from([*PASSED_OVER, *LAST_WORD, GONE, "fine", "fine", "fine"])


@st.composite
def worlds(draw) -> World:
    hosts = draw(st.lists(HOW, min_size=4, max_size=4))
    order = st.lists(st.integers(0, 3), min_size=1, max_size=4, unique=True)
    domains = draw(st.lists(order, min_size=1, max_size=4))
    people = draw(st.lists(st.integers(0, len(domains) - 1), min_size=1, max_size=8))
    unknown = draw(st.sets(st.integers(0, len(people) - 1), max_size=2))
    return World(hosts, domains, people, unknown, draw(st.sampled_from([(), PIPELINING, CHUNKING])))


def lay_out(hosts: Hosts, world: World) -> None:
    unknown = {f"p{n}@d{world.people[n]}.test": "550 5.1.1 who?" for n in world.unknown}
    for number, how in enumerate(world.hosts, 1):
        if how != GONE:
            verbs = PASSED_OVER.get(how) or LAST_WORD[how][0]
            # whoever is unknown is refused in any case, unless the host ends with RCPT
            hosts.sink(number, world.offers, verbs=verbs, rcpt={} if how.endswith("RCPT") else unknown)
    for domain, order in enumerate(world.domains):
        hosts.domain(f"d{domain}.test", *((place, host + 1) for place, host in enumerate(order)))


def obeys(world: World) -> None:
    with Hosts() as hosts:
        lay_out(hosts, world)
        disk = Disk()
        people = [f"p{number}@d{domain}.test" for number, domain in enumerate(world.people)]
        got = outcomes(hosts.route(), mail(*people), witness=disk)
        sinks = list(hosts.sinks.values())
    whole = [path for sink in sinks for each in sink.transactions for path in each.forward_paths]
    begun = {path.decode() for sink in sinks for each in sink.sessions for path in NAMED.findall(each.wire)}
    assert len(whole) == len(set(whole)), "somebody has it twice"
    assert disk.lacking(begun, set(whole)) == []
    assert {each.mailbox.addr_spec for each in got.values() if each.state is State.ACCEPTED} == set(whole)
    assert [sink.faults for sink in sinks] == [[]] * len(sinks)
    for number in range(len(people)):
        how = {world.hosts[host] for host in world.domains[world.people[number]]}
        if not (number in world.unknown and how & {"451 to RCPT", "421 to RCPT"}):
            assert got[f"p{number}"].state.value == world.fate(number), (number, got[f"p{number}"].reason)


@settings(max_examples=20)
@given(worlds())
def test_everybody_has_the_fate_that_the_standard_gives_him(world):
    obeys(world)


@pytest.mark.sweep
@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(worlds())
def test_everybody_has_it_in_many_worlds(world):
    obeys(world)
