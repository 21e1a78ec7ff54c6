"""Messages put into a folder by IMAP, against a small server that does as it is told."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ccc.delivery import Delivery, Stage
from ccc.errors import Kind, NotPermitted, SourceChanged
from ccc.imap import Manner, Session
from ccc.message.message import Filed
from ccc.routes.append import GIVEN_UP, Append
from tests.lab.postbox import Postbox
from tests.lab.witness import Disk
from tests.routes.sessions import Sessions
from tests.smtp.play import HELLO, Text, judged, to, told
from tests.transport.signals import Signals

DATE = 1763715600.0  # 21 November 2025, 09:00 UTC
BIG = Text(b"Message-ID: <big@b.test>\r\n\r\n" + b"0123456789abcdef\r\n" * 40000)
NAMED = Text(b"Message-ID: <1@b.test>\r\nResent-Message-ID: <2@a.test>\r\n\r\nHello\r\n")
ATTRIBUTES = ("\\Seen", "\\Flagged", "$Forwarded")


def put(postbox: Postbox, *deliveries: Delivery, folder: str = "INBOX", witness=None, manner=None):
    """What became of the deliveries, by the name of who they are to."""
    sessions = Sessions(postbox.port, manner)
    try:
        settled = told(Append(sessions, folder, "work").deliver(deliveries, witness=witness))
    finally:
        sessions.close()
    return judged(settled, deliveries)


def lying(name: str, *flags: str, received: float | None = None, content: Text = HELLO) -> Delivery:
    return replace(to(name, content=content), filed=Filed(flags, received))


def test_a_message_lies_there_as_it_lay_before():
    with Postbox() as postbox:
        fates, outcomes = put(postbox, lying("x", *ATTRIBUTES, received=DATE))
    (found,) = postbox.folders["INBOX"]
    assert (found.octets, found.flags) == (HELLO.octets, ATTRIBUTES)
    assert found.date.startswith("21-Nov-2025 ") or found.date.startswith("20-Nov-2025 ")
    assert fates == {"x": "accepted"}
    assert (outcomes["x"].reason, outcomes["x"].hop) == ("appended to INBOX (UID 1)", "work")


def test_what_is_deleted_or_recent_there_is_not_so_here():
    with Postbox() as postbox:
        put(postbox, lying("x", "\\Recent", "\\Deleted", "\\DELETED"))
    assert postbox.folders["INBOX"][0].flags == ()


@pytest.mark.parametrize("flag", ["\\Seen) {5}", "a b", "x\r\nA1 LOGOUT", "é", 'a"b', "(", ""])
def test_no_flag_becomes_a_command(flag: str):
    with Postbox() as postbox:
        fates, _ = put(postbox, lying("x", flag, "\\Seen"), lying("y"))
    assert fates == {"x": "accepted", "y": "accepted"}
    assert postbox.folders["INBOX"][0].flags == ("\\Seen",)


def test_a_file_has_no_flags_and_comes_now():
    with Postbox() as postbox:
        put(postbox, to("x"))
    (found,) = postbox.folders["INBOX"]
    assert (found.flags, found.date) == ((), "")


def test_a_server_that_tells_no_uid_has_it_as_well():
    with Postbox(("IMAP4rev1",)) as postbox:
        fates, outcomes = put(postbox, to("x"))
    assert (fates["x"], outcomes["x"].reason) == ("accepted", "appended to INBOX")


def test_everybody_in_the_envelope_has_it_by_one_copy():
    with Postbox() as postbox:
        fates, _ = put(postbox, to("x", "y"))
    assert fates == {"x": "accepted", "y": "accepted"}
    assert len(postbox.transactions) == 1


def test_many_messages_go_over_one_connection():
    with Postbox() as postbox:
        fates, _ = put(postbox, *(to(f"p{number}") for number in range(20)))
    assert set(fates.values()) == {"accepted"}
    assert (postbox.links, len(postbox.transactions)) == (1, 20)


@pytest.mark.parametrize(
    "capabilities", [("IMAP4rev1",), ("IMAP4rev1", "LITERAL+")], ids=["waits", "goes on"]
)
def test_a_large_message_arrives_whole(capabilities: tuple[str, ...]):
    with Postbox(capabilities) as postbox:
        put(postbox, to("x", content=BIG))
    assert postbox.transactions[0].content == BIG.octets


# what the server says no to


@pytest.mark.parametrize(
    ("answer", "state", "kind", "cure"),
    [
        ("NO [OVERQUOTA] full", "deferred", Kind.TRY_LATER, "make room"),
        ("NO [UNAVAILABLE] not now", "deferred", Kind.TRY_LATER, ""),
        ("NO [INUSE] not now", "deferred", Kind.TRY_LATER, ""),
        ("NO [TRYCREATE] no such folder", "deferred", Kind.CONFIGURATION, "`ccc account test`"),
        ("NO [NOPERM] not yours", "deferred", Kind.PERMISSION, ""),
        ("NO [TOOBIG] too big", "refused", Kind.REFUSED, ""),
        ("NO I will not", "refused", Kind.REFUSED, ""),
        ("BAD what is that", "refused", Kind.REFUSED, ""),
    ],
)
def test_a_no_is_an_outcome_and_the_next_message_goes_on(answer: str, state: str, kind: Kind, cure: str):
    with Postbox(append=[answer]) as postbox:
        fates, outcomes = put(postbox, to("x"), to("y"))
    assert fates == {"x": state, "y": "accepted"}
    assert outcomes["x"].kind is kind
    assert answer.partition("]")[2].strip() in outcomes["x"].reason
    assert outcomes["x"].cure
    assert cure in outcomes["x"].cure
    assert postbox.links == 1


def test_a_no_before_the_message_was_said_is_no_less():
    with Postbox(("IMAP4rev1",), append=["early NO [OVERQUOTA] full"]) as postbox:
        fates, _ = put(postbox, to("x", content=BIG), to("y"))
    assert (fates, postbox.links) == ({"x": "deferred", "y": "accepted"}, 1)


def test_a_folder_that_is_not_there_keeps_it_back_with_the_next_step():
    with Postbox() as postbox:
        fates, outcomes = put(postbox, to("x"), folder="Archvie")
    assert fates == {"x": "deferred"}
    assert "Archvie" in outcomes["x"].reason
    assert "create it" in outcomes["x"].cure


def test_what_the_server_says_is_too_big_is_not_begun():
    with Postbox(("IMAP4rev1", "APPENDLIMIT=1000")) as postbox:
        fates, outcomes = put(postbox, to("x", content=BIG), to("y"))
    assert (fates, outcomes["x"].kind) == ({"x": "refused", "y": "accepted"}, Kind.MESSAGE)
    assert len(postbox.said("APPEND")) == 1


# lost connections


def test_a_connection_that_fell_between_two_messages_is_opened_anew():
    with Postbox(append=["gone", "gone", "gone"]) as postbox:
        deliveries = [to(name) for name in "xyz"]

        def one_by_one() -> Iterator[Delivery]:
            for delivery in deliveries:
                yield delivery
                postbox.quiet()

        sessions = Sessions(postbox.port)
        settled = told(Append(sessions, "INBOX", "work").deliver(one_by_one(), witness=Disk()))
        sessions.close()
    assert set(judged(settled, deliveries)[0].values()) == {"accepted"}
    assert (postbox.links, len(postbox.transactions)) == (3, 3)


def test_a_session_that_the_server_ended_while_it_was_idle_is_opened_anew():
    with Postbox() as postbox:
        sessions = Sessions(postbox.port)
        sessions()
        postbox.end_all()
        settled = told(Append(sessions, "INBOX", "work").deliver([to("x")], witness=Disk()))
        sessions.close()
    assert settled[0].outcomes[0].reason == "appended to INBOX (UID 1)"
    assert postbox.links == 2


def test_where_nobody_answers_all_is_deferred_without_another_try():
    with Postbox() as postbox:
        port = postbox.port
    disk, sessions = Disk(fails=1), Sessions(port)
    deliveries = [to(f"p{number}") for number in range(GIVEN_UP + 2)]
    news = list(Append(sessions, "INBOX", "work").deliver(deliveries, witness=disk))
    assert [len(some) for some in news] == [1, GIVEN_UP, 1]
    outcomes = {each.outcomes[0].kind for some in news for each in some}
    assert (outcomes, disk.visits, sessions.opened) == ({Kind.TRY_LATER}, 0, [])


def test_a_login_that_fails_defers_all_and_is_not_tried_again():
    tried = []

    def refuse() -> Session:
        tried.append(1)
        raise NotPermitted("the password is wrong", "get another one")

    deliveries = [to("x"), to("y")]
    fates, outcomes = judged(told(Append(refuse, "INBOX", "work").deliver(deliveries)), deliveries)
    assert (set(fates.values()), len(tried)) == ({"deferred"}, 1)
    assert (outcomes["y"].kind, outcomes["y"].cure) == (Kind.PERMISSION, "get another one")


def test_what_nobody_answered_is_in_doubt_where_it_is_not_found():
    with Postbox(append=[""]) as postbox:
        fates, outcomes = put(postbox, to("x", content=NAMED), to("y"))
    assert fates == {"x": "in doubt", "y": "accepted"}
    assert outcomes["x"].exit_status == 75
    assert len(postbox.transactions) == 1  # it was not appended a second time


def test_what_nobody_answered_has_arrived_where_it_is_found():
    with Postbox(append=["OK", "taken"]) as postbox:
        fates, outcomes = put(postbox, to("w"), to("x", content=NAMED), to("y"))
    assert set(fates.values()) == {"accepted"}
    assert "lies in INBOX (UID 2)" in outcomes["x"].reason
    assert len(postbox.transactions) == 3


@pytest.mark.parametrize(
    "other",
    [
        Text(NAMED.octets + b"x\r\n"),
        Text(NAMED.octets.replace(b"<2@a", b"<3@a")),
        Text(NAMED.octets.replace(b"<1@b", b"<3@b")),
    ],
    ids=["another size", "another block", "another name"],
)
def test_another_message_is_not_taken_for_it(other: Text):
    with Postbox(append=["OK", ""]) as postbox:
        fates, _ = put(postbox, to("w", content=other), to("x", content=NAMED))
    assert fates == {"w": "accepted", "x": "in doubt"}


@pytest.mark.parametrize("name", [b"", b'Message-ID: <a" OR ALL "@b>\r\n', b"Message-ID: odd\r\n"])
def test_what_has_no_name_to_search_for_stays_in_doubt(name: bytes):
    with Postbox(append=["taken"]) as postbox:
        fates, _ = put(postbox, to("x", content=Text(b"Subject: x\r\n" + name + b"\r\n")))
    assert fates == {"x": "in doubt"}
    assert postbox.said("UID SEARCH") == []


def test_a_second_attempt_appends_nothing_that_is_there():
    again = replace(to("x", content=NAMED), second=True)
    with Postbox(append=["OK"]) as postbox:
        put(postbox, to("x", content=NAMED))
        disk = Disk()
        fates, outcomes = put(postbox, again, witness=disk)
    assert (fates, len(postbox.transactions)) == ({"x": "accepted"}, 1)
    assert "arrived before" in outcomes["x"].reason
    assert disk.stages == {}


def test_a_second_attempt_appends_what_is_not_there():
    with Postbox() as postbox:
        fates, _ = put(postbox, replace(to("x", content=NAMED), second=True))
    assert (fates, len(postbox.transactions)) == ({"x": "accepted"}, 1)


CHANGING = Text(BIG.octets, fails_after=2, error=SourceChanged("it was changed"))


def test_of_a_message_that_changes_the_server_never_sees_the_end():
    with Postbox() as postbox:
        fates, outcomes = put(postbox, to("x", content=CHANGING), to("y"))
    assert (fates, outcomes["x"].kind) == ({"x": "refused", "y": "accepted"}, Kind.MESSAGE)
    assert [each.octets for each in postbox.folders["INBOX"]] == [HELLO.octets]


# a witness


@pytest.mark.parametrize("content", [HELLO, BIG], ids=["hello", "big"])
def test_it_is_on_disk_that_it_is_begun_and_that_it_is_whole_before_it_is(content: Text):
    seen: list[tuple[set[Stage], int, bool]] = []

    def look(noted: dict[str, Stage]) -> None:
        seen.append((set(noted.values()), len(postbox.said("APPEND")), bool(postbox.transactions)))

    with Postbox(("IMAP4rev1",)) as postbox:
        put(postbox, to("x", "y", content=content), witness=Disk(look=look))
    # The server writes a command down when it has come to its end.
    assert seen == [({Stage.SENDING}, 0, False), ({Stage.COMMITTING}, 0, False)]


@pytest.mark.parametrize("content", [HELLO, BIG], ids=["hello", "big"])
def test_when_the_disk_fails_nothing_more_reaches_the_server_and_every_outcome_is_true(content: Text):
    for visit in range(1, 20):
        disk = Disk(fails=visit)
        deliveries = [to(f"x{number}", f"y{number}", content=content) for number in range(4)]
        with Postbox() as postbox:
            fates, outcomes = put(postbox, *deliveries, witness=disk)
        count = len(postbox.transactions)
        assert list(fates.values()) == ["accepted"] * 2 * count + ["deferred"] * (8 - 2 * count)
        kinds = {(each.kind, each.exit_status) for each in outcomes.values() if each.kind}
        assert kinds <= {(Kind.CANNOT_WRITE, 73)}
        if not disk.failed:
            assert count == 4
            return
    raise AssertionError("it never came to an end")


# signals


def interrupted(signals: Signals) -> Manner:
    return Manner(timeout=5, interrupts=signals)


class Coming(Text):
    """A content in the middle of which a signal comes."""

    def blocks(self, end: bytes = b"\r\n") -> Iterator[bytes]:
        for number, block in enumerate(super().blocks(end)):
            if number == 1:
                self.error.come()
            yield block


def test_a_signal_in_the_middle_of_a_message_defers_it_and_all_others():
    with Signals() as signals, Postbox() as postbox:
        content = Coming(BIG.octets, error=signals)
        fates, outcomes = put(
            postbox, to("w"), to("x", content=content), to("y"), manner=interrupted(signals)
        )
    assert fates == {"w": "accepted", "x": "deferred", "y": "deferred"}
    assert {outcomes[name].kind for name in "xy"} == {Kind.INTERRUPTED}
    assert len(postbox.transactions) == 1


class Late(Disk):
    """A disk; with the last octets of the first message so many signals come."""

    def __init__(self, signals: Signals, count: int = 1) -> None:
        super().__init__(look=self.see)
        self.signals, self.count = signals, count

    def see(self, noted: dict[str, Stage]) -> None:
        if Stage.COMMITTING in noted.values():
            for _ in range(self.count):
                self.signals.come()
            self.count = 0


def test_a_signal_after_the_last_octet_waits_for_the_answer_and_then_ends_the_run():
    with Signals() as signals, Postbox() as postbox:
        fates, outcomes = put(
            postbox, to("x"), to("y"), to("z"), witness=Late(signals), manner=interrupted(signals)
        )
    assert fates == {"x": "accepted", "y": "deferred", "z": "deferred"}
    assert {outcomes[name].kind for name in "yz"} == {Kind.INTERRUPTED}
    assert len(postbox.transactions) == 1


def test_a_second_signal_leaves_it_in_doubt():
    with Signals() as signals, Postbox() as postbox:
        fates, outcomes = put(
            postbox, to("x"), to("y"), witness=Late(signals, 2), manner=interrupted(signals)
        )
    assert fates == {"x": "in doubt", "y": "deferred"}
    assert outcomes["x"].exit_status == 75


def test_a_link_that_is_lost_after_a_signal_ends_the_run():
    with Signals() as signals, Postbox(append=["taken"]) as postbox:
        fates, _ = put(
            postbox, to("x", content=NAMED), to("y"), witness=Late(signals), manner=interrupted(signals)
        )
    assert (fates, postbox.links) == ({"x": "in doubt", "y": "deferred"}, 1)


def test_its_name_is_for_eyes():
    assert Append(Sessions(1), "INBOX", "work/INBOX").name == "work/INBOX"
