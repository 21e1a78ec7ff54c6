"""A program that is asked for a secret: run without a shell, within a deadline, and ended by a signal to us.

Logins come when the run has begun to send. A signal ends nothing by itself then: whatever waits must hear it.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ccc.errors import Interrupted

if TYPE_CHECKING:
    from subprocess import Popen

    from ccc.transport.interrupts import Interrupts

STEP = 0.05  # seconds between two looks whether it has ended while something else keeps its output open
MOST = 1 << 16  # octets that are read, far more than any password or token has
_SIGINT = 2  # POSIX.1, kill(1)


class Ended(NamedTuple):
    """How it ended: its status (negative for a signal), None if it was ended by us; and what it printed.

    It was ended if it took too long, or printed more than MOST octets: then there are more of them.
    """

    status: int | None
    printed: bytes


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    seconds: float,
    *,
    interrupts: "Interrupts | None" = None,
    question: bytes = b"",
    alone: bool = False,
) -> Ended:
    """Run it to its end; OSError or ValueError if it cannot be run, Interrupted if a signal came first.

    Its standard input is the `question`, never ours, which may be the message; its standard error is ours.
    `alone`: it has no terminal, and says nothing.
    """
    from subprocess import DEVNULL, PIPE, Popen

    child = Popen(
        command,
        stdin=PIPE if question else DEVNULL,
        stdout=PIPE,
        stderr=DEVNULL if alone else None,
        env=environ,
        bufsize=0,
        start_new_session=alone,
    )
    try:
        _ask(child, question)
        printed = _printed(child, seconds, interrupts)
    finally:
        child.kill()  # nothing, if it has ended
        child.wait()
        _close(child)
    if printed is None or len(printed) > MOST:
        return Ended(None, printed or b"")
    if child.returncode:
        _heard(interrupts, child.returncode)
    return Ended(child.returncode, printed)


def _ask(child: "Popen[bytes]", question: bytes) -> None:
    """Write the question, which is less than a pipe takes at once."""
    from contextlib import suppress

    if child.stdin is not None:
        with suppress(BrokenPipeError):  # how it ended will say more
            child.stdin.write(question)
        child.stdin.close()


def _printed(child: "Popen[bytes]", seconds: float, interrupts: "Interrupts | None") -> bytes | None:
    """What it prints until it ends, or until that is too much; None if it takes too long.

    What it leaves running in the background may hold its output open for ever, and is not waited for.
    """
    import time
    from select import POLLIN, poll

    deadline, octets, waiting, pipe = time.monotonic() + seconds, b"", poll(), _pipe(child)
    waiting.register(pipe, POLLIN)
    if interrupts is not None:
        waiting.register(interrupts.fileno(), POLLIN)
    while True:
        over, left = child.poll() is not None, max(0.0, deadline - time.monotonic())
        ready = dict(waiting.poll(0 if over else min(left, STEP) * 1000))
        if pipe in ready:
            more = os.read(pipe, 4096)
            octets += more
            if len(octets) > MOST:
                return octets
            if not more:
                return octets if _ended(child, deadline - time.monotonic()) else None
        elif ready:
            _heard(interrupts)
        elif over:
            return octets
        elif not left:
            return None


def _ended(child: "Popen[bytes]", seconds: float) -> bool:
    """Whether it ends within this time."""
    from subprocess import TimeoutExpired

    try:
        child.wait(max(0.0, seconds))
    except TimeoutExpired:
        return False
    return True


def _heard(interrupts: "Interrupts | None", status: int = 0) -> None:
    """Raise Interrupted if a signal has come, to us or, as Ctrl-C does, to it as well."""
    from select import POLLIN, poll

    if interrupts is not None:
        come = poll()
        come.register(interrupts.fileno(), POLLIN)
        if come.poll(0):
            interrupts.drain()
            raise interrupts.as_error()
    if status == -_SIGINT:
        raise Interrupted("interrupted by SIGINT", _SIGINT)


def _pipe(child: "Popen[bytes]") -> int:
    if child.stdout is None:
        raise TypeError("its output is a pipe")
    return child.stdout.fileno()


def _close(child: "Popen[bytes]") -> None:
    if child.stdout is not None:
        child.stdout.close()
