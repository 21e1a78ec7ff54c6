"""What the journal does not take is not sent, and each message that is kept back has its receipt."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import pytest

from ccc import plan_redirect
from ccc.errors import MessageError
from ccc.journal import store
from ccc.journal.store import JournalBusy
from tests.journal.desk import LARGE, MAIL, ME, Route, X, kept, redirect, send


@pytest.fixture
def state(state_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    send(state_folder, redirect("somebody@b.test"))
    monkeypatch.setattr(store, "PATIENCE", 0.01)
    return state_folder


@contextmanager
def held(state: Path) -> Iterator[None]:
    """Somebody else writes to the journal all the time."""
    with closing(sqlite3.connect(state / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def mails(text: bytes = MAIL) -> Iterator:
    for number in range(5):
        yield redirect(X, text=text.replace(b"<1@", b"<%d@" % number))


@pytest.mark.parametrize("text", [MAIL, LARGE], ids=["small", "large"])
def test_each_message_that_is_kept_back_has_a_receipt(state: Path, text: bytes):
    route = Route()
    with held(state):
        receipts = send(state, list(mails(text)), route)
    assert [type(receipt.error) for receipt in receipts] == [JournalBusy] * 5
    assert {receipt.exit_status for receipt in receipts} == {75}
    assert (route.taken, kept(state)) == ([], 0)


def test_what_was_entered_before_goes_out(state: Path):
    with closing(sqlite3.connect(state / "journal.db", isolation_level=None)) as other:
        begun = []

        def look(stage: str) -> None:
            if stage == "settled" and not begun:
                begun.append(other.execute("BEGIN IMMEDIATE"))

        route = Route(look=look)
        receipts = send(state, list(mails()), route)
    assert [receipt.exit_status for receipt in receipts] == [0, 75, 75, 75, 75]
    assert len(route.taken) == 1


def test_a_message_that_cannot_be_read_has_its_own_receipt_alone(state: Path, tmp_path: Path):
    (tmp_path / "mail.eml").write_bytes(LARGE)
    changed = plan_redirect(tmp_path / "mail.eml", sender=ME, to=X)
    (tmp_path / "mail.eml").write_bytes(MAIL)
    with held(state):
        receipts = send(state, [*mails(), changed, redirect("y@b.test"), changed])
    assert [isinstance(receipt.error, JournalBusy) for receipt in receipts] == [True] * 8
    receipts = send(state, [changed, redirect("y@b.test")])
    assert [isinstance(receipt.error, MessageError) for receipt in receipts] == [True, False]


def test_the_error_of_a_later_plan_comes_after_the_receipts(state: Path):
    def plans() -> Iterator:
        yield from mails()
        raise MessageError("the sixth file is no message")

    receipts = []
    with held(state), pytest.raises(MessageError, match="the sixth"):
        receipts.extend(_one_by_one(state, plans()))
    assert len(receipts) == 5


def test_plans_that_were_made_before_the_error_of_a_later_one_go_out(state: Path):
    def plans() -> Iterator:
        yield from islice(mails(), 2)
        raise MessageError("the third file is no message")

    receipts = []
    with pytest.raises(MessageError, match="the third"):
        receipts.extend(_one_by_one(state, plans()))
    assert [receipt.exit_status for receipt in receipts] == [0, 0]


def _one_by_one(state: Path, plans: Iterator) -> Iterator:
    from ccc import deliver
    from tests.journal.desk import opened

    with opened(state) as journal:
        yield from deliver(plans, Route(), journal=journal)
