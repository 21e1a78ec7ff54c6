"""A journal that was damaged: it still tells the truth, or it is refused and nothing is sent.

Damage here is what file systems do to files: the end is gone, or pages are filled with zeros. Out of reach is
a log (journal.db-wal) that lost its end or was removed after a kill: SQLite takes the commits that are left
for all there were. So are octets that changed inside a page, for SQLite keeps no checksum of them, and a
database that is not there at all, which is how every journal begins.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import StateError
from ccc.journal.entry import Entry
from ccc.journal.log import Log
from ccc.journal.store import PAGE
from ccc.receipt import Receipt, status_of
from tests.journal import desk
from tests.journal.desk import MAIL, ROOT, Route, X, Y, Z, redirect, send

MAILS = 60
FATES = {X: "accepted", Y: "refused", Z: "in doubt"}


def plan(number: int):
    return redirect(X, Y, Z, text=MAIL.replace(b"<1@", b"<%d@" % number))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a journal with some mails in it; everybody's fate is known."""
    folder = tmp_path_factory.mktemp("sound")
    send(folder, [plan(number) for number in range(MAILS)], Route(FATES))
    return folder


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a kill: what was done last is in the log alone."""
    folder = tmp_path_factory.mktemp("torn")
    send(folder, [plan(number) for number in range(MAILS - 5)], Route(FATES))
    command = [sys.executable, "-m", "tests.journal.test_damage"]
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, "CCC_STATE_DIR": str(folder)}, check=False)
    assert ended.returncode == 3
    assert (folder / "journal.db-wal").stat().st_size > 0
    return folder


def _leave_a_log_behind() -> None:
    folder = Path(os.environ["CCC_STATE_DIR"])
    with desk.opened(folder) as journal:
        from ccc import deliver

        plans = [plan(number) for number in range(MAILS - 5, MAILS)]
        list(deliver(plans, Route(FATES), journal=journal))
        os._exit(3)


def told(ask: Callable[[], list]) -> list | StateError:
    """What one is told, or why one is told nothing."""
    try:
        return ask()
    except StateError as refused:
        return refused


def listed(folder: Path) -> list[Entry]:
    """What `ccc log` reads."""
    with desk.opened(folder) as journal:
        return list(Log(journal).entries())


def check(folder: Path, number: int) -> None:
    """What the same command does and what the journal says of all mails is true, or it is refused."""
    route = Route()
    match told(lambda: send(folder, plan(number), route)):
        case StateError() as refused:
            assert status_of(refused) == 73
        case [Receipt(error=StateError()) as refused]:
            assert (refused.exit_status, refused.outcomes) == (73, ())
        case [receipt]:
            assert {each.mailbox.addr_spec: each.state.value for each in receipt.outcomes} == FATES
    assert route.taken == []
    match told(lambda: listed(folder)):
        case StateError() as refused:
            assert status_of(refused) == 73
        case entries:
            fates = [{each.mailbox.addr_spec: each.phase.value for each in one.records} for one in entries]
            assert fates == [FATES] * MAILS


def damaged(sound: Path, folder: str, pages: list[int], size: int | None) -> Path:
    """A copy of the folder whose database lost some pages, and its end."""
    copy = Path(folder, "state")
    shutil.copytree(sound, copy)
    path = copy / "journal.db"
    with open(path, "r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(bytes(PAGE))
    if size is not None:
        os.truncate(path, size)
    return copy


@given(st.data())
def test_a_database_that_lost_its_end_is_refused_or_true(sound: Path, data: st.DataObject):
    whole = (sound / "journal.db").stat().st_size
    size = data.draw(st.integers(0, whole - 1) | st.integers(0, whole // PAGE - 1).map(lambda n: n * PAGE))
    with TemporaryDirectory() as folder:
        check(damaged(sound, folder, [], size), data.draw(st.integers(0, MAILS - 1)))


@given(st.data())
def test_a_database_with_empty_pages_is_refused_or_true(sound: Path, data: st.DataObject):
    count = (sound / "journal.db").stat().st_size // PAGE
    pages = data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=5))
    with TemporaryDirectory() as folder:
        check(damaged(sound, folder, pages, None), data.draw(st.integers(0, MAILS - 1)))


@given(st.data())
def test_a_database_with_a_log_beside_it_is_refused_or_true(torn: Path, data: st.DataObject):
    whole = (torn / "journal.db").stat().st_size
    pages = data.draw(st.lists(st.integers(0, whole // PAGE - 1), max_size=3))
    size = data.draw(st.integers(0, whole // PAGE).map(lambda n: n * PAGE) | st.integers(0, whole))
    with TemporaryDirectory() as folder:
        check(damaged(torn, folder, pages, size), data.draw(st.integers(0, MAILS - 1)))


@pytest.mark.parametrize("cut", [1, PAGE - 1, PAGE, 3 * PAGE])
def test_a_database_that_lost_its_end_is_never_opened(sound: Path, tmp_path: Path, cut: int):
    size = (sound / "journal.db").stat().st_size - cut
    copy = damaged(sound, str(tmp_path), [], size)
    with pytest.raises(StateError, match="is damaged") as refused:
        send(copy, plan(0))
    assert "backup" in refused.value.cure


def test_the_whole_database_and_its_log_tell_the_truth(sound: Path, torn: Path, tmp_path: Path):
    for number, folder in enumerate((sound, torn)):
        check(damaged(folder, str(tmp_path / str(number)), [], None), 0)


if __name__ == "__main__":
    _leave_a_log_behind()
