"""A mail server that misbehaves exactly as told: a dialogue is a list of steps.

    script = cut(usual(rcpts=2), "DATA", send(b"354-go\\r\\n"), stall())
    with FaultServer(script) as server:
        ...                                          # talk to server.port
    assert not violations(server.ledger, outcomes, named={"a@a.test", "b@b.test"})

The first link plays the first dialogue, and so on; the last one is played again for every further link. A
message is in the `ledger` before the reply to it goes out, so the ledger is the truth that a client's
words are held against. `server.raw` holds what each client sent, `server.reached` the name of the step each
dialogue ended in ("" if it was played to its end), `server.unexpected` lines that were not as expected.
Waiting steps end as soon as the client has gone or the server is closed.
"""

import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.lab.listener import Listener
from tests.lab.records import address
from tests.lab.wire import LinkEnded, Wire, undotted


@dataclass(frozen=True, slots=True)
class Entry:
    """One message taken for one recipient."""

    forward_path: str
    content: bytes
    link: int


class Ledger:
    """What the server has taken responsibility for."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._lock = threading.Lock()

    def commit(self, entries: Sequence[Entry]) -> None:
        """Take a message for several recipients at once."""
        with self._lock:
            self.entries.extend(entries)

    def count(self, forward_path: str) -> int:
        """How often this recipient has it."""
        return sum(entry.forward_path == forward_path for entry in self.entries)


class Peer:
    """The state of one link while its dialogue is played."""

    def __init__(self, server: "FaultServer", sock: socket.socket, link: int) -> None:
        self.server, self.link = server, link
        self.wire = Wire(sock)
        self.rcpts: list[str] = []
        self.content = b""

    @property
    def sock(self) -> socket.socket:
        """The socket; another one after STARTTLS."""
        return self.wire.sock

    def send(self, data: bytes) -> None:
        """Put octets on the wire, now."""
        self.wire.say(data)
        self.wire.flush()

    def expect(self, pattern: bytes) -> bytes:
        """Read a line that must match."""
        line = self.wire.line()
        if not re.fullmatch(pattern, line.rstrip(b"\r\n"), re.IGNORECASE | re.DOTALL):
            self.server.unexpected.append(line)
            raise LinkEnded
        return line

    def pause(self, seconds: float) -> None:
        """Let time pass, unless the server is closed or the client goes."""
        self.wire.flush()
        poller = select.poll()
        poller.register(self.sock, select.POLLRDHUP)
        if poller.poll(seconds * 1000) or self.server.closing.is_set():
            raise LinkEnded

    def commit(self, *accepted: bool) -> None:
        """Enter the content for the recipients (for those accepted, if that is said of each)."""
        verdicts = accepted if len(accepted) > 1 else accepted * len(self.rcpts)
        taken = [path for path, good in zip(self.rcpts, verdicts, strict=True) if good]
        self.server.ledger.commit([Entry(path, self.content, self.link) for path in taken])


@dataclass(frozen=True, slots=True)
class Step:
    """A named part of a dialogue."""

    name: str
    play: Callable[[Peer], object]


Dialogue = Sequence[Step]


class FaultServer(Listener):
    """See the module. `tls` is needed by the step `starttls` and by `implicit`."""

    def __init__(
        self,
        *dialogues: Dialogue,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(None, host, port)
        self.dialogues, self.tls, self.implicit = dialogues, tls, implicit
        self.ledger = Ledger()
        self.raw: dict[int, bytes] = {}
        self.reached: dict[int, str] = {}
        self.unexpected: list[bytes] = []

    def play(self, sock: socket.socket, number: int) -> None:
        peer = Peer(self, sock, number)
        step = Step("TLS", lambda _: None)
        try:
            if self.implicit and self.tls:
                peer.wire.starttls(self.tls)
            for step in self.dialogues[min(number, len(self.dialogues) - 1)]:
                step.play(peer)
            peer.wire.flush()
            self.reached[number] = ""
        except (LinkEnded, OSError):
            self.reached[number] = step.name
        finally:
            self.raw[number] = bytes(peer.wire.raw)
            peer.sock.close()


# steps of one act


def expect(pattern: bytes, name: str = "expect") -> Step:
    """The client must send a line that matches; else the link ends and the line is `unexpected`."""
    return Step(name, lambda peer: peer.expect(pattern))


def send(data: bytes, name: str = "send") -> Step:
    """These octets, in one write."""
    return Step(name, lambda peer: peer.send(data))


def split(data: bytes, parts: int, gap: float = 0.0, name: str = "split") -> Step:
    """These octets in so many writes, `gap` seconds apart."""
    size = -(-len(data) // parts)
    return Step(name, lambda peer: _pieces(peer, data, size, gap))


def drip(data: bytes, gap: float, name: str = "drip") -> Step:
    """These octets one by one, `gap` seconds apart."""
    return Step(name, lambda peer: _pieces(peer, data, 1, gap))


def flood(data: bytes, limit: int = 1 << 28, name: str = "flood") -> Step:
    """The same octets again and again, until the client goes or `limit` is reached."""
    block = data * max(1, 65536 // len(data))

    def play(peer: Peer) -> None:
        for _ in range(limit // len(block)):
            peer.send(block)

    return Step(name, play)


def stall(seconds: float = 60.0, name: str = "stall") -> Step:
    """Neither read nor write until the client goes."""
    return Step(name, lambda peer: peer.pause(seconds))


def fin(name: str = "fin") -> Step:
    """End our direction in good order; what the client still sends is read and forgotten."""

    def play(peer: Peer) -> None:
        peer.wire.flush()
        peer.sock.shutdown(socket.SHUT_WR)
        _listen(peer)

    return Step(name, play)


def rst(name: str = "rst") -> Step:
    """Reset the link."""

    def play(peer: Peer) -> None:
        peer.wire.flush()
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sock.close()
        raise LinkEnded

    return Step(name, play)


def until_gone(name: str = "until_gone") -> Step:
    """Read whatever comes, say nothing."""
    return Step(name, _listen)


def starttls(before: bytes = b"", after: bytes = b"", reply: bytes = b"220 go") -> Step:
    """STARTTLS with octets injected in the clear `before` the handshake, or said unasked `after` it."""

    def play(peer: Peer) -> None:
        assert peer.server.tls is not None
        peer.expect(rb"STARTTLS")
        peer.send(reply + b"\r\n" + before)
        peer.wire.starttls(peer.server.tls)
        if after:
            peer.send(after)

    return Step("STARTTLS", play)


def commit() -> Step:
    """Enter the content in the ledger for every recipient, without a word."""
    return Step("commit", lambda peer: peer.commit(True))


def part_of_content(octets: int) -> Step:
    """Read so much of the content (or of anything) and go on."""
    return Step("part", lambda peer: peer.wire.exactly(octets))


# steps of a dialogue that goes well, each with its reply; None says nothing


def greeting(reply: bytes | None = b"220 fault.test ESMTP") -> Step:
    """Speak first."""
    return Step("GREETING", lambda peer: _answer(peer, reply))


def ehlo(*extensions: bytes, reply: bytes | None = None) -> Step:
    """EHLO (or LHLO) and what is offered."""
    lines = (b"fault.test", *extensions)
    offered = b"\r\n".join(b"250-" + line for line in lines[:-1])
    whole = (offered + b"\r\n" if offered else b"") + b"250 " + lines[-1]
    return _command("EHLO", rb"[EL]HLO [^ ]+", whole if reply is None else reply)


def auth(reply: bytes | None = b"235 welcome") -> Step:
    """AUTH with an initial response; nothing is checked."""
    return _command("AUTH", rb"AUTH .+", reply)


def mail(reply: bytes | None = b"250 ok") -> Step:
    """MAIL; a new transaction."""

    def play(peer: Peer) -> None:
        peer.expect(rb"MAIL FROM:<.*")
        peer.rcpts = []
        _answer(peer, reply)

    return Step("MAIL", play)


def rcpt(reply: bytes | None = b"250 ok") -> Step:
    """One RCPT; the recipient is accepted if the reply begins with 2."""

    def play(peer: Peer) -> None:
        line = peer.expect(rb"RCPT TO:<.+")
        if (reply or b"")[:1] == b"2":
            peer.rcpts.append(address(line))
        _answer(peer, reply)

    return Step("RCPT", play)


def data(reply: bytes | None = b"354 go on") -> Step:
    """DATA itself."""
    return _command("DATA", rb"DATA", reply)


def content(*replies: bytes | None) -> Step:
    """Content up to the lone dot, then the reply, or one for each accepted recipient (LMTP)."""

    def play(peer: Peer) -> None:
        peer.content = undotted(peer.wire.dotted()[0])
        _settle(peer, replies or (b"250 queued",))

    return Step("CONTENT", play)


def bdat(*replies: bytes | None, chunk: bytes = b"250 chunk") -> Step:
    """Chunks up to the last, then the reply, or one for each accepted recipient (LMTP)."""

    def play(peer: Peer) -> None:
        chunks = []
        while True:
            words = peer.expect(rb"BDAT \d+( LAST)?").split()
            chunks.append(peer.wire.exactly(int(words[1])))
            if len(words) == 3:
                break
            peer.send(chunk + b"\r\n")
        peer.content = b"".join(chunks)
        _settle(peer, replies or (b"250 queued",))

    return Step("BDAT", play)


def quit_(reply: bytes | None = b"221 bye") -> Step:
    """QUIT."""
    return _command("QUIT", rb"QUIT", reply)


def usual(rcpts: int = 1, extensions: Sequence[bytes] = (), *, messages: int = 1) -> list[Step]:
    """A dialogue in which nothing goes wrong; with CHUNKING among the extensions the content is BDAT."""
    last = [bdat()] if b"CHUNKING" in extensions else [data(), content()]
    transaction = [mail(), *[rcpt()] * rcpts, *last]
    return [greeting(), ehlo(*extensions), *transaction * messages, quit_()]


def cut(dialogue: Dialogue, name: str, *steps: Step, nth: int = 0) -> list[Step]:
    """The dialogue up to the nth step of this name, and then other steps."""
    return [*dialogue[: _place(dialogue, name, nth)], *steps]


def swap(dialogue: Dialogue, name: str, *steps: Step, nth: int = 0) -> list[Step]:
    """The dialogue with the nth step of this name replaced."""
    place = _place(dialogue, name, nth)
    return [*dialogue[:place], *steps, *dialogue[place + 1 :]]


def _place(dialogue: Dialogue, name: str, nth: int) -> int:
    return [at for at, step in enumerate(dialogue) if step.name == name][nth]


def _command(name: str, pattern: bytes, reply: bytes | None) -> Step:
    def play(peer: Peer) -> None:
        peer.expect(pattern)
        _answer(peer, reply)

    return Step(name, play)


def _answer(peer: Peer, reply: bytes | None) -> None:
    if reply is not None:
        peer.wire.say(reply + b"\r\n")


def _settle(peer: Peer, replies: Sequence[bytes | None]) -> None:
    peer.commit(*(bool(reply and reply[:1] == b"2") for reply in replies))
    for reply in replies:
        _answer(peer, reply)


def _pieces(peer: Peer, data: bytes, size: int, gap: float) -> None:
    for at in range(0, len(data), size):
        peer.send(data[at : at + size])
        if gap:
            peer.pause(gap)


def _listen(peer: Peer) -> None:
    peer.wire.flush()
    while True:
        peer.wire.line()
