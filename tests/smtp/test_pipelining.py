"""Servers that offer PIPELINING (RFC 2920): what is said in one breath, and what the answers mean."""

import pytest

from ccc.address import Mailbox
from tests.smtp.play import PIPELINING, Text, converse, to

BREATH = """
    C: MAIL FROM:<me@a.test>
    C: RCPT TO:<x@b.test>
    C: RCPT TO:<y@b.test>
    C: DATA
"""
CONTENT = """
    C: (23 octets of content)
    C: .
"""


def said(script: str, *deliveries):
    return converse(script, *(deliveries or (to("x", "y"),)), offers=PIPELINING)


def test_the_envelope_is_one_breath_and_the_content_another():
    got = said(BREATH + "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n" + CONTENT + "S: 250 queued")
    assert got.fates == {"x": "accepted", "y": "accepted"}
    assert got.played.turns == 2


def test_twenty_recipients_take_two_turns():
    names = [f"p{number}" for number in range(20)]
    lines = "\n".join(f"C: RCPT TO:<{name}@b.test>" for name in names)
    oks = "S: 250 ok\n" * 21
    got = said(f"C: MAIL FROM:<me@a.test>\n{lines}\nC: DATA\n{oks}S: 354 go{CONTENT}S: 250 ok", to(*names))
    assert set(got.fates.values()) == {"accepted"}
    assert got.played.turns == 2  # greeting and EHLO are two more, QUIT is not waited for


def test_the_next_envelope_follows_the_dot_in_the_same_breath():
    got = said(
        BREATH
        + "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
        + CONTENT
        + BREATH.replace("x@b", "v@b").replace("y@b", "w@b")
        + "S: 250 queued\nS: 250 ok\nS: 250 ok\nS: 550 no\nS: 354 go"
        + CONTENT
        + "S: 250 queued",
        to("x", "y"),
        to("v", "w"),
    )
    assert got.fates == {"x": "accepted", "y": "accepted", "v": "accepted", "w": "refused"}
    assert got.played.turns == 3


def test_if_every_recipient_was_refused_a_go_ahead_is_answered_with_a_lone_dot():  # RFC 2920, 3.1
    got = said(BREATH + "S: 250 ok\nS: 550 no\nS: 450 no\nS: 354 go\nC: .\nS: 554 no valid recipients")
    assert got.fates == {"x": "refused", "y": "deferred"}
    assert got.played.wire.endswith(b"DATA\r\n.\r\n")


def test_a_lone_dot_that_is_accepted_delivers_to_nobody():
    got = said(BREATH + "S: 250 ok\nS: 550 no\nS: 550 no\nS: 354 go\nC: .\nS: 250 ok")
    assert got.fates == {"x": "refused", "y": "refused"}


def test_a_link_that_is_lost_at_the_lone_dot_leaves_nothing_in_doubt():
    got = said(BREATH + "S: 250 ok\nS: 550 no\nS: 550 no\nS: 354 go\nC: .\n!: lost")
    assert got.fates == {"x": "refused", "y": "refused"}


def test_a_refused_sender_refuses_all_though_the_rest_was_said():
    got = said(BREATH + "S: 550 5.7.1 not you\nS: 503 no\nS: 503 no\nS: 503 no")
    assert got.fates == {"x": "refused", "y": "refused"}
    assert {outcome.reply.enhanced for outcome in got.outcomes.values()} == {"5.7.1"}


def test_a_refused_sender_and_a_go_ahead_take_a_lone_dot_as_well():
    got = said(BREATH + "S: 450 later\nS: 250 ok\nS: 250 ok\nS: 354 go\nC: .\nS: 250 ok")
    assert got.fates == {"x": "deferred", "y": "deferred"}


def test_a_refused_data_needs_rset_before_the_next_message():
    got = said(
        BREATH
        + "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 451 disk\nC: RSET\n"
        + BREATH.replace("x@b", "v@b").replace("y@b", "w@b")
        + "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go"
        + CONTENT
        + "S: 250 ok",
        to("x", "y"),
        to("v", "w"),
    )
    assert got.fates == {"x": "deferred", "y": "refused", "v": "accepted", "w": "accepted"}


@pytest.mark.parametrize("answered", range(4))
def test_a_link_that_is_lost_before_the_content_defers_whom_nobody_refused(answered):
    replies = ["S: 250 ok", "S: 550 no", "S: 250 ok", "S: 354 go"][:answered]
    got = said(BREATH + "\n".join([*replies, "!: lost"]))
    assert got.fates == {"x": "refused" if answered > 1 else "deferred", "y": "deferred"}


@pytest.mark.parametrize("answered", range(4))
def test_421_defers_whom_nobody_refused(answered):
    replies = ["S: 250 ok", "S: 550 no", "S: 250 ok", "S: 354 go"][:answered]
    got = said(BREATH + "\n".join([*replies, "S: 421 bye"]))
    assert got.fates == {"x": "refused" if answered > 1 else "deferred", "y": "deferred"}
    assert not got.conversation.usable


def test_421_to_one_message_defers_the_next_one_in_the_same_breath():
    got = said(
        BREATH
        + "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
        + CONTENT
        + BREATH.replace("x@b", "v@b").replace("y@b", "w@b")
        + "S: 421 4.3.2 shutting down",
        to("x", "y"),
        to("v", "w"),
    )
    assert set(got.fates.values()) == {"deferred"}


def test_the_go_ahead_cannot_come_too_early():
    assert set(said(BREATH + "S: 354 go").fates.values()) == {"deferred"}


def test_an_answer_before_the_question_breaks_the_protocol():
    got = said(BREATH + "E: 250 ok")
    assert set(got.fates.values()) == {"deferred"}


def test_a_refusal_before_the_question_does_too():
    got = said(BREATH + "E: 550 go away")
    assert set(got.fates.values()) == {"deferred"}


def test_421_may_come_at_any_time():
    got = said(BREATH + "E: 421 timeout")
    assert set(got.fates.values()) == {"deferred"}
    assert "421" in got.outcomes["x"].reason


# many recipients


def envelope(names, *, data="C: DATA") -> str:
    return "\n".join(
        ["C: MAIL FROM:<me@a.test>", *(f"C: RCPT TO:<{name}@b.test>" for name in names), data, ""]
    )


def go_ahead(recipients: int) -> str:
    return "S: 250 ok\n" * (recipients + 1) + "S: 354 go" + CONTENT


def test_more_than_a_hundred_recipients_are_two_transactions():
    names = [f"p{number}" for number in range(150)]
    got = said(
        envelope(names[:100])
        + go_ahead(100)
        + envelope(names[100:])
        + "S: 250 ok\n"
        + go_ahead(50)
        + "S: 250 ok",
        to(*names),
    )
    assert set(got.fates.values()) == {"accepted"}
    assert len(got.conversation.settled) == 2


@pytest.mark.parametrize(
    "reply", ["452 too many", "552 too many", "452 4.5.3 too many", "552 5.5.3 too many"]
)
def test_who_is_one_too_many_gets_the_next_transaction(reply):
    got = said(
        envelope("xyz")
        + f"S: 250 ok\nS: 250 ok\nS: {reply}\nS: {reply}\nS: 354 go"
        + CONTENT
        + "S: 250 ok\n"
        + envelope("yz")
        + f"S: 250 ok\nS: 250 ok\nS: {reply}\nS: 354 go"
        + CONTENT
        + "S: 250 ok\n"
        + envelope("z")
        + go_ahead(1)
        + "S: 250 ok\n",
        to("x", "y", "z"),
    )
    assert set(got.fates.values()) == {"accepted"}


@pytest.mark.parametrize(
    ("reply", "state"),
    [("452 4.2.2 full", "deferred"), ("452 4.3.1 disk", "deferred"), ("552 5.2.2 full", "refused")],
)
def test_a_full_mailbox_is_no_crowd(reply, state):
    got = said(
        envelope("xy") + f"S: 250 ok\nS: 250 ok\nS: {reply}\nS: 354 go" + CONTENT + "S: 250 ok", to("x", "y")
    )
    assert got.fates == {"x": "accepted", "y": state}


def test_a_crowd_of_one_is_none():
    got = said(envelope("x") + "S: 250 ok\nS: 452 no\nS: 503 no", to("x"))
    assert got.fates == {"x": "deferred"}


@pytest.mark.parametrize("reply", ["452 too many", "552 too many"])
def test_who_was_one_too_many_when_the_link_was_lost_is_deferred(reply):
    got = said(
        envelope("xy") + f"S: 250 ok\nS: 250 ok\nS: {reply}\nS: 354 go" + CONTENT + "!: lost", to("x", "y")
    )
    assert got.fates == {"x": "in doubt", "y": "deferred"}


def test_who_was_one_too_many_when_the_service_closed_is_deferred():
    got = said(envelope("xy") + "S: 250 ok\nS: 250 ok\nS: 552 too many\nS: 421 bye", to("x", "y"))
    assert got.fates == {"x": "deferred", "y": "deferred"}


def test_who_is_not_reached_in_the_next_transaction_is_deferred():
    got = said(
        envelope("xy")
        + "S: 250 ok\nS: 250 ok\nS: 452 too many\nS: 354 go"
        + CONTENT
        + "S: 250 ok\n"
        + envelope("y")
        + "!: lost",
        to("x", "y"),
    )
    assert got.fates == {"x": "accepted", "y": "deferred"}


def test_a_lost_link_leaves_the_other_part_of_a_big_envelope_deferred():
    names = [f"p{number}" for number in range(101)]
    got = said(envelope(names[:100]) + go_ahead(100) + envelope(names[100:]) + "!: lost after 26", to(*names))
    assert got.fates == {**dict.fromkeys(names[:100], "in doubt"), "p100": "deferred"}


def test_a_mailbox_without_ascii_is_said_in_utf8_to_who_offers_it():
    got = converse(
        "C: MAIL FROM:<me@a.test> SMTPUTF8\nC: RCPT TO:<größe@b.test>\nC: DATA\n" + go_ahead(1) + "S: 250 ok",
        to("größe"),
        offers=("PIPELINING", "SMTPUTF8", "8BITMIME"),
    )
    assert got.fates == {"größe": "accepted"}


def test_a_message_that_cannot_be_carried_is_told_in_its_turn():
    got = said(
        envelope("x") + go_ahead(1) + envelope("z") + "S: 250 ok\n" + go_ahead(1) + "S: 250 ok",
        to("x"),
        to("y", content=Text(b"Subject: \xe9\r\n")),
        to("z"),
    )
    assert [each.outcomes[0].mailbox for each in got.conversation.settled] == [
        Mailbox(name, "b.test") for name in "xyz"
    ]
