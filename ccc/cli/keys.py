"""The keyboard, key by key: /dev/tty without its lines, and given back as it was whatever happens."""

import os
from codecs import getincrementaldecoder
from types import TracebackType
from typing import Self

from ccc.cli.terminal import TTY
from ccc.errors import Declined

ENTER, ESCAPE, BACKSPACE, CLEAR = "enter", "escape", "backspace", "clear"
UP, DOWN, PAGE_UP, PAGE_DOWN, HOME, END = "up", "down", "page up", "page down", "home", "end"
_PAUSE = 50  # milliseconds within which the rest of a key's escape sequence comes

_SINGLE = {
    b"\r": ENTER,
    b"\n": ENTER,
    b"\x7f": BACKSPACE,
    b"\x08": BACKSPACE,
    b"\x15": CLEAR,
    b"\x04": ESCAPE,
}
_SEQUENCES = {  # ECMA-48, 5.4, as xterm and its many relatives send them
    b"[A": UP,
    b"OA": UP,
    b"[B": DOWN,
    b"OB": DOWN,
    b"[5~": PAGE_UP,
    b"[6~": PAGE_DOWN,
    b"[H": HOME,
    b"OH": HOME,
    b"[1~": HOME,
    b"[F": END,
    b"OF": END,
    b"[4~": END,
}
_LONGEST = 16  # octets of a sequence


class Keyboard:
    """The terminal's keys; a context manager.

    Ctrl-C stays a signal. Ctrl-Z and Ctrl-Backslash do nothing: whoever stops or kills us so would find the
    terminal as it is here.
    """

    def __init__(self, path: str = TTY) -> None:
        self._path = path
        self._tty = -1
        self._before: list[int | list[bytes | int]] = []
        self._decoder = getincrementaldecoder("utf-8")("replace")

    def __enter__(self) -> Self:
        import termios

        try:
            self._tty = os.open(self._path, os.O_RDWR | os.O_NOCTTY)
            self._before = termios.tcgetattr(self._tty)
            nothing = bytes([os.fpathconf(self._tty, "PC_VDISABLE") & 0xFF])
            termios.tcsetattr(self._tty, termios.TCSADRAIN, _single_keys(self._before, nothing))
        except (OSError, termios.error):
            self._close()
            raise _nobody() from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        import termios
        from contextlib import suppress

        with suppress(OSError, termios.error):  # the terminal is gone
            termios.tcsetattr(self._tty, termios.TCSADRAIN, self._before)
        self._close()

    def key(self) -> str:
        """The next key: its name, or the character; "" for one that has no meaning here."""
        octet = self._octet()
        if octet == b"\x1b":
            return self._sequence()
        if octet in _SINGLE:
            return _SINGLE[octet]
        char = self._decoder.decode(octet)
        while not char:
            char = self._decoder.decode(self._octet())
        return char if char.isprintable() else ""

    def _sequence(self) -> str:
        """The key whose octets begin with ESC; ESC itself if nothing follows."""
        octets = b""
        while self._more() and len(octets) < _LONGEST:
            octets += self._octet()
            if len(octets) > 1 and b"@" <= octets[-1:] <= b"~":  # ECMA-48, 5.4: a final octet
                break
        return _SEQUENCES.get(octets, "") if octets else ESCAPE

    def _more(self) -> bool:
        from select import POLLIN, poll

        waiting = poll()
        waiting.register(self._tty, POLLIN)
        return bool(waiting.poll(_PAUSE))

    def _octet(self) -> bytes:
        try:
            octet = os.read(self._tty, 1)
        except OSError:
            octet = b""
        if not octet:
            raise _nobody()
        return octet

    def _close(self) -> None:
        if self._tty >= 0:
            os.close(self._tty)
            self._tty = -1


def _single_keys(before: list[int | list[bytes | int]], nothing: bytes) -> list[int | list[bytes | int]]:
    """The terminal's settings with each key given at once and not shown; `nothing` is no key at all."""
    import termios

    now = list(before)
    modes, characters = now[3], now[6]
    if isinstance(modes, int) and isinstance(characters, list):  # termios(3): as they always are
        now[3] = modes & ~(termios.ICANON | termios.ECHO)
        changed = list(characters)
        changed[termios.VMIN], changed[termios.VTIME] = 1, 0
        for number in (termios.VSUSP, termios.VQUIT):
            changed[number] = nothing
        now[6] = changed
    return now


def _nobody() -> Declined:
    return Declined("nothing was picked")
