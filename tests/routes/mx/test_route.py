"""Straight to mail hosts: which host, which transaction, how often, and what is said of it."""

import random
import re
import ssl
import threading

import pytest

from ccc.address.domain import a_labels
from ccc.errors import Kind
from ccc.receipt import State
from ccc.routes.mx.opportunistic import Opportunistic
from ccc.smtp.session import StartTLSPolicy
from ccc.transport.timeouts import Timeouts
from ccc.transport.transcript import Transcript
from tests.lab.fault import Step, content, data, ehlo, greeting, rcpt, send, stall, until_gone, usual
from tests.lab.fault import mail as mailed
from tests.lab.sink import CHUNKING, EVERYTHING, PIPELINING
from tests.lab.witness import Disk
from tests.routes.mx.lab import Hosts, address, fates, mail, outcomes
from tests.smtp.play import Text
from tests.transport.signals import Signals

BIG = Text(b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 40000)


@pytest.fixture
def hosts():
    with Hosts() as made:
        yield made


def taken(sink) -> list[tuple[str, ...]]:
    return [transaction.forward_paths for transaction in sink.transactions]


# which host


def test_the_preferred_host_gets_it(hosts):
    far, near = hosts.sink(1), hosts.sink(2)
    hosts.domain("b.test", (20, 1), (10, 2))
    assert fates(hosts.route(), mail("x@b.test")) == {"x": "accepted"}
    assert (far.links, taken(near)) == (0, [("x@b.test",)])


def test_equal_hosts_are_chosen_by_chance(hosts):
    sinks = [hosts.sink(number) for number in (1, 2, 3)]
    hosts.domain("b.test", (10, 1), (10, 2), (10, 3))
    chance = random.Random(1)
    for number in range(12):
        fates(hosts.route(shuffle=chance.shuffle), mail(f"p{number}@b.test"))
    assert all(sink.links for sink in sinks)


def test_a_host_that_refuses_the_connection_is_passed_over(hosts):
    second = hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    (outcome,) = outcomes(hosts.route(), mail("x@b.test")).values()
    assert (outcome.state, outcome.hop) == (State.ACCEPTED, f"h2.test [{address(2)}]:{hosts.port}, in clear")
    assert second.faults == []


def test_the_next_address_of_a_host_comes_before_the_next_host(hosts):
    second, other = hosts.sink(2), hosts.sink(3)
    hosts.domain("b.test", (10, 1), (20, 3))
    hosts.say(f"h1.test. IN A {address(2)}")
    assert fates(hosts.route(), mail("x@b.test")) == {"x": "accepted"}
    assert (second.links, other.links) == (1, 0)


def test_the_next_address_of_a_host_is_tried_after_one_that_does_not_greet(hosts):
    first, second, other = hosts.sink(1, verbs={"GREETING": "421 busy"}), hosts.sink(2), hosts.sink(3)
    hosts.domain("b.test", (10, 1), (20, 3))
    hosts.say(f"h1.test. IN A {address(2)}")
    assert fates(hosts.route(), mail("x@b.test")) == {"x": "accepted"}
    assert (first.links, second.links, other.links) == (1, 1, 0)


@pytest.mark.parametrize("reply", ["421 busy", "450 later", "554 no service", "hello", ""])
def test_a_host_that_does_not_greet_is_passed_over(hosts, reply):
    first, second = hosts.sink(1, verbs={"GREETING": reply}), hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    assert fates(hosts.route(), mail("x@b.test")) == {"x": "accepted"}
    assert (first.links, second.links) == (1, 1)


@pytest.mark.parametrize("verb", ["EHLO", "HELO"])
@pytest.mark.parametrize("reply", ["421 busy", "550 no"])
def test_a_host_that_refuses_our_name_is_passed_over(hosts, verb, reply):
    verbs = {"EHLO": "502 what"} if verb == "HELO" else {}
    hosts.sink(1, verbs={**verbs, verb: reply})
    hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    assert fates(hosts.route(), mail("x@b.test")) == {"x": "accepted"}


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(("reply", "state"), [("451 later", "deferred"), ("550 no", "refused")])
def test_a_reply_is_the_last_word(hosts, verb, reply, state):
    hosts.sink(1, verbs={verb: reply})
    second = hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    assert fates(hosts.route(), mail("x@b.test")) == {"x": state}
    assert second.links == 0


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("offers", [(), PIPELINING])
def test_a_link_that_is_lost_before_the_end_of_the_content_leads_to_the_next_host(hosts, verb, offers):
    hosts.sink(1, offers, verbs={verb: ""})
    second = hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    assert fates(hosts.route(), mail("x@b.test"), witness=Disk()) == {"x": "accepted"}
    assert taken(second) == [("x@b.test",)]


@pytest.mark.parametrize("offers", [(), PIPELINING, CHUNKING])
def test_what_is_in_doubt_goes_nowhere_else(hosts, offers):
    verb = "BDAT" if offers == CHUNKING else "."
    first = hosts.sink(1, offers, verbs={verb: ""})
    second = hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    assert fates(hosts.route(), mail("x@b.test")) == {"x": "in doubt"}
    assert (first.links, second.links) == (1, 0)


def test_whom_a_host_refused_before_it_was_lost_is_not_asked_of_the_next_one(hosts):
    hosts.sink(1, rcpt={"x@b.test": "550 5.1.1 no"}, verbs={"DATA": ""})
    second = hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    got = fates(hosts.route(), mail("x@b.test", "y@b.test"))
    assert got == {"x": "refused", "y": "accepted"}
    assert taken(second) == [("y@b.test",)]
    assert b"x@b.test" not in second.sessions[0].wire


def test_when_no_host_is_left_it_is_deferred_and_each_is_named(hosts):
    hosts.sink(1, verbs={"GREETING": "421 busy"})
    hosts.domain("b.test", (10, 1), (20, 2))
    (outcome,) = outcomes(hosts.route(), mail("x@b.test")).values()
    assert (outcome.state, outcome.kind) == (State.DEFERRED, Kind.TRY_LATER)
    assert outcome.reason == (
        "no mail host could be used: h1.test: the server did not greet: 421 busy; "
        f"h2.test: no connection to [{address(2)}]:{hosts.port}: connection refused"
    )


def test_where_every_host_says_no_service_it_is_refused(hosts):
    hosts.sink(1, verbs={"GREETING": "554 no service"})
    hosts.domain("b.test", (10, 1))
    (outcome,) = outcomes(hosts.route(), mail("x@b.test")).values()
    assert (outcome.state, outcome.exit_status) == (State.REFUSED, 69)


def test_at_most_five_addresses_are_tried(hosts):
    sinks = [hosts.sink(number, verbs={"GREETING": "421 busy"}) for number in range(1, 9)]
    hosts.domain("b.test", *((number, number) for number in range(1, 9)))
    assert fates(hosts.route(), mail("x@b.test")) == {"x": "deferred"}
    assert [sink.links for sink in sinks] == [1, 1, 1, 1, 1, 0, 0, 0]


def test_an_address_literal_is_its_own_host(hosts):
    sink = hosts.sink(1)
    assert fates(hosts.route(), mail(f"x@[{address(1)}]")) == {"x": "accepted"}
    assert taken(sink) == [(f"x@[{address(1)}]",)]
    assert hosts.asked == []


@pytest.mark.parametrize("where", ["127.0.1.1", "IPv6:::1", "10.0.0.1", "IPv6:::ffff:127.0.1.1"])
def test_an_address_literal_of_ours_is_refused(hosts, where):
    sink = hosts.sink(1)
    way = hosts.route(manner=hosts.manner(allow_loopback=False))
    (outcome,) = outcomes(way, mail(f"x@{a_labels(f'[{where}]')}")).values()
    assert (outcome.state, outcome.exit_status, sink.links) == (State.REFUSED, 69, 0)
    assert ("--allow-private-mx" in outcome.cure) is (where == "10.0.0.1")


def test_the_connected_address_is_looked_at_again(hosts, monkeypatch):
    """The DNS was believed; what the socket leads to is not."""
    sink = hosts.sink(1)
    hosts.domain("b.test", (10, 1))
    way = hosts.route()
    monkeypatch.setattr("ccc.routes.mx.courier.flaw", lambda address, _: f"not {address} again")
    (outcome,) = outcomes(way, mail("x@b.test")).values()
    assert (outcome.state, sink.sessions[0].commands if sink.sessions else []) == (State.DEFERRED, [])
    assert f"leads to {address(1)}" in outcome.reason


# which transaction


def test_two_domains_with_the_same_hosts_share_a_transaction(hosts):
    sink = hosts.sink(1, EVERYTHING)
    hosts.domain("b.test", (10, 1), (20, 2))
    hosts.domain("c.test", (5, 1), (6, 2))
    got = fates(hosts.route(), mail("x@b.test", "y@c.test", "z@b.test"))
    assert set(got.values()) == {"accepted"}
    assert taken(sink) == [("x@b.test", "y@c.test", "z@b.test")]


def test_two_domains_whose_hosts_stand_in_another_order_do_not(hosts):
    first, second = hosts.sink(1), hosts.sink(2)
    hosts.domain("b.test", (10, 1), (20, 2))
    hosts.domain("c.test", (20, 1), (10, 2))
    assert fates(hosts.route(), mail("x@b.test", "y@c.test")) == {"x": "accepted", "y": "accepted"}
    assert (taken(first), taken(second)) == ([("x@b.test",)], [("y@c.test",)])


def test_one_recipient_that_one_host_refuses_changes_nothing_for_the_others(hosts):
    hosts.sink(1, rcpt={"x@b.test": "550 5.1.1 no such user"})
    hosts.sink(2)
    hosts.domain("b.test", (10, 1))
    hosts.domain("c.test", (10, 2))
    got = outcomes(hosts.route(), mail("x@b.test", "y@b.test", "z@c.test"))
    assert {name: each.state.value for name, each in got.items()} == {
        "x": "refused",
        "y": "accepted",
        "z": "accepted",
    }
    assert got["x"].reply.code == 550


@pytest.mark.parametrize("offers", [(), CHUNKING], ids=["plain", "chunking"])
def test_a_batch_to_one_domain_takes_few_connections_and_each_message_arrives_once(hosts, offers):
    sink = hosts.sink(1, offers)
    hosts.domain("b.test", (10, 1))
    deliveries = [mail(f"p{number}@b.test") for number in range(60)]
    assert set(fates(hosts.route(), *deliveries, witness=Disk()).values()) == {"accepted"}
    assert sorted(taken(sink)) == sorted((f"p{number}@b.test",) for number in range(60))
    assert sink.links <= 6
    assert sink.faults == []


def test_large_octets_arrive_as_they_are_at_each_domain(hosts):
    sinks = [hosts.sink(1, CHUNKING), hosts.sink(2)]
    hosts.domain("b.test", (10, 1))
    hosts.domain("c.test", (10, 2))
    fates(hosts.route(), mail("x@b.test", "y@c.test", content=BIG))
    assert [each.content for sink in sinks for each in sink.transactions] == [BIG.octets] * 2


def test_without_deliveries_nobody_is_asked(hosts):
    hosts.domain("b.test", (10, 1))
    assert fates(hosts.route()) == {}
    assert hosts.asked == []


def test_a_slow_domain_keeps_no_other_one_waiting(hosts):
    hosts.fault(1, [stall()])
    sinks = [hosts.sink(number) for number in range(2, 21)]
    for number in range(1, 21):
        hosts.domain(f"d{number}.test", (10, number))
    people = [f"p{number}@d{number}.test" for number in range(1, 21)]
    news = hosts.route().deliver([mail(*people)])
    first = set()
    for some in news:
        first |= {outcome.mailbox.local for settled in some for outcome in settled.outcomes}
        if len(first) == 19:
            break
    news.close()
    assert "p1" not in first
    assert all(taken(sink) for sink in sinks)


def test_no_more_domains_at_once_than_was_said(hosts):
    busy, most = set(), []

    def look(noted):
        busy.update(noted)
        most.append(len(noted))

    for number in range(1, 7):
        hosts.sink(number)
        hosts.domain(f"d{number}.test", (10, number))
    people = [f"p{number}@d{number}.test" for number in range(1, 7)]
    fates(hosts.route(connections=1), mail(*people), witness=Disk(look=look))
    assert (len(busy), max(most)) == (6, 1)


# the disk


@pytest.mark.parametrize("offers", [(), CHUNKING], ids=["plain", "chunking"])
def test_when_the_disk_fails_nothing_more_reaches_any_host_and_every_outcome_is_true(hosts, offers):
    named = re.compile(rb"RCPT TO:<([^>]*)>")
    sinks = [hosts.sink(number, offers) for number in (1, 2, 3)]
    for number in (1, 2, 3):
        hosts.domain(f"d{number}.test", (10, number))
    for visit in range(1, 40):
        disk = Disk(fails=visit)
        deliveries = [mail(*(f"v{visit}m{m}d{n}@d{n}.test" for n in (1, 2, 3))) for m in range(3)]
        got = outcomes(hosts.route(), *deliveries, witness=disk)
        mine = f"v{visit}m"
        begun = {
            path.decode()
            for sink in sinks
            for session in sink.sessions
            for path in named.findall(session.wire)
            if path.decode().startswith(mine)
        }
        whole = {p for sink in sinks for t in taken(sink) for p in t if p.startswith(mine)}
        assert disk.lacking(begun, whole) == [], visit
        has_it = {each.mailbox.addr_spec for each in got.values() if each.state is State.ACCEPTED}
        assert has_it == whole
        others = [each for each in got.values() if each.mailbox.addr_spec not in whole]
        assert {(each.state, each.exit_status) for each in others} <= {(State.DEFERRED, 73)}
        if not disk.failed:
            assert len(whole) == 9
            return
    raise AssertionError("it never came to an end")


def test_each_stage_is_on_the_disk_before_a_host_hears_of_it(hosts):
    sinks = [hosts.sink(number, PIPELINING) for number in (1, 2)]
    hosts.domain("b.test", (10, 1))
    hosts.domain("c.test", (10, 2))

    def look(noted):
        assert {path for sink in sinks for some in taken(sink) for path in some}.isdisjoint(noted)

    disk = Disk(look=look)
    fates(hosts.route(), *(mail(f"x{n}@b.test", f"y{n}@c.test") for n in range(5)), witness=disk)
    assert len(disk.stages) == 10


# signals


def test_a_signal_before_anything_was_begun_defers_all(hosts):
    sink = hosts.sink(1)
    hosts.domain("b.test", (10, 1))
    with Signals(come=True) as signals:
        way = hosts.route(manner=hosts.manner(interrupts=signals))
        got = outcomes(way, mail("x@b.test"), mail("y@b.test"), mail("z@gone.test"))
    assert {each.state for each in got.values()} == {State.DEFERRED}
    assert sink.transactions == []


@pytest.mark.parametrize(("times", "state"), [(1, "accepted"), (2, "in doubt")])
def test_signals_reach_every_courier(hosts, times, state):
    """Both hosts have the message whole; what they answer after the first signal is still heard."""
    both = threading.Barrier(2, action=lambda: [signals.come() for _ in range(times)])
    answer = [send(b"250 ok\r\n")] if times == 1 else [stall()]
    for host in (1, 2):
        begun = [greeting(), ehlo(), mailed(), rcpt(), data(), content(None)]
        hosts.fault(host, [*begun, Step("both", lambda _: both.wait(10)), *answer, until_gone()])
        hosts.domain(f"d{host}.test", (10, host))
    with Signals() as signals:
        way = hosts.route(manner=hosts.manner(interrupts=signals, timeouts=Timeouts().at_most(50)))
        got = outcomes(way, mail("x@d1.test", "y@d2.test"), witness=Disk())
    assert [each.state.value for each in got.values()] == [state] * 2
    assert {each.kind for each in got.values()} == ({Kind.INTERRUPTED} if times == 2 else {None})


def test_who_stops_listening_ends_every_connection(hosts):
    hosts.fault(1, [stall()])
    hosts.sink(2)
    hosts.domain("b.test", (10, 1))
    hosts.domain("c.test", (10, 2))
    news = hosts.route().deliver([mail("x@b.test", "y@c.test")])
    (settled,) = next(news)
    news.close()
    assert settled.outcomes[0].mailbox.local == "y"


# what is said


def test_a_certificate_that_nobody_knows_is_taken_and_that_is_said(hosts, authority):
    sink = hosts.sink(1, tls=authority.server_context())
    hosts.domain("b.test", (10, 1))
    (outcome,) = outcomes(hosts.route(), mail("x@b.test")).values()
    assert outcome.hop == f"h1.test [{address(1)}]:{hosts.port}, TLSv1.3, not verified"
    assert sink.transactions[0].tls


def test_where_tls_fails_the_host_is_spoken_to_in_clear_and_that_is_said(hosts):
    unusable = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)  # it has no certificate
    hosts.sink(1, tls=unusable)
    hosts.domain("b.test", (10, 1))
    told = []
    (outcome,) = outcomes(hosts.route(tell=told.append), mail("x@b.test")).values()
    assert (outcome.state, outcome.hop.rpartition(", ")[2]) == (State.ACCEPTED, "in clear")
    assert told[0].startswith("h1.test is spoken to in clear: the TLS handshake with h1.test failed")


def test_where_nothing_comes_back_from_any_host_port_25_is_named(hosts):
    for host in (1, 2):
        hosts.silent(host)
    hosts.domain("b.test", (10, 1), (20, 2))
    hosts.domain("c.test", (10, 2))
    way = hosts.route(manner=hosts.manner(timeouts=Timeouts().at_most(0.2)))
    got = outcomes(way, mail("x@b.test", "y@c.test"), mail("z@b.test"))
    assert {each.state for each in got.values()} == {State.DEFERRED}
    assert all(
        each.reason.startswith("every connection timed out, as it is where a network blocks port 25: ")
        and "submission server" in each.cure
        for each in got.values()
    )


def test_where_another_host_answers_be_it_late_port_25_is_not_blamed(hosts):
    hosts.silent(1)
    hosts.fault(2, [stall(0.3), *usual()])
    hosts.domain("b.test", (10, 1))
    hosts.domain("c.test", (10, 2))
    way = hosts.route(manner=hosts.manner(timeouts=Timeouts(connect=0.1)))
    got = outcomes(way, mail("x@b.test", "y@c.test"))
    assert got["y"].state is State.ACCEPTED
    assert got["x"].reason.startswith("no mail host could be used: h1.test: no connection to ")


def test_what_a_session_says_is_shown_with_the_host(hosts):
    hosts.sink(1)
    hosts.domain("b.test", (10, 1))
    lines = []
    fates(hosts.route(manner=hosts.manner(transcript=Transcript(lines.append))), mail("x@b.test"))
    assert f"=== connected to h1.test [{address(1)}]:{hosts.port}" in lines
    assert " -> EHLO me.test" in lines


def test_where_there_are_several_sessions_each_line_says_of_which_it_is(hosts):
    for number in (1, 2):
        hosts.sink(number)
        hosts.domain(f"d{number}.test", (10, number))
    lines = []
    manner = hosts.manner(transcript=Transcript(lines.append))
    fates(hosts.route(manner=manner), mail("x@d1.test", "y@d2.test"))
    assert {line.partition(" ")[0] for line in lines} == {"h1.test", "h2.test"}
    assert "h2.test  -> RCPT TO:<y@d2.test>" in lines


def test_a_host_that_was_silent_is_not_asked_again_in_the_same_run(hosts):
    hosts.silent(1)
    hosts.domain("b.test", (10, 1))
    way = hosts.route(manner=hosts.manner(timeouts=Timeouts(connect=0.1)))
    many = [mail(f"p{number}@b.test") for number in range(70)]
    got = outcomes(way, *many)
    assert {each.reason.partition(":")[0] for each in got.values()} == {
        "every connection timed out, as it is where a network blocks port 25"
    }


def test_what_is_odd_is_told_once(hosts):
    hosts.sink(1)
    hosts.domain("b.test", (10, 1))
    hosts.say("b.test. IN MX 5 localhost.")
    told = []
    fates(hosts.route(tell=told.append), mail("x@b.test"), mail("y@b.test"))
    assert told == ["localhost is left out: it is this host's name for itself"]


def test_nothing_goes_where_there_is_no_tls_if_tls_is_asked_for(hosts):
    class Strict(Opportunistic):
        def of(self, target):
            return self

        def demand(self, host):
            return super().demand(host)._replace(starttls=StartTLSPolicy.REQUIRED)

    first = hosts.sink(1)
    hosts.domain("b.test", (10, 1))
    assert fates(hosts.route(policy=Strict()), mail("x@b.test")) == {"x": "deferred"}
    assert b"MAIL" not in first.sessions[0].wire
