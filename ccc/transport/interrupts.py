"""What a wait needs to know of signals; cli/signals.py is one."""

from typing import Protocol

from ccc.errors import Interrupted


class Interrupts(Protocol):
    """Signals of the user or the system: readable when one has come."""

    def fileno(self) -> int:
        """The descriptor that becomes readable with a signal."""

    def drain(self) -> None:
        """Take note of the signal."""

    def as_error(self) -> Interrupted:
        """The error that it is."""
