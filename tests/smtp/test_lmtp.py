"""LMTP (RFC 2033): after the content each recipient is answered on its own."""

import pytest

from tests.smtp.play import CHUNKING, PIPELINING, converse, to

PLAIN = """
    C: MAIL FROM:<me@a.test>
    S: 250 ok
    C: RCPT TO:<x@b.test>
    S: 250 ok
    C: RCPT TO:<y@b.test>
    S: 550 no
    C: RCPT TO:<z@b.test>
    S: 250 ok
    C: DATA
    S: 354 go
    C: (23 octets of content)
    C: .
"""


@pytest.mark.parametrize(
    ("first", "second", "fates"),
    [
        ("S: 250 ok", "S: 250 ok", ("accepted", "accepted")),
        ("S: 250 ok", "S: 452 full", ("accepted", "deferred")),
        ("S: 552 full", "S: 250 ok", ("refused", "accepted")),
        ("S: 552 full", "S: 550 full", ("refused", "refused")),
        ("S: 250 ok", "!: lost", ("accepted", "in doubt")),
        ("S: 250 ok", "S: 421 bye", ("accepted", "deferred")),
        ("!: lost", "", ("in doubt", "in doubt")),
        ("S: 421 bye", "", ("deferred", "in doubt")),
    ],
)
def test_each_accepted_recipient_gets_a_reply_of_its_own(first, second, fates):
    got = converse(f"{PLAIN}\n{first}\n{second}", to("x", "y", "z"), lmtp=True)
    assert got.fates == {"x": fates[0], "y": "refused", "z": fates[1]}


def test_the_next_message_waits_for_all_replies():
    script = f"{PLAIN}S: 250 ok\nS: 250 ok\nC: MAIL FROM:<me@a.test>\nS: 550 no"
    got = converse(script, to("x", "y", "z"), to("w"), lmtp=True)
    assert got.fates["w"] == "refused"


def test_pipelined_chunks_are_answered_for_each_recipient():
    breath = """
    C: MAIL FROM:<me@a.test>
    C: RCPT TO:<x@b.test>
    C: RCPT TO:<y@b.test>
    C: RCPT TO:<z@b.test>
    C: BDAT 23 LAST (23 octets of content)
    """
    replies = "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 250 ok\nS: 250 ok\nS: 450 later"
    got = converse(breath + replies, to("x", "y", "z"), offers=CHUNKING, lmtp=True)
    assert got.fates == {"x": "accepted", "y": "refused", "z": "deferred"}


@pytest.mark.parametrize("offers", [PIPELINING, CHUNKING])
def test_if_every_recipient_was_refused_the_content_gets_one_reply(offers):
    last = "C: BDAT 23 LAST (23 octets of content)" if offers is CHUNKING else "C: DATA"
    got = converse(
        f"""
        C: MAIL FROM:<me@a.test>
        C: RCPT TO:<x@b.test>
        {last}
        S: 250 ok
        S: 550 no
        S: 503 no valid recipients
        """,
        to("x"),
        offers=offers,
        lmtp=True,
    )
    assert got.fates == {"x": "refused"}


def test_a_refused_data_refuses_all():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 451 later
        """,
        to("x"),
        lmtp=True,
    )
    assert got.fates == {"x": "deferred"}


def test_who_is_one_too_many_takes_no_reply_of_another():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 452 4.5.3 too many
        C: RCPT TO:<y@b.test>
        S: 250 ok
        C: DATA
        S: 354 go
        C: (23 octets of content)
        C: .
        S: 250 for y
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 354 go
        C: (23 octets of content)
        C: .
        S: 550 for x
        """,
        to("x", "y"),
        lmtp=True,
    )
    assert got.fates == {"x": "refused", "y": "accepted"}
