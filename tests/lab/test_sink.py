"""The sink takes mail as RFC 5321 says, records it, and notes what a client should not have done."""

import base64
import hashlib
import hmac
import smtplib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab import sasl
from tests.lab.sink import CHUNKING, EVERYTHING, PIPELINING, Sink
from tests.lab.talk import Talk
from tests.lab.tls import Authority

ENVELOPE = b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.test>\r\n"


@pytest.fixture
def linked() -> Iterator[Callable[[Sink], Talk]]:
    """A greeted link to a sink; both end with the test."""
    made: list[Sink | Talk] = []

    def link(sink: Sink) -> Talk:
        talk = Talk(sink.__enter__().port)
        made.extend((sink, talk))
        talk.say(b"LHLO me\r\n" if sink.lmtp else b"EHLO me\r\n")
        return talk

    yield link
    for each in reversed(made):
        each.close()


Linked = Callable[[Sink], Talk]


def one_by_one(talk: Talk, *lines: bytes) -> list[bytes]:
    return [talk.say(line + b"\r\n")[0][:3] for line in lines]


def test_content_is_recorded_with_its_doubled_dots_undone(linked: Linked) -> None:
    sink = Sink()
    talk = linked(sink)
    one_by_one(talk, b"MAIL FROM:<a@a.test>", b"RCPT TO:<b@b.test>", b"DATA")
    assert talk.say(b"..\r\n...\r\n.x\r\na.b\r\n.\r\n") == [b"250 2.0.0 queued\r\n"]
    assert sink.transactions[0].content == b".\r\n..\r\nx\r\na.b\r\n"
    assert sink.transactions[0].size == 18
    assert sink.faults == []


def test_empty_content_is_content(linked: Linked) -> None:
    sink = Sink()
    talk = linked(sink)
    one_by_one(talk, b"MAIL FROM:<>", b"RCPT TO:<b@b.test>", b"DATA", b".")
    assert (sink.transactions[0].content, sink.transactions[0].size) == (b"", 0)
    assert sink.transactions[0].reverse_path == ""


@pytest.mark.parametrize("cut", range(1, 9))
def test_the_end_of_the_content_is_found_wherever_blocks_meet(linked: Linked, cut: int) -> None:
    sink = Sink()
    talk = linked(sink)
    one_by_one(talk, b"MAIL FROM:<a@a.test>", b"RCPT TO:<b@b.test>", b"DATA")
    octets = b"ab\r\n.\r\nNOOP\r\n"
    talk.send(octets[:cut])
    talk.say(octets[cut:], replies=2)
    assert sink.transactions[0].content == b"ab\r\n"


def test_chunks_are_put_together_as_they_are(linked: Linked) -> None:
    sink = Sink(CHUNKING)
    talk = linked(sink)
    assert talk.say(ENVELOPE + b"BDAT 3\r\n\r\n.BDAT 0\r\nBDAT 2 LAST\r\n\n.", replies=5)[-1][:3] == b"250"
    assert sink.transactions[0].content == b"\r\n.\n."
    assert sink.transactions[0].rcpt_lines == (b"RCPT TO:<b@b.test>",)
    assert sink.faults == []


def test_replies_are_scripted_by_address_and_by_verb(linked: Linked) -> None:
    sink = Sink(rcpt={"no@b.test": "550 5.1.1 no"}, verbs={"MAIL": ["451 later", "250 ok"]})
    talk = linked(sink)
    mail, refused, data = b"MAIL FROM:<a@a.test>", b"RCPT TO:<no@b.test>", b"DATA"
    assert one_by_one(talk, mail, mail, refused, data) == [b"451", b"250", b"550", b"554"]
    assert one_by_one(talk, b"RCPT TO:<b@b.test>", data, b".") == [b"250", b"354", b"250"]
    assert sink.transactions[0].refused_lines == (refused,)


def test_421_and_silence_end_the_link(linked: Linked) -> None:
    talk = linked(Sink(verbs={"MAIL": "421 4.3.2 closing"}))
    assert talk.say(b"MAIL FROM:<a@a.test>\r\n", replies=2) == [b"421 4.3.2 closing\r\n", b""]
    talk = linked(Sink(verbs={"MAIL": ""}))
    assert talk.say(b"MAIL FROM:<a@a.test>\r\n") == [b""]


def test_lmtp_answers_for_each_recipient(linked: Linked) -> None:
    sink = Sink(PIPELINING, lmtp=True, after={"c@c.test": "452 4.2.2 full"})
    talk = linked(sink)
    talk.say(ENVELOPE + b"RCPT TO:<c@c.test>\r\nRCPT TO:<d@d.test>\r\nDATA\r\n", replies=5)
    assert [line[:3] for line in talk.say(b".\r\n", replies=3)] == [b"250", b"452", b"250"]
    assert sink.transactions[0].forward_paths == ("b@b.test", "d@d.test")


def test_recipients_over_a_limit_are_refused_for_now(linked: Linked) -> None:
    talk = linked(Sink(max_rcpt=1))
    lines = (b"MAIL FROM:<a@a.test>", b"RCPT TO:<b@b.test>", b"RCPT TO:<c@c.test>")
    assert one_by_one(talk, *lines) == [b"250", b"250", b"452"]


@pytest.mark.parametrize(
    ("extensions", "line", "fault"),
    [
        ((), b"NOOP\n", "line end"),
        ((), b"NOOP\r\r\n", "line end"),
        ((), b"NOOP\r\nNOOP\r\n", "did not wait"),
        (PIPELINING, b"DATA\r\nNOOP\r\n", "did not wait"),
        ((), b"MAIL FROM:<a@a.test> SIZE=1\r\n", "not offered"),
        ((), b"MAIL FROM:<a@a.test> BODY=8BITMIME\r\n", "not offered"),
        (EVERYTHING, b"MAIL FROM:<a@a.test> AUTH=<>\r\n", "not offered"),
        ((), b"MAIL FROM:<a@a.test>> X\r\n", "not a path"),
        (EVERYTHING, "MAIL FROM:<é@a.test>\r\n".encode(), "needs SMTPUTF8"),
        ((), b"BDAT 0 LAST\r\n", "not offered"),
        ((), b"AUTH PLAIN AAAA\r\n", "not offered"),
        ((), b"NOOP " + b"x" * 600 + b"\r\n", "command of 607 octets"),
    ],
)
def test_what_a_client_must_not_do_is_noted(
    linked: Linked, extensions: tuple[str, ...], line: bytes, fault: str
) -> None:
    sink = Sink(extensions)
    talk = linked(sink)
    talk.say(line)
    assert any(fault in noted for noted in sink.faults), sink.faults


def test_eight_bit_content_must_be_declared(linked: Linked) -> None:
    sink = Sink(CHUNKING)
    linked(sink).say(ENVELOPE + b"BDAT 1 LAST\r\n\xff", replies=3)
    assert sink.faults == ["eight-bit content was not declared"]


def test_a_turn_is_an_answer_however_many_commands_it_answers(linked: Linked) -> None:
    sink = Sink(CHUNKING, settle=0.05)
    talk = linked(sink)
    talk.send(b"MAIL FROM:<a@a.test>\r\nRCPT TO:<b@b.te")
    talk.say(b"st>\r\nBDAT 5 LAST\r\nhello", replies=3)
    talk.say(b"QUIT\r\n")
    sink.close()
    assert sink.sessions[0].turns == 4


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_login_after_starttls(authority: Authority, mechanism: str) -> None:
    first = {"PLAIN": b"\0me\0p\xc3\xa4ss", "LOGIN": b"me"}[mechanism]
    context = authority.server_context()
    with (
        Sink(EVERYTHING, tls=context, mechanisms=[mechanism], login=("me", "päss")) as sink,
        smtplib.SMTP("localhost", sink.port) as client,
    ):
        client.starttls(context=authority.client_context())
        client.ehlo()
        code, _ = client.docmd(f"AUTH {mechanism} {base64.b64encode(first).decode()}")
        if mechanism == "LOGIN":
            code, _ = client.docmd(base64.b64encode("päss".encode()).decode())
        assert code == 235
        client.sendmail("a@a.test", ["b@b.test"], b"Subject: x\r\n\r\n")
    assert (sink.transactions[0].user, sink.transactions[0].tls, sink.faults) == ("me", True, [])


def test_a_wrong_password_is_refused(linked: Linked) -> None:
    talk = linked(Sink(mechanisms=["PLAIN"], login=("me", "right")))
    assert talk.say(b"AUTH PLAIN " + base64.b64encode(b"\0me\0wrong") + b"\r\n")[0][:3] == b"535"
    assert talk.say(b"AUTH PLAIN ???\r\n")[0][:3] == b"535"


def test_implicit_tls(authority: Authority) -> None:
    with (
        Sink(tls=authority.server_context(), implicit=True) as sink,
        smtplib.SMTP_SSL("localhost", sink.port, context=authority.client_context()) as client,
    ):
        client.sendmail("a@a.test", ["b@b.test"], b"Subject: x\r\n\r\n")
    assert sink.transactions[0].tls


def test_scram_takes_the_vector_of_its_kind() -> None:
    """The proof is computed here as RFC 5802 writes it, not with the server's functions."""
    server = sasl.exchange("SCRAM-SHA-256", ("me", "secret"))
    next(server)
    bare = b"n=me,r=abc"
    challenge = server.send(b"n,," + bare)
    without = b"c=biws,r=abc" + sasl.NONCE
    salted = hashlib.pbkdf2_hmac("sha256", b"secret", sasl.SALT, 4096)
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), b",".join((bare, challenge, without)), "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    assert server.send(without + b",p=" + base64.b64encode(proof)).startswith(b"v=")
    with pytest.raises(StopIteration) as end:
        server.send(b"")
    assert end.value.value == "me"


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("XOAUTH2", b"user=me\x01auth=Bearer tok\x01\x01"),
        ("OAUTHBEARER", b"n,a=me,\x01host=localhost\x01port=587\x01auth=Bearer tok\x01\x01"),
    ],
)
def test_a_bearer_token_logs_in(mechanism: str, response: bytes) -> None:
    server = sasl.exchange(mechanism, ("me", ""), "tok")
    next(server)
    with pytest.raises(StopIteration) as end:
        server.send(response)
    assert end.value.value == "me"
    server = sasl.exchange(mechanism, ("me", ""), "another")
    next(server)
    assert b"status" in server.send(response)


def test_it_listens_on_a_path_too(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp")
    with Sink(lmtp=True, path=path) as sink, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        assert sock.recv(100).startswith(b"220 ")
    assert sink.links == 1
