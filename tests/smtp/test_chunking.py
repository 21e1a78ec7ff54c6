"""Servers that offer CHUNKING (RFC 3030): everything in one breath, and what may be in doubt then."""

import pytest

from ccc.errors import Kind, SourceChanged
from tests.smtp.play import CHUNKING, HELLO, Text, converse, to

CHANGED = SourceChanged("it was changed")
BIG = Text(b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 40000)  # 720016 octets, three blocks
HUGE = Text(b"Subject: huge\r\n\r\n" + b"0123456789abcdef\r\n" * 150000)  # 2700017 octets, eleven blocks


def breath(*names: str, rset: bool = False, content: str = "C: BDAT 23 LAST (23 octets of content)") -> str:
    lines = ["C: RSET"] * rset + [
        "C: MAIL FROM:<me@a.test>",
        *(f"C: RCPT TO:<{name}@b.test>" for name in names),
    ]
    return "\n".join([*lines, content, ""])


def oks(count: int) -> str:
    return "S: 250 ok\n" * count


def said(script: str, *deliveries, **options):
    return converse(script, *(deliveries or (to("x", "y"),)), offers=CHUNKING, **options)


def test_a_small_message_is_one_breath():
    got = said(breath("x", "y") + oks(4))
    assert got.fates == {"x": "accepted", "y": "accepted"}
    assert got.played.turns == 1


def test_twenty_recipients_take_one_turn():
    names = [f"p{number}" for number in range(20)]
    got = said(breath(*names) + oks(22), to(*names))
    assert set(got.fates.values()) == {"accepted"}
    assert got.played.turns == 1  # greeting and EHLO are two more


def test_the_chunk_is_the_content_as_it_is_without_doubled_dots():
    text = b".a\r\n.\r\n..\r\n"
    got = said(
        breath("x", content="C: BDAT 11 LAST (11 octets of content)") + oks(3), to("x", content=Text(text))
    )
    assert got.played.wire.endswith(b"BDAT 11 LAST\r\n" + text)


def test_an_empty_message_is_an_empty_last_chunk():
    got = said(
        breath("x", content="C: BDAT 0 LAST (0 octets of content)") + oks(3), to("x", content=Text(b""))
    )
    assert got.played.wire.endswith(b"BDAT 0 LAST\r\n")


def test_a_server_that_only_chunks_is_told_one_thing_at_a_time():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: BDAT 23 LAST (23 octets of content)
        S: 250 ok
        """,
        to("x"),
        offers=["CHUNKING"],
    )
    assert got.fates == {"x": "accepted"}


def test_a_server_that_only_chunks_gets_no_content_if_nobody_is_there():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 550 no
        """,
        to("x"),
        offers=["CHUNKING"],
    )
    assert got.fates == {"x": "refused"}


# several messages


def test_a_transaction_that_is_not_known_to_have_ended_is_reset_before_the_next():
    got = said(breath("x") + breath("y", rset=True) + oks(3) + oks(4), to("x"), to("y"))
    assert got.fates == {"x": "accepted", "y": "accepted"}
    assert got.played.turns == 1


ALONE = """
    C: MAIL FROM:<me@a.test>
    S: 250 ok
    C: RCPT TO:<x@b.test>
    S: 250 ok
    C: BDAT 23 LAST (23 octets of content)
    S: 250 ok
"""


def test_a_transaction_that_is_known_to_have_ended_is_not():
    got = converse(ALONE + ALONE.replace("x@b", "y@b"), to("x"), to("y"), offers=["CHUNKING"])
    assert got.fates == {"x": "accepted", "y": "accepted"}


def test_a_refused_content_may_have_left_it_open():
    refused = ALONE[: ALONE.rindex("S:")] + "S: 552 no\nC: RSET\nS: 250 ok\n"
    got = converse(refused + ALONE.replace("x@b", "y@b"), to("x"), to("y"), offers=["CHUNKING"])
    assert got.fates == {"x": "refused", "y": "accepted"}


def window(size: int, count: int):
    """So many messages, and what is said before the first reply is waited for."""
    names = [f"p{number}" for number in range(count)]
    first = "".join(breath(name, rset=number > 0) for number, name in enumerate(names[:size]))
    return names, first, [to(name) for name in names]


def test_no_more_contents_are_unanswered_than_the_window_has():
    names, first, deliveries = window(2, 3)
    envelope = breath(names[2], rset=True, content="")
    got = said(
        first + envelope + oks(3) + "C: BDAT 23 LAST (23 octets of content)\n" + oks(4) + oks(4),
        *deliveries,
        window=2,
    )
    assert set(got.fates.values()) == {"accepted"}


@pytest.mark.parametrize(
    ("handed_over", "doubtful"), [(0, 0), (80, 0), (81, 1), (81 + 86, 1), (81 + 87, 2), (81 + 3 * 87, 4)]
)
def test_in_doubt_are_exactly_those_whose_last_octet_was_handed_over(handed_over, doubtful):
    names, first, deliveries = window(4, 4)
    got = said(first + f"!: lost after {handed_over}", *deliveries)
    expected = ["in doubt"] * doubtful + ["deferred"] * (4 - doubtful)
    assert [got.fates[name] for name in names] == expected


def test_what_was_answered_before_the_link_was_lost_stays_answered():
    names, first, deliveries = window(4, 4)
    got = said(first + oks(3) + "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 503 no\n!: lost", *deliveries)
    assert [got.fates[name] for name in names] == ["accepted", "refused", "in doubt", "in doubt"]


def test_421_defers_every_message_that_is_not_answered():
    names, first, deliveries = window(4, 4)
    got = said(first + oks(3) + "S: 250 ok\nS: 421 bye", *deliveries)
    assert [got.fates[name] for name in names] == ["accepted", "deferred", "deferred", "deferred"]


@pytest.mark.parametrize("replies", [0, 1, 2])
@pytest.mark.parametrize("what", ["lost", "nonsense"])
def test_all_of_one_breath_is_in_doubt_when_the_link_is_lost(replies, what):
    got = said(breath("x", "y") + oks(replies) + f"!: {what}")
    assert got.fates == {"x": "in doubt", "y": "in doubt"}


def test_a_recipient_who_was_refused_before_the_link_was_lost_is_not_in_doubt():
    got = said(breath("x", "y") + "S: 250 ok\nS: 550 no\n!: lost")
    assert got.fates == {"x": "refused", "y": "in doubt"}


def test_a_success_before_the_last_octet_breaks_the_protocol():
    got = said(breath("x") + "E: 250 ok\n", to("x"))
    assert got.fates == {"x": "in doubt"}


def test_a_go_ahead_breaks_the_protocol_and_leaves_it_in_doubt():
    got = said(breath("x") + "S: 250 ok\nS: 250 ok\nS: 354 go", to("x"))
    assert got.fates == {"x": "in doubt"}


def test_a_refused_sender_refuses_the_content_that_was_said_with_it():
    got = said(breath("x", "y") + "S: 550 no\nS: 503 no\nS: 503 no\nS: 503 no")
    assert got.fates == {"x": "refused", "y": "refused"}


def test_who_is_one_too_many_gets_the_next_transaction():
    got = said(breath("x", "y") + "S: 250 ok\nS: 250 ok\nS: 452 too many\nS: 250 ok\n" + breath("y") + oks(3))
    assert got.fates == {"x": "accepted", "y": "accepted"}


def test_a_small_content_that_changed_is_not_begun():
    content = Text(HELLO.octets, block=9, fails_after=1, error=CHANGED)
    got = said(breath("y") + oks(3), to("x", content=content), to("y"))
    assert got.fates == {"x": "refused", "y": "accepted"}


# large contents

ENVELOPE = """
    C: MAIL FROM:<me@a.test>
    C: RCPT TO:<x@b.test>
    S: 250 ok
    S: 250 ok
"""
THREE = """
    C: BDAT 262144 (262144 octets of content)
    C: BDAT 262144 (262144 octets of content)
    C: BDAT 195728 LAST (195728 octets of content)
"""


def test_a_large_content_waits_for_the_recipients():
    got = said(ENVELOPE + THREE + oks(3), to("x", content=BIG))
    assert got.fates == {"x": "accepted"}
    assert got.played.turns == 2


def test_a_large_content_arrives_whole():
    wire = said(ENVELOPE + THREE + oks(3), to("x", content=BIG)).played.wire
    at = wire.index(b"BDAT 262144\r\n")
    chunks = wire[at:].split(b"BDAT ")[1:]
    assert b"".join(chunk.partition(b"\r\n")[2] for chunk in chunks) == BIG.octets


def test_a_large_content_is_not_said_to_nobody():
    got = said(
        """
        C: MAIL FROM:<me@a.test>
        C: RCPT TO:<x@b.test>
        S: 250 ok
        S: 550 no
        C: RSET
        """
        + breath("y")
        + oks(4),
        to("x", content=BIG),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}


def test_64_kib_are_small_and_an_octet_more_is_not():
    small = Text(b"S: x\r\n\r\n" + b"a" * (65536 - 10) + b"\r\n")
    got = said(
        breath("x", content="C: BDAT 65536 LAST (65536 octets of content)") + oks(3), to("x", content=small)
    )
    assert got.played.turns == 1
    more = Text(small.octets[:-2] + b"a\r\n")
    got = said(ENVELOPE + "C: BDAT 65537 LAST (65537 octets of content)\n" + oks(1), to("x", content=more))
    assert got.played.turns == 2


EIGHT = "C: BDAT 262144 (262144 octets of content)\n" * 8


def test_eight_chunks_may_be_unanswered():
    got = said(
        ENVELOPE
        + EIGHT
        + oks(1)
        + "C: BDAT 262144 (262144 octets of content)\n"
        + oks(1)
        + "C: BDAT 262144 (262144 octets of content)\n"
        + oks(1)
        + "C: BDAT 78577 LAST (78577 octets of content)\n"
        + oks(8),
        to("x", content=HUGE),
    )
    assert got.fates == {"x": "accepted"}


@pytest.mark.parametrize(("code", "state"), [(452, "deferred"), (552, "refused")])
def test_a_refused_chunk_ends_it_and_the_next_message_begins_with_rset(code, state):
    got = said(
        ENVELOPE + EIGHT + f"S: {code} no\n" + "C: RSET\n" + breath("y") + "S: 503 no\n" * 7 + oks(4),
        to("x", content=HUGE),
        to("y"),
    )
    assert got.fates == {"x": state, "y": "accepted"}


def test_a_large_content_that_changes_gets_no_last_chunk_and_rset_takes_the_rest_back():
    content = Text(BIG.octets, fails_after=2, error=CHANGED)
    got = said(
        ENVELOPE + "C: BDAT 262144 (262144 octets of content)\nC: RSET\n" + breath("y") + oks(1) + oks(4),
        to("x", content=content),
        to("y"),
    )
    assert got.fates == {"x": "refused", "y": "accepted"}
    assert got.outcomes["x"].kind is Kind.MESSAGE
    assert b"LAST" not in got.played.wire[: got.played.wire.index(b"RSET")]


def test_a_service_that_closes_before_it_has_all_has_nothing():
    got = said(breath("x", "y") + "E: 421 timeout")
    assert got.fates == {"x": "deferred", "y": "deferred"}


def test_a_refusal_in_the_middle_of_a_chunk_spoils_the_connection_for_others_only_for_now():
    got = said(ENVELOPE + THREE + "E: 552 5.3.4 too big", to("x", content=BIG))
    assert got.fates == {"x": "refused"}
    assert got.conversation.ended_by is None


def test_an_early_refusal_leaves_in_doubt_what_was_handed_over_behind_it():
    _, first, deliveries = window(2, 2)
    got = said(first + "S: 250 ok\nS: 250 ok\n" + "E: 552 no", *deliveries)
    assert got.fates == {"p0": "refused", "p1": "in doubt"}


@pytest.mark.parametrize(("handed_over", "state"), [(195728 + 17, "deferred"), (195728 + 18, "in doubt")])
def test_the_last_octet_of_the_last_chunk_decides(handed_over, state):
    got = said(ENVELOPE + THREE.rstrip() + f"\n!: lost after {handed_over}", to("x", content=BIG))
    assert got.fates == {"x": state}


def test_a_link_that_is_lost_between_two_chunks_leaves_nothing_in_doubt():
    got = said(ENVELOPE + "C: BDAT 262144 (262144 octets of content)\n!: lost", to("x", content=BIG))
    assert got.fates == {"x": "deferred"}


def test_chunks_to_a_server_that_does_not_pipeline_wait_for_each_answer():
    got = converse(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: BDAT 262144 (262144 octets of content)
        S: 250 ok
        C: BDAT 262144 (262144 octets of content)
        S: 452 disk
        C: RSET
        S: 250 ok
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 250 ok
        C: BDAT 23 LAST (23 octets of content)
        S: 250 ok
        """,
        to("x", content=BIG),
        to("y"),
        offers=["CHUNKING"],
    )
    assert got.fates == {"x": "deferred", "y": "accepted"}
