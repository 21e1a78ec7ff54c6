"""The last content of all takes the goodbye with it, which costs no turn then (RFC 2920, 3.1)."""

import pytest

from ccc.errors import SourceChanged
from ccc.smtp.conversation import Conversation
from tests.smtp.play import CHUNKING, PIPELINING, Text, judged, offering, play, to

PLAIN = """
    C: MAIL FROM:<me@a.test>
    S: 250 ok
    C: RCPT TO:<x@b.test>
    S: 250 ok
    C: DATA
    S: 354 go
    C: (23 octets of content)
    C: .
    S: 250 ok
"""
PIPED = """
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
    C: QUIT
"""
BREATH = """
    C: MAIL FROM:<me@a.test>
    C: RCPT TO:<x@b.test>
    C: BDAT 23 LAST (23 octets of content)
    C: QUIT
"""


def last(script: str, *deliveries, offers=(), rest=()) -> Conversation:
    """A conversation that is told that nothing follows."""
    conversation = Conversation(offering(offers), ending=lambda: True)
    play(conversation.deliver(deliveries, rest), script)
    return conversation


def fates(*conversations: Conversation, of) -> dict[str, str]:
    return judged([settled for each in conversations for settled in each.settled], of)[0]


def test_a_server_that_does_not_pipeline_hears_it_later():
    conversation = last(PLAIN, to("x"))
    assert conversation.usable


def test_it_goes_with_the_last_content():
    delivery = to("x")
    conversation = last(BREATH + "S: 250 ok\nS: 250 ok\nS: 250 ok", delivery, offers=CHUNKING)
    assert fates(conversation, of=[delivery]) == {"x": "accepted"}
    assert not conversation.usable  # nothing more can be said
    assert conversation.ended_by is None


@pytest.mark.parametrize("reply", ["250 ok", "550 no"])
def test_what_turns_out_to_be_left_to_do_is_for_another_connection(reply):
    delivery = to("x", "y")
    first = last(PIPED + f"S: {reply}", delivery, offers=PIPELINING)
    assert [transaction.forward_paths for transaction in first.rest] == [delivery.envelope.forward_paths[1:]]
    second = last(PLAIN.replace("x@b", "y@b"), rest=first.rest)
    assert second.rest == ()
    wanted = {"x": "accepted" if reply == "250 ok" else "refused", "y": "accepted"}
    assert fates(first, second, of=[delivery]) == wanted


@pytest.mark.parametrize("offers", [PIPELINING, CHUNKING])
def test_a_goodbye_is_no_answer_to_a_content(offers):
    """A server that forgot an answer: its goodbye must not be taken for the success of the content."""
    delivery = to("x")
    script = BREATH
    if offers is PIPELINING:
        script = PIPED.replace("    C: RCPT TO:<y@b.test>\n", "").replace("    S: 452 too many\n", "")
    lacking = "S: 221 bye" if offers is PIPELINING else "S: 250 ok\nS: 550 no\nS: 221 bye"
    conversation = last(script + lacking, delivery, offers=offers)
    assert fates(conversation, of=[delivery]) in ({"x": "in doubt"}, {"x": "refused"})
    assert not conversation.usable


def test_the_rest_is_done_before_anything_else():
    first = last(PIPED + "S: 250 ok", to("x", "y"), offers=PIPELINING)
    conversation = Conversation(offering(()))
    play(
        conversation.deliver([to("z")], first.rest),
        PLAIN.replace("x@b", "y@b") + PLAIN.replace("x@b", "z@b"),
    )
    assert [each.outcomes[0].mailbox.local for each in conversation.settled] == ["y", "z"]


def test_a_content_that_changed_leaves_time_for_a_goodbye():
    changed = Text(block=9, fails_after=1, error=SourceChanged("it was changed"))
    delivery = to("x", content=changed)
    conversation = last("", delivery, offers=CHUNKING)
    assert fates(conversation, of=[delivery]) == {"x": "refused"}
    assert conversation.usable


def test_it_does_not_go_with_the_first_part_of_a_big_envelope():
    names = [f"p{number}" for number in range(101)]
    parts = names[:100], names[100:]
    said = [
        "".join(f"C: RCPT TO:<{name}@b.test>\n" for name in part) + "C: BDAT 23 LAST (23 octets of content)\n"
        for part in parts
    ]
    script = f"C: MAIL FROM:<me@a.test>\n{said[0]}C: RSET\nC: MAIL FROM:<me@a.test>\n{said[1]}C: QUIT\n"
    delivery = to(*names)
    conversation = last(script + "S: 250 ok\n" * (102 + 4), delivery, offers=CHUNKING)
    assert set(fates(conversation, of=[delivery]).values()) == {"accepted"}
