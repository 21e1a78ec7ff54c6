"""What lies in a mail store is known by its UID, so that nothing that is settled is fetched again."""

import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from ccc.address import parse_mailbox
from ccc.journal.log import Log
from ccc.journal.origins import settled, uidvalidity
from ccc.journal.retry import drop
from ccc.journal.store import Store
from ccc.journal.verdict import key_of
from ccc.message.message import Message, Origin, read
from ccc.message.octets import HeldOctets
from ccc.plan import Action
from tests.journal import desk
from tests.journal.desk import MAIL, Route, X, Y, Z, redirect, send

PEOPLE = tuple(map(parse_mailbox, (X, Y)))


@pytest.fixture
def state(state_folder: Path) -> Path:
    return state_folder


def lying(uid: int, *, validity: int = 7, folder: str = "INBOX", account: str = "work") -> Message:
    """A message of its own for each UID."""
    message = read(HeldOctets(MAIL.replace(b"<1@", b"<%d@" % uid)), f"imap:{uid}")
    return message._replace(origin=Origin(account, folder, validity, uid))


def done(
    state: Path, *uids: int, to=PEOPLE, action=Action.REDIRECT, account="work", folder="INBOX", validity=7
) -> set[int]:
    with desk.opened(state) as journal:
        return set(settled(journal, account, folder, validity, uids, action, to))


@pytest.mark.parametrize("fate", ["accepted", "refused"])
def test_what_has_an_end_for_everybody_is_settled(state: Path, fate: str):
    send(state, [redirect(X, Y, text=lying(1))], Route({X: fate}))
    assert done(state, 1, 2) == {1}


@pytest.mark.parametrize("fate", ["deferred", "in doubt"])
def test_what_is_open_for_one_is_not_settled(state: Path, fate: str):
    send(state, redirect(X, Y, text=lying(1)), Route({X: fate}))
    assert done(state, 1) == set()
    assert done(state, 1, to=PEOPLE[1:]) == {1}


def test_who_was_never_named_is_open(state: Path):
    send(state, redirect(X, text=lying(1)))
    assert done(state, 1) == set()
    send(state, redirect(X, Y, text=lying(1)))
    assert done(state, 1) == {1}


def test_nobody_is_nothing_settled(state: Path):
    send(state, redirect(X, text=lying(1)))
    assert done(state, 1, to=()) == set()


def test_what_was_dropped_or_bounced_is_settled(state: Path):
    send(state, redirect(X, Y, text=lying(1)), Route({X: "in doubt"}))
    with desk.opened(state) as journal:
        drop(journal)
        (entry,) = Log(journal).entries()
        Log(journal).bounced(entry, PEOPLE[1], "5.2.2", "mailbox full")
    assert done(state, 1) == {1}


@pytest.mark.parametrize(
    "other",
    [
        {"action": Action.RESEND},
        {"account": "home"},
        {"folder": "Archive"},
        {"validity": 8},
        {"to": (parse_mailbox(Z),)},
    ],
    ids=lambda other: "".join(other),
)
def test_what_is_settled_elsewhere_is_not_settled_here(state: Path, other: dict):
    send(state, redirect(X, Y, text=lying(1)))
    assert done(state, 1, **other) == set()


def test_what_was_sent_from_a_file_is_settled_once_its_uid_was_seen(state: Path):
    send(state, redirect(X, Y))
    assert done(state, 1) == set()
    route = Route()
    send(state, redirect(X, Y, text=lying(1)), route)
    assert (route.taken, done(state, 1)) == ([], {1})


def test_a_copy_in_another_folder_is_settled_as_well(state: Path):
    send(state, [redirect(X, Y, text=lying(1)), redirect(X, Y, text=lying(1, folder="Archive"))])
    assert done(state, 1) == done(state, 1, folder="Archive") == {1}


def test_clean_up_keeps_it(state: Path):
    send(state, redirect(X, Y, text=lying(1)))
    with desk.opened(state) as journal:
        Log(journal).clean(journal.clock() + 1)
    assert done(state, 1) == {1}


def test_what_is_forgotten_is_not_settled(state: Path):
    send(state, redirect(X, Y, text=lying(1)))
    with desk.opened(state) as journal:
        (entry,) = Log(journal).entries()
        Log(journal).forget(entry)
    assert done(state, 1) == set()


def test_the_last_uidvalidity_of_a_folder_is_remembered(state: Path):
    with desk.opened(state) as journal:
        assert uidvalidity(journal, "work", "INBOX") is None
    for validity in (7, 8, 7):
        send(state, redirect(X, text=lying(1, validity=validity)))
        with desk.opened(state) as journal:
            assert uidvalidity(journal, "work", "INBOX") == validity
            assert uidvalidity(journal, "work", "Archive") is None


def test_a_uid_that_names_another_message_now_is_that_message(state: Path):
    """A server that breaks its promise; nobody goes without a mail for it."""
    send(state, redirect(X, Y, text=lying(1)))
    other = lying(2)
    send(state, redirect(X, Y, text=other._replace(origin=lying(1).origin)), Route({X: "deferred"}))
    assert done(state, 1) == set()


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.sweep)])
def test_one_of_many_is_found_at_once(state: Path, count: int):
    """Many times quicker than fetching a single message; the limit is for a machine that is busy."""
    send(state, redirect(X, text=lying(1)))
    _fill(state / "journal.db", count)
    with desk.opened(state) as journal:
        begun = time.process_time()
        one = settled(journal, "work", "INBOX", 7, (count // 2,), Action.REDIRECT, PEOPLE[:1])
        quick = time.process_time() - begun
        everything = settled(journal, "work", "INBOX", 7, range(1, count + 99), Action.REDIRECT, PEOPLE[:1])
    assert one == {count // 2}
    assert everything == {1, *range(2, count, 2)}
    assert quick < 0.05


def _fill(path: Path, count: int) -> None:
    """Messages up to this UID, every other one of them settled for X."""
    digests = {uid: sha256(b"%d" % uid).digest() for uid in range(2, count)}
    rows = [
        (key_of(digest, Action.REDIRECT, PEOPLE[0]), "deferred" if uid % 2 else "accepted")
        for uid, digest in digests.items()
    ]
    columns = "entry, key, current, address, phase, changed"
    with closing(Store(path)) as database, database.transaction():
        database.change_all("INSERT INTO origin VALUES (1, 7, ?, ?)", list(digests.items()))
        database.change_all(f"INSERT INTO recipient ({columns}) VALUES (1, ?, 1, '', ?, 0)", sorted(rows))
