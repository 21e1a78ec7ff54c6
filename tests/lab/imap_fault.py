"""An IMAP server that is honest except where it is told what to say.

    with HostileImap({rb"UID FETCH .*": b"* 1 FETCH (UID 43 BODY[] NIL)\\r\\nTAG OK done\\r\\n"}) as server:
        ...                                          # talk to server.port
    assert server.commands[-1] == b"UID FETCH 42 (UID BODY.PEEK[])"

A key is a pattern for a whole command; its value is octets in which TAG stands for the command's tag, or a
list of such octets and steps of tests/lab/fault.py (`stall`, `drip`, `flood`, `fin` …). What no key fits is
answered as it should be: one folder, INBOX, holds `mails` by their UIDs. `secrets` are what a login said.
"""

import base64
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from tests.lab.fault import Peer, Step
from tests.lab.listener import Listener
from tests.lab.wire import LinkEnded

Answer: TypeAlias = bytes | Sequence[bytes | Step]

OFFERED = b"IMAP4rev1 AUTH=PLAIN SASL-IR"
UIDVALIDITY = 1636544
OPENED = b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] ok\r\n* OK [UIDNEXT 99] ok\r\nTAG OK done\r\n"
_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n\Z")
_PART = re.compile(rb"BODY\.PEEK\[\]<(\d+)\.(\d+)>")


class ImapPeer(Peer):
    """One link, and the tag of the command that is answered."""

    tag = b""

    def play(self, answer: Answer) -> None:
        """Say what is to be said, do what is to be done."""
        for part in (answer,) if isinstance(answer, bytes) else answer:
            if isinstance(part, Step):
                part.play(self)
            else:
                self.send(part.replace(b"TAG", self.tag))

    def command(self) -> bytes:
        """The next command with its literals, without its tag and line end."""
        line = self.wire.line()
        while literal := _LITERAL.search(line):
            if not literal[2]:
                self.send(b"+ go on\r\n")
            line += self.wire.exactly(int(literal[1])) + self.wire.line()
        self.tag, _, command = line.removesuffix(b"\r\n").partition(b" ")
        return command


class HostileImap(Listener):
    """See the module."""

    def __init__(
        self,
        answers: Mapping[bytes, Answer] | None = None,
        *,
        mails: Mapping[int, bytes] | None = None,
        greeting: Answer = b"* OK ready\r\n",
        offered: bytes = OFFERED,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
    ) -> None:
        super().__init__()
        self.answers, self.mails, self.greeting, self.offered = answers or {}, mails or {}, greeting, offered
        self.tls, self.implicit = tls, implicit
        self.commands: list[bytes] = []
        self.secrets: list[bytes] = []
        self.unexpected: list[bytes] = []

    def play(self, sock: socket.socket, number: int) -> None:
        peer = ImapPeer(self, sock, number)  # type: ignore[arg-type]  # it looks at `tls` and `closing`
        try:
            if self.implicit and self.tls:
                peer.wire.starttls(self.tls)
            peer.play(self.greeting)
            while True:
                command = peer.command()
                self.commands.append(command)
                peer.play(self._answer(peer, command))
        except (LinkEnded, OSError):
            return
        finally:
            peer.sock.close()

    def _answer(self, peer: ImapPeer, command: bytes) -> Answer:
        for pattern, answer in self.answers.items():
            if re.fullmatch(pattern, command, re.DOTALL | re.IGNORECASE):
                return answer
        return self._honest(peer, command)

    def _honest(self, peer: ImapPeer, command: bytes) -> Answer:
        words = command.upper().split(b" ")
        name = b" ".join(words[: 2 if words[0] == b"UID" else 1])
        if name in (b"EXAMINE", b"SELECT"):
            return OPENED % (len(self.mails), UIDVALIDITY)
        if name == b"STARTTLS" and self.tls:
            return [b"TAG OK go\r\n", Step("TLS", lambda each: each.wire.starttls(self.tls))]
        if name == b"UID FETCH":
            return self._fetch(command)
        if name in (b"AUTHENTICATE", b"LOGIN"):
            self._log_in(peer, command)
        untagged = {
            b"CAPABILITY": b"* CAPABILITY %b\r\n" % self.offered,
            b"LIST": b'* LIST () "/" INBOX\r\n',
            b"UID SEARCH": b"* SEARCH%b\r\n" % b"".join(b" %d" % uid for uid in sorted(self.mails)),
            b"LOGOUT": b"* BYE bye\r\n",
        }
        return untagged.get(name, b"") + b"TAG OK done\r\n"

    def _log_in(self, peer: ImapPeer, command: bytes) -> None:
        words = command.split(b" ")
        if words[0].upper() == b"LOGIN":
            self.secrets.append(command)
            return
        if len(words) == 2:
            peer.send(b"+ \r\n")
            words.append(peer.wire.line())
        self.secrets.append(base64.b64decode(words[2]))

    def _fetch(self, command: bytes) -> bytes:
        chosen = [uid for uid in self.mails if _holds(command.split(b" ")[2], uid)]
        return (
            b"".join(self._fetched(place, uid, command) for place, uid in enumerate(chosen, 1))
            + b"TAG OK done\r\n"
        )

    def _fetched(self, place: int, uid: int, command: bytes) -> bytes:
        octets = self.mails[uid]
        if b"BODY" not in command:
            return brief(uid, len(octets), place)
        part = _PART.search(command)
        if part is None:
            return body(uid, octets, place)
        first, count = int(part[1]), int(part[2])
        return body(uid, octets[first : first + count], place, b"<%d>" % first)


def brief(uid: int, size: int, place: int = 1) -> bytes:
    """A FETCH response that says what a message is like."""
    return (
        b'* %d FETCH (UID %d FLAGS (\\Seen) INTERNALDATE "21-Nov-2026 09:00:00 +0100" RFC822.SIZE %d)\r\n'
        % (place, uid, size)
    )


def body(uid: int, octets: bytes, place: int = 1, origin: bytes = b"") -> bytes:
    """A FETCH response with the octets of a message."""
    return b"* %d FETCH (UID %d BODY[]%b {%d}\r\n%b)\r\n" % (place, uid, origin, len(octets), octets)


def _holds(uids: bytes, uid: int) -> bool:
    """Whether a set of UIDs holds this one."""
    for each in uids.split(b","):
        first, _, last = each.partition(b":")
        if int(first) <= uid <= int(last or first):
            return True
    return False
