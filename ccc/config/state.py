"""The state folder: where ccc keeps what it must not forget, the journal and the tokens of logins.

Only its place and how it is made are here; the journal and the tokens each judge what they find in it.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from ccc.config.file import home
from ccc.errors import StateError


def state_folder(environ: Mapping[str, str], what: str, other_way: str = "") -> Path:
    """The folder that the environment names, or else the usual one; StateError if there can be none.

    `what` is to be kept there, for the error; `other_way` says how to do without it.
    """
    if named := environ.get("CCC_STATE_DIR"):
        if not os.path.isabs(named):
            raise StateError(
                f"CCC_STATE_DIR is {named!r}, which is another folder wherever ccc is started",
                "name the folder from / on",
            )
        return Path(named)
    state = environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):  # XDG Base Directory Specification 0.8, 2: a relative path is ignored
        return Path(state, "ccc")
    if place := home(environ):
        return Path(place, ".local", "state", "ccc")
    raise StateError(
        f"user {os.geteuid()} has no home folder for {what}", f"name a folder in CCC_STATE_DIR{other_way}"
    )


def make_folder(path: Path) -> None:
    """Make the folder and those above it, each on the disk before anything relies on it."""
    missing = [path]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for folder in reversed(missing):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)  # XDG Base Directory Specification 0.8, 4
        with suppress(PermissionError):  # one may write into a folder, but not read it
            sync(folder.parent)


def sync(path: Path) -> None:
    """Bring the names in a folder to the disk: fsync(2) of a file alone does not."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
