"""The fault server plays its dialogue and keeps a true ledger; the oracle sees every lie."""

import socket
import ssl
import time

import pytest

from tests.lab import fault
from tests.lab.fault import FaultServer, Ledger, Step, cut, swap, usual
from tests.lab.oracle import SMUGGLED, stray, violations
from tests.lab.talk import Talk
from tests.lab.tls import Authority

ENVELOPE = b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n"
CONTENT = b"Subject: x\r\n\r\n..\r\n.\r\n"


def said(talk: Talk) -> bytes:
    """All that comes until the link ends."""
    octets = b""
    try:
        while block := talk.sock.recv(65536):
            octets += block
    except ConnectionResetError:
        octets += b"RST"
    return octets


def at_mail(*steps: Step) -> FaultServer:
    """A server that does something odd when it has read MAIL."""
    return FaultServer(cut(usual(), "MAIL", fault.expect(rb"MAIL .*"), *steps))


def test_a_usual_dialogue_ends_in_the_ledger() -> None:
    with FaultServer(usual(rcpts=2)) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.say(ENVELOPE + b"RCPT TO:<c@c.test>\r\nDATA\r\n", replies=4)
        talk.say(CONTENT)
        talk.say(b"QUIT\r\n")
        talk.close()
    assert [(e.forward_path, e.content) for e in server.ledger.entries] == [
        ("b@b.test", b"Subject: x\r\n\r\n.\r\n"),
        ("c@c.test", b"Subject: x\r\n\r\n.\r\n"),
    ]
    assert (server.reached, server.unexpected) == ({0: ""}, [])
    assert server.raw[0].endswith(CONTENT + b"QUIT\r\n")


def test_chunks_end_in_the_ledger_too() -> None:
    with FaultServer(usual(extensions=[b"PIPELINING", b"CHUNKING"])) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.say(ENVELOPE + b"BDAT 2\r\nhiBDAT 1 LAST\r\n!", replies=4)
        talk.close()
    assert server.ledger.entries[0].content == b"hi!"


def test_the_message_is_in_the_ledger_before_the_reply_and_without_one() -> None:
    with FaultServer(cut(usual(), "CONTENT", fault.content(None), fault.commit(), fault.rst())) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.say(ENVELOPE + b"DATA\r\n", replies=3)
        talk.send(CONTENT)
        assert said(talk) == b"RST"
        talk.close()
    assert server.ledger.count("b@b.test") == 1
    assert server.reached == {0: "rst"}


def test_a_refused_message_is_not_in_the_ledger() -> None:
    script = swap(swap(usual(2), "RCPT", fault.rcpt(b"550 no")), "CONTENT", fault.content(b"451 later"))
    with FaultServer(script) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.say(ENVELOPE + b"RCPT TO:<c@c.test>\r\nDATA\r\n", replies=4)
        assert talk.say(CONTENT) == [b"451 later\r\n"]
        talk.close()
    assert server.ledger.entries == []


def test_lmtp_replies_commit_one_by_one() -> None:
    script = swap(usual(2), "CONTENT", fault.content(b"250 ok", b"550 no"))
    with FaultServer(script) as server:
        talk = Talk(server.port)
        talk.say(b"LHLO me\r\n")
        talk.say(ENVELOPE + b"RCPT TO:<c@c.test>\r\nDATA\r\n", replies=4)
        talk.say(CONTENT, replies=2)
        talk.close()
    assert [entry.forward_path for entry in server.ledger.entries] == ["b@b.test"]


@pytest.mark.parametrize(
    ("step", "heard"),
    [
        (fault.send(b"250 o"), b"250 o"),
        (fault.split(b"250 ok\r\n", 3, 0.01), b"250 ok\r\n"),
        (fault.drip(b"250 ok\r\n", 0.001), b"250 ok\r\n"),
        (fault.flood(b"250-x\r\n", limit=1 << 20), b"250-x\r\n" * ((1 << 20) // 65534 * 9362)),
        (fault.rst(), b"RST"),
        (fault.fin(), b""),
    ],
)
def test_a_reply_can_go_wrong_in_many_ways(step: Step, heard: bytes) -> None:
    with at_mail(step) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.send(b"MAIL FROM:<>\r\n")
        assert said(talk) == heard
        talk.close()


def test_what_was_said_before_a_reset_can_be_read() -> None:
    with FaultServer(cut(usual(), "RCPT", fault.rst())) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.send(b"MAIL FROM:<>\r\n")
        assert said(talk).startswith(b"250 ok\r\n")
        talk.close()


def test_waiting_ends_when_the_client_goes() -> None:
    began = time.monotonic()
    with at_mail(fault.stall(60)) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.send(b"MAIL FROM:<>\r\n")
        talk.close()
    assert time.monotonic() - began < 5
    assert server.reached == {0: "stall"}


def test_waiting_ends_when_the_server_is_closed() -> None:
    began = time.monotonic()
    with at_mail(fault.stall(60)) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.send(b"MAIL FROM:<>\r\n")
        server.close()
        talk.close()
    assert time.monotonic() - began < 5


def test_a_line_that_is_not_as_expected_ends_the_link_and_is_kept() -> None:
    with FaultServer(usual()) as server:
        talk = Talk(server.port)
        assert talk.say(b"NOOP\r\n") == [b""]
        talk.close()
    assert (server.unexpected, server.reached) == ([b"NOOP\r\n"], {0: "EHLO"})


def test_the_last_dialogue_is_played_for_every_further_link() -> None:
    with FaultServer([fault.greeting(b"421 busy")], usual()) as server:
        greetings = []
        for _ in range(3):
            talk = Talk(server.port)
            greetings += talk.greeting
            talk.close()
    assert greetings == [b"421 busy\r\n", *[b"220 fault.test ESMTP\r\n"] * 2]
    assert server.links == 3


def test_octets_are_injected_before_the_handshake(authority: Authority) -> None:
    script = [fault.greeting(), fault.ehlo(b"STARTTLS"), fault.starttls(before=b"250 evil\r\n")]
    with FaultServer(script, tls=authority.server_context()) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        assert talk.say(b"STARTTLS\r\n", replies=2) == [b"220 go\r\n", b"250 evil\r\n"]
        talk.close()


def test_octets_are_injected_after_the_handshake(authority: Authority) -> None:
    script = [fault.greeting(), fault.ehlo(b"STARTTLS"), fault.starttls(after=b"250 evil\r\n")]
    with FaultServer(script, tls=authority.server_context()) as server:
        talk = Talk(server.port)
        talk.say(b"EHLO me\r\n")
        talk.say(b"STARTTLS\r\n")
        talk.starttls(authority.client_context())
        assert talk.reply() == [b"250 evil\r\n"]
        talk.close()


def test_a_certificate_for_another_name_is_refused_by_a_client(authority: Authority) -> None:
    context = authority.server_context("other.test")
    with (
        FaultServer(usual(), tls=context, implicit=True) as server,
        socket.create_connection(("127.0.0.1", server.port)) as sock,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        authority.client_context().wrap_socket(sock, server_hostname="localhost")


# the oracle


def test_the_ledger_disproves_a_false_word() -> None:
    ledger = Ledger()
    ledger.commit([fault.Entry("twice@a.test", b"x", 0)] * 2 + [fault.Entry("stranger@a.test", b"y", 0)])
    outcomes = [("lost@a.test", "accepted"), ("twice@a.test", "in doubt")]
    named = ["lost@a.test", "twice@a.test", "forgotten@a.test"]
    assert violations(ledger, outcomes, named=named, content=b"x") == [
        "lost@a.test is said to be accepted and has it 0 times",
        "twice@a.test is said to be in doubt and has it 2 times",
        "nothing is said of forgotten@a.test",
        "stranger@a.test got it and was not named",
        "other octets arrived",
    ]


@pytest.mark.parametrize(
    ("state", "copies"), [("accepted", 1), ("refused", 0), ("in doubt", 1), ("in doubt", 0)]
)
def test_a_true_word_stands(state: str, copies: int) -> None:
    ledger = Ledger()
    ledger.commit([fault.Entry("a@a.test", b"x", 0)] * copies)
    assert violations(ledger, [("a@a.test", state)], named={"a@a.test"}, content=b"x") == []


@pytest.mark.parametrize("terminator", SMUGGLED)
def test_every_smuggled_terminator_is_seen(terminator: bytes) -> None:
    assert stray(b"Subject: x\r\n\r\na" + terminator + b"b\r\n.\r\n")


def test_a_clean_dialogue_has_nothing_stray() -> None:
    assert stray(ENVELOPE + b"DATA\r\n" + CONTENT) == []
