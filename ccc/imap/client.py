"""imaplib's client on a wire of ours: commands out, answers in, each within bounds.

imaplib reads responses, literals and tags well, and leaves reading and closing to whoever brings another
connection. What it must not do here: keep the last commands for debugging, go on after a BYE, believe what
was said before TLS. Commands are written here; imapclient reads what is in the answers.
"""

import imaplib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from imapclient import response_parser  # type: ignore[import-untyped]  # it has no types

from ccc.errors import LinkLost
from ccc.imap.opening import PORTS
from ccc.imap.refusals import Refused
from ccc.imap.wire import ORDINARY, Bounds, Wire
from ccc.imap.words import Literal, Words
from ccc.transport.link import Secure

Value: TypeAlias = "int | bytes | tuple[Value, ...] | None"
Record: TypeAlias = "bytes | tuple[bytes, bytes]"  # a line, or a line with the literal after it

NON_SYNCHRONIZING = 4096  # octets of a literal that LITERAL- allows (RFC 7888, 5)
_EXCERPT = 120  # characters of what is no greeting
AT_ONCE = 1 << 20  # octets of a literal that are worth sending before the server has agreed to them


class Client(imaplib.IMAP4):
    """One connection; a session of IMAP begins with it. LinkLost, ProtocolError."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        try:
            super().__init__()
        except LinkLost as error:
            if "BYE" not in self.untagged_responses:
                error.cure = PORTS  # a server that waits for TLS says nothing
            raise
        except (imaplib.IMAP4.error, ValueError) as error:
            self._raise_bye()
            wire.broken(f"this is no IMAP server, by its greeting: {str(error)[:_EXCERPT]}", PORTS)

    def run(self, words: Words, bounds: Bounds = ORDINARY, shown: str | None = None) -> bytes:
        """Say a command and hear its answer to the end; the text of its OK. Refused.

        `words` go out as they are; `shown` stands for them in the transcript.
        """
        self.begin(bounds)
        tag = self.new_tag()
        return self.end(tag, self._say(tag, (words,) if isinstance(words, bytes) else words, shown))

    def begin(self, bounds: Bounds) -> None:
        """Forget what was said unasked; await an answer within these bounds."""
        self.untagged_responses.clear()
        self.wire.expect(bounds)

    def end(self, tag: bytes, name: str) -> bytes:
        """The text of the OK that ends a command. Refused, LinkLost, ProtocolError."""
        while (answer := self.tagged_commands[tag]) is None:
            self._raise_bye()
            self.hear()
        del self.tagged_commands[tag]
        status, text = str(answer[0]), _octets(answer[1][0])
        if status != "OK":
            self._raise_bye()
            raise Refused(name, status, self.wire.masked(text))
        return text

    def hear(self) -> bytes | None:
        """Read one response; None if it asks us to go on, which `continuation_response` is the text of."""
        try:
            response = self._get_response()
        except (imaplib.IMAP4.error, ValueError):
            self.wire.broken("the IMAP server sent something that is no IMAP response")
        return None if response is None else _octets(response)

    def go_ahead(self, tag: bytes, name: str) -> bytes:
        """Wait until the server asks us to go on; what it says with that. Refused."""
        while self.hear() is not None:
            self._raise_bye()
            if self.tagged_commands.get(tag) is not None:
                self.end(tag, name)
                self.wire.broken("the IMAP server was done before it was asked")
        return _octets(self.continuation_response)

    def challenged(self, tag: bytes) -> bytes | None:
        """The server's next challenge; None once it has answered the command."""
        while self.tagged_commands[tag] is None:
            self._raise_bye()
            if self.hear() is None:
                return _octets(self.continuation_response)
        return None

    def new_tag(self) -> bytes:
        """A tag for the next command."""
        return bytes(self._new_tag())

    def announce(self, size: int) -> tuple[bytes, bool]:
        """How a literal of this size is announced, and whether the server must agree first (RFC 7888, 4)."""
        plus = "LITERAL+" in self.capabilities and size <= AT_ONCE
        minus = "LITERAL-" in self.capabilities and size <= NON_SYNCHRONIZING
        return (b"{%d+}\r\n" % size, False) if plus or minus else (b"{%d}\r\n" % size, True)

    def untagged(self, kind: str) -> tuple[Record, ...]:
        """What the server said of this kind since the command."""
        return tuple(self.untagged_responses.pop(kind, ()))

    def responses(self, kind: str) -> Iterator[tuple[Value, ...]]:
        """The same, each response read into its parts."""
        records: list[Record] = []
        for record in self.untagged(kind):
            records.append(record)
            if isinstance(record, bytes):  # the last line of a response has no literal after it
                yield self._read(records)
                records = []

    def refresh(self) -> frozenset[str]:
        """The capabilities as they are now; nothing that was said before counts."""
        self._get_capabilities()
        return self.offered

    @property
    def offered(self) -> frozenset[str]:
        """What the server said it can do, in capitals."""
        return frozenset(self.capabilities)

    @property
    def preauthenticated(self) -> bool:
        """The server says that no login is needed (RFC 3501, 7.1.4)."""
        return self.state == "AUTH"

    def start_tls(self, secure: Secure) -> None:
        """STARTTLS; what the server said in clear is forgotten (RFC 3501, 6.2.1). Refused."""
        self.run(b"STARTTLS")
        self.wire.secure(secure)
        self.untagged_responses.clear()
        self.refresh()

    def log_out(self) -> None:
        """Say goodbye, and wait for nothing: what the server answers changes nothing."""
        self.wire.send(self.new_tag() + b" LOGOUT\r\n")

    def _say(self, tag: bytes, words: Sequence[bytes | Literal], shown: str | None) -> str:
        """Write a command; its name."""
        name = words[0].split()[0].decode("ascii") if isinstance(words[0], bytes) else ""
        out = tag + b" "
        for word in words:
            if isinstance(word, bytes):
                out += word
                continue
            announced, synchronizing = self.announce(len(word.octets))
            out += announced
            if synchronizing:
                self.wire.send(out, shown)
                self.go_ahead(tag, name)
                out = b""
            out += word.octets
        self.wire.send(out + b"\r\n", shown)
        return name

    def _read(self, records: Sequence[Record]) -> tuple[Value, ...]:
        """One response in its parts."""
        try:
            parts: tuple[Value, ...] = response_parser.parse_response(records)
        except (imaplib.IMAP4.error, ValueError, RecursionError):
            self.wire.broken("the IMAP server sent an answer that cannot be read")
        return parts

    def _raise_bye(self) -> None:
        """LinkLost if the server has said goodbye (RFC 3501, 7.1.5)."""
        if bye := self.untagged_responses.get("BYE"):
            text = self.wire.masked(_octets(bye[-1])).decode("utf-8", "replace")
            self.wire.fail(LinkLost(f"the IMAP server ended the session: {text}", "try again later"))

    # What imaplib leaves to others.

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:  # noqa: ARG002
        """The wire is open already."""
        self.host, self.port = host, port

    def read(self, size: int) -> bytes:
        """A literal."""
        return self.wire.literal(size)

    def readline(self) -> bytes:
        """A line."""
        return self.wire.line()

    def shutdown(self) -> None:
        """The end."""
        self.wire.close()

    # What it does that must not be done.

    def _get_capabilities(self) -> None:
        """Take what the server has just said, or ask."""
        if "CAPABILITY" not in self.untagged_responses:
            self.run(b"CAPABILITY")
        said = b" ".join(part for part in self.untagged("CAPABILITY") if isinstance(part, bytes))
        self.capabilities = tuple(said.decode("ascii", "replace").upper().split())

    def _log(self, line: str) -> None:
        """Nothing: it would keep passwords."""

    def _mesg(self, s: str, secs: float | None = None) -> None:
        """Nothing: it would print."""


def _octets(said: object) -> bytes:
    """A line as imaplib keeps it: octets, and nothing else once there is an answer."""
    return said if isinstance(said, bytes) else b""
