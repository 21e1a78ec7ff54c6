"""The journal's database: SQLite, where a commit is on the disk when it returns (WAL, synchronous=FULL).

The only module that knows sqlite3; whatever goes wrong in there becomes a StateError with a sentence. The
file appears in one piece, so that one which is empty or ends in the middle of a page has been damaged.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ccc.config.state import sync
from ccc.errors import Kind, StateError

if TYPE_CHECKING:
    import sqlite3

PATIENCE = 60.0  # seconds to wait for another ccc that writes; its transactions take milliseconds
PAGE = 4096  # octets, SQLite's own default
DRAFT = "journal.db-new-"  # how the name of a database begins while it is made

_CURE = "check the disk and its permissions, name another folder in CCC_STATE_DIR, or send with --no-journal"

Value: TypeAlias = "str | bytes | int | float | None"
Row: TypeAlias = tuple[Any, ...]  # its columns have the types of the schema

# Of a recipient for whom nothing is left to do.
IS_SETTLED = "phase IN ('accepted', 'refused', 'dropped', 'bounced')"

# One script for each version of the schema, which brings the database there from the version before.
MIGRATIONS = (
    """
    CREATE TABLE way (id INTEGER PRIMARY KEY, options TEXT NOT NULL UNIQUE);
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, action TEXT NOT NULL, digest BLOB NOT NULL,
        intent BLOB NOT NULL, reverse_path TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL,
        eight_bit INTEGER NOT NULL, utf8_header INTEGER NOT NULL, spooled INTEGER NOT NULL,
        way INTEGER NOT NULL REFERENCES way, dsn TEXT NOT NULL, source TEXT NOT NULL,
        message_id TEXT NOT NULL, resent_message_id TEXT NOT NULL, subject TEXT, planned REAL NOT NULL
    );
    CREATE TABLE content (entry INTEGER PRIMARY KEY REFERENCES entry, octets BLOB NOT NULL);
    CREATE TABLE recipient (
        id INTEGER PRIMARY KEY, entry INTEGER NOT NULL REFERENCES entry, key BLOB NOT NULL,
        current INTEGER NOT NULL, address TEXT NOT NULL, phase TEXT NOT NULL, run TEXT, changed REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, next_attempt REAL, second INTEGER NOT NULL DEFAULT 0,
        kind TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '', cure TEXT NOT NULL DEFAULT '',
        hop TEXT NOT NULL DEFAULT '', code INTEGER NOT NULL DEFAULT 0,
        reply TEXT NOT NULL DEFAULT ''
    );
    CREATE UNIQUE INDEX current_recipient ON recipient (key) WHERE current;
    CREATE INDEX recipient_of_entry ON recipient (entry);
    CREATE INDEX held_recipient ON recipient (run) WHERE run IS NOT NULL;
    CREATE INDEX open_recipient ON recipient (phase, next_attempt) WHERE phase IN ('deferred', 'in doubt');
    CREATE INDEX entry_by_message_id ON entry (message_id);
    CREATE TABLE folder (
        id INTEGER PRIMARY KEY, account TEXT NOT NULL, name TEXT NOT NULL, uidvalidity INTEGER NOT NULL,
        UNIQUE (account, name)
    );
    CREATE TABLE origin (
        folder INTEGER NOT NULL REFERENCES folder, uidvalidity INTEGER NOT NULL, uid INTEGER NOT NULL,
        digest BLOB NOT NULL, PRIMARY KEY (folder, uidvalidity, uid)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE entry ADD COLUMN filed TEXT NOT NULL DEFAULT 'null'",
)
VERSION = len(MIGRATIONS)


class JournalBusy(StateError):
    """Other processes write to the journal all the time."""

    kind = Kind.TRY_LATER


class JournalFull(StateError):
    """The disk has no room left for the journal."""


class Store:
    """The open database of a state folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._refuse_damage()
        import sqlite3

        self._failure = sqlite3.Error
        with _explained(self.path):
            self._database = _connect(path)
            try:
                self._migrate()
            except BaseException:
                self._database.close()
                raise

    @classmethod
    def create(cls, path: Path, draft: Path) -> None:
        """Make the database in one piece; another process may be quicker, which is as good."""
        try:
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with _explained(path), closing(_connect(draft)) as database:
                database.execute("BEGIN")
                _bring_up(database, 0)
                database.execute("COMMIT")
                # Only now: what was in the log would have to come into the file, and closing does not say
                # when that fails.
                database.execute("PRAGMA journal_mode = WAL")
            with suppress(FileExistsError):
                os.link(draft, path)
            sync(path.parent)
        except OSError as error:
            raise _cannot(path, error.strerror or str(error)) from error
        finally:
            for rest in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm"), Path(f"{draft}-journal")):
                with suppress(OSError):
                    rest.unlink()

    def sweep(self) -> None:
        """Remove the drafts of databases that were never finished; an hour is more than one takes."""
        with suppress(OSError):
            for name in os.listdir(self.path.parent):
                draft = self.path.parent / name
                if name.startswith(DRAFT) and draft.stat().st_mtime < time.time() - 3600:
                    draft.unlink()

    def close(self) -> None:
        """Close it; the last process that does so brings the log into the database."""
        with suppress(StateError), _explained(self.path):
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing, on the disk when this ends; no other process writes meanwhile."""
        with _explained(self.path):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._refuse_another()
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    def rows(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """What a query finds."""
        with _explained(self.path):
            return self._execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Value] = ()) -> Row | None:
        """The first row that a query finds."""
        found: Row | None = self._execute(sql, values).fetchone()  # which has been found by now
        return found

    def insert(self, table: str, **columns: Value) -> int:
        """Insert a row; its number."""
        return self._execute(_insertion(table, tuple(columns)), tuple(columns.values())).lastrowid or 0

    def change(self, sql: str, values: Sequence[Value] = ()) -> int:
        """Carry out an UPDATE or DELETE; how many rows it changed."""
        return self._execute(sql, values).rowcount

    def change_all(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """Carry out the same change with each row of values."""
        with _explained(self.path):
            self._database.executemany(sql, rows)

    def _execute(self, sql: str, values: Sequence[Value]) -> "sqlite3.Cursor":
        try:
            return self._database.execute(sql, values)
        except UnicodeEncodeError:
            return self._execute(sql, _storable(values))
        except self._failure as error:
            raise _error(self.path, error) from error

    def _refuse_another(self) -> None:
        """What is written to a file that has lost its name is not kept."""
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise _cannot(self.path, f"it was taken away: {error.strerror}") from error
        if (found.st_dev, found.st_ino) != self._inode:
            raise _cannot(self.path, "another file has taken its place")

    def _refuse_damage(self) -> None:
        """A database that was cut may look like a sound one of fewer rows."""
        try:
            found = self.path.stat()
            size, self._inode = found.st_size, (found.st_dev, found.st_ino)
            log = Path(f"{self.path}-wal")
            unwritten = log.exists() and log.stat().st_size > 0  # what it says of the last page counts
        except OSError as error:
            raise _cannot(self.path, error.strerror or str(error)) from error
        if size == 0 or (size % PAGE and not unwritten):
            raise _damaged(self.path, f"it ends after {size} octets")

    def _migrate(self) -> None:
        """Bring the schema up to date."""
        version = _version(self._database)
        if version > VERSION:
            raise StateError(f"the journal {self.path} was made by a newer ccc", "use that one")
        if version == 0:
            raise _damaged(self.path, "it holds no journal")
        if version < VERSION:
            with self.transaction():
                _bring_up(self._database, _version(self._database))


def _storable(values: Iterable[Value]) -> tuple[Value, ...]:
    """The values, where octets of a file's name that are no text are shown as such."""
    return tuple(
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
        for value in values
    )


@cache
def _insertion(table: str, columns: tuple[str, ...]) -> str:
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    return f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608  # names of ours


def _connect(path: Path) -> "sqlite3.Connection":
    import sqlite3

    database = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)
    try:
        database.execute("PRAGMA synchronous = FULL")  # a commit is on the disk, not only on its way there
        database.execute("PRAGMA trusted_schema = OFF")
        database.execute("PRAGMA cache_size = -8000")  # KiB: the indexes of a large batch are hit all over
    except BaseException:
        database.close()
        raise
    return database


def _version(database: "sqlite3.Connection") -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    return int(version)


def _bring_up(database: "sqlite3.Connection", version: int) -> None:
    """Carry out the migrations that are missing; no statement of theirs holds a semicolon of its own."""
    for script in MIGRATIONS[version:]:
        for statement in script.split(";"):
            database.execute(statement)
    database.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """What sqlite3 complains about, as a sentence."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        raise _error(path, error) from error


def _error(path: Path, error: "sqlite3.Error") -> StateError:
    """The sentence for what SQLite says (https://sqlite.org/rescode.html)."""
    import sqlite3

    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    primary = code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return JournalBusy(
            f"other processes have been writing to the journal {path} for {PATIENCE:g} seconds",
            "try again when they have ended",
        )
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _damaged(path, str(error))
    if primary == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return JournalFull(f"there is no room left for the journal {path}", _CURE)
    return _cannot(path, str(error))


def _damaged(path: Path, how: str) -> StateError:
    return StateError(
        f"the journal {path} is damaged: {how}",
        "bring it back from a backup, or move it away: ccc does not know then what it has sent before",
    )


def _cannot(path: Path, why: str) -> StateError:
    return StateError(f"the journal {path} cannot be used: {why}", _CURE)
