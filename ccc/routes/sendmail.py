"""The host's sendmail program (sendmail, Postfix, Exim, msmtp, …): each message is one run of it.

It gets the envelope as arguments and the message with LF line ends on its standard input; `-t`, which would
take recipients from the header, is never used.
"""

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from select import POLLIN, poll

from ccc.delivery import Delivery, Settled, given_up, settle_all, unanswered
from ccc.errors import CccError, Kind, TryLaterError
from ccc.receipt import Outcome, State
from ccc.transport.interrupts import Interrupts

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
    """The sendmail program at `path`, run as `sendmail -i -f FROM -- RCPT…`, never with -t."""

    path: str
    interrupts: Interrupts | None = None

    @property
    def name(self) -> str:
        """The program for eyes."""
        return f"sendmail {self.path}"

    def deliver(self, deliveries: Iterable[Delivery], /) -> Iterator[Settled]:
        """Run the program once for each delivery."""
        for delivery in deliveries:
            try:
                yield self._submit(delivery)
            except (CccError, OSError) as error:
                yield given_up(delivery, self._explained(error), self.name)

    def _submit(self, delivery: Delivery) -> Settled:
        """Give it one message; it queues nothing before the end of its input."""
        self._heed_signals()
        program = subprocess.Popen(
            self._command(delivery),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # the terminal's Ctrl-C is for us: we know whether it is too late
        )
        with program:
            try:
                self._write(program, delivery)
            except BaseException:
                program.kill()  # its input must not end as if it were whole
                raise
            _, complaint = program.communicate()
        return self._judge(delivery, program.returncode, complaint)

    def _command(self, delivery: Delivery) -> list[str]:
        """The command line; "--" keeps an address from being an option."""
        reverse_path = delivery.envelope.reverse_path
        sender = reverse_path.addr_spec if reverse_path else "<>"
        recipients = [mailbox.addr_spec for mailbox in delivery.envelope.forward_paths]
        return [self.path, "-i", "-f", sender, "--", *recipients]

    def _write(self, program: "subprocess.Popen[bytes]", delivery: Delivery) -> None:
        """The content; a program that stops reading says why when it ends."""
        if program.stdin is None:
            raise TypeError("sendmail has no standard input")
        try:
            for block in delivery.content.blocks(b"\n"):
                self._heed_signals()
                program.stdin.write(block)
            program.stdin.flush()
        except BrokenPipeError:
            return

    def _heed_signals(self) -> None:
        """Raise Interrupted if a signal has come; it is not drained, so that what follows heeds it too."""
        if self.interrupts is not None:
            waiting = poll()
            waiting.register(self.interrupts.fileno(), POLLIN)
            if waiting.poll(0):
                raise self.interrupts.as_error()

    def _judge(self, delivery: Delivery, status: int, complaint: bytes) -> Settled:
        """What its exit status says, for all recipients alike."""
        said = " ".join(complaint.decode("utf-8", "replace").split())
        if status == 0:
            return settle_all(
                delivery, lambda each: Outcome(each, State.ACCEPTED, reason="queued", hop=self.name)
            )
        if status < 0:
            error: CccError = TryLaterError(f"{self.name} was killed by signal {-status} {said}".rstrip())
            return settle_all(delivery, lambda each: unanswered(each, error, committed=True, hop=self.name))
        kind = _KINDS.get(status, Kind.TRY_LATER)
        final = kind in (Kind.MESSAGE, Kind.REFUSED, Kind.DOMAIN)
        reason = f"{self.name} ended with status {status} {said}".rstrip()
        state = State.REFUSED if final else State.DEFERRED
        return settle_all(delivery, lambda each: Outcome(each, state, None, reason, kind, self.name))

    def _explained(self, error: CccError | OSError) -> CccError:
        """Why the program could not take the message."""
        if isinstance(error, CccError):
            return error
        return TryLaterError(
            f"{self.name} cannot be run: {error.strerror}", "name another one: --via sendmail:PATH"
        )
