"""Signals without a process that gets them: a pipe that a test writes to."""

import os
from typing import Self

from ccc.errors import Interrupted

SIGINT = 2


class Signals:
    """What a link needs to know of signals; `come()` is one."""

    def __init__(self, *, come: bool = False) -> None:
        self._read, self._write = os.pipe()
        if come:
            self.come()

    def come(self) -> None:
        os.write(self._write, b".")

    def fileno(self) -> int:
        return self._read

    def drain(self) -> None:
        os.read(self._read, 1)

    def as_error(self) -> Interrupted:
        return Interrupted("interrupted by SIGINT", SIGINT)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._read)
        os.close(self._write)
