"""The terminal and the three streams: what is data, what is words, who can be asked.

stdout carries data, stderr carries words. There is a terminal when stderr is one and /dev/tty opens;
questions are read from /dev/tty, so that `cat m.eml | ccc resend -` can ask.
"""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ccc.errors import AddressError, Declined, NotPermitted, NotRecordedError, StateError
from ccc.visible import visible

if TYPE_CHECKING:
    from ccc.address import Mailbox
    from ccc.transport.interrupts import Interrupts

TTY = "/dev/tty"


def has_terminal() -> bool:
    """Whether somebody sits there: stderr is a terminal, and one can be read from."""
    if sys.stderr is None or not sys.stderr.isatty():
        return False
    try:
        os.close(os.open(TTY, os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def say(words: str) -> None:
    """Print one line of words on stderr, made harmless; a closed stderr is no reason to stop."""
    _print(visible(words))


def say_lines(words: str) -> None:
    """Print several lines of words on stderr."""
    for line in words.splitlines():
        say(line)


def complain(words: str) -> None:
    """Say what went wrong, as every Unix program does: with the program's name in front."""
    say(f"ccc: {words}")


def ask(question: str) -> None:
    """Ask a yes-or-no question at the terminal until it is answered; Declined unless it is yes."""
    if not agreed(question):
        raise Declined("nothing was sent")


def agreed(question: str) -> bool:
    """The answer to a yes-or-no question at the terminal; Declined if there is none."""
    while True:
        _print(f"{visible(question)} [y/n] ", end="")
        match _answer().strip().lower():
            case "y" | "yes":
                return True
            case "n" | "no":
                return False
            case _:
                say("please answer y or n")


def asked(question: str) -> str:
    """A line that is typed at the terminal; Declined if there is none."""
    _print(visible(question), end="")
    return _answer()


def ask_line(question: str, usual: str = "") -> str:
    """What the user types at the terminal, or what is usual if that is nothing; Declined at its end."""
    _print(visible(question) + (f" [{visible(usual)}]: " if usual else ": "), end="")
    return _answer().strip() or usual


def ask_people(question: str) -> "tuple[Mailbox, ...]":
    """The people whom the user names at the terminal; Declined if nobody is."""
    from ccc.address import parse_recipients

    while True:
        _print(visible(question), end="")
        if not (line := _answer().strip()):
            raise Declined("nobody was named, nothing was sent")
        try:
            return parse_recipients(line)
        except AddressError as error:
            say(f"{error.what}; write it as name@example.org, or as Name <name@example.org>")


def ask_secret(prompt: str, interrupts: "Interrupts | None" = None) -> str:
    """A secret that is typed at the terminal and not shown; Declined if there is none.

    `interrupts` end the wait where a signal does not end the run by itself.
    """
    import termios

    try:
        tty = os.open(TTY, os.O_RDWR | os.O_NOCTTY)
    except OSError:  # whoever could have answered is gone
        raise _no_secret() from None
    try:
        before = termios.tcgetattr(tty)
        unseen = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
        termios.tcsetattr(tty, termios.TCSAFLUSH, unseen)
        try:
            os.write(tty, visible(prompt).encode("utf-8", "backslashreplace"))
            typed = _typed(tty, interrupts)
        finally:
            termios.tcsetattr(tty, termios.TCSAFLUSH, before)
            os.write(tty, b"\n")
    except (OSError, termios.error):
        raise _no_secret() from None
    finally:
        os.close(tty)
    return _secret(typed)


def _typed(tty: int, interrupts: "Interrupts | None") -> bytes:
    """One line, or what there is of it when the input ends."""
    from select import POLLIN, poll

    waiting, line = poll(), b""
    waiting.register(tty, POLLIN)
    if interrupts is not None:
        waiting.register(interrupts.fileno(), POLLIN)
    while not line.endswith(b"\n"):
        ready = dict(waiting.poll())
        if interrupts is not None and interrupts.fileno() in ready:
            interrupts.drain()
            raise interrupts.as_error()
        if not (more := os.read(tty, 4096)):
            break
        line += more
    return line


def _secret(typed: bytes) -> str:
    try:
        secret = typed.removesuffix(b"\n").decode()  # RFC 4616, 2
    except UnicodeDecodeError:
        raise NotPermitted("the terminal gave a password that is not UTF-8", "store it as UTF-8") from None
    if not secret:
        raise _no_secret()
    return secret


def _no_secret() -> Declined:
    return Declined("no password was given, nothing was sent")


def _answer() -> str:
    try:
        with open(TTY, encoding="utf-8", errors="replace") as tty:
            line = tty.readline()
    except OSError:  # whoever could have answered is gone
        line = ""
    if not line:
        _print("")
        raise Declined("nothing was sent")
    return line


def _print(line: str, end: str = "\n") -> None:
    if sys.stderr is None:  # print() would take stdout instead
        return
    try:
        # A line that begins with a digit would be a status to an MTA that runs ccc in a pipe.
        sys.stderr.write(" " * line[:1].isdigit() + line + end)
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # stderr is closed or full: there is nobody to tell


class Data:
    """stdout, for data: lines of JSON, text that was asked for, octets of a message.

    When the reader goes away (`ccc ... | head -1`) the rest is dropped without a word. Any other
    failure is an error: a StateError before `begin_sending`, a NotRecordedError from then on, since
    nobody can know what was sent already.
    """

    def __init__(self) -> None:
        self.failed = False
        self._sending = False
        self._gone = False

    def begin_sending(self) -> None:
        """From here on what cannot be written is a record that is lost."""
        self._sending = True

    def json(self, record: Mapping[str, object]) -> None:
        """Print one object on a line of its own; ASCII, so that nothing in it reaches a terminal."""
        import json

        self.octets(json.dumps(record).encode("ascii") + b"\n")

    def text(self, line: str) -> None:
        """Print one line of text, made harmless."""
        self.octets(visible(line).encode("utf-8", "backslashreplace") + b"\n")

    def octets(self, octets: bytes) -> None:
        """Print octets as they are."""
        if self._gone:
            return
        if sys.stdout is None:
            raise self._failed("it is closed")
        try:
            _write_all(octets)
        except BrokenPipeError:
            self._gone = True
        except OSError as error:
            self._gone = self.failed = True
            raise self._failed(error.strerror or str(error)) from error

    def _failed(self, why: str) -> StateError | NotRecordedError:
        if self._sending:
            return NotRecordedError(
                f"standard output cannot be written: {why}",
                "what became of the messages follows here; do not send again what was sent",
            )
        return StateError(f"standard output cannot be written: {why}", "nothing was sent")


def _write_all(octets: bytes) -> None:
    rest = memoryview(octets)
    while rest:
        rest = rest[os.write(1, rest) :]
