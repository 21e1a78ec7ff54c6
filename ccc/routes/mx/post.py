"""Between the threads: what the couriers tell and ask, and the one thread that hears it.

The journal, the message's octets, the user's eyes and ears belong to the calling thread. A courier that
wants something of them leaves it in the post and waits; what many leave at the same time is done at once, so
that one visit to the disk serves them all.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from select import POLLIN, poll
from typing import Generic, TypeVar

from ccc.errors import Interrupted
from ccc.transport.interrupts import Interrupts

Item = TypeVar("Item")
Result = TypeVar("Result")


class Post(Generic[Item]):
    """Items for the calling thread, in the order in which they came."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._read, self._write = os.pipe()
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        self._lock = threading.Lock()
        self._closed = False

    def put(self, item: Item) -> None:
        """Leave an item; it wakes who waits. After the end nobody hears it."""
        with self._lock:
            if not self._closed:
                self._items.append(item)
                if len(self._items) == 1:
                    os.write(self._write, b".")

    def take(self, seconds: float | None, interrupts: Interrupts | None) -> tuple[tuple[Item, ...], bool]:
        """All items, once there is one or the time is over; and whether a signal has come."""
        waiting = poll()
        waiting.register(self._read, POLLIN)
        if interrupts is not None:
            waiting.register(interrupts.fileno(), POLLIN)
        ready = dict(waiting.poll(None if seconds is None else max(seconds, 0) * 1000))
        with self._lock:
            items = tuple(self._items)
            self._items.clear()
            if items:
                os.read(self._read, 16)
        return items, interrupts is not None and interrupts.fileno() in ready

    def close(self) -> None:
        """Nobody hears any more."""
        with self._lock:
            self._closed = True
            self._items.clear()
            os.close(self._read)
            os.close(self._write)


@dataclass(eq=False)
class Wish(Generic[Result]):
    """Something that the calling thread is asked to do, and what came of it."""

    do: Callable[[], Result]
    _done: threading.Event = field(default_factory=threading.Event)
    _result: list[Result] = field(default_factory=list)
    _error: BaseException | None = None

    def grant(self) -> None:
        """Do it, in the calling thread."""
        try:
            self._result.append(self.do())
        except Exception as error:  # noqa: BLE001  # it is raised where it was wished for
            self._error = error
        self._done.set()

    def refuse(self, error: BaseException) -> None:
        """Do not do it."""
        self._error = error
        self._done.set()

    def wait(self) -> Result:
        """What came of it, in the thread that wished for it."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]


class Bell:
    """The signals of one courier: each is rung on by the calling thread."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self._error = Interrupted("interrupted", 0)

    def ring(self, error: Interrupted) -> None:
        """Pass on a signal."""
        self._error = error
        os.write(self._write, b".")

    def fileno(self) -> int:
        """The descriptor that becomes readable with a signal."""
        return self._read

    def drain(self) -> None:
        """Take note of the signal."""
        os.read(self._read, 1)

    def as_error(self) -> Interrupted:
        """The error that it is."""
        return Interrupted(self._error.what, self._error.signal)

    def close(self) -> None:
        """Nobody waits any more."""
        os.close(self._read)
        os.close(self._write)
