"""A conversation with one of several hosts: what a lost link has left undone is for the next one."""

from ccc.errors import LinkLost, MessageError
from ccc.smtp.conversation import Conversation
from ccc.smtp.replies import Reply
from ccc.smtp.transaction import Transaction
from tests.smtp.play import offering, play, to


def conversed(script: str, *deliveries, offers=()) -> tuple[Conversation, dict[str, str], list[str]]:
    """The conversation, the fates so far, and who is left for another host."""
    conversation = Conversation(offering(offers), elsewhere=True)
    play(conversation.deliver(iter(deliveries)), script)
    fates = {each.mailbox.local: each.state.value for some in conversation.settled for each in some.outcomes}
    return conversation, fates, [path.local for it in conversation.rest for path in it.forward_paths]


def test_who_was_not_answered_for_is_left():
    conversation, fates, left = conversed(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        !: lost
        """,
        to("x", "y"),
    )
    assert (fates, left) == ({}, ["x", "y"])
    assert conversation.ended_by is None
    assert str(conversation.moved_by).startswith("the link was lost")
    assert not conversation.usable


def test_who_was_refused_is_settled_and_not_left():
    _, fates, left = conversed(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 550 no
        C: RCPT TO:<y@b.test>
        S: 250 ok
        C: RCPT TO:<z@b.test>
        S: 450 later
        C: DATA
        !: lost
        """,
        to("x", "y", "z"),
    )
    assert (fates, left) == ({"x": "refused", "z": "deferred"}, ["y"])


def test_who_was_only_too_many_is_left_as_well():
    _, fates, left = conversed(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: RCPT TO:<y@b.test>
        S: 452 4.5.3 too many
        C: DATA
        !: lost
        """,
        to("x", "y"),
    )
    assert (fates, left) == ({}, ["x", "y"])


def test_where_everybody_was_refused_nobody_is_left():
    _, fates, left = conversed(
        """
        C: MAIL FROM:<me@a.test>
        S: 550 no
        C: MAIL FROM:<me@a.test>
        !: lost
        """,
        to("x"),
        to("y"),
    )
    assert (fates, left) == ({"x": "refused"}, ["y"])


def test_what_is_in_doubt_leaves_nothing_to_another_host():
    conversation, fates, left = conversed(
        """
        C: MAIL FROM:<me@a.test>
        S: 250 ok
        C: RCPT TO:<x@b.test>
        S: 250 ok
        C: DATA
        S: 354 go
        C: (23 octets of content)
        C: .
        !: lost
        """,
        to("x"),
    )
    assert (fates, left) == ({"x": "in doubt"}, [])
    assert conversation.moved_by is None


def test_a_421_is_an_answer_and_leaves_nothing():
    conversation, fates, left = conversed(
        """
        C: MAIL FROM:<me@a.test>
        S: 421 bye
        """,
        to("x"),
    )
    assert (fates, left) == ({"x": "deferred"}, [])
    assert conversation.ended_by is not None


def test_who_is_settled_by_an_error_of_ours_is_not_mixed_up_with_whom_the_host_refused():
    delivery = to("a", "b", "c")
    given_up = Transaction(delivery, delivery.envelope.forward_paths)
    given_up.rcpts = [Reply(250, (b"ok",)), Reply(550, (b"no b",)), Reply(250, (b"ok",))]
    given_up.error, given_up.over = MessageError("it was changed"), True
    conversation = Conversation(offering(()), elsewhere=True)
    conversation._unsettled.append(given_up)
    conversation._end(LinkLost("gone"), 0)
    said = {each.mailbox.local: each.reason for some in conversation.settled for each in some.outcomes}
    assert said["b"].endswith("no b")
    assert "changed" in said["a"]
    assert "changed" in said["c"]
