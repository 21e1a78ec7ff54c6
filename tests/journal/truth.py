"""What must be true after every accident: the journal against the ledger of a server that keeps one.

accepted: the server has it once. refused, deferred, or not in the journal: it has it not. in doubt: it has
it once or not at all, and the exit status of the run that knows says 75. What is sent twice is the same.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from ccc.config import Config
from ccc.journal.entry import Filter
from ccc.journal.log import Log
from ccc.journal.opening import open_journal
from tests.lab.records import Transaction

Key = tuple[str, str]  # Message-ID and recipient

COPIES = {"accepted": (1, 1), "refused": (0, 0), "deferred": (0, 0), "in doubt": (0, 1), "dropped": (0, 1)}

_MESSAGE_ID = re.compile(rb"^Message-ID:[ \t]*(\S+)", re.MULTILINE | re.IGNORECASE)


def ledger(transactions: Iterable[Transaction]) -> dict[Key, list[bytes]]:
    """What a server has: for each message and recipient the octets of every copy."""
    copies: dict[Key, list[bytes]] = {}
    for one in transactions:
        found = _MESSAGE_ID.search(one.content)
        assert found is not None, one.content[:200]
        for recipient in one.forward_paths:
            copies.setdefault((found[1].decode(), recipient), []).append(one.content)
    return copies


def phases(state: Path) -> dict[Key, str]:
    """What the journal says of each message and recipient, as `ccc log` reads it."""
    journal = open_journal(Config(), {"CCC_STATE_DIR": str(state)}, create=False)
    if journal is None:
        return {}
    try:
        entries = list(Log(journal).entries(Filter()))
    finally:
        journal.close()
    assert [record for entry in entries for record in entry.records if record.busy] == []
    pairs = [
        ((entry.message_id, r.mailbox.addr_spec), r.phase.value) for entry in entries for r in entry.records
    ]
    assert max(Counter(key for key, _ in pairs).values(), default=1) == 1, "one entry for each"
    return dict(pairs)


def untrue(
    copies: Mapping[Key, list[bytes]],
    said: Mapping[Key, str],
    status: int | None = None,
    *,
    resent: Iterable[Key] = (),
) -> list[str]:
    """Where the ledger and the journal disagree; `resent` are those that the user sent again out of doubt.

    `status` is the exit status of the last run, None if it was killed.
    """
    wrong, twice = [], set(resent)
    for key in {*copies, *said}:
        phase, count = said.get(key, ""), len(copies.get(key, ()))
        least, most = COPIES.get(phase, (0, 0))
        if not least <= count <= most + (key in twice):
            wrong.append(f"{key}: {phase or 'not in the journal'}, and the server has it {count} times")
        if len(set(copies.get(key, ()))) > 1:
            wrong.append(f"{key}: its copies differ")
    if status is not None and "in doubt" in said.values() and status != 75:
        wrong.append(f"something is in doubt, and the exit status is {status}")
    if status == 0 and set(said.values()) - {"accepted"}:
        wrong.append(f"exit status 0, and the journal has {sorted(set(said.values()))}")
    return sorted(wrong)
