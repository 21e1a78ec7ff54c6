"""One message to a server that offers nothing, and what each answer means (RFC 5321)."""

import pytest

from ccc.errors import Kind, MessageError, SourceChanged
from tests.smtp.play import HELLO, Text, converse, to

ACCEPTED = """
    C: MAIL FROM:<me@a.test>
    S: 250 ok
    C: RCPT TO:<x@b.test>
    S: 250 ok
    C: DATA
    S: 354 go on
    C: (23 octets of content)
    C: .
    S: 250 queued as 42
"""


def test_a_plain_server_is_told_one_thing_at_a_time():
    assert converse(ACCEPTED, to("x")).fates == {"x": "accepted"}


def test_the_octets_are_the_commands_and_the_content():
    wire = converse(ACCEPTED, to("x")).played.wire
    assert wire == (
        b"MAIL FROM:<me@a.test>\r\nRCPT TO:<x@b.test>\r\nDATA\r\nSubject: hi\r\n\r\nHello.\r\n.\r\n"
    )


def test_an_outcome_holds_the_reply_and_the_hop():
    outcome = converse(ACCEPTED, to("x")).outcomes["x"]
    assert (outcome.reply.code, outcome.reason, outcome.hop) == (250, "250 queued as 42", "mx")


def test_each_wait_is_named_for_its_timeout():
    assert converse(ACCEPTED, to("x")).played.waits == ["mail", "rcpt", "data", "content"]


def test_a_second_message_follows_on_the_same_connection():
    second = ACCEPTED.replace("x@b", "y@b")
    assert converse(ACCEPTED + second, to("x"), to("y")).fates == {"x": "accepted", "y": "accepted"}


def test_a_null_reverse_path_is_said_as_such():
    script = ACCEPTED.replace("<me@a.test>", "<>")
    assert converse(script, to("x", reverse_path=None)).fates == {"x": "accepted"}


def test_a_refused_recipient_does_not_keep_it_from_the_others():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 550 5.1.1 no such user
        C: RCPT TO:<y@b.test>
        S: 450 4.2.0 greylisted
        C: RCPT TO:<z@b.test>
        S: 251 will forward
        C: DATA
        S: 354 go on
        C: (23 octets of content)
        C: .
        S: 250 queued
        """,
        to("x", "y", "z"),
    )
    assert got.fates == {"x": "refused", "y": "deferred", "z": "accepted"}


def test_without_a_recipient_no_content_is_said_and_the_next_message_begins_with_rset():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 550 no
        C: RSET
        S: 250 ok
        """
        + ACCEPTED.replace("x@b", "y@b"),
        to("x"),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}


def test_a_refused_sender_ends_the_transaction_without_rset():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 553 5.7.1 not yours
        """
        + ACCEPTED.replace("x@b", "y@b"),
        to("x"),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}


def test_a_refused_rset_changes_nothing():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 550 no
        C: RSET
        S: 502 what is that
        """
        + ACCEPTED.replace("x@b", "y@b"),
        to("x"),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}


def test_a_refused_data_refuses_every_recipient_that_was_accepted():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 451 not now
        C: RSET
        S: 250 ok
        """
        + ACCEPTED.replace("x@b", "y@b"),
        to("x"),
        to("y"),
    )
    assert got.fates == {"x": "deferred", "y": "accepted"}


def test_after_a_refused_content_there_is_nothing_to_reset():
    got = converse(
        ACCEPTED.replace("250 queued as 42", "554 5.7.1 spam") + ACCEPTED.replace("x@b", "y@b"),
        to("x"),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}


STEPS = ("MAIL", "RCPT", "DATA", "CONTENT")


def ended_at(step: str, reply: str) -> str:
    """The plain dialogue up to the reply of a step, and this one instead."""
    lines = [line for line in ACCEPTED.splitlines() if line.strip()]
    replies = [number for number, line in enumerate(lines) if line.strip().startswith("S:")]
    return "\n".join([*lines[: replies[STEPS.index(step)]], reply])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("code", "state"),
    [
        (400, "deferred"),
        (450, "deferred"),
        (452, "deferred"),
        (499, "deferred"),
        (500, "refused"),
        (550, "refused"),
        (552, "refused"),
        (599, "refused"),
    ],
)
def test_the_first_digit_of_a_refusal_decides(step, code, state):
    assert converse(ended_at(step, f"S: {code} no"), to("x")).fates == {"x": state}


@pytest.mark.parametrize("code", [200, 220, 250, 252, 299])
def test_every_2yz_is_a_success(code):
    assert converse(ACCEPTED.replace("250 ", f"{code} "), to("x")).fates == {"x": "accepted"}


@pytest.mark.parametrize("code", [300, 354, 399])
def test_every_3yz_lets_the_content_go(code):
    assert converse(ACCEPTED.replace("354 ", f"{code} "), to("x")).fates == {"x": "accepted"}


@pytest.mark.parametrize(
    ("step", "state"),
    [("MAIL", "deferred"), ("RCPT", "deferred"), ("CONTENT", "in doubt")],
)
@pytest.mark.parametrize("code", [334, 354, 399])
def test_a_go_ahead_to_what_was_no_question_breaks_the_protocol(step, state, code):
    got = converse(ended_at(step, f"S: {code} go on"), to("x"))
    assert got.fates == {"x": state}
    assert not got.conversation.usable
    assert "out of turn" in got.outcomes["x"].reason


def test_a_success_instead_of_a_go_ahead_breaks_the_protocol_and_no_content_is_said():
    got = converse(ended_at("DATA", "S: 250 ok"), to("x"))
    assert got.fates == {"x": "deferred"}


@pytest.mark.parametrize("step", STEPS)
def test_421_defers_this_message_and_says_that_the_service_closes(step):
    got = converse(ended_at(step, "S: 421 4.3.2 shutting down"), to("x"), to("y"))
    assert (got.fates, got.untaken) == ({"x": "deferred"}, 1)
    assert got.conversation.ended_by.reply.code == 421


@pytest.mark.parametrize(
    ("step", "state"),
    [("MAIL", "deferred"), ("RCPT", "deferred"), ("DATA", "deferred"), ("CONTENT", "in doubt")],
)
@pytest.mark.parametrize("what", ["lost", "nonsense"])
def test_without_an_answer_only_the_last_octet_leaves_it_in_doubt(step, state, what):
    got = converse(ended_at(step, f"!: {what}"), to("x"))
    assert got.fates == {"x": state}
    assert got.outcomes["x"].kind is Kind.TRY_LATER


def test_a_link_that_was_lost_one_octet_before_the_end_leaves_nothing_in_doubt():
    got = converse(ended_at("CONTENT", f"!: lost after {23 + 2}"), to("x"))
    assert got.fates == {"x": "deferred"}


def test_a_link_that_was_lost_after_the_last_octet_does():
    got = converse(ended_at("CONTENT", f"!: lost after {23 + 3}"), to("x"))
    assert got.fates == {"x": "in doubt"}


def test_a_recipient_who_was_refused_is_not_in_doubt():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 550 no
        C: DATA
        S: 354 go on
        C: (23 octets of content)
        C: .
        !: lost
        """,
        to("x", "y"),
    )
    assert got.fates == {"x": "in doubt", "y": "refused"}


def test_what_was_said_before_it_was_asked_is_no_answer():
    got = converse(ended_at("MAIL", "E: 250 ok"), to("x"))
    assert got.fates == {"x": "deferred"}
    assert "before it was asked" in got.outcomes["x"].reason


def test_a_success_that_came_before_the_last_octet_is_none():
    got = converse(ended_at("CONTENT", "E: 250 queued"), to("x"))
    assert got.fates == {"x": "in doubt"}


def test_a_content_may_be_refused_before_its_end_and_the_connection_is_over_then():
    got = converse(ended_at("CONTENT", "E: 552 5.3.4 too big"), to("x"))
    assert got.fates == {"x": "refused"}
    assert got.outcomes["x"].kind is Kind.MESSAGE
    assert not got.conversation.usable
    assert got.conversation.ended_by is None  # the next message may find another connection


def test_a_message_that_this_server_cannot_carry_stops_no_other():
    got = converse(
        ACCEPTED.replace("x@b", "y@b"),
        to("x", content=Text(b"Subject: \xe9\r\n")),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}
    assert "8BITMIME" in got.outcomes["x"].reason


CHANGED = SourceChanged("it was changed")


def test_a_small_content_is_read_before_anything_is_said():
    got = converse(
        ACCEPTED.replace("x@b", "y@b"),
        to("x", content=Text(HELLO.octets, block=5, fails_after=1, error=CHANGED)),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}
    assert got.outcomes["x"].kind is Kind.MESSAGE


LARGE = b"Subject: hi\r\n\r\n" + b"0123456789abcdef\r\n" * 40000


def test_a_large_content_that_changes_in_the_middle_is_never_ended():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 354 go on
        C: (720015 octets of content)
        """,
        to("x", content=Text(LARGE, fails_after=2, error=CHANGED)),
        to("y"),
    )
    assert got.fates == {"x": "refused"}
    assert not got.played.wire.endswith(b"\r\n.\r\n")
    assert not got.conversation.usable
    assert got.conversation.ended_by is None


def test_a_message_error_of_the_one_who_makes_the_deliveries_is_not_swallowed():
    def deliveries():
        yield to("x")
        raise MessageError("the second file is no message")

    from ccc.smtp.conversation import Conversation
    from ccc.smtp.extensions import Extensions
    from tests.smtp.play import play

    with pytest.raises(MessageError):
        play(Conversation(Extensions()).deliver(deliveries()), ACCEPTED)


def test_a_large_content_goes_out_block_by_block():
    script = ACCEPTED.replace("(23 octets", "(720015 octets")
    got = converse(script, to("x", content=Text(LARGE)))
    assert got.fates == {"x": "accepted"}
    assert got.played.wire.endswith(b"DATA\r\n" + LARGE + b".\r\n")


def test_a_dot_that_begins_a_line_is_doubled():
    wire = converse(
        ACCEPTED.replace("23 octets", "15 octets"), to("x", content=Text(b".a\r\n.\r\nb.\r\n..\r\n"))
    ).played.wire
    assert wire.endswith(b"DATA\r\n..a\r\n..\r\nb.\r\n...\r\n.\r\n")


def test_a_content_that_changes_is_of_no_use_to_the_rest_of_a_big_envelope():
    names = [f"p{number}" for number in range(101)]
    recipients = "\n".join(f"C: RCPT TO:<{name}@b.test>\nS: 250 ok" for name in names[:100])
    got = converse(
        f"C: MAIL FROM:<me@a.test>\nS: 250 ok\n{recipients}\n"
        "C: DATA\nS: 354 go\nC: (720015 octets of content)",
        to(*names, content=Text(LARGE, fails_after=1, error=CHANGED)),
    )
    assert set(got.fates.values()) == {"refused"}
    assert {outcome.kind for outcome in got.outcomes.values()} == {Kind.MESSAGE}


def test_a_content_that_changes_is_no_reproach_to_another_message():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        C: RCPT TO:<x@b.test>
        C: RCPT TO:<y@b.test>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 452 too many
        S: 354 go
        C: (23 octets of content)
        C: .
        C: MAIL FROM:<me@a.test>
        C: RCPT TO:<z@b.test>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: (720015 octets of content)
        """,
        to("x", "y"),
        to("z", content=Text(LARGE, fails_after=1, error=CHANGED)),
        offers=["PIPELINING"],
    )
    assert got.fates == {"x": "accepted", "y": "deferred", "z": "refused"}
