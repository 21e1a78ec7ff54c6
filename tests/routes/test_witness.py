"""A route and its witness, over real connections: nothing is sent that cannot be recorded."""

import re

import pytest

from ccc.delivery import Stage
from ccc.errors import Kind
from ccc.receipt import State
from ccc.routes.maildir import Maildirs
from ccc.routes.session import GIVEN_UP
from ccc.routes.submission import Manner, Submission
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from tests.lab.proxy import Proxy
from tests.lab.sink import CHUNKING, PIPELINING, Sink
from tests.lab.witness import Disk
from tests.smtp.play import HELLO, Text, to, told

MODES = {
    "plain": ((), False),
    "pipelining": (PIPELINING, False),
    "chunking": (CHUNKING, False),
    "chunking alone": (("CHUNKING",), False),
    "lmtp": ((), True),
    "lmtp pipelining": (PIPELINING, True),
    "lmtp chunking": (CHUNKING, True),
}
BIG = Text(b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 20000)
NAMED = re.compile(rb"RCPT TO:<([^>]*)>")


def route(port: int, *, lmtp: bool = False, **manner) -> Submission:
    server = Server("127.0.0.1", port, security=Security.NONE, lmtp=lmtp)
    return Submission(server, None, Manner(timeouts=Timeouts().at_most(5), **manner))


def batch(count: int = 5, content: Text = HELLO) -> list:
    """Messages to two people each."""
    return [to(f"x{number}", f"y{number}", content=content) for number in range(count)]


def begun_and_whole(sink: Sink) -> tuple[set[str], set[str]]:
    """Whom the server was told of, and who has a message."""
    begun = {name.decode() for session in sink.sessions for name in NAMED.findall(session.wire)}
    return begun, {path for each in sink.transactions for path in each.forward_paths}


@pytest.mark.parametrize("content", [HELLO, BIG], ids=["hello", "big"])
@pytest.mark.parametrize("mode", MODES)
def test_when_the_disk_fails_nothing_more_reaches_the_server_and_every_outcome_is_true(mode, content):
    offers, lmtp = MODES[mode]
    for visit in range(1, 30):
        disk, deliveries = Disk(fails=visit), batch(content=content)
        with Sink(offers, lmtp=lmtp, rcpt={"x1@b.test": "550 no"}) as sink:
            settled = told(route(sink.port, lmtp=lmtp, window=2).deliver(deliveries, witness=disk))
        begun, whole = begun_and_whole(sink)
        assert disk.lacking(begun, whole) == [], visit
        assert sink.links == 1
        outcomes = {each.mailbox.addr_spec: each for some in settled for each in some.outcomes}
        assert len(outcomes) == sum(len(some.outcomes) for some in settled) == 10
        has_it = {path for path, each in outcomes.items() if each.state is State.ACCEPTED}
        assert has_it == whole, visit
        others = [each for path, each in outcomes.items() if path not in whole | {"x1@b.test"}]
        assert {(each.state, each.kind, each.exit_status) for each in others} <= {
            (State.DEFERRED, Kind.CANNOT_WRITE, 73)
        }
        if not disk.failed:
            assert len(whole) == 9
            return
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize("mode", MODES)
def test_what_is_noted_has_not_been_said(mode):
    """Each visit to the disk comes before the server hears of what it is about."""
    offers, lmtp = MODES[mode]
    looks: list[dict[str, Stage]] = []

    def look(noted: dict[str, Stage]) -> None:
        looks.append(dict(noted))
        has_it = {path for each in sink.transactions for path in each.forward_paths}
        assert has_it.isdisjoint(noted)
        commands = b"\n".join(sink.sessions[0].commands)
        heard_of = {name.decode() for name in NAMED.findall(commands)}
        assert heard_of.isdisjoint(path for path, stage in noted.items() if stage is Stage.SENDING)

    with Sink(offers, lmtp=lmtp) as sink:
        told(route(sink.port, lmtp=lmtp).deliver(batch(), witness=Disk(look=look)))
    assert {path for look in looks for path, stage in look.items() if stage is Stage.COMMITTING} == {
        path for each in sink.transactions for path in each.forward_paths
    }


@pytest.mark.parametrize(
    ("offers", "visits"), [((), 64), (PIPELINING, 33), (CHUNKING, 9)], ids=["plain", "pipelining", "chunking"]
)
def test_so_many_visits_to_the_disk_do_for_32_small_messages(offers, visits):
    disk = Disk()
    with Sink(offers) as sink:
        told(route(sink.port).deliver((to(f"p{number}") for number in range(32)), witness=disk))
    assert len(sink.transactions) == 32
    assert disk.visits <= visits


def test_a_full_window_goes_out_and_is_answered_in_one_round_trip():
    with (
        Sink(CHUNKING, settle=0.05) as sink,
        Proxy(("127.0.0.1", sink.port), delay=0.01) as proxy,
    ):
        told(route(proxy.port).deliver((to(f"p{number}") for number in range(32)), witness=Disk()))
    assert proxy.links[0].round_trips <= 2 + 9 + 1  # the opening, the groups, the goodbye


def test_without_a_connection_the_witness_is_not_asked():
    disk = Disk(fails=1)
    with Sink() as sink:
        port = sink.port
    (settled,) = told(route(port).deliver([to("x")], witness=disk))
    assert settled.outcomes[0].kind is Kind.TRY_LATER
    assert disk.visits == 0


def test_many_that_are_given_up_are_told_together():
    with Sink() as sink:
        port = sink.port
    counts = [len(some) for some in route(port).deliver(to(f"p{number}") for number in range(GIVEN_UP + 1))]
    assert counts == [GIVEN_UP, 1]


def test_a_rehearsal_needs_no_witness(tmp_path):
    disk = Disk(fails=1)
    (settled,) = told(Maildirs(str(tmp_path)).deliver([to("x")], witness=disk))
    assert settled.outcomes[0].state is State.ACCEPTED
    assert disk.visits == 0
