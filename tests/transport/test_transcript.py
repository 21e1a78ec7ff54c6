"""The transcript: swaks' arrows, no secret, no octet that a terminal would act on."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.routes.submission import Manner, Submission
from ccc.smtp.login import Password
from ccc.smtp.replies import Reply
from ccc.transport.server import Security, Server
from ccc.transport.transcript import Transcript
from tests.lab.law import law
from tests.lab.sink import PIPELINING, Sink
from tests.smtp.play import to, told

GOLDEN = Path(__file__).with_name("session.txt")


def test_a_whole_session(authority):
    lines: list[str] = []
    with Sink(
        PIPELINING,
        tls=authority.server_context(),
        mechanisms=["PLAIN"],
        rcpt={"x@b.test": "550 5.1.1 no \x1b[31msuch\x07 user"},
    ) as sink:
        manner = Manner(ca_file=str(authority.ca_file), helo="me.test", transcript=Transcript(lines.append))
        server = Server("localhost", sink.port, security=Security.STARTTLS)
        list(Submission(server, Password("user", "secret"), manner).deliver([to("x", "y")]))
        assert sink.faults == []
        text = "\n".join([*lines, ""]).replace(str(sink.port), "PORT")
    assert text == GOLDEN.read_text()


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_no_secret_is_in_it_in_any_form(authority, mechanism):
    from base64 import b64encode

    lines: list[str] = []
    with Sink(
        tls=authority.server_context(), implicit=True, mechanisms=[mechanism], login=("me", "S3cr3t")
    ) as sink:
        manner = Manner(ca_file=str(authority.ca_file), transcript=Transcript(lines.append))
        server = Server("localhost", sink.port, security=Security.IMPLICIT)
        (settled,) = told(Submission(server, Password("me", "S3cr3t"), manner).deliver([to("x")]))
    assert settled.outcomes[0].state.value == "accepted"
    text = "\n".join(lines)
    for form in (b"S3cr3t", b"\0me\0S3cr3t"):
        assert form.decode() not in text
        assert b64encode(form).decode().rstrip("=") not in text


@pytest.mark.parametrize("mechanism", ["LOGIN", "SCRAM-SHA-256"])
def test_nothing_of_a_login_is_in_it_that_a_password_could_be_guessed_with(mechanism):
    lines: list[str] = []
    with Sink(mechanisms=[mechanism], login=("me", "S3cr3t")) as sink:
        manner = Manner(transcript=Transcript(lines.append))
        server = Server("127.0.0.1", sink.port, security=Security.OPPORTUNISTIC)
        (settled,) = told(Submission(server, Password("me", "S3cr3t"), manner).deliver([to("x")]))
    assert settled.outcomes[0].state.value == "accepted"
    begin = next(number for number, line in enumerate(lines) if "AUTH " in line and " -> " in line)
    end = next(number for number, line in enumerate(lines) if "235" in line)
    between = lines[begin + 1 : end]
    assert [line for line in between if "334" in line] == ["<-  334 ***"] * 2
    assert {line for line in between if "334" not in line} == {" -> ***"}


def test_a_challenge_that_says_nothing_is_shown_as_it_is():
    lines: list[str] = []
    Transcript(lines.append).heard(Reply(334, (b"",)))
    assert lines == ["<-  334"]


@law
@given(st.binary(max_size=60), st.lists(st.binary(max_size=60), max_size=3), st.text(max_size=30))
def test_no_control_octet_is_in_it_whatever_is_said_and_heard(octets, reply, note):
    lines: list[str] = []
    transcript = Transcript(lines.append)
    transcript.said(octets, None)
    transcript.private(note)
    transcript.said(octets, "***")
    transcript.heard(Reply(250, tuple(reply)))
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", "".join(lines))


def test_a_very_long_reply_is_cut_short():
    lines: list[str] = []
    Transcript(lines.append).heard(Reply(250, (b"x" * 60000,)))
    assert len(lines[0]) < 5000
