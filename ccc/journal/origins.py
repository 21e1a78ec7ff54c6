"""Where messages of a mail store lie: which UID is which message, and which UIDs need not be fetched again.

A UID stands for the same message as long as the folder keeps its UIDVALIDITY (RFC 3501, 2.3.1.1). So what is
remembered is the message, and what became of it is asked of its recipients, whatever source it was sent from.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ccc.address import Mailbox
from ccc.journal.store import IS_SETTLED, Row, Store, Value
from ccc.journal.verdict import key_of
from ccc.message.message import Origin
from ccc.plan import Action

if TYPE_CHECKING:
    from ccc.journal.journal import Journal

_AT_ONCE = 500  # values in one query: SQLite takes 999 at least (https://sqlite.org/limits.html, 9)


def remember(store: Store, origin: Origin, digest: bytes) -> None:
    """In a transaction: which message, by its identity, lies at an origin."""
    account, folder, uidvalidity, uid = origin
    (number,) = store.rows(_FOLDER, (account, folder, uidvalidity))[0]
    store.change(_ORIGIN, (number, uidvalidity, uid, digest))


def uidvalidity(journal: "Journal", account: str, folder: str) -> int | None:
    """The UIDVALIDITY under which a message of this folder was entered last; None if there was none yet."""
    found = journal.store.row(
        "SELECT uidvalidity FROM folder WHERE account = ? AND name = ?", (account, folder)
    )
    return int(found[0]) if found else None


def settled(
    journal: "Journal",
    account: str,
    folder: str,
    uidvalidity: int,
    uids: Iterable[int],
    action: Action,
    recipients: Sequence[Mailbox],
) -> frozenset[int]:
    """Those of the UIDs with which nothing is left to do for any of the recipients.

    Each of them has it, was refused, was reported as failed, or was given up by the user.
    """
    number = journal.store.row("SELECT id FROM folder WHERE account = ? AND name = ?", (account, folder))
    if number is None or not recipients:
        return frozenset()
    done: set[int] = set()
    for some in _batches(uids):
        known = _where(journal.store, _DIGESTS, some, (number[0], uidvalidity))
        keys = {uid: [key_of(digest, action, each) for each in recipients] for uid, digest in known}
        closed: set[bytes] = set()
        for batch in _batches(key for each in keys.values() for key in each):
            closed.update(key for (key,) in _where(journal.store, _SETTLED, batch))
        done.update(uid for uid, each in keys.items() if closed.issuperset(each))
    return frozenset(done)


def _batches(values: Iterable[Value]) -> Iterator[tuple[Value, ...]]:
    left = iter(values)
    while some := tuple(islice(left, _AT_ONCE)):
        yield some


def _where(store: Store, sql: str, some: tuple[Value, ...], first: tuple[Value, ...] = ()) -> list[Row]:
    """The rows of a query that ends with what must be one of `some`."""
    return store.rows(f"{sql} IN ({', '.join('?' * len(some))})", first + some)


_FOLDER = """
    INSERT INTO folder (account, name, uidvalidity) VALUES (?, ?, ?)
    ON CONFLICT (account, name) DO UPDATE SET uidvalidity = excluded.uidvalidity RETURNING id
"""
_ORIGIN = "INSERT OR REPLACE INTO origin (folder, uidvalidity, uid, digest) VALUES (?, ?, ?, ?)"
_DIGESTS = "SELECT uid, digest FROM origin WHERE folder = ? AND uidvalidity = ? AND uid"
_SETTLED = f"SELECT key FROM recipient WHERE current AND {IS_SETTLED} AND key"  # noqa: S608
