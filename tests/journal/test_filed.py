"""How a message lay in its mailbox is kept with its octets, so that a later attempt files it just so."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ccc import deliver
from ccc.dispatch import deliver_again
from ccc.journal.retry import due
from ccc.message.message import Filed, Message, read
from ccc.message.octets import HeldOctets
from tests.journal import desk
from tests.journal.desk import MAIL, Route, X, phases, redirect, send

FILED = Filed(("\\Seen", "$Forwarded", 'caf\u00e9 "'), 1763715600.25)


@pytest.fixture
def state(state_folder: Path) -> Path:
    return state_folder


def lying(filed: Filed | None = FILED) -> Message:
    return read(HeldOctets(MAIL), "imap:1")._replace(filed=filed)


def filed(route: Route) -> list[Filed | None]:
    return [delivery.filed for delivery in route.taken]


def retry(state: Path, route: Route) -> None:
    with desk.opened(state) as journal:
        list(deliver_again(due(journal, all_=True, resend=True), route, journal))


def test_without_a_journal_a_route_is_told_how_the_message_lay():
    route = Route()
    list(deliver(redirect(X, text=lying()), route))
    assert filed(route) == [FILED]


def test_a_route_is_told_how_the_message_lay(state: Path):
    route = Route()
    send(state, redirect(X, text=lying()), route)
    assert filed(route) == [FILED]


@pytest.mark.parametrize("fate", ["deferred", "in doubt"])
@pytest.mark.parametrize("lay", [FILED, Filed(), None], ids=["flags and date", "nothing known", "a file"])
def test_another_attempt_is_told_the_same(state: Path, fate: str, lay: Filed | None):
    first, second = Route({X: fate}), Route()
    send(state, redirect(X, text=lying(lay)), first)
    retry(state, second)
    assert filed(first) == filed(second) == [lay]


def test_what_is_taken_up_lies_as_it_lay_when_it_was_planned(state: Path):
    first, second = Route({X: "deferred"}), Route()
    send(state, redirect(X, text=lying()), first)
    send(state, redirect(X, text=lying(Filed(("\\Answered",), 1.0))), second)
    assert filed(second) == [FILED]


def test_what_a_journal_from_before_that_was_kept_has_deferred_goes_out(state: Path):
    send(state, redirect(X, text=lying()), Route({X: "deferred"}))
    with closing(sqlite3.connect(state / "journal.db", isolation_level=None)) as database:
        database.execute("ALTER TABLE entry DROP COLUMN filed")
        database.execute("PRAGMA user_version = 1")
    route = Route()
    retry(state, route)
    assert (filed(route), phases(state)) == ([None], {X: "accepted"})
