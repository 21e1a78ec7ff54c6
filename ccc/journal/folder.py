"""The state folder: where the journal lives, and whether it can be trusted to.

What is written there decides whether a mail goes out twice, so the folder must be the user's own, closed to
the writing of others, and on a disk of this machine: SQLite and flock are not to be trusted on a network
file system.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from ccc.config.state import make_folder
from ccc.config.state import state_folder as usual_folder
from ccc.errors import StateError

RUNS: Final = "runs"  # a locked file for each running ccc
SPOOL: Final = "spool"  # contents too large for the database
TOKENS: Final = "tokens"  # of logins, which ccc.accounts.oauth keeps
MARKS: Final = "marks"  # on servers, which ccc.accounts.marks keeps

CURE: Final = "name another folder in CCC_STATE_DIR, or use --no-journal"

_DATABASE = "journal.db"  # and the files that SQLite puts beside it
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_MOUNTS = "/proc/self/mountinfo"
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2})")
_NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "9p", "afs", "coda", "ceph", "lustre"),
        *("gfs2", "ocfs2", "glusterfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph-fuse", "fuse.rclone"),
    }
)


def state_folder(environ: Mapping[str, str]) -> Path:
    """The folder that the environment names, or else the usual one; StateError if there can be none."""
    return usual_folder(environ, "the journal", ", or use --no-journal")


def prepare(path: Path, *, create: bool) -> bool:
    """Whether the folder is there; with `create` it is made, as are the folders in it.

    StateError if it cannot be used. Without `create` nothing is made.
    """
    with guarded("use", f"the state folder {str(path)!r}"):
        status = _look(path)
        if status is None:
            if not create:
                return False
            make_folder(path)
            status = _look(path) or path.stat()
        _judge(path, status)
        if create:
            for inside in (RUNS, SPOOL):
                with suppress(FileExistsError):
                    (path / inside).mkdir(mode=0o700)
    return True


@contextmanager
def guarded(verb: str, what: str) -> Iterator[None]:
    """An OSError in here becomes a StateError: one cannot `verb` `what`, or has no room left for it."""
    try:
        yield
    except OSError as problem:
        if problem.errno in _NO_ROOM:
            raise StateError(f"no room left for {what}", f"make room there, or {CURE}") from problem
        raise StateError(f"cannot {verb} {what}: {problem.strerror}", CURE) from problem


def _look(path: Path) -> os.stat_result | None:
    """What the folder is, or None if there is none; a link that others can turn is refused."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(status.st_mode):
        return status
    if status.st_uid != os.geteuid():
        raise StateError(f"the state folder {str(path)!r} is a link made by user {status.st_uid}", CURE)
    return path.stat()


def _judge(path: Path, status: os.stat_result) -> None:
    """Refuse what is no folder, or not ours alone to write, or on another machine."""
    what, mode = f"the state folder {str(path)!r}", stat.S_IMODE(status.st_mode)
    if not stat.S_ISDIR(status.st_mode):
        raise StateError(f"{what} is not a folder", CURE)
    if status.st_uid != os.geteuid():
        raise StateError(
            f"{what} belongs to user {status.st_uid}, and ccc runs as user {os.geteuid()}",
            f"run ccc as the user it belongs to, or {CURE}",
        )
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise StateError(f"{what} can be written by others (mode {mode:04o})", f"chmod 700 it, or {CURE}")
    if (kind := _file_system(path, status.st_dev)) in _NETWORK:
        raise StateError(
            f"{what} is on a network file system ({kind}), where two runs could send the same mail", CURE
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO) and _is_ours_alone(path):
        path.chmod(0o700)


def _is_ours_alone(path: Path) -> bool:
    """Whether nothing but what ccc keeps is in it: who names /srv does not want /srv closed to everybody."""
    ours = (RUNS, SPOOL, TOKENS, MARKS)
    return all(name in ours or name.startswith(_DATABASE) for name in os.listdir(path))


class Mount(NamedTuple):
    """One line of /proc/self/mountinfo, proc_pid_mountinfo(5)."""

    device: str  # major:minor, as st_dev of what is in it
    point: bytes
    kind: str


def read_mounts(mountinfo: bytes) -> tuple[Mount, ...]:
    """The mounts in the order in which they were made."""
    mounts = []
    for line in mountinfo.split(b"\n"):
        before, _, after = line.partition(b" - ")  # any number of optional fields stands before it
        fields = before.split(b" ")
        if len(fields) > 4 and after:
            point = _ESCAPE.sub(lambda octal: bytes([int(octal[1], 8)]), fields[4])
            kind = after.split(b" ", 1)[0].decode("ascii", "replace")
            mounts.append(Mount(fields[2].decode("ascii", "replace"), point, kind))
    return tuple(mounts)


def kind_of_device(mounts: tuple[Mount, ...], device: str) -> str:
    """The type of the file system with this device number; "" if none is mounted."""
    return next((mount.kind for mount in reversed(mounts) if mount.device == device), "")


def kind_of_path(mounts: tuple[Mount, ...], path: bytes) -> str:
    """The type of the file system below `path`, a path without links: the longest point, the last of two."""
    place = path + b"/"
    above = [mount for mount in reversed(mounts) if place.startswith(mount.point.rstrip(b"/") + b"/")]
    return max(above, key=lambda mount: len(mount.point)).kind if above else ""


def _file_system(path: Path, device: int) -> str:
    """The type of the file system below a folder; "" where the system does not tell."""
    try:
        with open(_MOUNTS, "rb", buffering=0) as file:
            mounts = read_mounts(file.readall())
    except OSError:
        return ""  # not Linux, or no /proc
    named = f"{os.major(device)}:{os.minor(device)}"
    # a Btrfs subvolume has a device number of its own, which no mount shows
    return kind_of_device(mounts, named) or kind_of_path(mounts, os.fsencode(os.path.realpath(path)))
