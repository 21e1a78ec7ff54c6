"""A server that lies, breaks off, floods or falls silent: an error with a cure, and little memory."""

import tracemalloc

import pytest

from ccc.errors import CccError, Kind, LinkLost, MessageError, ProtocolError, SourceError
from ccc.imap import Brief, Manner
from ccc.imap.fetch import CHUNK, PART
from ccc.receipt import status_of
from tests.imap.talking import HASTY, PATIENT, fetched, mail, session
from tests.lab.fault import drip, fin, flood, rst, stall
from tests.lab.imap_fault import Answer, HostileImap, body, brief

FETCH = rb"UID FETCH .*BODY.*"
DONE = b"TAG OK done\r\n"
OURS = mail()


def wrong(answer: Answer, size: int = len(OURS)) -> CccError:
    """What comes of asking for message 42 when this is the answer."""
    with HostileImap({FETCH: answer}) as server, session(server) as opened:
        ((_, found),) = opened.fetch([Brief(42, size)])
        assert isinstance(found, CccError)
        assert not opened.lost
        assert found.cure
        return found


def broken(answer: Answer, size: int = len(OURS), manner: Manner = PATIENT) -> CccError:
    """The same where the connection is given up."""
    with HostileImap({FETCH: answer}) as server, session(server, manner) as opened:
        with pytest.raises(CccError) as caught:
            list(opened.fetch([Brief(42, size)]))
        assert opened.lost
        assert caught.value.cure
        return caught.value


def test_one_answer_with_our_uid_and_the_right_size_is_accepted() -> None:
    with HostileImap(mails={42: OURS}) as server, session(server) as opened:
        assert fetched(opened, 42) == [OURS]


def test_flags_that_change_meanwhile_are_none_of_our_business() -> None:
    noise = b"* 7 FETCH (FLAGS (\\Seen))\r\n* 8 FETCH (UID 43 FLAGS ())\r\n* 9 EXISTS\r\n* 3 EXPUNGE\r\n"
    answer = noise + body(42, OURS) + noise + b"* 1 FETCH (UID 42 FLAGS (\\Seen))\r\n" + DONE
    with HostileImap({FETCH: answer}) as server, session(server) as opened:
        ((_, found),) = opened.fetch([Brief(42, len(OURS))])
        assert found.block(0) == OURS


def test_another_uid_is_not_taken_for_ours() -> None:
    error = broken(body(43, OURS) + DONE)
    assert error.what == "the IMAP server sent message 43, which was not asked for"
    assert error.kind is Kind.PROTOCOL


def test_two_bodies_are_refused() -> None:
    assert broken(body(42, OURS) + body(42, OURS) + DONE).what == "the IMAP server sent message 42 twice"
    twice = b"* 1 FETCH (UID 42 BODY[] {2}\r\nhi BODY[] {2}\r\nho)\r\n" + DONE
    assert "item twice" in broken(twice, 2).what


def test_a_body_without_its_uid_is_refused() -> None:
    assert (
        broken(b"* 1 FETCH (BODY[] {2}\r\nhi)\r\n" + DONE, 2).what
        == "the IMAP server sent a message without its UID"
    )


def test_no_body_and_no_answer_are_errors_of_that_message_alone() -> None:
    withheld = wrong(b"* 1 FETCH (UID 42 BODY[] NIL)\r\n" + DONE)
    assert isinstance(withheld, SourceError)
    assert withheld.what == "the IMAP server does not give out message 42"
    deleted = wrong(DONE)
    assert isinstance(deleted, SourceError)
    assert deleted.what == "message 42 is not in the folder any more"


@pytest.mark.parametrize("size", [len(OURS) - 1, len(OURS) + 1, 0])
def test_a_wrong_size_is_an_error_of_that_message_alone(size: int) -> None:
    error = wrong(body(42, OURS) + DONE, size)
    assert isinstance(error, MessageError)
    assert f"has {size} octets by the IMAP server's RFC822.SIZE, and {len(OURS)} came" in error.what
    assert "save the message as a file" in error.cure


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 42 BODY[] 17)\r\n",
        b"* 1 FETCH (UID 42 BODY[] (a b))\r\n",
        b"* 1 FETCH (UID 42 BODY[])\r\n",
        b"* 1 FETCH UID 42\r\n",
        b"* 1 FETCH (UID 42 BODY[] {3}\r\nabc\r\n",
        b"* 1 FETCH " + b"(" * 5000 + b"\r\n",
        b'* 1 FETCH (UID 42 "\r\n',
        b"* 1 FETCH (UID 42 BODY[] {x}\r\n",
        b"* 1 FETCH (UID 42 BODY[] {" + b"9" * 5000 + b"}\r\n",
        b"garbage\r\n",
        b"A9999 OK done\r\n",
        b"\r\n",
        b"* 1 FETCH (UID 42)\n",
        b"\x1b[2J\x00\xff\r\n",
    ],
)
def test_what_cannot_be_read_is_called_so(answer: bytes) -> None:
    error = broken(answer + DONE)
    assert isinstance(error, ProtocolError)
    assert (error.kind, status_of(error)) == (Kind.PROTOCOL, 76)
    assert error.what.startswith("the IMAP server sent ")


@pytest.mark.parametrize("size", [CHUNK + 1, 99_999_999_999, PART * 200])
def test_a_giant_literal_is_refused_before_it_is_read(size: int) -> None:
    answer = [b"* 1 FETCH (UID 42 BODY[] {%d}\r\n" % size, flood(b"x" * 65536, limit=1 << 30)]
    tracemalloc.start()
    try:
        error = broken(answer)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert error.what.startswith(f"the IMAP server announced {size} octets where at most ")


def test_a_part_may_not_be_larger_than_what_was_asked_for() -> None:
    error = broken(b"* 1 FETCH (UID 42 BODY[]<0> {%d}\r\n" % (PART + 1), size=PART * 50)
    assert "where at most 1048576 can be the answer" in error.what
    error = broken(b"* 1 FETCH (UID 42 BODY[]<5> {2}\r\nhi)\r\n" + DONE, size=PART * 50)
    assert error.what == "the IMAP server sent another part of message 42 than was asked for"
    error = broken(b"* 1 FETCH (UID 42 BODY[]<0> 5)\r\n" + DONE, size=PART * 50)
    assert error.what == "the IMAP server sent no octets for message 42"


@pytest.mark.parametrize(
    "noise",
    [
        b"x" * 4096,
        b"* OK %b\r\n" % (b"y" * 500),
        b"* 1 FETCH (FLAGS (%b))\r\n" % (b"z" * 500),
        pytest.param(b"* 1 EXISTS\r\n", marks=pytest.mark.sweep),
    ],
)
def test_endless_lines_end(noise: bytes) -> None:
    tracemalloc.start()
    try:
        error = broken([flood(noise, limit=1 << 30)])
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    assert error.what in (
        "the IMAP server sent a line of more than 65536 octets",
        "the IMAP server says more than it was asked for",
    )


def test_an_endless_answer_to_a_search_ends() -> None:
    endless = [b"* SEARCH", flood(b" 12345678", limit=1 << 30)]
    with HostileImap({rb"UID SEARCH .*": endless}) as server, session(server) as opened:
        with pytest.raises(ProtocolError) as caught:
            opened.search("ALL")
        assert caught.value.what == "the IMAP server sent a line of more than 8388608 octets"


def test_a_literal_that_is_cut_is_a_lost_link() -> None:
    head = b"* 1 FETCH (UID 42 BODY[] {%d}\r\n" % len(OURS)
    for end in (fin(), rst()):
        error = broken([head + OURS[:10], end])
        assert isinstance(error, LinkLost)
        assert error.kind is Kind.TRY_LATER


def test_a_silent_server_and_a_dripping_one_meet_the_deadline() -> None:
    assert broken([stall()], manner=HASTY).what.startswith("the IMAP server did not answer within 0.3")
    slow = broken([drip(b"* OK " + b"x" * 100, 0.02)], manner=HASTY)
    assert slow.what.startswith("the IMAP server did not answer within 0.3")


def test_a_bye_in_the_middle_says_why() -> None:
    error = broken([b"* BYE shutting \x1b[2Jdown\r\n", fin()])
    assert isinstance(error, LinkLost)
    assert error.what == "the IMAP server ended the session: shutting \x1b[2Jdown"


def test_a_refusal_says_what_the_server_says() -> None:
    with HostileImap({FETCH: b"TAG NO [SERVERBUG] out of luck\r\n"}) as server, session(server) as opened:
        with pytest.raises(
            CccError, match=r"cannot read messages: the IMAP server says NO .SERVERBUG. out of luck"
        ):
            list(opened.fetch([Brief(42, 10)]))
        assert not opened.lost


def test_a_message_that_is_deleted_between_its_parts_is_an_error() -> None:
    octets = b"x" * (PART + 10)
    answers = {rb"UID FETCH 42 .*<1048576\..*": DONE}
    with HostileImap(answers, mails={42: octets}) as server, session(server) as opened:
        assert fetched(opened, 42) == ["SourceError"]


@pytest.mark.parametrize("size", [PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 7])
def test_parts_are_put_together(size: int) -> None:
    octets = bytes(range(1, 256)) * (size // 255 + 1)
    with HostileImap(mails={42: octets[:size]}) as server, session(server) as opened:
        assert fetched(opened, 42) == [octets[:size]]


@pytest.mark.parametrize("said", [PART + 5, 2 * PART, 2 * PART + 11])
def test_parts_that_are_more_or_less_than_the_size_are_an_error(said: int) -> None:
    octets = b"x" * (2 * PART + 10)
    with HostileImap(mails={42: octets}) as server, session(server) as opened:
        ((_, found),) = opened.fetch([Brief(42, said)])
        assert isinstance(found, MessageError)
        assert f"has {said} octets" in found.what


def test_what_is_larger_than_allowed_is_not_asked_for() -> None:
    with HostileImap(mails={42: OURS, 43: OURS}) as server, session(server, Manner(max_size=50)) as opened:
        ((_, found),) = opened.fetch([Brief(42, 51)])
        assert isinstance(found, MessageError)
        assert found.what == "message 42 has 51 octets, and 50 are the most that is read"
        assert not any(b"BODY" in command for command in server.commands)


def test_a_message_described_twice_is_refused() -> None:
    with (
        HostileImap({rb"UID FETCH .*": brief(42, 5) + brief(42, 6) + DONE}) as server,
        session(server) as opened,
        pytest.raises(ProtocolError, match="described message 42 twice"),
    ):
        opened.briefs([42])


def test_only_the_uids_that_were_asked_for_are_described() -> None:
    with (
        HostileImap({rb"UID FETCH .*": brief(41, 5) + brief(42, 6) + DONE}) as server,
        session(server) as opened,
    ):
        assert [each.uid for each in opened.briefs([42, 44])] == [42]


@pytest.mark.parametrize("said", [b"a", b"0", b"4294967296", b"1 -2"])
def test_a_search_that_finds_no_numbers_is_refused(said: bytes) -> None:
    answers = {rb"UID SEARCH .*": b"* SEARCH %b\r\n" % said + DONE}
    with HostileImap(answers) as server, session(server) as opened:
        with pytest.raises(ProtocolError) as caught:
            opened.search("ALL")
        assert caught.value.what == "the IMAP server's answer to a search is no list of UIDs"


def test_a_search_may_find_nothing_or_come_in_disorder() -> None:
    for said, found in (
        (b"", ()),
        (b"* SEARCH\r\n", ()),
        (b"* SEARCH 9 3 3\r\n* SEARCH 1\r\n", (1, 3, 9)),
    ):
        with HostileImap({rb"UID SEARCH .*": said + DONE}) as server, session(server) as opened:
            assert opened.search("ALL") == found
