"""`ccc redirect -` as a Postfix pipe: an alias that forwards to one person, unaltered, and tells nobody."""

import os
import shlex
import smtplib
import sys
from pathlib import Path

import pytest

from tests.lab.bridge import Run
from tests.lab.postfix import Postfix
from tests.lab.sink import Sink

PRIVATE = "private-address@home.test"
MESSAGE = (
    b"From: Ann <pipe-author%d@a.test>\r\nTo: list@pipe.test\r\nCc: carol@c.test\r\nSubject: to it\r\n"
    b"Message-ID: <%d@a.test>\r\n\r\nhello\r\n"
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "ccc.log"


def forward(postfix: Postfix, log: Path, name: str, url: str) -> str:
    """The address of an alias that forwards to PRIVATE by this server, as docs/pipes.md tells to."""
    words = [sys.executable, "-m", "ccc", "redirect", "-", "--from", "list@pipe.test", "--to", PRIVATE]
    line = f"{shlex.join([*words, '--smtp', url, '-q'])} >>{log} 2>&1"
    return postfix.mount(name, ["/bin/sh", "-c", line], {"CCC_STATE_DIR": os.environ["CCC_STATE_DIR"]})


def send(postfix: Postfix, number: int, alias: str) -> Run:
    """A mail to the alias; how the command that forwards it ended."""
    with smtplib.SMTP("localhost", postfix.ports["plain"]) as client:
        client.sendmail(f"pipe-author{number}@a.test", [alias], MESSAGE % (number, number))
    postfix.settle()
    name = alias.partition("@")[0]
    return next(run for run in postfix.bridge.runs if run.name == name)


def test_an_alias_forwards_to_one_person_and_to_nobody_in_the_header(postfix: Postfix, log: Path) -> None:
    alias = forward(postfix, log, "forwards", f"smtp://localhost:{postfix.ports['plain']}")
    assert send(postfix, 1, alias).status == 0
    (mail,) = postfix.mailbox(PRIVATE)
    assert b"\nTo: list@pipe.test\nCc: carol@c.test\n" in mail.octets
    assert postfix.mailbox("carol@c.test") == postfix.mailbox("pipe-author1@a.test") == []
    assert not log.read_bytes()


def test_a_refusal_for_good_bounces_and_the_bounce_says_nothing_private(postfix: Postfix, log: Path) -> None:
    with Sink(rcpt={PRIVATE: f"550 5.1.1 {PRIVATE} is unknown"}) as sink:
        run = send(postfix, 2, forward(postfix, log, "refused", f"smtp://localhost:{sink.port}"))
    assert (run.status, run.output) == (69, b"")
    (bounce,) = postfix.mailbox("pipe-author2@a.test")
    assert PRIVATE.encode() not in bounce.octets
    assert PRIVATE.encode() in log.read_bytes()


def test_what_can_be_tried_again_stays_in_the_queue(postfix: Postfix, log: Path) -> None:
    with Sink(rcpt={PRIVATE: "451 4.7.1 greylisted"}) as sink:
        run = send(postfix, 3, forward(postfix, log, "deferred", f"smtp://localhost:{sink.port}"))
    assert run.status == 75
    assert postfix.mailbox("pipe-author3@a.test") == []
    assert "status=deferred" in postfix.log().rpartition("deferred@pipe.test")[2]


def test_a_loop_ends_at_once_and_bounces(postfix: Postfix, log: Path) -> None:
    alias = forward(postfix, log, "loops", f"smtp://localhost:{postfix.ports['plain']}")
    looping = b"Resent-Date: x\r\nResent-From: a@b.test\r\n" * 10 + MESSAGE % (4, 4)
    with smtplib.SMTP("localhost", postfix.ports["plain"]) as client:
        client.sendmail("pipe-author4@a.test", [alias], looping)
    (bounce,) = postfix.mailbox("pipe-author4@a.test")
    assert PRIVATE.encode() not in bounce.octets
    assert b"goes round in circles" in log.read_bytes()
    assert [run.status for run in postfix.bridge.runs if run.name == "loops"] == [69]
