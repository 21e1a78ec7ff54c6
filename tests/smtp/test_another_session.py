"""When a server ends a session for which there is another one: what is certain to be undone goes there."""

import pytest

from ccc.errors import SourceChanged
from ccc.smtp.conversation import Conversation
from tests.smtp.play import CHUNKING, Text, judged, offering, play, to

SENT = """
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
BEGUN = "    C: MAIL FROM:<me@a.test>\n"
BREATH = """
    C: MAIL FROM:<me@a.test>
    C: RCPT TO:<{}@b.test>
    C: BDAT 23 LAST (23 octets of content)
"""
NEXT = "    C: RSET\n" + BREATH
FINE = "S: 250 ok\nS: 250 ok\nS: 250 ok\n"


def first(script, *deliveries, offers=(), another=True, lmtp=False):
    """A session that ends, and how often it was asked whether there is another one."""
    asked = []
    conversation = Conversation(
        offering(offers),
        lmtp=lmtp,
        another=lambda: asked.append(1) or another,  # type: ignore[func-returns-value]
    )
    play(conversation.deliver(deliveries), script)
    return conversation, len(asked)


def fates(*conversations, of):
    return judged([settled for each in conversations for settled in each.settled], of)[0]


@pytest.mark.parametrize("end", ["S: 421 4.7.0 token expired", "!: lost after 0"])
def test_a_delivery_that_was_begun_goes_over_the_next_session(end):
    x, y = to("x"), to("y")
    one, asked = first(SENT + BEGUN + end, x, y)
    assert (fates(one, of=[x]), one.ended_by, one.usable, asked) == ({"x": "accepted"}, None, False, 1)
    two = Conversation(offering(()))
    play(two.deliver([], one.rest), SENT.replace("<x@", "<y@"))
    assert fates(one, two, of=[x, y]) == {"x": "accepted", "y": "accepted"}


@pytest.mark.parametrize("end", ["S: 421 4.7.0 token expired", "!: lost after 0"])
def test_without_another_session_it_is_deferred_as_ever(end):
    x, y = to("x"), to("y")
    one, _ = first(SENT + BEGUN + end, x, y, another=False)
    assert fates(one, of=[x, y]) == {"x": "accepted", "y": "deferred"}
    assert one.ended_by is not None
    assert one.rest == ()


def test_a_session_in_which_nothing_was_settled_has_no_successor():
    """Else a server that ends every session would be asked for ever."""
    x = to("x")
    one, asked = first(BEGUN + "S: 421 no", x)
    assert (fates(one, of=[x]), asked) == ({"x": "deferred"}, 0)


def test_what_the_server_may_have_is_not_sent_again():
    """The link was lost after the last octet: in doubt, and nothing else goes on (RFC 1047)."""
    x, y = to("x"), to("y")
    script = SENT + SENT.replace("<x@", "<y@").replace(
        "C: .\n    S: 250 ok\n", "C: .\n    !: lost after 26\n"
    )
    one, asked = first(script, x, y)
    assert (fates(one, of=[x, y]), asked) == ({"x": "accepted", "y": "in doubt"}, 0)


def test_after_421_whatever_is_unanswered_was_not_done():
    """RFC 5321, 3.8; it may all be said already."""
    x, y, z = to("x"), to("y"), to("z")
    said = BREATH.format("x") + NEXT.format("y") + NEXT.format("z")
    one, _ = first(said + FINE + "S: 250 reset\nS: 421 bye", x, y, z, offers=CHUNKING)
    assert fates(one, of=[x]) == {"x": "accepted"}
    assert [each.delivery for each in one.rest] == [y, z]
    two = Conversation(offering(CHUNKING))
    play(two.deliver([], one.rest), BREATH.format("y") + NEXT.format("z") + FINE + "S: 250 reset\n" + FINE)
    assert fates(one, two, of=[x, y, z]) == dict.fromkeys("xyz", "accepted")


def test_in_lmtp_421_speaks_for_one_recipient_only():
    x, y = to("x"), to("y")
    said = BREATH.format("x") + NEXT.format("y")
    one, asked = first(
        said + FINE + "S: 250 reset\nS: 250 ok\nS: 250 ok\nS: 421 bye", x, y, offers=CHUNKING, lmtp=True
    )
    assert asked == 0
    assert one.rest == ()


def test_a_message_that_changed_does_not_come_back():
    """It is known to be of no use while those before it are unanswered."""
    x, y = to("x"), to("y")
    z = to("z", content=Text(b"Subject: z\r\n\r\n", fails_after=0, error=SourceChanged("changed")))
    said = BREATH.format("x") + NEXT.format("y")
    one, _ = first(said + FINE + "S: 250 reset\nS: 421 bye", x, y, z, offers=CHUNKING)
    assert fates(one, of=[x, z]) == {"x": "accepted", "z": "refused"}
    assert [each.delivery for each in one.rest] == [y]
