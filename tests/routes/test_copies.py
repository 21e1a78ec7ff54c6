"""What is left behind in the user's mailbox when a message has gone out: copies, and marks."""

from collections.abc import Iterator

import pytest

from ccc.errors import CccError, LinkError, NotRecordedError
from ccc.imap import Session
from ccc.message.message import Origin
from ccc.receipt import status_of
from ccc.routes import copies
from ccc.routes.copies import Marks, SentCopies, sent_folder
from tests.lab.postbox import Lying, Postbox
from tests.routes.sessions import Sessions
from tests.routes.test_append import BIG, CHANGING, NAMED
from tests.smtp.play import HELLO, Text


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    with Postbox(folders=("INBOX", "Sent", "Archive")) as postbox:
        yield postbox


@pytest.fixture
def sessions(postbox: Postbox) -> Iterator[Sessions]:
    made = Sessions(postbox.port)
    yield made
    made.close()


class Nobody:
    """A server that is out of reach."""

    def __init__(self) -> None:
        self.tried = 0

    def __call__(self) -> Session:
        self.tried += 1
        raise LinkError("nobody listens there")


def failed(kept: SentCopies, content: Text = HELLO) -> NotRecordedError:
    """Why the copy was not kept."""
    with pytest.raises(NotRecordedError) as caught:
        kept.keep(content)
    assert status_of(caught.value) == 74
    assert "do not send it again" in caught.value.cure
    return caught.value


# copies


def test_a_copy_is_the_octets_that_were_sent_and_is_read_already(postbox, sessions):
    SentCopies(sessions, "Sent").keep(BIG)
    (found,) = postbox.folders["Sent"]
    assert (found.octets, found.flags, found.date) == (BIG.octets, ("\\Seen",), "")


def test_copies_go_over_one_connection_which_is_opened_anew_when_it_fell(postbox, sessions):
    postbox.append += ["OK", "gone"]
    kept = SentCopies(sessions, "Sent")
    kept.keep(HELLO)
    kept.keep(HELLO)
    postbox.quiet()
    kept.keep(HELLO)
    assert (len(postbox.folders["Sent"]), postbox.links) == (3, 2)


@pytest.mark.parametrize("answer", ["NO [OVERQUOTA] full", "NO [TRYCREATE] no such folder", "BAD what", ""])
def test_a_copy_that_fails_says_that_it_was_sent_and_stops_no_other(postbox, sessions, answer):
    postbox.append.append(answer)
    kept = SentCopies(sessions, "Sent")
    error = failed(kept, NAMED)
    assert error.what.startswith("it was sent, but the copy in Sent failed: ")
    kept.keep(HELLO)
    assert [each.octets for each in postbox.folders["Sent"]] == [HELLO.octets]


def test_a_message_that_changed_meanwhile_has_no_copy(postbox, sessions):
    kept = SentCopies(sessions, "Sent")
    assert "it was changed" in failed(kept, CHANGING).what
    kept.keep(HELLO)
    assert [each.octets for each in postbox.folders["Sent"]] == [HELLO.octets]


def test_a_server_that_is_out_of_reach_is_asked_once():
    nobody = Nobody()
    kept = SentCopies(nobody, "Sent")
    assert failed(kept).what == failed(kept).what
    assert nobody.tried == 1


def test_the_folder_for_what_was_sent_is_the_one_that_the_server_names(sessions):
    assert sent_folder(sessions) == "Sent"


def test_a_mailbox_may_have_no_such_folder():
    with Postbox() as postbox:
        sessions = Sessions(postbox.port)
        assert sent_folder(sessions) is None
        sessions.close()


def test_that_the_folder_cannot_be_asked_for_says_that_it_was_sent():
    with pytest.raises(NotRecordedError, match="it was sent, but no copy was kept: nobody listens there"):
        sent_folder(Nobody())


# marks


def fill(postbox: Postbox, count: int, folder: str = "INBOX", *, first: int = 1) -> None:
    postbox.folders[folder] += [Lying(first + number, ("\\Seen",), "", b"") for number in range(count)]


def marked(postbox: Postbox, folder: str = "INBOX") -> list[int]:
    return [each.uid for each in postbox.folders[folder] if "$Forwarded" in each.flags]


def origin(uid: int, folder: str = "INBOX", uidvalidity: int = 7) -> Origin:
    return Origin("work", folder, uidvalidity, uid)


def test_what_was_passed_on_is_marked_in_ranges_in_the_end(postbox, sessions):
    fill(postbox, 20)
    marks = Marks(sessions)
    for uid in (5, 3, 4, 9, 3):
        marks.note(origin(uid))
    assert postbox.commands == []
    assert marks.write() == ()
    assert marked(postbox) == [3, 4, 5, 9]
    assert postbox.said("UID STORE") == ["UID STORE 3:5,9 +FLAGS.SILENT ($Forwarded)"]


def test_each_folder_has_its_own(postbox, sessions):
    fill(postbox, 2)
    fill(postbox, 2, "Archive")
    marks = Marks(sessions)
    marks.note(origin(1))
    marks.note(origin(2, "Archive"))
    marks.write()
    assert (marked(postbox), marked(postbox, "Archive")) == ([1], [2])


def test_many_are_marked_on_the_way(postbox, sessions):
    count = copies.AT_ONCE
    fill(postbox, count + 1)
    marks = Marks(sessions)
    for uid in range(1, count + 2):
        marks.note(origin(uid))
    assert marked(postbox) == list(range(1, count + 1))
    marks.write()
    assert marked(postbox) == list(range(1, count + 2))
    assert len(postbox.said("UID STORE")) == 2


def test_nothing_noted_is_nothing_said(postbox, sessions):
    assert Marks(sessions).write() == ()
    assert postbox.links == 0


def test_a_folder_that_keeps_no_keywords_is_named_and_no_error(postbox, sessions):
    fill(postbox, 2)
    postbox.keywords = False
    marks = Marks(sessions)
    marks.note(origin(1))
    assert marks.write() == ("INBOX",)
    assert (marked(postbox), postbox.said("UID STORE")) == ([], [])


def test_nothing_is_marked_where_the_numbers_mean_other_messages_now(postbox, sessions):
    fill(postbox, 2)
    fill(postbox, 2, "Archive")
    marks = Marks(sessions)
    marks.note(origin(1, uidvalidity=6))
    marks.note(origin(1, "Archive"))
    with pytest.raises(CccError, match="nothing was marked in INBOX: its UIDVALIDITY is 7 and no longer 6"):
        marks.write()
    assert (marked(postbox), marked(postbox, "Archive")) == ([], [1])


def test_what_cannot_be_marked_on_the_way_is_tried_again_in_the_end(postbox, sessions, monkeypatch):
    monkeypatch.setattr(copies, "AT_ONCE", 2)
    fill(postbox, 4)
    nobody = Nobody()
    connects = iter((nobody, sessions))
    marks = Marks(lambda: next(connects)())
    for uid in (1, 2):
        marks.note(origin(uid))
    assert (nobody.tried, marked(postbox)) == (1, [])
    marks.write()
    assert marked(postbox) == [1, 2]
