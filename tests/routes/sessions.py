"""Sessions with a small IMAP server, as a run has them, and the route into its INBOX."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import NamedTuple

from ccc.delivery import Delivery, Settled, Witness
from ccc.imap import Manner, Session, connect
from ccc.routes.append import Append
from ccc.smtp.login import Held, Password
from ccc.transport.server import Security, Server


class Sessions:
    """Where sessions come from: as in a run, one that is not lost is given again."""

    def __init__(self, port: int, manner: Manner | None = None) -> None:
        self.server = Server("127.0.0.1", port, security=Security.NONE, user="me")
        self.manner = manner or Manner(timeout=5)
        self.opened: list[Session] = []

    def __call__(self) -> Session:
        if not self.opened or self.opened[-1].lost:
            self.opened.append(connect(self.server, Held(Password("me", "secret")), self.manner))
        return self.opened[-1]

    def close(self) -> None:
        for session in self.opened:
            session.close()


class Appending(NamedTuple):
    """The route, with sessions that end when it has delivered."""

    port: int
    patience: float = 5.0
    name: str = "work/INBOX"

    def deliver(
        self, deliveries: Iterable[Delivery], /, witness: Witness | None = None
    ) -> Iterator[tuple[Settled, ...]]:
        with closing(Sessions(self.port, Manner(timeout=self.patience))) as sessions:
            yield from Append(sessions, "INBOX", self.name).deliver(deliveries, witness)
