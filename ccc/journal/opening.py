"""Opening the journal: where it is, whether it can be trusted, and what runs that died left in it."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

from ccc.config import Config, read_config
from ccc.journal.folder import guarded, prepare, state_folder
from ccc.journal.journal import Journal
from ccc.journal.store import DRAFT, Store


def open_journal(
    config: Config | None = None, environ: Mapping[str, str] | None = None, *, create: bool = True
) -> Journal | None:
    """The journal of this user, a context manager; None if there is none yet and `create` is false.

    It is where the environment says (os.environ), and does what the configuration says (its usual file).
    StateError if it cannot be used. What a run that died had in its hands is deferred, or in doubt, from now
    on.
    """
    environ = os.environ if environ is None else environ
    config = read_config(None, environ) if config is None else config
    folder = state_folder(environ)
    path = folder / "journal.db"
    there = prepare(folder, create=create) and _exists(path)
    if not there and not create:
        return None
    if not there:
        Store.create(path, folder / f"{DRAFT}{os.getpid()}-{os.urandom(4).hex()}")
    journal = Journal(folder, config, clock=time.time, chance=_chance)
    try:
        journal.recover_if_needed()
    except BaseException:
        journal.close()
        raise
    return journal


def _exists(path: Path) -> bool:
    with guarded("use", f"the journal {str(path)!r}"):
        return path.exists()


def _chance() -> float:
    return int.from_bytes(os.urandom(4)) / (1 << 32)
