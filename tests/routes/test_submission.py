"""Submission and LMTP over real connections, to every kind of server."""

import pytest

from ccc.errors import SourceChanged
from ccc.routes.named import via
from ccc.routes.submission import Manner, Submission
from ccc.smtp.login import Password, Token
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from tests.lab.fault import FaultServer, cut, fin, send, usual
from tests.lab.oracle import stray
from tests.lab.sink import CHUNKING, EVERYTHING, PIPELINING, Sink
from tests.smtp.play import HELLO, Text, judged, to, told
from tests.transport.signals import Signals

SERVERS = {"plain": (), "pipelining": PIPELINING, "chunking": CHUNKING, "everything": EVERYTHING}
QUICK = Timeouts().at_most(5)
DOTS = Text(b"Subject: dots\r\n\r\n.\r\n..\r\nx.\r\n.x\r\n")
BIG = Text(b"Subject: big\r\n\r\n" + b".123456789abcdef\r\n" * 60000)


def route(port: int, *, lmtp: bool = False, credentials=None, path: str = "", **manner) -> Submission:
    server = Server("" if path else "127.0.0.1", port, path, Security.NONE, lmtp=lmtp)
    return Submission(server, credentials, Manner(timeouts=QUICK, **manner))


def fates(way, *deliveries) -> dict[str, str]:
    return judged(told(way.deliver(deliveries)), deliveries)[0]


@pytest.mark.parametrize("offers", SERVERS.values(), ids=SERVERS)
@pytest.mark.parametrize("content", [HELLO, DOTS, BIG], ids=["hello", "dots", "big"])
def test_the_same_octets_arrive_at_every_kind_of_server(offers, content):
    with Sink(offers) as sink:
        assert fates(route(sink.port), to("x", "y", content=content)) == {"x": "accepted", "y": "accepted"}
    (transaction,) = sink.transactions
    assert transaction.content == content.octets
    assert (transaction.reverse_path, transaction.forward_paths) == ("me@a.test", ("x@b.test", "y@b.test"))
    assert sink.faults == []
    assert stray(sink.sessions[0].wire) == []


@pytest.mark.parametrize(
    ("offers", "turns"), [(PIPELINING, 5), (CHUNKING, 4)], ids=["pipelining", "chunking"]
)
def test_a_message_to_twenty_takes_few_turns(offers, turns):
    """Greeting, EHLO, envelope, content; the goodbye is answered too, but nobody waits for that."""
    with Sink(offers, settle=0.05) as sink:
        fates(route(sink.port), to(*(f"p{number}" for number in range(20))))
    assert sink.sessions[0].turns <= turns
    assert sink.faults == []


@pytest.mark.parametrize("offers", SERVERS.values(), ids=SERVERS)
def test_a_batch_takes_one_connection(offers):
    deliveries = [to(f"p{number}") for number in range(20)]
    with Sink(offers) as sink:
        assert set(fates(route(sink.port), *deliveries).values()) == {"accepted"}
        assert sink.links == 1
    assert [each.forward_paths for each in sink.transactions] == [
        (f"p{number}@b.test",) for number in range(20)
    ]
    assert sink.faults == []


def test_outcomes_come_while_the_batch_goes_on():
    with Sink() as sink:
        taken = []

        def deliveries():
            for name in "xyz":
                taken.append(name)
                yield to(name)

        settled = route(sink.port).deliver(deliveries())
        next(settled)
        assert "z" not in taken
        assert len(told(settled)) == 2


def test_recipients_over_the_limit_of_a_server_get_transactions_of_their_own():
    names = [f"p{number}" for number in range(25)]
    with Sink(PIPELINING, max_rcpt=10) as sink:
        assert set(fates(route(sink.port), to(*names)).values()) == {"accepted"}
    assert [len(each.forward_paths) for each in sink.transactions] == [10, 10, 5]
    assert sink.faults == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER"])
def test_each_login_is_understood(mechanism):
    bearer = mechanism in ("XOAUTH2", "OAUTHBEARER")
    credentials = Token("user", "tok") if bearer else Password("user", "secret")
    with Sink(mechanisms=[mechanism], token="tok") as sink:
        assert fates(route(sink.port, credentials=credentials), to("x")) == {"x": "accepted"}
    assert sink.transactions[0].user == "user"
    assert sink.faults == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_a_wrong_password_defers_everything_and_says_why(mechanism):
    with Sink(mechanisms=[mechanism]) as sink:
        settled = told(route(sink.port, credentials=Password("user", "wrong")).deliver([to("x"), to("y")]))
    assert [each.outcomes[0].kind.value for each in settled] == ["permission"] * 2
    assert sink.links == 1


def test_what_is_hidden_is_not_used():
    with Sink(EVERYTHING) as sink:
        fates(route(sink.port, hide=("CHUNKING", "PIPELINING", "SIZE")), to("x"))
    assert sink.transactions[0].mail_line == b"MAIL FROM:<me@a.test>"
    assert b"BDAT" not in sink.sessions[0].wire


def test_the_name_we_greet_with_is_ours_to_choose():
    with Sink() as sink:
        fates(route(sink.port, helo="me.test"), to("x"))
        fates(route(sink.port), to("y"))
    assert [session.commands[0] for session in sink.sessions] == [b"EHLO me.test", b"EHLO [127.0.0.1]"]


def test_an_ipv6_address_greets_as_one():
    with Sink(host="::1") as sink:
        fates(
            Submission(Server("::1", sink.port, security=Security.NONE), None, Manner(timeouts=QUICK)),
            to("x"),
        )
    assert sink.sessions[0].commands[0] == b"EHLO [IPv6:::1]"


def test_without_a_server_everything_is_deferred():
    with Sink() as sink:
        port = sink.port
    assert fates(route(port), to("x"), to("y")) == {"x": "deferred", "y": "deferred"}


def test_after_421_the_rest_is_deferred_without_another_connection():
    with Sink(verbs={"MAIL": ["250 ok", "421 bye"]}) as sink:
        got = fates(route(sink.port), *(to(name) for name in "xyz"))
        assert (got, sink.links) == ({"x": "accepted", "y": "deferred", "z": "deferred"}, 1)


def test_after_a_lost_link_the_rest_is_deferred_without_another_connection():
    with Sink(verbs={"DATA": ["354 go", ""]}) as sink:
        got = fates(route(sink.port), *(to(name) for name in "xyz"))
        assert (got, sink.links) == ({"x": "accepted", "y": "deferred", "z": "deferred"}, 1)


@pytest.mark.parametrize("offers", SERVERS.values(), ids=SERVERS)
def test_a_message_that_changes_spoils_at_most_a_connection(offers):
    changing = Text(BIG.octets, fails_after=2, error=SourceChanged("it was changed"))
    with Sink(offers) as sink:
        got = fates(route(sink.port), to("x"), to("y", content=changing), to("z"))
    assert got == {"x": "accepted", "y": "refused", "z": "accepted"}
    assert [each.forward_paths for each in sink.transactions] == [("x@b.test",), ("z@b.test",)]
    assert sink.faults == []


def test_what_waits_is_not_said_when_the_service_closes():
    """A second message is already queued when 421 comes; its end must not slip out with the close."""
    script = cut(
        usual(extensions=[b"PIPELINING", b"CHUNKING"]), "MAIL", send(b"421 bye\r\n250 ok\r\n"), fin()
    )
    with FaultServer(script) as server:
        got = fates(route(server.port), *(to(name) for name in "xyz"))
    assert set(got.values()) == {"deferred"}


@pytest.mark.parametrize("quit_", ["221 bye", "500 what", "421 no", ""])
def test_what_happens_to_the_goodbye_changes_nothing(quit_):
    with Sink(verbs={"QUIT": quit_}) as sink:
        assert fates(route(sink.port), to("x")) == {"x": "accepted"}


def test_a_signal_before_the_connection_defers_all():
    with Signals(come=True) as signals, Sink() as sink:
        assert fates(route(sink.port, interrupts=signals), to("x"), to("y")) == {
            "x": "deferred",
            "y": "deferred",
        }
        assert sink.transactions == []


def test_who_stops_listening_closes_the_connection():
    with Sink() as sink:
        settled = route(sink.port).deliver(to(name) for name in "xyz")
        next(settled)
        settled.close()
    assert [each.forward_paths for each in sink.transactions] == [("x@b.test",)]


# LMTP


@pytest.mark.parametrize("offers", [(), PIPELINING], ids=["plain", "pipelining"])
def test_lmtp_answers_for_each_recipient(offers):
    after = {"y@b.test": "550 5.2.1 disabled", "z@b.test": "452 4.2.2 full"}
    with Sink(offers, lmtp=True, after=after) as sink:
        got = fates(via(f"lmtp:127.0.0.1:{sink.port}", Manner(timeouts=QUICK)), to("x", "y", "z"))
    assert got == {"x": "accepted", "y": "refused", "z": "deferred"}
    assert sink.transactions[0].forward_paths == ("x@b.test",)
    assert sink.faults == []


def test_lmtp_over_a_socket_in_the_file_system(tmp_path):
    with Sink(lmtp=True, path=str(tmp_path / "lmtp")) as sink:
        assert fates(via(f"lmtp:{tmp_path / 'lmtp'}", Manner(timeouts=QUICK)), to("x")) == {"x": "accepted"}
    assert sink.sessions[0].commands[0] == b"LHLO localhost"


def test_a_server_that_speaks_smtp_is_no_lmtp_server():
    with Sink() as sink:
        assert fates(route(sink.port, lmtp=True), to("x")) == {"x": "refused"}
