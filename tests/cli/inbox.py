"""A mailbox of a real Dovecot with mails in it, and a configuration that names it."""

import imaplib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.dovecot import Dovecot
from tests.lab.tls import Authority

_NUMBERS = itertools.count(1)


@dataclass
class Inbox:
    """The mailbox of one user; everybody has the same password."""

    server: Dovecot
    user: str
    config: Path

    def put(
        self,
        *subjects: str,
        folder: str = "INBOX",
        flags: str = "",
        author: str = "Ann <ann@b.test>",
        more: str = "",
    ) -> None:
        """Add a mail for each subject; `more` are lines of its header."""
        with self._open() as session:
            for subject in subjects:
                mail = f"From: {author}\r\nTo: me@example.org\r\nSubject: {subject}\r\n{more}\r\nhello\r\n"
                session.append(folder, flags, "", mail.encode())

    def flags(self, folder: str = "INBOX") -> list[str]:
        """The flags of each mail."""
        with self._open() as session:
            session.select(folder, readonly=True)
            return [part.decode() for part in session.fetch("1:*", "(FLAGS)")[1] if part]

    def uidvalidity(self, folder: str = "INBOX") -> int:
        with self._open() as session:
            session.select(folder, readonly=True)
            return int(session.response("UIDVALIDITY")[1][0])

    def _open(self) -> imaplib.IMAP4:
        session = imaplib.IMAP4("127.0.0.1", self.server.imap_port)
        session.login(self.user, self.server.password)
        return session


def inbox(server: Dovecot, authority: Authority, folder: Path, more: Sequence[str] = ()) -> Inbox:
    """The empty mailbox of somebody new, who is the only account of a configuration in this folder."""
    user = f"user{next(_NUMBERS)}"
    config = folder / "config.toml"
    lines = (
        "[account.work]",
        'address = "Me <me@example.org>"',
        f'imap = "imaps://{user}@localhost:{server.imaps_port}"',
        f'password_command = ["echo", "{server.password}"]',
        f'tls_ca_file = "{authority.ca_file}"',
        *more,
    )
    config.write_text("\n".join(lines) + "\n")
    config.chmod(0o600)
    return Inbox(server, user, config)
