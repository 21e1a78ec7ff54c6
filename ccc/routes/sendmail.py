"""The host's sendmail program (sendmail, Postfix, Exim, msmtp, …): each message is one run of it.

It gets the envelope as arguments and the message with LF line ends on its standard input; `-t`, which would
take recipients from the header, is never used. Its input is a file and no pipe: a pipe ends when ccc is
killed, and the program would take what had come until then for the whole message.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from select import POLLIN, poll
from typing import BinaryIO

from ccc.delivery import Delivery, Dsn, Settled, Stage, Witness, given_up, settle_all, unanswered
from ccc.errors import CccError, Interrupted, Kind, StateError, TryLaterError
from ccc.receipt import Outcome, State
from ccc.transport.interrupts import Interrupts

COMPLAINT = 4096  # octets of what it says on its standard error
PATIENCE = 0.2  # seconds between two looks for signals while it works
SENDMAIL = ("/usr/sbin/sendmail", "/usr/lib/sendmail")

# sysexits.h, as sendmail programs use it; any other status means that it could not be queued now.
_KINDS = {
    64: Kind.REFUSED,  # EX_USAGE: it does not take this address
    65: Kind.MESSAGE,
    67: Kind.REFUSED,  # EX_NOUSER
    68: Kind.DOMAIN,
    69: Kind.REFUSED,
    77: Kind.PERMISSION,
    78: Kind.CONFIGURATION,
}


@dataclass(frozen=True, slots=True)
class Sendmail:
    """The sendmail program at `path`, run as `sendmail -i -f FROM -- RCPT…`, never with -t.

    Reports are asked for with -N, -R and -V, as sendmail and Postfix take them.
    """

    path: str
    interrupts: Interrupts | None = None

    @property
    def name(self) -> str:
        """The program for eyes."""
        return f"sendmail {self.path}"

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        """Run the program once for each delivery."""
        lookout, record = _Lookout(self.interrupts), _Record(witness)
        for delivery in deliveries:
            try:
                lookout.heed()
                settled = self._submit(delivery, lookout, record)
            except (CccError, OSError) as error:
                settled = given_up(delivery, self._explained(error), self.name)
            yield (settled,)

    def _submit(self, delivery: Delivery, lookout: "_Lookout", record: "_Record") -> Settled:
        """Give it one message, which it has whole or not at all."""
        with _file() as message, _file() as complaints:
            size = _write(message, delivery, lookout)
            record.put(delivery, Stage.COMMITTING)  # from its start on it may have all
            program = subprocess.Popen(
                self._command(delivery),
                stdin=message,
                stdout=subprocess.DEVNULL,
                stderr=complaints,  # a pipe would fill up while the program reads nothing
                process_group=0,  # the terminal's Ctrl-C is for us: we know whether it is too late
            )
            status = _wait(program, lookout, lambda: _place(message) == size)
            complaints.seek(0)
            said = " ".join(complaints.read(COMPLAINT).decode("utf-8", "replace").split())
            return self._judge(delivery, status, said, whole=_place(message) == size)

    def _command(self, delivery: Delivery) -> list[str]:
        """The command line; "--" keeps an address from being an option."""
        reverse_path = delivery.envelope.reverse_path
        sender = reverse_path.addr_spec if reverse_path else "<>"
        recipients = [mailbox.addr_spec for mailbox in delivery.envelope.forward_paths]
        return [self.path, "-i", *_reports(delivery.dsn), "-f", sender, "--", *recipients]

    def _judge(self, delivery: Delivery, status: int | None, said: str, *, whole: bool) -> Settled:
        """What its exit status says, for all recipients alike; `whole` if it has read the whole message."""
        if status is None:
            return self._unclear(delivery, "did not end before the second signal", said, committed=whole)
        if status < 0:
            return self._unclear(delivery, f"was killed by signal {-status}", said, committed=whole)
        if status > 0:
            return self._failed(delivery, status, said)
        if not whole:
            how = "reported success without having read the whole message"
            return self._unclear(delivery, how, said, committed=True)
        return settle_all(delivery, lambda each: Outcome(each, State.ACCEPTED, None, "queued", hop=self.name))

    def _failed(self, delivery: Delivery, status: int, said: str) -> Settled:
        """It says that it did not take the message, and in its status why."""
        kind = _KINDS.get(status, Kind.TRY_LATER)
        final = kind in (Kind.MESSAGE, Kind.REFUSED, Kind.DOMAIN)
        reason = f"{self.name} ended with status {status} {said}".rstrip()
        state = State.REFUSED if final else State.DEFERRED
        return settle_all(delivery, lambda each: Outcome(each, state, None, reason, kind, self.name))

    def _unclear(self, delivery: Delivery, how: str, said: str, *, committed: bool) -> Settled:
        """It ended in a way that says nothing; `committed` if it may have queued the message."""
        error = TryLaterError(f"{self.name} {how} {said}".rstrip())
        return settle_all(delivery, lambda each: unanswered(each, error, committed=committed, hop=self.name))

    def _explained(self, error: CccError | OSError) -> CccError:
        """Why the program could not take the message."""
        if isinstance(error, CccError):
            return error
        return TryLaterError(
            f"{self.name} cannot be run: {error.strerror}", "name another one: --via sendmail:PATH"
        )


def _reports(dsn: Dsn | None) -> Iterator[str]:
    """The delivery reports asked for, as options (RFC 3461, 4)."""
    if dsn is not None:
        options = {"-N": ",".join(dsn.notify).lower(), "-R": dsn.ret.lower(), "-V": dsn.envid}
        for option, value in options.items():
            if value:
                yield from (option, value)


class _Lookout:
    """Looks out for signals; once one has come, no further message is begun."""

    def __init__(self, interrupts: Interrupts | None) -> None:
        self.poll = poll()
        self._interrupts = interrupts
        self._first: Interrupted | None = None
        if interrupts is not None:
            self.poll.register(interrupts.fileno(), POLLIN)

    def another(self) -> bool:
        """Whether a signal has come since this was asked last."""
        if self._interrupts is None or (self._interrupts.fileno(), POLLIN) not in self.poll.poll(0):
            return False
        self._interrupts.drain()
        self._first = self._first or self._interrupts.as_error()
        return True

    def heed(self) -> None:
        """Raise Interrupted if a signal has come, now or earlier."""
        self.another()
        if self._first is not None:
            raise self._first


class _Record:
    """Has it on disk what is about to happen; once that has failed, nothing more is begun."""

    def __init__(self, witness: Witness | None) -> None:
        self._witness = witness
        self._failed: StateError | None = None

    def put(self, delivery: Delivery, stage: Stage) -> None:
        """Raise StateError if it cannot be recorded that the delivery comes to this stage now."""
        if self._failed is not None:
            raise self._failed
        if self._witness is not None:
            self._witness.note(delivery, delivery.envelope.forward_paths, stage)
            try:
                self._witness.secure()
            except StateError as error:
                self._failed = error
                raise


def _file() -> BinaryIO:
    """A file that nobody else can see."""
    from tempfile import TemporaryFile

    try:
        return TemporaryFile()
    except OSError as error:
        raise _no_room(error) from error


def _no_room(error: OSError) -> StateError:
    return StateError(
        f"the message for sendmail cannot be written to a file: {error.strerror}",
        "make room, or set TMPDIR to a folder that has some",
    )


def _write(message: BinaryIO, delivery: Delivery, lookout: _Lookout) -> int:
    """Write the content to the file that will be the program's input; how many octets it has."""
    try:
        for block in delivery.content.blocks(b"\n"):
            lookout.heed()
            message.write(block)
        size = message.tell()
        message.seek(0)
    except OSError as error:
        raise _no_room(error) from error
    return size


def _place(message: BinaryIO) -> int:
    """How far the program has read, which moves in the file that it shares with us."""
    return os.lseek(message.fileno(), 0, os.SEEK_CUR)


def _wait(program: "subprocess.Popen[bytes]", lookout: _Lookout, whole: Callable[[], bool]) -> int | None:
    """The exit status. A signal ends a program that has not read all; of two, the second lets it alone."""
    signals = 0
    while True:
        try:
            return program.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            signals += lookout.another()
            if signals and not whole():
                _kill(program)
                if not whole():
                    lookout.heed()
            elif signals > 1:
                return None


def _kill(program: "subprocess.Popen[bytes]") -> None:
    """End the program and whatever it has started, all of which share its standard input."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
