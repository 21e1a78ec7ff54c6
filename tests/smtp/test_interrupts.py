"""Signals: before the last octet a message is let go, after it the answer is waited for (DESIGN 6)."""

import pytest

from ccc.errors import Interrupted, Kind
from tests.smtp.play import CHUNKING, PIPELINING, Text, converse, to
from tests.smtp.test_conversation import ACCEPTED, STEPS, ended_at

BREATH = """
    C: MAIL FROM:<me@a.test>
    C: RCPT TO:<x@b.test>
    C: BDAT 23 LAST (23 octets of content)
"""
NEXT = BREATH.replace("x@b", "y@b").replace("C: MAIL", "C: RSET\n    C: MAIL")
LARGE = Text(b"Subject: hi\r\n\r\n" + b"0123456789abcdef\r\n" * 40000)


@pytest.mark.parametrize("step", STEPS[:3])
def test_a_signal_before_the_content_defers(step):
    got = converse(ended_at(step, "!: SIGINT"), to("x"), to("y"))
    assert (got.fates, got.untaken) == ({"x": "deferred"}, 1)
    assert isinstance(got.conversation.ended_by, Interrupted)
    assert not got.conversation.usable


def test_a_signal_before_the_last_octet_defers():
    got = converse(ended_at("CONTENT", "!: SIGTERM after 25"), to("x"))
    assert got.fates == {"x": "deferred"}
    assert got.outcomes["x"].kind is Kind.TRY_LATER


def test_a_signal_in_the_middle_of_a_large_content_defers():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 354 go
        C: (720015 octets of content)
        !: SIGINT
        """,
        to("x", content=LARGE),
    )
    assert got.fates == {"x": "deferred"}
    assert got.outcomes["x"].kind is Kind.INTERRUPTED


@pytest.mark.parametrize(
    ("answer", "state"),
    [("250 ok", "accepted"), ("450 no", "deferred"), ("550 no", "refused"), ("421 bye", "deferred")],
)
def test_a_signal_after_the_last_octet_waits_for_the_answer(answer, state):
    got = converse(ended_at("CONTENT", f"!: SIGINT\nS: {answer}"), to("x"))
    assert got.fates == {"x": state}
    assert isinstance(got.conversation.ended_by, Interrupted)


@pytest.mark.parametrize("second", ["SIGINT", "lost", "nonsense"])
def test_a_second_signal_or_a_lost_link_after_it_leaves_it_in_doubt(second):
    got = converse(ended_at("CONTENT", f"!: SIGINT\n!: {second}"), to("x"))
    assert got.fates == {"x": "in doubt"}


def test_of_a_breath_only_what_was_handed_over_is_waited_for():
    got = converse(
        BREATH + NEXT + "!: SIGINT after 80\nS: 250 ok\nS: 250 ok\nS: 250 ok",
        to("x"),
        to("y"),
        offers=CHUNKING,
    )
    assert got.fates == {"x": "accepted", "y": "deferred"}


def test_all_that_was_handed_over_is_waited_for():
    got = converse(
        BREATH + NEXT + "!: SIGINT\n" + "S: 250 ok\n" * 6 + "S: 550 no", to("x"), to("y"), offers=CHUNKING
    )
    assert got.fates == {"x": "accepted", "y": "refused"}


def test_with_pipelining_a_signal_at_the_dot_waits_as_well():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        C: RCPT TO:<x@b.test>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: (23 octets of content)
        C: .
        !: SIGINT
        S: 250 ok
        """,
        to("x"),
        offers=PIPELINING,
    )
    assert got.fates == {"x": "accepted"}


def test_who_was_one_too_many_is_deferred_after_a_signal():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 452 too many
        C: DATA
        S: 354 go
        C: (23 octets of content)
        C: .
        !: SIGINT
        S: 250 ok
        """,
        to("x", "y"),
    )
    assert got.fates == {"x": "accepted", "y": "deferred"}


def test_a_signal_between_two_messages_does_not_touch_the_first():
    got = converse(ACCEPTED + "C: MAIL FROM:<me@a.test>\n!: SIGINT", to("x"), to("y"))
    assert got.fates == {"x": "accepted", "y": "deferred"}


def test_lmtp_waits_for_the_answer_of_each_recipient():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 250 ok
        C: DATA
        S: 354 go
        C: (23 octets of content)
        C: .
        S: 250 ok
        !: SIGINT
        S: 450 no
        """,
        to("x", "y"),
        lmtp=True,
    )
    assert got.fates == {"x": "accepted", "y": "deferred"}
