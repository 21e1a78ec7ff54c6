"""The database: made in one piece, brought up to date in one piece; what SQLite complains about, in words."""

import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from ccc.errors import StateError
from ccc.journal import store
from ccc.journal.store import JournalBusy, Store
from ccc.receipt import status_of
from tests.journal import desk
from tests.journal.desk import ROOT, X, on_disk, phases, redirect, send

MORE = "ALTER TABLE entry ADD COLUMN mood TEXT NOT NULL DEFAULT 'fine'; CREATE TABLE extra (id INTEGER)"

SENDS = """
import sys
from pathlib import Path
from tests.journal.desk import redirect, send
plan = redirect(sys.argv[1])
print(flush=True)
sys.stdin.readline()
send(Path(sys.argv[2]), plan)
"""
BRINGS_UP = f"""
import sys
from pathlib import Path
from ccc.journal import store
store.MIGRATIONS += ({MORE!r},)
store.VERSION += 1
print(flush=True)
sys.stdin.readline()
store.Store(Path(sys.argv[1])).close()
"""
FILES = ("journal.db", "journal.db-wal", "journal.db-shm", "journal.db-reserve")
HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print(flush=True)
sys.stdin.readline()
database.close()
"""


@pytest.fixture
def state(state_folder: Path) -> Path:
    return state_folder


@pytest.fixture
def made(state: Path) -> Path:
    """The path of a journal in which one mail is."""
    send(state, redirect(X))
    return state / "journal.db"


@contextmanager
def processes(*commands: list[str]):
    """Processes that are ready, and go on when this ends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    started = [subprocess.Popen([sys.executable, "-c", *each], cwd=ROOT, **pipes) for each in commands]  # type: ignore[call-overload]
    for each in started:
        each.stdout.readline()
    try:
        yield
    finally:
        for each in started:
            each.stdin.write(b"go\n")
            each.stdin.flush()
        statuses = [(each.communicate(), each.returncode)[1] for each in started]
    assert statuses == [0] * len(started)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def refusal(path: Path) -> StateError:
    """Why the database cannot be opened."""
    with pytest.raises(StateError) as refused:
        Store(path)
    assert status_of(refused.value) == 73
    assert str(path) in refused.value.what
    return refused.value


# it appears in one piece


def test_several_processes_that_make_the_journal_at_once_have_the_same_one(state: Path):
    people = [f"p{number}@b.test" for number in range(6)]
    with processes(*([SENDS, person, str(state)] for person in people)):
        assert not (state / "journal.db").exists()
    assert phases(state) == dict.fromkeys(people, "accepted")


def test_nobody_else_can_read_it(state: Path):
    seen = {}

    def look(stage: str) -> None:
        for file in state.glob("journal.db*"):
            seen[file.name] = stat.S_IMODE(file.stat().st_mode)

    before = os.umask(0)
    try:
        send(state, redirect(X), desk.Route(look=look))
    finally:
        os.umask(before)
    assert seen == dict.fromkeys(FILES, 0o600)


def test_nothing_but_the_database_stays_of_its_making(state: Path):
    with desk.opened(state):
        pass
    assert sorted(file.name for file in state.iterdir()) == ["journal.db", "runs", "spool"]


def test_a_commit_is_on_the_disk_when_it_returns(made: Path):
    with closing(Store(made)) as database:
        assert database.row("PRAGMA journal_mode") == ("wal",)
        assert database.row("PRAGMA synchronous") == (2,)  # FULL, https://sqlite.org/pragma.html


def test_a_transaction_that_fails_leaves_nothing(made: Path):
    with closing(Store(made)) as database:
        with pytest.raises(StateError), database.transaction():  # noqa: PT012  # all of it is undone
            database.change("DELETE FROM recipient")
            database.change("DELETE FROM nowhere")
        assert database.row("SELECT count(*) FROM recipient") == (1,)
        with database.transaction():
            database.change("DELETE FROM recipient")
        assert database.row("SELECT count(*) FROM recipient") == (0,)


# versions of the schema


def test_the_journal_of_a_newer_ccc_is_left_alone(made: Path):
    change(made, "PRAGMA user_version = 99")
    assert "was made by a newer ccc" in refusal(made).what
    with closing(sqlite3.connect(made)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (99,)


def test_a_database_of_something_else_is_no_journal(state: Path):
    path = state / "journal.db"
    change(path, "CREATE TABLE cookies (id INTEGER)")
    assert "it holds no journal" in refusal(path).what


def next_version(monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setattr(store, "MIGRATIONS", (*store.MIGRATIONS, script))
    monkeypatch.setattr(store, "VERSION", store.VERSION + 1)


def test_an_old_database_is_brought_up_to_date(made: Path, monkeypatch: pytest.MonkeyPatch):
    next_version(monkeypatch, MORE)
    for _ in range(2):
        with closing(Store(made)) as database:
            assert database.row("PRAGMA user_version") == (store.VERSION,)
            assert database.row("SELECT mood FROM entry") == ("fine",)
    assert on_disk(made.parent) == [(X, "accepted")]


def test_a_new_database_has_every_version_at_once(state: Path, monkeypatch: pytest.MonkeyPatch):
    next_version(monkeypatch, MORE)
    send(state, redirect(X))
    assert on_disk(state, "mood") == [("fine",)]


def test_a_step_that_fails_half_way_leaves_the_old_database(made: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        next_version(patch, f"{MORE}; CREATE TABLE extra (id INTEGER)")
        assert "table extra already exists" in refusal(made).what
    with closing(Store(made)) as database:
        assert database.row("PRAGMA user_version") == (store.VERSION,)
        assert database.row("SELECT count(*) FROM sqlite_schema WHERE name = 'extra'") == (0,)


def test_two_processes_bring_a_database_up_to_date_once(made: Path, monkeypatch: pytest.MonkeyPatch):
    with processes([BRINGS_UP, str(made)], [BRINGS_UP, str(made)]):
        pass
    next_version(monkeypatch, MORE)
    with closing(Store(made)) as database:
        assert database.row("SELECT mood FROM entry") == ("fine",)


# what SQLite complains about


def test_other_writers_are_waited_for(made: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    route = desk.Route()
    with processes([HOLDS, str(made)]):
        (receipt,) = send(made.parent, redirect("other@b.test"), route)
    assert isinstance(receipt.error, JournalBusy)
    assert (receipt.exit_status, route.taken) == (75, [])
    assert "other processes have been writing to the journal" in receipt.error.what
    assert "locked" not in str(receipt.error)


def test_a_writer_that_ends_in_time_disturbs_nobody(made: Path):
    with processes(*([SENDS, f"p{number}@b.test", str(made.parent)] for number in range(4))):
        pass
    assert set(phases(made.parent).values()) == {"accepted"}


def test_who_only_reads_waits_for_nobody(made: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(store, "PATIENCE", 0.05)
    with processes([HOLDS, str(made)]):
        assert phases(made.parent) == {X: "accepted"}
        (receipt,) = desk.reviewed(made.parent, redirect(X))
    assert receipt == "accepted"


def test_a_database_that_cannot_be_written_is_a_sentence(made: Path):
    with closing(Store(made)) as database:
        database.rows("PRAGMA query_only = ON")
        with pytest.raises(StateError, match="cannot be used: attempt to write a readonly database"):
            database.change("DELETE FROM recipient")


def test_a_disk_without_room_is_a_sentence(made: Path):
    with closing(Store(made)) as database:
        database.rows("PRAGMA max_page_count = 1")
        with pytest.raises(StateError, match="there is no room left") as full, database.transaction():
            database.insert("content", entry=9, octets=bytes(100000))
        assert "CCC_STATE_DIR" in full.value.cure
        assert database.row("SELECT count(*) FROM content") == (0,)


def test_a_folder_in_its_place_is_a_sentence(state: Path):
    (state / "journal.db").mkdir()
    assert "unable to open database file" in refusal(state / "journal.db").what


def test_a_file_that_is_gone_is_a_sentence(state: Path):
    assert "No such file" in refusal(state / "journal.db").what


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "it ends after 0 octets"),
        (b"x" * 5000, "it ends after 5000 octets"),
        (b"x" * 8192, "file is not a database"),
        (bytes(8192), "file is not a database"),
    ],
)
def test_a_file_that_is_no_database_is_a_sentence(state: Path, octets: bytes, why: str):
    (state / "journal.db").write_bytes(octets)
    refused = refusal(state / "journal.db")
    assert f"is damaged: {why}" in refused.what
    assert "backup" in refused.cure


def test_every_name_of_a_file_can_be_stored(made: Path):
    with closing(Store(made)) as database, database.transaction():
        database.change("UPDATE entry SET source = ?", ("caf\udce9.eml",))
        assert database.row("SELECT source FROM entry") == ("caf\\udce9.eml",)
        assert database.row("SELECT 1 FROM entry WHERE source = ?", ("\udcff",)) is None


def test_drafts_that_were_never_finished_go_after_an_hour(state: Path):
    send(state, redirect(X))
    old, new = state / "journal.db-new-1-00", state / "journal.db-new-2-00"
    for draft in (old, new):
        draft.write_bytes(b"x")
    os.utime(old, (0, 0))
    send(state, redirect(X))
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.parametrize("another", [False, True], ids=["taken away", "replaced"])
def test_nothing_is_written_to_a_database_that_is_not_there_any_more(state: Path, another: bool):
    send(state, redirect(X))
    store = Store(state / "journal.db")
    (state / "journal.db").rename(state / "elsewhere")
    if another:
        (state / "journal.db").write_bytes(b"")
    with (
        pytest.raises(StateError, match="taken away" if not another else "taken its place"),
        store.transaction(),
    ):
        store.change("UPDATE recipient SET phase = 'refused'")
    store.close()
