"""Claims: every running ccc holds the lock of a file in runs/, and the kernel lets go when it dies.

What a run is about to send carries the run's name in the database; whoever can have the lock of that name
knows that the run is dead, whatever killed it. flock(2) belongs to an open file and not to a process:
another opening of the file conflicts with it even in the same process, and a child that inherits the
descriptor would keep it. So the descriptor is closed on exec and in a forked child; between fork and that
moment, which is microseconds, the claim outlives a parent that dies.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ccc.errors import StateError
from ccc.journal.folder import CURE, RUNS, guarded

NAME: Final = re.compile(r"[1-9][0-9]{0,9}-[0-9a-f]{8}")

_TRIES = 1000  # each needs another process that sweeps at that very moment
_held: set[int] = set()  # descriptors of this process's runs


class Run:
    """One running ccc: its name is taken until `end`, or until the process dies."""

    __slots__ = ("_descriptor", "_path", "_pid", "name")

    def __init__(self, path: Path, descriptor: int) -> None:
        self.name = path.name
        self._path = path
        self._pid = os.getpid()
        self._descriptor = descriptor
        _held.add(descriptor)

    @classmethod
    def begin(cls, folder: Path) -> Self:
        """A new run in the state folder; StateError if no file can be made or locked."""
        for _ in range(_TRIES):
            path = folder / RUNS / f"{os.getpid()}-{os.urandom(4).hex()}"
            with guarded("write", f"the file of this run, {str(path)!r}"):
                if (descriptor := _claim(path)) is not None:
                    return cls(path, descriptor)
        raise StateError(f"the files in {str(folder / RUNS)!r} vanish while they are made", CURE)

    def end(self) -> None:
        """Give the name back; a forked child leaves that to its parent."""
        if self._descriptor in _held and os.getpid() == self._pid:
            with suppress(OSError):  # what stays behind is not locked, so the next run sweeps it
                self._path.unlink()
            _held.remove(self._descriptor)
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


def is_alive(folder: Path, name: str) -> bool:
    """Whether the run of this name still runs, here or in another process."""
    if not NAME.fullmatch(name):
        raise StateError(f"the journal speaks of a run {name!r}, which is no run's name", CURE)
    with guarded("look at", f"the run {name!r}"):
        try:
            with _dead(folder / RUNS / name) as dead:
                return not dead
        except FileNotFoundError:
            return False


def sweep(folder: Path) -> None:
    """Remove the files of dead runs.

    A file that is just being made may go as well: whoever makes it notices and makes another one.
    """
    with guarded("clean", repr(str(folder / RUNS))):
        for name in os.listdir(folder / RUNS):
            if NAME.fullmatch(name):
                path = folder / RUNS / name
                with suppress(FileNotFoundError), _dead(path) as dead:
                    if dead:
                        path.unlink()


def _claim(path: Path) -> int | None:
    """The descriptor of a new file, locked; None if a sweep came between."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
        if os.path.samestat(path.stat(), os.fstat(descriptor)):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass  # a sweep has its lock, or has removed it already
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    path.unlink(missing_ok=True)
    return None


@contextmanager
def _dead(path: Path) -> Iterator[bool]:
    """Whether nobody runs under this file, which stays so within the context.

    The lock is a shared one, so that two who look at once do not take each other for the run.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        try:
            flock(descriptor, LOCK_SH | LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _let_go() -> None:
    """A forked child is not the run; its copies of the descriptors must not keep the claims."""
    while _held:
        os.close(_held.pop())


os.register_at_fork(after_in_child=_let_go)
