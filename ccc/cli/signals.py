"""Signals: Ctrl-C, SIGTERM and SIGHUP, made into something that a wait for a socket can hear.

While ccc plans and asks, a signal ends the run at once. While it sends, a signal is a request: it is
counted and makes `fileno()` readable, and the transport decides what is still safe (before the last
octet it aborts and defers; after it, it waits for the reply; a second signal leaves it in doubt).
"""

import os
import signal
from types import FrameType, TracebackType
from typing import Self

from ccc.cli.terminal import say
from ccc.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """The signals of a run: how many came, and which was the first.

    A context manager for the main thread. A signal that the parent had ignored stays ignored, so that
    `nohup ccc ...` and a background job of a shell script behave as they should.
    """

    def __init__(self) -> None:
        self.count = 0
        self.first: int | None = None
        self._sending = False
        self._noted = False
        self._read, self._write = os.pipe()
        self._before: dict[signal.Signals, object] = {}
        self._wakeup = -1

    def fileno(self) -> int:
        """The descriptor that becomes readable when a signal has come."""
        return self._read

    @property
    def are_counted(self) -> bool:
        """Whether a signal is counted, and no longer ends the run by itself."""
        return self._sending

    def begin_sending(self) -> None:
        """From here on a signal is counted; it no longer ends the run by itself."""
        self._sending = True

    def drain(self) -> None:
        """Take note of one signal; the next one is readable again.

        The first time it says so, if the run goes on nevertheless.
        """
        try:
            os.read(self._read, 1)  # each signal wrote one octet
        except BlockingIOError:
            return
        if self._sending and not self._noted:
            self._noted = True
            say("interrupted: ccc ends as soon as that is safe; once more to stop waiting for an answer")

    def as_error(self) -> Interrupted:
        """The error that says which signal ended the run."""
        number = self.first or signal.SIGINT
        return Interrupted(f"interrupted by {signal.Signals(number).name}", number)

    def __enter__(self) -> Self:
        for end in (self._read, self._write):
            os.set_blocking(end, False)
        for number in SIGNALS:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._arrived)
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]  # what getsignal() gave
        os.close(self._read)
        os.close(self._write)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.first is None:
            self.first = number
        if not self._sending:
            raise self.as_error()
