"""Runs of ccc in which one system call on its state folder fails, and what must be true after each.

strace lets the call fail with an error that it can have: the disk is full, broken or read-only, there are no
descriptors left. A call that is repeated after EINTR, or that asks for a lock which somebody else has for a
moment, must not matter at all.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.journal.scenes import GONE, ME, Scene
from tests.journal.strace import Call, Ended, Warm
from tests.journal.truth import Key, phases, untrue
from tests.journal.world import World

ERRORS = {
    "openat": ("ENOSPC", "EMFILE", "EACCES", "EROFS", "EIO"),
    "pwrite64": ("ENOSPC", "EIO", "EDQUOT"),
    "write": ("ENOSPC", "EIO", "EDQUOT"),
    "fsync": ("EIO", "ENOSPC"),
    "fdatasync": ("EIO", "ENOSPC", "EDQUOT"),
    "ftruncate": ("ENOSPC", "EIO"),
    "fallocate": ("ENOSPC", "EIO"),
    "fcntl": ("EIO", "ENOLCK"),
    "flock": ("ENOLCK", "EIO"),
    "mkdir": ("ENOSPC", "EACCES", "EROFS"),
    "rename": ("ENOSPC", "EIO", "EROFS"),
    "link": ("ENOSPC", "EIO", "EMLINK"),
    "unlink": ("EIO", "EROFS", "EACCES"),
    "read": ("EIO",),
    "pread64": ("EIO",),
    "newfstatat": ("EIO", "EACCES"),
    "fstat": ("EIO",),
    "lseek": ("EIO",),
    "getdents64": ("EIO",),
    "access": ("EACCES", "EIO"),
    "mmap": ("ENOMEM",),
    "chmod": ("EROFS",),
    "fchmod": ("EROFS",),
}
PASSING = {
    **dict.fromkeys(("openat", "read", "write", "pread64", "pwrite64", "flock"), "EINTR"),
    "fcntl": "EAGAIN",
}
BAD_WORDS = ("Traceback", "a bug in ccc", "database is locked")
UNRECORDED = "it was sent, and that is not in the journal"


def _passing(call: Call) -> Iterator[str]:
    """The error with which it may fail for a moment; nobody else locks a database that is being made."""
    if call.name in PASSING and not (call.name == "fcntl" and "journal.db-new-" in call.text):
        yield PASSING[call.name]


class Fault(NamedTuple):
    """One call that fails with one error."""

    call: Call
    error: str

    @property
    def passing(self) -> bool:
        """Whether it must not matter."""
        return PASSING.get(self.call.name) == self.error

    def __str__(self) -> str:
        return f"{self.error} in {self.call.text}"


class Failing(Warm):
    """ccc, one of whose calls fails."""

    @property
    def folder(self) -> Path:
        """Where it runs."""
        return self._folder

    def failing(self, arguments: list[str], environ: dict[str, str], fault: Fault) -> tuple[Ended, bool]:
        """How it ended, and whether it came to the call."""
        log = self._folder / "failing"
        call = fault.call
        inject = f"inject={call.name}:error={fault.error}:when={call.nth}"
        options = ["-e", f"trace={call.name}", "-e", inject, "-y", "-o", str(log)]
        ended = self._under_strace(arguments, environ, options)
        state = environ["CCC_STATE_DIR"]
        hit = [line for line in log.read_text(errors="replace").splitlines() if "(INJECTED)" in line]
        return ended, any(state in line for line in hit)


class Ground:
    """A scene, played again and again where ccc runs."""

    def __init__(self, scene: Scene, ccc: Failing) -> None:
        self.scene, self._ccc = scene, ccc
        folder = ccc.folder
        self.state, self._before = folder / "state", folder / "before"
        self._environ = {"CCC_STATE_DIR": str(self.state), "HOME": str(folder), "PATH": os.environ["PATH"]}
        self._world = World(scene, folder)
        self._names = []
        for number in range(len(scene.sizes)):
            self._names.append(f"{number}.eml")
            (folder / self._names[-1]).write_bytes(scene.mail(number))
        self._usual = Ended(0, "", "")
        self._had: set[Key] = set()  # what had arrived before the run that fails

    def __enter__(self) -> Self:
        self._world.__enter__()
        shutil.rmtree(self._before, ignore_errors=True)
        if self.scene.act != "send":  # somebody was deferred
            self._restart()
            self._ccc.run(self._sending(self._world.busy), self._environ)
            self.state.rename(self._before)
            self._world.keep()
        self._restart()
        self._had = set(self._world.took())
        self._usual = self._ccc.run(self._command, self._environ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._world.__exit__(kind, error, at)

    def faults(self) -> Iterator[Fault]:
        """Every error of every call on the state folder."""
        self._restart()
        for call in self._ccc.traced(self._command, self._environ):
            # To give a lock back does not fail, and SQLite does not expect it to.
            if str(self.state) in call.text and "F_UNLCK" not in call.text:
                for error in (*ERRORS.get(call.name, ()), *_passing(call)):
                    yield Fault(call, error)

    def wrong(self, fault: Fault) -> Iterator[str]:
        """What is not as it should be after a run with this fault, and after what a user does then."""
        self._restart()
        ended, hit = self._ccc.failing(self._command, self._environ, fault)
        steps = (self._at_once(ended, fault), self._retried(), self._repeated())
        for wrong in (one for step in steps for one in step):
            yield f"{fault}: {wrong}; it ended with {ended.status}: {ended.words}"
        if not hit:
            yield f"{fault}: it did not come to it"

    @property
    def _command(self) -> list[str]:
        """The command in which something fails."""
        if self.scene.act == "retry":
            return ["retry", "--all"]
        return self._sending(self._world.busy)

    def _sending(self, where: str) -> list[str]:
        way = (
            f"--via=sendmail:{where}" if self.scene.way == "sendmail" else f"--smtp=smtp://127.0.0.1:{where}"
        )
        return [
            "redirect",
            "--yes",
            f"--from={ME}",
            way,
            *(f"--to={to}" for to in self.scene.to),
            *self._names,
        ]

    def _restart(self) -> None:
        self._world.forget()
        shutil.rmtree(self.state, ignore_errors=True)
        if self._before.exists():
            shutil.copytree(self._before, self.state)

    def _at_once(self, ended: Ended, fault: Fault) -> Iterator[str]:
        """What was said is true, whatever could be recorded."""
        took, said = self._world.took(), phases(self.state)
        yield from (f"it says {words}" for words in BAD_WORDS if words in ended.words)
        if fault.passing and ended.status != self._usual.status:
            yield f"it matters: without it, it ends with {self._usual.status}"
        yield from untrue(took, said, ended.status if ended.status not in (73, 74) else None)
        unrecorded = [key for key in took if said.get(key) != "accepted"]
        if unrecorded and UNRECORDED not in ended.words and "in doubt" not in ended.words:
            yield f"it does not say well that {unrecorded} was sent"
        match ended.status:
            case 0 | 69 | 75:
                pass
            case 73 if unrecorded:
                yield f"it says that nothing was sent, and {unrecorded} was"
            case 74 if not unrecorded or UNRECORDED not in ended.words:
                yield "it says that something was not recorded"
            case 73 | 74:
                pass
            case _:
                yield "a status that says nothing"
        for message, to in took.keys() - self._had:
            source = f"{message[1:].partition('@')[0]}.eml"
            about = [line for line in ended.words.splitlines() if source in line and to in line]
            if not any(line.startswith("sent ") or "in doubt" in line for line in about):
                yield f"{source} was sent to {to}, and it does not say so"

    def _retried(self) -> Iterator[str]:
        """`ccc retry`, when the fault is gone."""
        ended = self._ccc.run(["retry"], self._environ)
        if ended.status not in (0, 69, 75):
            yield f"retry ends with {ended.status}: {ended.words}"
        yield from (f"after retry: {one}" for one in untrue(self._world.took(), phases(self.state)))

    def _repeated(self) -> Iterator[str]:
        """The same command again, when everybody who was deferred is welcome."""
        ended = self._ccc.run(self._sending(self._world.willing), self._environ)
        said = phases(self.state)
        yield from (f"after the same again: {one}" for one in untrue(self._world.took(), said, ended.status))
        for key in self.scene.keys:
            wanted = {"refused"} if key[1] in GONE and self.scene.way != "sendmail" else {"accepted"}
            if said.get(key) not in {*wanted, "in doubt"}:
                yield f"in the end {key} is {said.get(key)}: {ended.status} {ended.words}"
