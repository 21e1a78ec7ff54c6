"""The server of `ccc demo`, the door to aiosmtpd: loopback only, a Maildir for each recipient."""

import asyncio
from pathlib import Path
from threading import Thread
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


class Mailboxes:
    """Puts every mail into the Maildir of each of its recipients, octet for octet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Deliver, and answer (aiosmtpd calls this)."""
        self._count += 1
        content = envelope.original_content or b""
        try:
            for recipient in envelope.rcpt_tos:
                self._put(self.folder / recipient, content)
        except OSError as error:
            return f"452 4.3.1 {error.strerror}"  # RFC 3463, 3.4: the mail system is full
        return "250 2.0.0 Ok: delivered"

    def _put(self, maildir: Path, content: bytes) -> None:
        for part in ("cur", "new", "tmp"):
            (maildir / part).mkdir(parents=True, exist_ok=True)
        (maildir / "new" / f"{self._count}.eml").write_bytes(content)

    def of(self, recipient: str) -> list[Path]:
        """The mails that somebody has."""
        return sorted((self.folder / recipient / "new").glob("*.eml"))


class Server:
    """A mail server in a thread, for as long as the context lasts; `port` is where it listens."""

    def __init__(self, mailboxes: Mailboxes) -> None:
        self._mailboxes = mailboxes
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        listening = self._loop.create_server(self._session, HOST, 0)
        self._server = self._loop.run_until_complete(listening)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        """Stop listening, and end the sessions that a client left without a QUIT or has just left."""
        self._server.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    def _session(self) -> SMTP:
        return SMTP(self._mailboxes, loop=self._loop, hostname="demo.example", ident="ESMTP ccc demo")
