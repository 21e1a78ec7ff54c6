"""Sessions for tests: with the server that misbehaves as told, and with Dovecot."""

import contextlib
from collections.abc import Iterator

from ccc.errors import CccError
from ccc.imap import Manner, Session, connect
from ccc.message.message import Message, read
from ccc.message.octets import HeldOctets, Octets, blocks
from ccc.smtp.login import Held, Password
from ccc.transport.server import Server, imap_from_url
from tests.lab.dovecot import Dovecot
from tests.lab.imap_fault import HostileImap
from tests.lab.tls import Authority

USER = "me@example.org"
HASTY = Manner(timeout=0.3)
PATIENT = Manner(timeout=20.0)


def at(server: HostileImap, user: str = USER) -> Server:
    """A server of the lab, without TLS: it is on this host."""
    return imap_from_url(f"imap://127.0.0.1:{server.port}")._replace(user=user)


@contextlib.contextmanager
def session(
    server: HostileImap, manner: Manner = PATIENT, password: str = "secret", folder: str | None = "INBOX"
) -> Iterator[Session]:
    """A session with it, a folder examined."""
    with connect(at(server), Held(Password(USER, password)), manner) as opened:
        if folder is not None:
            opened.examine(folder)
        yield opened


def dovecot_session(dovecot: Dovecot, authority: Authority, user: str, **manner: object) -> Session:
    """A session with Dovecot over TLS."""
    server = imap_from_url(f"imaps://{user}@localhost:{dovecot.imaps_port}")
    secure = Manner(ca_file=str(authority.ca_file))._replace(**manner)  # type: ignore[arg-type]
    return connect(server, Held(Password(user, dovecot.password)), secure)


def fetched(opened: Session, *uids: int) -> list[bytes | str]:
    """The octets of these messages, or the name of what is wrong with them."""
    found = opened.fetch(opened.briefs(uids))
    return [type(each).__name__ if isinstance(each, CccError) else whole(each) for _, each in found]


def whole(octets: Octets) -> bytes:
    """All of them at once."""
    return b"".join(blocks(octets))


def mail(subject: str = "x", body: bytes = b"hello\r\n") -> bytes:
    """A small message."""
    fields = f"From: Boss <boss@b.test>\r\nTo: me@example.org\r\nSubject: {subject}\r\n"
    return fields.encode() + b"Message-ID: <1@b.test>\r\n\r\n" + body


def message(octets: bytes) -> Message:
    """The same, read."""
    return read(HeldOctets(octets), "a test")
