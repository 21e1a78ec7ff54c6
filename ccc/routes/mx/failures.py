"""Why no mail host took a connection: what was tried, told as one error."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ccc.errors import CccError, Kind, RefusedError, TryLaterError
from ccc.receipt import Outcome
from ccc.transport.dial import Silent

_BLOCKED: Final = "every connection timed out, as it is where a network blocks port 25"
_WAY_OUT: Final = "send over an account with a submission server (`ccc account add`, or --smtp URL)"


class Failure(NamedTuple):
    """A host that was tried, and what went wrong."""

    host: str
    error: CccError
    asked: bool = True  # not if its policy alone stood against it

    @property
    def silent(self) -> bool:
        """Nothing came back from the network."""
        return isinstance(self.error, Silent)


class NoHost(TryLaterError):
    """No host took a connection; `silent`: nothing came back from any of them."""

    def __init__(self, what: str, cure: str, *, silent: bool) -> None:
        super().__init__(what, cure)
        self.silent = silent


def no_host(failures: Sequence[Failure]) -> CccError:
    """The error that all these are together: refused for good if every host said so."""
    told = "; ".join(dict.fromkeys(_told(each) for each in failures))
    what = f"no mail host could be used: {told}"
    cure = next((each.error.cure for each in failures if not each.asked), "")
    if failures and all(each.error.kind is Kind.REFUSED for each in failures):
        return RefusedError(what, failures[-1].error.cure)
    silent = bool(failures) and all(each.silent for each in failures)
    return NoHost(what, cure, silent=silent)


def blocked(outcome: Outcome) -> Outcome:
    """What became of a recipient, where no host of any domain was heard of."""
    return replace(outcome, reason=f"{_BLOCKED}: {outcome.reason}", cure=_WAY_OUT)


def _told(failure: Failure) -> str:
    what = failure.error.what
    return what if not failure.host or failure.host in what else f"{failure.host}: {what}"
