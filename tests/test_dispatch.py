"""Plans in, receipts out."""

from dataclasses import dataclass, field

import pytest

from ccc import plan_redirect
from ccc.delivery import Dsn, Settled, given_up
from ccc.dispatch import deliver
from ccc.errors import LinkLost, MessageError
from ccc.receipt import Outcome, State
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.lab.sink import CHUNKING, EVERYTHING, Sink

MESSAGE = b"From: a@a.test\r\nTo: b@b.test\r\nSubject: hi\r\n\r\nHello.\r\n"


def plan(*to: str, text: bytes = MESSAGE):
    return plan_redirect(text, sender="me@a.test", to=[f"{name}@b.test" for name in to])


def route(sink: Sink) -> Submission:
    return Submission(Server("127.0.0.1", sink.port, security=Security.NONE))


@dataclass
class Recording:
    """A route that takes what it is given, one recipient after the other, backwards."""

    name: str = "recording"
    taken: list = field(default_factory=list)

    def deliver(self, deliveries, /, witness=None):
        for delivery in deliveries:
            self.taken.append(delivery)
            for mailbox in reversed(delivery.envelope.forward_paths):
                yield (Settled(delivery, (Outcome(mailbox, State.ACCEPTED),)),)


def test_what_was_planned_is_what_is_sent():
    made = plan("x", "y")
    with Sink() as sink:
        (receipt,) = deliver(made, route(sink))
    assert [outcome.state for outcome in receipt.outcomes] == [State.ACCEPTED] * 2
    assert sink.transactions[0].content == b"".join(made.content.blocks())
    assert sink.transactions[0].forward_paths == ("x@b.test", "y@b.test")
    assert sink.transactions[0].reverse_path == "me@a.test"


def test_the_route_gets_the_envelope_and_the_content_of_the_plan_as_they_are():
    made, taking = plan("x"), Recording()
    list(deliver(made, taking))
    assert taking.taken[0].envelope is made.envelope
    assert taking.taken[0].content is made.content


def test_a_receipt_comes_when_all_is_known_in_the_order_of_the_envelope():
    (receipt,) = deliver(plan("x", "y", "z"), Recording())
    assert [outcome.mailbox.local for outcome in receipt.outcomes] == ["x", "y", "z"]


def test_the_same_plan_twice_is_two_deliveries():
    made, taking = plan("x"), Recording()
    assert len(list(deliver([made, made], taking))) == len(taking.taken) == 2


def test_plans_are_taken_when_their_turn_has_come():
    taken = []

    def plans():
        for name in "xyz":
            taken.append(name)
            yield plan(name)

    receipts = deliver(plans(), Recording())
    assert next(receipts).outcomes[0].mailbox.local == "x"
    assert taken == ["x"]


def test_notifications_are_asked_for():
    with Sink(EVERYTHING) as sink:
        list(deliver(plan("x"), route(sink), dsn=Dsn(("FAILURE",), "HDRS")))
    assert b"RET=HDRS" in sink.transactions[0].mail_line
    assert b"NOTIFY=FAILURE" in sink.transactions[0].rcpt_lines[0]


@pytest.mark.parametrize("offers", [(), EVERYTHING])
def test_who_watches_is_told_of_every_octet(offers):
    made, seen = plan("x", text=MESSAGE + b"caf\xe9\r\n" * 100000), []
    with Sink(offers or ("8BITMIME",)) as sink:
        (receipt,) = deliver(made, route(sink), watch=seen.append)
    assert receipt.outcomes[0].state is State.ACCEPTED
    assert sum(seen) == made.content.size
    assert len(seen) > 2
    assert b"BODY=8BITMIME" in sink.transactions[0].mail_line


def test_an_error_in_the_making_of_a_plan_comes_after_the_receipts_of_what_was_begun():
    """In one breath three messages are on their way when the fourth turns out to be none."""

    def plans():
        yield from (plan(name) for name in "xyz")
        raise MessageError("the fourth file is no message")

    with Sink(CHUNKING) as sink:
        receipts = deliver(plans(), route(sink))
        states = [next(receipts).outcomes[0].state for _ in range(3)]
        with pytest.raises(MessageError, match="the fourth"):
            next(receipts)
        assert sink.messages == 3
    assert states == [State.ACCEPTED] * 3


def test_what_a_route_gives_up_is_a_receipt_too():
    @dataclass
    class Broken:
        name: str = "broken"

        def deliver(self, deliveries, /, witness=None):
            return ((given_up(delivery, LinkLost("no network"), self.name),) for delivery in deliveries)

    (receipt,) = deliver(plan("x"), Broken())
    assert (receipt.outcomes[0].state, receipt.exit_status) == (State.DEFERRED, 75)


class Broken:
    """A route with a bug: it delivers to the first recipient of the first message and falls over."""

    name = "broken"

    def deliver(self, deliveries, /, witness=None):
        for delivery in deliveries:
            first = delivery.envelope.forward_paths[0]
            yield (Settled(delivery, (Outcome(first, State.ACCEPTED),)),)
            raise ZeroDivisionError


def test_a_bug_on_the_way_leaves_a_receipt_for_what_was_begun():
    receipts = deliver([plan("x", "y"), plan("z")], Broken())
    assert [each.state for each in next(receipts).outcomes] == [State.ACCEPTED, State.IN_DOUBT]
    with pytest.raises(ZeroDivisionError):
        next(receipts)
