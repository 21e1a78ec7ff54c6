"""Messages on an IMAP server: the right ones, octet for octet, and nothing there changes."""

import contextlib
import imaplib
import itertools
import ssl
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest

from ccc.errors import LinkError, LinkLost, SourceError, UsageError
from ccc.imap import Manner, Session, connect
from ccc.message import Message, Origin
from ccc.message.octets import blocks
from ccc.plan import Action
from ccc.smtp.login import Held, Password
from ccc.sources import Item
from ccc.sources.imap import Lot, Wanted, from_name, imap_items
from ccc.sources.names import parse_uids
from ccc.transport.server import Security, Server
from tests.lab.dovecot import Dovecot
from tests.lab.fault import fin
from tests.lab.imap_fault import Answer, HostileImap
from tests.lab.tls import Authority

MAIL = (
    b"From: Boss <boss@b.test>\r\nSubject: caf\xc3\xa9 %d\r\nMessage-ID: <%d@b.test>\r\n"
    b"X-Odd:  two  spaces\t\r\n\r\nfirst line\r\n.a dot\r\n\r\nFrom the start\r\n>From it\r\nlast line\r\n"
)
FIRST_OF_NOVEMBER = '"01-Nov-2026 12:00:00 +0100"'
_numbers = itertools.count(1)


def lot_of(
    session: Session,
    wanted: Wanted,
    *,
    action: Action = Action.REDIRECT,
    remembered: Callable[[str], int | None] = lambda folder: None,
    settled: Callable[[str, int, Sequence[int]], frozenset[int]] = lambda *_: frozenset(),
) -> Lot:
    return imap_items(session, "work", wanted, action=action, remembered=remembered, settled=settled)


class Store:
    """A mail store: a session of ours, and another client that fills folders and looks at them."""

    def __init__(self, session: Session, other: imaplib.IMAP4) -> None:
        self.session = session
        self.other = other
        self.lot = partial(lot_of, session)

    def fill(self, folder: str, *mails: bytes, flags: str = "") -> list[int]:
        """Put messages into a folder, which is made if it is not there; their UIDs."""
        self.other.create(f'"{folder}"')
        answers = [self.other.append(f'"{folder}"', flags, FIRST_OF_NOVEMBER, mail)[1][0] for mail in mails]
        return [int(answer.split()[2].rstrip(b"]")) for answer in answers]

    def new(self, *mails: bytes, flags: str = "") -> str:
        """A new folder with these messages: UIDs 1, 2, 3 …"""
        folder = f"folder {next(_numbers)}"
        assert self.fill(folder, *mails, flags=flags) == list(range(1, len(mails) + 1))
        return folder

    def delete(self, folder: str, uid: int) -> None:
        self.other.select(f'"{folder}"')
        self.other.uid("STORE", str(uid), "+FLAGS.SILENT", "(\\Deleted)")
        self.other.expunge()
        self.other.unselect()

    def flags(self, folder: str) -> list[bytes]:
        self.other.select(f'"{folder}"', readonly=True)
        return [imaplib.ParseFlags(line) and line for line in self.other.uid("FETCH", "1:*", "(FLAGS)")[1]]

    def uidvalidity(self, folder: str) -> int:
        return self.session.examine(folder).uidvalidity

    def items(self, folder: str | None, uids: str = "", search: str = "") -> list[Item]:
        return list(self.lot(Wanted(folder, uids=uids, search=search)).items)


@contextlib.contextmanager
def opened(dovecot: Dovecot, authority: Authority, user: str) -> Iterator[Store]:
    server = Server("localhost", dovecot.imaps_port, security=Security.IMPLICIT, user=user)
    keys = Held(Password(user, dovecot.password))
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    other = imaplib.IMAP4_SSL("localhost", dovecot.imaps_port, ssl_context=trust)
    with contextlib.closing(connect(server, keys, Manner(str(authority.ca_file)))) as session:
        other.login(user, dovecot.password)
        yield Store(session, other)
        other.logout()


@pytest.fixture(scope="module")
def store(dovecot: Dovecot, authority: Authority) -> Iterator[Store]:
    with opened(dovecot, authority, "sources@example.org") as store:
        yield store


@pytest.fixture
def empty(dovecot: Dovecot, authority: Authority) -> Iterator[Store]:
    """A mail store of the test's own."""
    with opened(dovecot, authority, f"sources-{next(_numbers)}@example.org") as store:
        yield store


def octets(message: Message) -> bytes:
    return message.header.octets() + message.separator + b"".join(blocks(message.body))


def number(message: Message) -> int:
    return int(message.message_id.strip("<").partition("@")[0])


def numbers(items: Sequence[Item]) -> list[int]:
    return [number(item.read()) for item in items]


# --- what a message is


def test_a_message_comes_octet_for_octet(store: Store) -> None:
    (item,) = store.items(store.new(MAIL % (1, 1)), "1")
    assert octets(item.read()) == MAIL % (1, 1)


def test_a_big_message_comes_octet_for_octet(store: Store) -> None:
    big = MAIL % (1, 1) + b"0123456789" * 7 + b"\r\n" + (b"x" * 70 + b"\r\n") * 40_000
    (item,) = store.items(store.new(big), "1")
    assert octets(item.read()) == big


def test_nothing_is_marked_as_read(store: Store) -> None:
    folder = store.new(MAIL % (1, 1), MAIL % (2, 2))
    before = store.flags(folder)
    assert numbers(store.items(folder, "1:*")) == [1, 2]
    assert store.flags(folder) == before


def test_a_message_knows_where_it_lies_and_how(store: Store) -> None:
    folder = store.new(MAIL % (1, 1), flags="(\\Seen \\Flagged $Work)")
    (item,) = store.items(folder, "1")
    message = item.read()
    assert message.origin == Origin("work", folder, store.uidvalidity(folder), 1)
    assert message.filed is not None
    assert set(message.filed.flags) == {"\\Seen", "\\Flagged", "$Work"}
    assert message.filed.received == 1793530800.0


def test_the_name_of_a_message_fetches_it_again(store: Store) -> None:
    folder = store.new(MAIL % (1, 1), MAIL % (2, 2))
    names = [item.name for item in store.items(folder, "1:2")]
    assert names[0] == f"imap:{folder}/{store.uidvalidity(folder)}:1"
    wanted = from_name(names[1])
    assert isinstance(wanted, Wanted)
    assert numbers(list(store.lot(wanted).items)) == [2]


def test_a_message_is_named_alike_before_and_after_it_is_read(store: Store) -> None:
    (item,) = store.items(store.new(MAIL % (1, 1)), "1")
    assert item.read().name == item.name


# --- which messages


@pytest.mark.parametrize(
    ("uids", "found"),
    [
        ("2", [2]),
        ("4,2", [2, 4]),
        ("2,2,1:2", [1, 2]),
        ("1:*", [1, 2, 4, 5]),
        ("4:*", [4, 5]),
        ("2:4", [2, 4]),
        ("3:3,5", "there is no message with UID 3"),
        ("9:*", []),
        ("3:4,6:9", [4]),
        ("7:9", []),
    ],
)
def test_ranges_skip_what_is_not_there(hole: str, store: Store, uids: str, found: list[int] | str) -> None:
    items = store.items(hole, uids)
    if isinstance(found, str):
        with pytest.raises(SourceError, match=found):
            items[0].read()
    else:
        assert numbers(items) == found


@pytest.fixture(scope="module")
def hole(store: Store) -> str:
    """A folder with the messages 1, 2, 4 and 5."""
    folder = store.new(*(MAIL % (n, n) for n in range(1, 6)))
    store.delete(folder, 3)
    return folder


def test_a_uid_that_is_not_there_is_an_error_of_its_own(hole: str, store: Store) -> None:
    two, three, four = store.items(hole, "2,3,4")
    assert numbers([two, four]) == [2, 4]
    with pytest.raises(SourceError) as caught:
        three.read()
    assert caught.value.what == f"there is no message with UID 3 in {hole}"
    assert "ccc list" in caught.value.cure


def test_a_search_finds_messages(hole: str, store: Store) -> None:
    assert numbers(store.items(hole, search="OR SUBJECT 'caf\u00e9 2' HEADER Message-ID 5@b.test")) == [2, 5]


def test_a_search_among_uids_finds_those_that_are_both(hole: str, store: Store) -> None:
    assert numbers(store.items(hole, "2,3,5:9", search="FROM boss")) == [2, 5]


def test_a_search_that_finds_nothing_is_an_empty_lot(hole: str, store: Store) -> None:
    lot = store.lot(Wanted(hole, search="FROM nobody"))
    assert (list(lot.items), lot.count, lot.settled) == ([], 0, 0)


def test_many_messages_are_found_and_counted_before_they_are_read(store: Store) -> None:
    folder = store.new(*(MAIL % (n, n) for n in range(1, 41)))
    lot = store.lot(Wanted(folder, search="ALL"))
    assert lot.count == 40
    assert numbers(list(lot.items)) == list(range(1, 41))


def test_messages_can_be_read_in_any_order_and_again(store: Store) -> None:
    items = store.items(store.new(*(MAIL % (n, n) for n in range(1, 11))), "1:*")
    order = [3, 3, 9, 0, 1, 2, 7, 8, 2]
    assert numbers([items[place] for place in order]) == [place + 1 for place in order]


def test_a_message_that_is_deleted_meanwhile_is_an_error_of_its_own(store: Store) -> None:
    folder = store.new(*(MAIL % (n, n) for n in range(1, 5)))
    items = store.items(folder, "1:*")
    store.delete(folder, 3)
    assert numbers([items[0], items[1], items[3]]) == [1, 2, 4]
    with pytest.raises(SourceError, match="UID 3"):
        items[2].read()


def test_two_lots_of_one_session_can_be_read_in_turn(store: Store) -> None:
    """What else is done with a session does not lead a lot into another folder."""
    lots = [store.items(store.new(*(MAIL % (n, n) for n in few)), "1:*") for few in ((1, 2, 3), (4, 5, 6))]
    assert numbers([item for pair in zip(*lots, strict=True) for item in pair]) == [1, 4, 2, 5, 3, 6]


def test_a_lot_goes_on_after_a_message_was_marked(store: Store) -> None:
    folder = store.new(*(MAIL % (n, n) for n in range(1, 8)))
    read = []
    for item in store.items(folder, "1:*"):
        read.append(number(item.read()))
        store.session.mark(folder, read, "$Forwarded")
    assert read == [1, 2, 3, 4, 5, 6, 7]


# --- where


def test_a_redirect_looks_in_the_inbox_and_a_resend_among_what_was_sent(empty: Store) -> None:
    empty.fill("INBOX", MAIL % (1, 1))
    empty.fill("Sent", MAIL % (2, 2))
    one = Wanted(uids="1")
    assert numbers(list(empty.lot(one, action=Action.REDIRECT).items)) == [1]
    lot = empty.lot(one, action=Action.RESEND)
    assert (numbers(list(lot.items)), lot.folder) == ([2], "Sent")


def test_a_folder_may_have_any_name(empty: Store) -> None:
    empty.fill("Entw&APw-rfe &- 'mehr'", MAIL % (1, 1))
    (item,) = empty.items("Entwürfe & 'mehr'", "1")
    assert number(item.read()) == 1


def test_a_folder_that_is_not_there_is_an_error(store: Store) -> None:
    with pytest.raises(SourceError, match="cannot open folder 'nowhere'"):
        store.items("nowhere", "1")


def test_nothing_named_is_not_everything(store: Store) -> None:
    with pytest.raises(UsageError, match="no message is named"):
        store.lot(Wanted("INBOX"))


# --- UIDVALIDITY


def test_uids_under_another_uidvalidity_stop_the_run(store: Store) -> None:
    folder = store.new(MAIL % (1, 1))
    real = store.uidvalidity(folder)
    with pytest.raises(SourceError) as caught:
        store.lot(Wanted(folder, uids=f"{real + 1}:1"))
    assert f"bound to UIDVALIDITY {real + 1}, and {folder} has {real}" in caught.value.what


def test_a_uidvalidity_that_differs_from_the_remembered_one_stops_the_run(store: Store) -> None:
    folder = store.new(MAIL % (1, 1))
    real = store.uidvalidity(folder)
    with pytest.raises(SourceError) as caught:
        store.lot(Wanted(folder, uids="1"), remembered=lambda _: 7)
    assert "and had 7 when ccc saw it last" in caught.value.what
    assert f"{real}:UID" in caught.value.cure


@pytest.mark.parametrize(
    "wanted", [Wanted(uids="{}:1"), Wanted(uids="1", uidvalidity=0), Wanted(search="ALL")]
)
def test_uids_that_are_bound_or_searched_need_no_memory(store: Store, wanted: Wanted) -> None:
    folder = store.new(MAIL % (1, 1))
    real = store.uidvalidity(folder)
    bound = wanted._replace(folder=folder, uids=wanted.uids.format(real))
    if wanted.uidvalidity is not None:
        bound = bound._replace(uidvalidity=real)
    assert numbers(list(store.lot(bound, remembered=lambda _: 7).items)) == [1]


def test_the_folder_is_asked_for_what_is_remembered(store: Store) -> None:
    folder = store.new(MAIL % (1, 1))
    lot = store.lot(Wanted(folder, uids="1"), remembered={folder: store.uidvalidity(folder)}.get)
    assert lot.uidvalidity == store.uidvalidity(folder)


def test_a_range_that_begins_with_the_uidvalidity_is_refused(store: Store) -> None:
    folder = store.new(MAIL % (1, 1))
    real = store.uidvalidity(folder)
    with pytest.raises(UsageError) as caught:
        store.lot(Wanted(folder, uids=f"{real}:{real + 5}"))
    for way_out in (f"{real}:{real}:{real + 5}", f"{real}:{real + 5}:{real + 5}"):
        assert way_out in caught.value.cure
        assert parse_uids(way_out)[0] == real


def test_a_folder_that_is_made_anew_while_it_is_read_is_an_error(store: Store) -> None:
    folder = store.new(MAIL % (1, 1), MAIL % (2, 2))
    first, second = store.items(folder, "1:2")
    first.read()
    store.other.delete(f'"{folder}"')
    assert store.fill(folder, MAIL % (3, 3), MAIL % (4, 4)) == [1, 2]
    with pytest.raises(SourceError, match="UIDVALIDITY"):
        second.read()


# --- what is settled


def test_what_is_settled_is_not_fetched(store: Store) -> None:
    folder = store.new(*(MAIL % (n, n) for n in range(1, 6)))
    asked: list[object] = []

    def settled(*question: object) -> frozenset[int]:
        asked.append(question)
        return frozenset({2, 3})

    lot = store.lot(Wanted(folder, uids="1:*"), settled=settled)
    assert (lot.count, lot.settled, numbers(list(lot.items))) == (3, 2, [1, 4, 5])
    assert asked == [(folder, store.uidvalidity(folder), (1, 2, 3, 4, 5))]


# --- by Message-ID


def mid(name: str) -> Wanted:
    wanted = from_name(name)
    assert isinstance(wanted, Wanted)
    return wanted


def test_a_message_is_found_wherever_it_lies(empty: Store) -> None:
    places = ("All Mail", "Sent", "INBOX", "Archive")
    for number, folder in enumerate(places, 1):
        empty.fill(folder, MAIL % (number, number))
    lots = [empty.lot(mid(f"mid:{number}@b.test")) for number in (1, 2, 3, 4)]
    assert tuple(lot.folder for lot in lots) == places
    assert [numbers(list(lot.items)) for lot in lots] == [[1], [2], [3], [4]]


NONE_FOR_ALL = (
    b'* LIST () "/" INBOX\r\n* LIST (\\Archive) "/" Kept\r\n* LIST (\\Sent) "/" Gone\r\nTAG OK done\r\n'
)
NOTHING = b"* SEARCH\r\nTAG OK done\r\n"
THE_SEVENTH = (
    b"* 1 FETCH (UID 5 RFC822.SIZE 9 BODY[HEADER.FIELDS (DATE FROM SUBJECT MESSAGE-ID)]<0> {26}\r\n"
    b"Message-ID: <7@b.test>\r\n\r\n)\r\nTAG OK done\r\n"
)


@contextlib.contextmanager
def hostile(answers: dict[bytes, Answer], mails: dict[int, bytes]) -> Iterator[tuple[Session, list[bytes]]]:
    """A session with a server that answers as it is told, and what was said to it."""
    with HostileImap(answers, mails=mails) as server:
        where = Server("127.0.0.1", server.port, security=Security.OPPORTUNISTIC, user="me")
        with connect(where, Held(Password("me", "secret"))) as session:
            yield session, server.commands


def without_all_mail(search: bytes) -> contextlib.AbstractContextManager[tuple[Session, list[bytes]]]:
    """A server that has no folder for all mail."""
    return hostile({rb"LIST .*": NONE_FOR_ALL, rb"UID SEARCH .*": search, rb"UID FETCH .*": THE_SEVENTH}, {})


def test_a_message_that_is_nowhere_was_looked_for_where_it_was_sent_or_came_or_was_archived() -> None:
    with (
        without_all_mail(NOTHING) as (session, commands),
        pytest.raises(SourceError, match=r"there is no message <7@b\.test> in INBOX, Kept, Gone"),
    ):
        lot_of(session, Wanted(message_id="<7@b.test>"))
    assert [each for each in commands if each.startswith(b"EXAMINE")] == [
        b'EXAMINE "INBOX"',
        b'EXAMINE "Kept"',
        b'EXAMINE "Gone"',
    ]


def test_the_first_folder_that_has_it_counts() -> None:
    with without_all_mail(b"* SEARCH 5\r\nTAG OK done\r\n") as (session, commands):
        lot = lot_of(session, Wanted(message_id="<7@b.test>"))
    assert lot.folder == "INBOX"
    assert [each for each in commands if each.startswith(b"EXAMINE")] == [b'EXAMINE "INBOX"']


def test_a_longer_message_id_is_another_one(store: Store) -> None:
    odd = b"Message-ID: <x<7@b.test>\r\n\r\nodd\r\n"
    folder = store.new(MAIL % (17, 17), odd, MAIL % (7, 7), MAIL % (7, 7))
    lot = store.lot(Wanted(folder, message_id="<7@b.test>"))
    assert [(item.name[-2:], number(item.read())) for item in lot.items] == [(":3", 7)]


@pytest.mark.parametrize(
    "text", ['a"b\\c@b.test', "a b@b.test", "ä@b.test", "a%b@b.test", "a) OR ALL (@b.test"]
)
def test_a_message_id_may_hold_any_characters(store: Store, text: str) -> None:
    folder = store.new(MAIL % (1, 1), f"Message-ID: <{text}>\r\nSubject: odd\r\n\r\nodd\r\n".encode())
    lot = store.lot(Wanted(folder, message_id=f"<{text}>"))
    assert [item.name[-2:] for item in lot.items] == [":2"]


# --- a lost link


def test_what_came_before_a_link_was_lost_is_read() -> None:
    """The second message comes with the beginning of the third, which never ends."""
    mails = {1: MAIL % (1, 1), 2: MAIL % (2, 2), 3: MAIL % (3, 3) + b"x" * (2 << 20)}
    with hostile({rb"UID FETCH 3 \(UID BODY.*": [fin()]}, mails) as (session, _):
        first, second, third = lot_of(session, Wanted(uids="1:3")).items
        assert numbers([first, second]) == [1, 2]
        with pytest.raises(LinkLost):
            third.read()


def test_a_link_that_is_lost_is_said_by_each_message_that_was_not_fetched(empty: Store) -> None:
    empty.fill("INBOX", *(MAIL % (n, n) for n in range(1, 9)))
    items = empty.items(None, "1:*")
    first = items[0].read()
    empty.session.close()
    assert number(first) == 1
    with pytest.raises(LinkError):
        items[-1].read()
