"""When a policy is looked for, fetched, kept and let go (RFC 8461, 3.3 and 10.2)."""

import pytest

from ccc.resolver import Resolver
from ccc.routes.mx.cache import Cache
from ccc.routes.mx.discovery import PAUSE, REFRESH, Discovery, Standing
from ccc.routes.mx.page import Page
from ccc.routes.mx.sts import Mode, read_policy
from tests.lab.dns import Dns

DAY = 86400.0
WEEK = 7 * DAY


def text(mode="enforce", age=WEEK, mx="mx.example.org"):
    return f"version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: {age:.0f}\n".encode()


class World:
    """A domain, its DNS, its web and the time; each run finds anew."""

    def __init__(self, folder):
        self.folder = folder
        self.now = 1e9
        self.record = "v=STSv1; id=1"
        self.mood = ""
        self.page = Page(text())
        self.fetched = 0

    def fetch(self, domain):
        assert domain == "example.org"
        self.fetched += 1
        return self.page

    def run(self, domain="example.org"):
        zone = f'_mta-sts.example.org. 60 IN TXT "{self.record}"' if self.record else ""
        with Dns(zone, moods={"_mta-sts.example.org": self.mood}) as dns:
            resolver = Resolver(dns.address, timeout=0.2)
            return Discovery(resolver, Cache(self.folder), self.fetch, lambda: self.now).of(domain)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "mta-sts")


POLICY = read_policy(text())


def test_a_domain_without_a_record_has_no_policy(world):
    world.record = ""
    assert world.run() == Standing(why="example.org has no MTA-STS record", absent=True)
    assert world.fetched == 0


def test_a_policy_is_fetched_where_a_record_says_that_there_is_one(world):
    assert world.run() == Standing(POLICY)


def test_a_policy_whose_id_is_the_same_is_not_fetched_again(world):
    world.run()
    world.now += REFRESH - 1
    assert world.run() == Standing(POLICY, kept=True)
    assert world.fetched == 1


def test_a_new_id_has_it_fetched(world):
    world.run()
    world.record, world.page = "v=STSv1; id=2", Page(text("none"))
    assert world.run().policy.mode is Mode.NONE
    world.record = "v=STSv1; id=2; x=y"
    world.run()
    assert world.fetched == 2


@pytest.mark.parametrize(("age", "later"), [(WEEK, REFRESH), (3600.0, 1800.0), (0.0, 0.0)])
def test_a_policy_is_fetched_again_before_it_ends(world, age, later):
    world.page = Page(text(age=age))
    world.run()
    world.now += later
    world.run()
    assert world.fetched == 2


def test_what_is_fetched_again_begins_anew(world):
    world.run()
    world.now += 6 * DAY
    world.run()
    world.now += 6 * DAY
    world.page = Page(None, "gone")
    assert world.run().policy == POLICY


@pytest.mark.parametrize("record", ["", "v=STSv1; id=", "v=spf1"])
def test_a_policy_outlives_its_record(world, record):
    world.run()
    world.record = record
    world.now += WEEK - 1
    assert world.run() == Standing(POLICY, "example.org has no MTA-STS record", absent=True, kept=True)
    world.now += 1
    assert world.run().policy is None


@pytest.mark.parametrize("mood", ["SERVFAIL", "silence"])
def test_a_policy_outlives_the_dns(world, mood):
    world.run()
    world.mood = mood
    found = world.run()
    assert (found.policy, found.kept) == (POLICY, True)
    assert "cannot look up the TXT records of _mta-sts.example.org" in found.why


def test_without_an_answer_and_without_a_policy_there_is_none(world):
    world.mood = "SERVFAIL"
    assert world.run().policy is None


BROKEN = [Page(None, "mta-sts.example.org answered 404"), Page(b"<html>")]


@pytest.mark.parametrize("page", BROKEN)
def test_a_policy_outlives_the_web(world, page):
    world.run()
    world.record, world.page = "v=STSv1; id=2", page
    found = world.run()
    assert (found.policy, found.kept, found.absent) == (POLICY, True, False)
    assert found.why.startswith("the policy of example.org cannot be fetched: ")
    assert world.run().policy == POLICY
    world.now += WEEK
    assert world.run().policy is None


@pytest.mark.parametrize("page", BROKEN)
def test_a_policy_that_was_never_fetched_does_not_hold(world, page):
    world.page = page
    found = world.run()
    assert (found.policy, found.absent) == (None, False)


def test_after_a_failure_it_is_not_tried_at_once(world):
    world.page = BROKEN[0]
    world.run()
    world.now += PAUSE - 1
    found = world.run()
    assert found.why == "the policy of example.org could not be fetched a moment ago"
    assert world.fetched == 1


@pytest.mark.parametrize(("later", "record"), [(PAUSE, "v=STSv1; id=1"), (0, "v=STSv1; id=2")])
def test_after_a_pause_or_with_a_new_id_it_is(world, later, record):
    world.page = BROKEN[0]
    world.run()
    world.now, world.record, world.page = world.now + later, record, Page(text())
    assert world.run().policy == POLICY


def test_a_clock_that_was_set_back_has_it_fetched_and_loses_nothing(world):
    world.run()
    world.now -= WEEK
    world.page = BROKEN[0]
    assert world.run().policy == POLICY
    assert world.fetched == 2


def test_a_domain_is_asked_once_in_a_run(world):
    with Dns('_mta-sts.example.org. 60 IN TXT "v=STSv1; id=1"') as dns:
        discovery = Discovery(Resolver(dns.address), Cache(None), world.fetch)
        assert discovery.of("example.org") == discovery.of("example.org")
    assert len(dns.asked) == world.fetched == 1


def test_no_policy_is_looked_for_at_a_parent(world):
    assert world.run("sub.example.org").policy is None
