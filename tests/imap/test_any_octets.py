"""Whatever a server says, it is an answer or an error of ours: never a traceback, never a wait."""

import contextlib
import socket
from collections.abc import Callable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import CccError
from ccc.imap import Brief, Manner, Session
from ccc.imap.client import Client
from ccc.imap.wire import Wire
from tests.imap.talking import mail, message

WORDS = (
    *(
        b"* ",
        b"\r\n",
        b" ",
        b"(",
        b")",
        b'"',
        b"[",
        b"]",
        b"{3}\r\nabc",
        b"{0}\r\n",
        b"+ ",
        b"1",
        b"42",
        b"NIL",
    ),
    *(b"* 1 FETCH (", b"UID 42 ", b"BODY[] ", b"BODY[]<0> ", b"RFC822.SIZE 3 ", b"FLAGS (\\Seen) ", b")\r\n"),
    *(
        b"* SEARCH 1 2\r\n",
        b'* LIST () "/" ',
        b"INBOX\r\n",
        b"&",
        b"* 2 EXISTS\r\n",
        b"* OK [UIDNEXT x] ok\r\n",
    ),
    *(
        b"TAG OK done\r\n",
        b"TAG NO [TRYCREATE] no\r\n",
        b"TAG BAD ",
        b"* BYE bye\r\n",
        b"* OK [UIDVALIDITY 5]\r\n",
    ),
    *(b"BODY[HEADER.FIELDS (FROM)]<0> ", b'INTERNALDATE "x" ', b"* OK [PERMANENTFLAGS (\\*)] \r\n"),
)
OCTETS = st.lists(st.one_of(st.sampled_from(WORDS), st.binary(max_size=5)), max_size=25).map(b"".join)
CONTENT = message(mail()).content(message(mail()).header)

ACTS: dict[str, Callable[[Session], object]] = {
    "folders": lambda opened: opened.folders(),
    "examine": lambda opened: opened.examine("INBOX"),
    "search": lambda opened: opened.search("SUBJECT \u00e4 UNSEEN"),
    "briefs": lambda opened: opened.briefs([1, 42]),
    "small": lambda opened: list(opened.fetch([Brief(42, 3), Brief(1, 3)])),
    "big": lambda opened: list(opened.fetch([Brief(42, 3 << 20)])),
    "summaries": lambda opened: opened.summaries([42]),
    "mark": lambda opened: opened.mark("INBOX", [42], "$Forwarded"),
    "append": lambda opened: opened.append("INBOX", CONTENT, flags=["\\Seen"]),
    "noop": lambda opened: opened.noop(),
}


@contextlib.contextmanager
def told(octets: bytes) -> Iterator[Session]:
    """A session whose server has said all it will ever say; TAG is the tag of the next command."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(b"* OK [CAPABILITY IMAP4rev1] hi\r\n")
        client = Client(Wire(ours, 5.0))
        opened = Session(client, "a test", Manner())
        first, then = client.tagpre + b"0", client.tagpre + b"1"
        theirs.sendall(
            b"* OK [UIDVALIDITY 5] ok\r\n" + first + b" OK done\r\n" + octets.replace(b"TAG", then)
        )
        theirs.shutdown(socket.SHUT_WR)
        opened.examine("INBOX")
        yield opened


@given(st.sampled_from(sorted(ACTS)), OCTETS)
def test_any_octets_are_an_answer_or_an_error(act: str, octets: bytes) -> None:
    with told(octets) as opened, contextlib.suppress(CccError):
        ACTS[act](opened)


@given(OCTETS)
def test_any_greeting_is_one_or_an_error(octets: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, contextlib.suppress(CccError):
        ours.setblocking(False)
        theirs.sendall(b"* OK" + octets)
        theirs.shutdown(socket.SHUT_WR)
        Client(Wire(ours, 5.0))
