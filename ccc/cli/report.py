"""What became of the messages of a run: in words, as JSON, and as one exit status."""

from ccc.cli import words
from ccc.cli.signals import Interrupts
from ccc.cli.terminal import Data, complain, say
from ccc.errors import CccError, Interrupted, Kind
from ccc.receipt import EXIT, Outcome, Planned, Receipt, State, status_of, worst


class Report:
    """The receipts of a run as they come, and its exit status."""

    def __init__(
        self, interrupts: Interrupts, *, as_json: bool, quiet: bool, batch: bool, sums_up: bool = False
    ) -> None:
        self.data = Data()
        self._interrupts = interrupts
        self._as_json = as_json
        self._quiet = quiet
        self._batch = batch
        self._sums_up = sums_up  # what a signal has left is counted, and said by `finish`
        self._sent = self._put_off = self._not_begun = 0  # messages
        self.in_doubt = 0  # recipients about whom it said so
        self._statuses = {0}

    @property
    def status(self) -> int:
        """The exit status: the worst that occurred."""
        if self._interrupts.count and EXIT[Kind.TRY_LATER] in self._statuses:
            return worst((*self._statuses, status_of(self._interrupts.as_error())))
        return worst(self._statuses)

    def record(self, receipt: Receipt) -> None:
        """Say what became of one message."""
        self._statuses.update(receipt.statuses())
        self.in_doubt += sum(outcome.state is State.IN_DOUBT for outcome in receipt.outcomes)
        if self._as_json and not self.data.failed:
            self._record_as_json(receipt)
        if self._sums_up and self._counted(receipt):
            return
        if self.data.failed or not (self._quiet or self._as_json):
            for line in words.sent_lines(receipt):
                say(line)
        for line in words.failed_lines(receipt, batch=self._batch):
            complain(line)

    def leave(self, source: str, plan: Planned | None = None) -> None:
        """A message that is not begun, since a signal has come."""
        self.record(Receipt(source, error=self._interrupts.as_error(), plan=plan))

    def finish(self, *, journal: bool) -> None:
        """Say in one line what a signal has left of a batch; whether a `journal` knows what was sent."""
        if not (self._put_off or self._not_begun):
            return
        put_off = f"{self._put_off} deferred, " if self._put_off else ""
        rest = "running it again sends the rest" if journal else "name only the rest when you run it again"
        complain(f"interrupted: {self._sent} sent, {put_off}{self._not_begun} not begun; {rest}")

    def _counted(self, receipt: Receipt) -> bool:
        """Count a message of a batch; whether that is all to be said, since a signal has left it."""
        self._sent += any(each.since is None for each in words.accepted(receipt))
        if not receipt.outcomes:
            not_begun = isinstance(receipt.error, Interrupted)
            self._not_begun += not_begun
            return not_begun
        put_off = receipt.error is None and all(map(_is_cut_short, receipt.outcomes))
        self._put_off += put_off
        return put_off

    def fail(self, error: CccError) -> None:
        """Say what ended the run before its end; what was said of some messages stays true."""
        self._statuses.add(status_of(error))
        complain(str(error))

    def _record_as_json(self, receipt: Receipt) -> None:
        try:
            self.data.json(receipt.as_json())
        except CccError as error:  # said once; the other messages are still to be sent
            self.fail(error)


def _is_cut_short(outcome: Outcome) -> bool:
    """Whether a signal of this run, and no server, has put it off."""
    mine = outcome.reply is None and outcome.since is None
    return mine and outcome.state is State.DEFERRED and outcome.reason.startswith("interrupted")
