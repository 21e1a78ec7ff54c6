"""The other side of a scene: servers, mailboxes or a sendmail program, and the ledger of what they took."""

import socket
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.journal.scenes import BUSY, GONE, WAYS, Scene
from tests.journal.truth import Key, ledger
from tests.lab.postbox import Postbox
from tests.lab.records import Transaction
from tests.lab.sink import Sink

PROGRAM = """\
#!/bin/sh
draft=$(mktemp "$0.XXXXXX")
{ echo "$*"; cat; } > "$draft"
mv "$draft" "$draft.taken"
"""


class World:
    """Where a scene's mail goes: to `busy`, which defers somebody, and later to `willing`."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self._program = folder / "sendmail" if scene.way == "sendmail" else None
        self._mailbox = scene.way == "append"
        self._extensions = WAYS.get(scene.way, ())
        self._stack = ExitStack()
        self.busy = self.willing = ""
        self._sinks: tuple[_Sink | _Mailbox, ...] = ()
        self._kept: list[Transaction] = []

    def __enter__(self) -> Self:
        if self._program is not None:
            self._program.write_text(PROGRAM)
            self._program.chmod(0o755)
            self.busy = self.willing = str(self._program)
        else:
            self._sinks = tuple(self._stack.enter_context(self._server(rcpt)) for rcpt in (BUSY, GONE))
            self.busy, self.willing = (str(sink.port) for sink in self._sinks)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def took(self) -> dict[Key, list[bytes]]:
        """The ledger."""
        assert [sink.faults for sink in self._sinks if sink.faults] == []
        return ledger(
            (*self._kept, *(one for sink in self._sinks for one in sink.transactions), *self._queued())
        )

    def quiet(self) -> None:
        """Until they have heard to the end whoever spoke to them."""
        for sink in self._sinks:
            sink.quiet()

    def keep(self) -> None:
        """What they took until now belongs to every beginning."""
        for sink in self._sinks:
            self._kept += sink.transactions

    def forget(self) -> None:
        """Begin anew."""
        for sink in self._sinks:
            sink.forget()
        for path in self._taken():
            path.unlink()

    def _server(self, rcpt: dict[str, str]) -> "_Sink | _Mailbox":
        return _Mailbox() if self._mailbox else _Sink(self._extensions, rcpt=rcpt)

    def _taken(self) -> list[Path]:
        return sorted(self._program.parent.glob("sendmail.*")) if self._program else []

    def _queued(self) -> list[Transaction]:
        """What the program took; a message that it did not get to the end is none."""
        return [_transaction(path.read_bytes()) for path in self._taken() if path.suffix == ".taken"]


class _Sink(Sink):
    """A server that knows when nobody speaks to it."""

    ended = 0

    def play(self, sock: socket.socket, number: int) -> None:
        try:
            super().play(sock, number)
        finally:
            with self.recorded:
                self.ended += 1
                self.recorded.notify_all()

    def quiet(self) -> None:
        """Until every link has ended: one more that is greeted shows that none waits before it."""
        with socket.create_connection((self.host, self.port)) as link:
            assert link.recv(1) == b"2"
        with self.recorded:
            assert self.recorded.wait_for(lambda: self.ended == self.links, 10)

    def forget(self) -> None:
        """Let go of what was recorded."""
        self.transactions.clear()
        self.sessions.clear()


class _Mailbox(Postbox):
    """A mailbox that knows when nobody speaks to it."""

    def quiet(self) -> None:
        with socket.create_connection((self.host, self.port)) as link:
            assert link.recv(1) == b"*"
        super().quiet()


def _transaction(octets: bytes) -> Transaction:
    command, _, content = octets.partition(b"\n")
    to = tuple(b"<%b>" % each for each in command.partition(b" -- ")[2].split())
    return Transaction(b"<>", to, (), content, len(content), 0)
