"""The host's sendmail program (sendmail, Postfix, Exim, msmtp, …): each message is one run of it.

It gets the envelope as arguments and the message with LF line ends on its standard input; `-t`, which would
take recipients from the header, is never used.
"""

import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from select import POLLIN, POLLOUT, poll

from ccc.delivery import Delivery, Dsn, Settled, given_up, settle_all, unanswered
from ccc.errors import CccError, Interrupted, Kind, TryLaterError
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

    def deliver(self, deliveries: Iterable[Delivery], /) -> Iterator[Settled]:
        """Run the program once for each delivery."""
        lookout = _Lookout(self.interrupts)
        for delivery in deliveries:
            try:
                lookout.heed()
                yield self._submit(delivery, lookout)
            except (CccError, OSError) as error:
                yield given_up(delivery, self._explained(error), self.name)

    def _submit(self, delivery: Delivery, lookout: "_Lookout") -> Settled:
        """Give it one message; it queues nothing before the end of its input."""
        from tempfile import TemporaryFile

        with TemporaryFile() as complaints:  # a pipe would fill up while the program reads nothing
            program = subprocess.Popen(
                self._command(delivery),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=complaints,
                process_group=0,  # the terminal's Ctrl-C is for us: we know whether it is too late
            )
            whole = _write(program, delivery, lookout)
            status = _wait(program, lookout)
            complaints.seek(0)
            said = " ".join(complaints.read(COMPLAINT).decode("utf-8", "replace").split())
            return self._judge(delivery, status, said, whole=whole)

    def _command(self, delivery: Delivery) -> list[str]:
        """The command line; "--" keeps an address from being an option."""
        reverse_path = delivery.envelope.reverse_path
        sender = reverse_path.addr_spec if reverse_path else "<>"
        recipients = [mailbox.addr_spec for mailbox in delivery.envelope.forward_paths]
        return [self.path, "-i", *_reports(delivery.dsn), "-f", sender, "--", *recipients]

    def _judge(self, delivery: Delivery, status: int | None, said: str, *, whole: bool) -> Settled:
        """What its exit status says, for all recipients alike; `whole` if it was given the whole message."""
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


def _write(program: "subprocess.Popen[bytes]", delivery: Delivery, lookout: _Lookout) -> bool:
    """Hand over the content, then the end; False if the program stopped reading before that."""
    if program.stdin is None:
        raise TypeError("the program has no standard input")
    with program.stdin as pipe:
        os.set_blocking(pipe.fileno(), False)
        lookout.poll.register(pipe, POLLOUT)
        try:
            for block in delivery.content.blocks(b"\n"):
                octets = memoryview(block)
                while octets:
                    lookout.poll.poll()
                    lookout.heed()
                    octets = octets[os.write(pipe.fileno(), octets) :]
        except BrokenPipeError:  # it says why when it ends
            return False
        except BaseException:
            _kill(program)  # its input must not end as if it were whole
            raise
        finally:
            lookout.poll.unregister(pipe)
    return True


def _wait(program: "subprocess.Popen[bytes]", lookout: _Lookout) -> int | None:
    """The exit status; a first signal changes nothing any more, a second one leaves the program alone."""
    signals = 0
    while True:
        try:
            return program.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            signals += lookout.another()
            if signals > 1:
                return None


def _kill(program: "subprocess.Popen[bytes]") -> None:
    """End the program and whatever it has started, all of which share its standard input."""
    with suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.wait()
