"""A mailbox of the user's own: each message is put into a folder of it by IMAP APPEND (RFC 9051, 6.3.12).

No submission server sees it, so nobody refuses or rewrites it, and every signature holds. It lies there as it
lay before: with its flags and its date. A link that is lost after the last octet leaves it in doubt, as in
SMTP; but here ccc can look whether it has arrived.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ccc.delivery import Delivery, Settled, Stage, Witness, given_up, settle_all, unanswered
from ccc.errors import CccError, ConfigurationError, Interrupted, Kind, LinkError, StateError, TryLaterError
from ccc.message.message import Filed
from ccc.receipt import Outcome, State
from ccc.routes.box import Box, Connect

GIVEN_UP = 100  # deliveries that are given up in one go


class Append(NamedTuple):
    """The route into one folder; whoever gives the sessions closes them."""

    connect: Connect
    folder: str
    name: str  # for eyes

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        """Append them one by one; once the server is out of reach the others wait for another run."""
        rest, run = iter(deliveries), _Run(self, witness)
        for delivery in rest:
            yield (run.settled(delivery),)
            if run.over is not None:
                break
        while run.over is not None and (some := tuple(islice(rest, GIVEN_UP))):
            yield tuple(given_up(each, run.over, self.name) for each in some)


class _Run:
    """What is appended in one run; `over` is why nothing more can be."""

    def __init__(self, route: Append, witness: Witness | None) -> None:
        self.over: CccError | None = None
        self._route = route
        self._box = Box(route.connect, route.folder)
        self._witness = witness

    def settled(self, delivery: Delivery) -> Settled:
        """Append a message, and say what became of it."""
        step = _Step(delivery, self._witness)
        try:
            self._box.open()
            if delivery.second and (uid := self._find(delivery)) is not None:
                return self._accepted(delivery, "it arrived before, and lies in", uid)
            step.note(Stage.SENDING)
            filed = delivery.filed or Filed()
            uid = self._box.put(delivery.content, filed, lambda: step.note(Stage.COMMITTING))
        except CccError as error:
            return self._failed(delivery, error, committed=step.committed)
        return self._accepted(delivery, "appended to", uid)

    def _accepted(self, delivery: Delivery, how: str, uid: int | None) -> Settled:
        number = f" (UID {uid})" if uid is not None else ""
        reason, hop = f"{how} {self._route.folder}{number}", self._route.name
        return settle_all(delivery, lambda each: Outcome(each, State.ACCEPTED, reason=reason, hop=hop))

    def _failed(self, delivery: Delivery, error: CccError, *, committed: bool) -> Settled:
        """What an error means for this message, and for those that come after it."""
        said, hop = self._explained(error), self._route.name
        unheard = isinstance(error, LinkError | Interrupted)  # else the server has answered
        if unheard or isinstance(error, StateError) or self._box.closed:
            self.over = said
        if committed and isinstance(error, LinkError):
            uid = self._look_for(delivery)
            if uid is not None:
                return self._accepted(delivery, f"{error.what}; it arrived all the same, and lies in", uid)
        in_doubt = committed and unheard
        return settle_all(delivery, lambda each: unanswered(each, said, committed=in_doubt, hop=hop))

    def _look_for(self, delivery: Delivery) -> int | None:
        """The UID of a message whose answer was lost; if that can be asked, the run goes on.

        That it is not there says nothing: the server may not have come to its end yet. So it is not
        appended again.
        """
        try:
            uid = self._find(delivery)
        except CccError as error:
            self.over = self._explained(error)
            return None
        self.over = None
        return uid

    def _find(self, delivery: Delivery) -> int | None:
        """The UID of a message that lies there already; None as well where the server cannot tell."""
        try:
            return self._box.find(delivery.content)
        except (LinkError, Interrupted):
            raise
        except CccError:
            if self._box.closed:
                raise
            return None

    def _explained(self, error: CccError) -> CccError:
        """The error as that of a delivery; without a session nothing is refused for good."""
        match error.kind:
            case Kind.PROTOCOL:
                return TryLaterError(error.what, error.cure)
            case Kind.SOURCE | Kind.REFUSED if self._box.closed:
                return TryLaterError(error.what, error.cure)
            case Kind.SOURCE:  # the folder is not there
                cure = "create it in a mail client, or name one of the folders that `ccc account test` lists"
                return ConfigurationError(error.what, cure)
            case _:
                return error


class _Step:
    """How far a delivery has come, which is on the disk before the next octet goes out."""

    def __init__(self, delivery: Delivery, witness: Witness | None) -> None:
        self.committed = False
        self._delivery = delivery
        self._witness = witness

    def note(self, stage: Stage) -> None:
        """It comes to this stage now; StateError if that cannot be recorded."""
        if self._witness is not None:
            self._witness.note(self._delivery, self._delivery.envelope.forward_paths, stage)
            self._witness.secure()
        self.committed = stage is Stage.COMMITTING
