"""What became of the messages of a run: in words, as JSON, and as one exit status."""

from ccc.cli import words
from ccc.cli.signals import Interrupts
from ccc.cli.terminal import Data, complain, say
from ccc.errors import CccError, Kind
from ccc.receipt import EXIT, Receipt, State, status_of, worst


class Report:
    """The receipts of a run as they come, and its exit status."""

    def __init__(self, interrupts: Interrupts, *, as_json: bool, quiet: bool, batch: bool) -> None:
        self.data = Data()
        self._interrupts = interrupts
        self._as_json = as_json
        self._quiet = quiet
        self._batch = batch
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
        if self.data.failed or not (self._quiet or self._as_json):
            for line in words.sent_lines(receipt):
                say(line)
        for line in words.failed_lines(receipt, batch=self._batch):
            complain(line)

    def fail(self, error: CccError) -> None:
        """Say what ended the run before its end; what was said of some messages stays true."""
        self._statuses.add(status_of(error))
        complain(str(error))

    def _record_as_json(self, receipt: Receipt) -> None:
        try:
            self.data.json(receipt.as_json())
        except CccError as error:  # said once; the other messages are still to be sent
            self.fail(error)
