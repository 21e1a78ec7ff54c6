"""A small, fast, strict SMTP or LMTP server: any set of extensions, any reply, and a record of everything.

    with Sink(("PIPELINING", "CHUNKING"), rcpt={"bob@b.test": "550 5.1.1 no such user"}) as sink:
        ...                                  # talk to ("127.0.0.1", sink.port)
    sink.transactions[0].rcpt_lines, sink.transactions[0].content, sink.faults

It records what it accepted (`transactions`, before the reply goes out), what the client did that RFC 5321
or the offered extensions do not allow (`faults`: a good client leaves it empty), and for each link the
octets as they came and the number of server turns (`sessions`). For benchmarks it runs in a
process of its own, without a record: `Child("tests.lab.sink", *CHUNKING)`.

Replies are scripted by text: `rcpt` by address, `after` by address for LMTP, `verbs` by verb ("MAIL", "DATA",
"." for the end of DATA, "BDAT" for the last chunk, "GREETING", …). A list is used up one by one, its last
item stays. A reply that begins with 421 ends the link after it, "" ends it at once without a reply.
"""

import base64
import binascii
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Mapping

from tests.lab import child, sasl
from tests.lab.listener import Listener
from tests.lab.records import Session, Transaction, address
from tests.lab.wire import LinkEnded, Wire, undotted

Scripted = str | list[str]

PIPELINING = ("PIPELINING",)
CHUNKING = ("PIPELINING", "CHUNKING")
EVERYTHING = (
    *("PIPELINING", "CHUNKING", "SIZE 104857600", "8BITMIME", "SMTPUTF8", "DSN"),
    "ENHANCEDSTATUSCODES",
)

_PATH = re.compile(rb'(MAIL FROM|RCPT TO):<((?:"(?:[^"\\]|\\.)*"|[^">])*)>((?: [^ ]+)*)\r?\n', re.IGNORECASE)
_NEEDS = {
    b"SIZE": "SIZE",
    b"BODY": "8BITMIME",
    b"SMTPUTF8": "SMTPUTF8",
    b"REQUIRETLS": "REQUIRETLS",
    **dict.fromkeys((b"RET", b"ENVID", b"NOTIFY", b"ORCPT"), "DSN"),
}


class Sink(Listener):
    """See the module. `tls` offers STARTTLS (or, with `implicit`, speaks TLS at once)."""

    def __init__(
        self,
        extensions: Iterable[str] = (),
        *,
        lmtp: bool = False,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        mechanisms: Iterable[str] = (),
        login: tuple[str, str] = ("user", "secret"),
        token: str = "token",
        rcpt: Mapping[str, Scripted] | None = None,
        after: Mapping[str, Scripted] | None = None,
        verbs: Mapping[str, Scripted] | None = None,
        max_rcpt: int = 0,
        keep: bool = True,
        settle: float = 0.0,
        path: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(path, host, port)
        self.extensions = tuple(extensions)
        self.lmtp, self.tls, self.implicit = lmtp, tls, implicit
        self.mechanisms, self.login, self.token = tuple(mechanisms), login, token
        self.max_rcpt, self.keep, self.settle = max_rcpt, keep, settle
        self.transactions: list[Transaction] = []
        self.sessions: list[Session] = []
        self.faults: list[str] = []
        self.messages = 0
        self.octets = 0
        self._scripts = {"rcpt": _used_up(rcpt), "after": _used_up(after), "verbs": _used_up(verbs)}
        self.recorded = threading.Condition()

    def play(self, sock: socket.socket, number: int) -> None:
        session = Session(number)
        self.sessions.append(session)
        wire = Wire(sock, keep=self.keep, settle=self.settle)
        dialogue = _Dialogue(self, session, wire)
        try:
            if self.implicit and self.tls:
                wire.starttls(self.tls)
                session.tls = True
            dialogue.run()
        except LinkEnded:
            pass
        finally:
            session.turns, session.wire = wire.turns, bytes(wire.raw)
            wire.sock.close()

    def scripted(self, kind: str, key: str, usual: str) -> str:
        """The next scripted reply, else the usual one."""
        replies = self._scripts[kind].get(key)
        if not replies:
            return usual
        return replies.pop(0) if len(replies) > 1 else replies[0]

    def record(self, transaction: Transaction) -> None:
        """Take responsibility for a message."""
        with self.recorded:
            self.messages += 1
            self.octets += transaction.size
            if self.keep:
                self.transactions.append(transaction)
            self.recorded.notify_all()

    def wait(self, count: int, timeout: float = 10.0) -> None:
        """Until so many messages have been accepted."""
        with self.recorded:
            assert self.recorded.wait_for(lambda: self.messages >= count, timeout)


def _used_up(scripts: Mapping[str, Scripted] | None) -> dict[str, list[str]]:
    return {k: [v] if isinstance(v, str) else list(v) for k, v in (scripts or {}).items()}


class _Dialogue:
    """One link, from the greeting to QUIT."""

    def __init__(self, sink: Sink, session: Session, wire: Wire) -> None:
        self.sink, self.session, self.wire = sink, session, wire
        self.greeted = False
        self.over = False
        self.offered = frozenset(e.split()[0] for e in sink.extensions)
        self.commands: dict[bytes, Callable[[bytes], object]] = {
            b"HELO": self.helo,
            b"EHLO": self.ehlo,
            b"LHLO": self.ehlo,
            b"STAR": self.starttls,
            b"AUTH": self.auth,
            b"MAIL": self.mail,
            b"RCPT": self.rcpt,
            b"DATA": self.data,
            b"BDAT": self.bdat,
            b"RSET": self.rset,
            b"NOOP": lambda line: self.say("NOOP", "250 2.0.0 ok"),
            b"QUIT": self.quit,
        }
        self.forget()

    def forget(self) -> None:
        self.mail_line = b""
        self.rcpts: list[bytes] = []
        self.refused: list[bytes] = []
        self.chunks: list[bytes] = []
        self.size = 0

    def fault(self, what: str) -> None:
        self.sink.faults.append(what)

    def reply(self, text: str) -> None:
        """One reply; the link ends after 421, or at once if there is nothing to say."""
        if not text:
            self.wire.flush()
            raise LinkEnded
        *first, last = text.split("\n")
        for line in first:
            self.wire.say(f"{line[:3]}-{line[4:]}\r\n".encode())
        self.wire.say(f"{last}\r\n".encode())
        self.over = self.over or text.startswith("421")

    def say(self, verb: str, usual: str) -> bool:
        """The scripted reply to a verb, else the usual one; whether it was a good one."""
        text = self.sink.scripted("verbs", verb, usual)
        self.reply(text)
        return text[0] in "23"

    def run(self) -> None:
        self.say("GREETING", "220 sink.test ESMTP")
        while not self.over:
            line = self.wire.line()
            if self.sink.keep:
                self.session.commands.append(line.rstrip(b"\r\n"))
                self.judge(line)
            self.commands.get(line[:4].upper(), self.unknown)(line)
        self.wire.flush()

    def judge(self, line: bytes) -> None:
        """Note what no client may do, whatever is offered."""
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            self.fault(f"line end: {line!r}")  # RFC 5321, 2.3.8
        if len(line) > 512 and not line.upper().startswith((b"MAIL", b"RCPT", b"AUTH")):
            self.fault(f"command of {len(line)} octets")  # RFC 5321, 4.5.3.1.4
        last = line[:4].upper() in (b"DATA", b"EHLO", b"HELO", b"QUIT", b"STAR", b"NOOP", b"AUTH")
        if self.wire.unread and (last or "PIPELINING" not in self.offered) and line[:4] != b"BDAT":
            self.fault(f"did not wait after {line!r}")  # RFC 2920, 3.1

    def unknown(self, line: bytes) -> None:
        self.fault(f"unknown command {line!r}")
        self.reply("500 5.5.2 what?")

    def helo(self, line: bytes) -> None:
        self.forget()
        self.greeted = self.say("HELO", "250 sink.test")
        self.offered = frozenset()

    def ehlo(self, line: bytes) -> None:
        self.forget()
        if self.sink.lmtp != (line[:4].upper() == b"LHLO"):
            return self.reply("500 5.5.1 wrong greeting for this protocol")
        self.offered = frozenset(e.split()[0] for e in self.sink.extensions)
        lines = ["250 sink.test", *(f"250 {e}" for e in self.sink.extensions)]
        if self.sink.tls and not self.session.tls:
            lines.append("250 STARTTLS")
        elif self.sink.mechanisms:
            lines.append("250 AUTH " + " ".join(self.sink.mechanisms))
        self.greeted = self.say("EHLO", "\n".join(lines))
        return None

    def starttls(self, line: bytes) -> None:
        if not self.sink.tls or self.session.tls:
            return self.reply("502 5.5.1 not offered")
        if not self.say("STARTTLS", "220 2.0.0 go"):
            return None
        if self.wire.starttls(self.sink.tls):
            self.fault("sent something in the clear after STARTTLS")  # RFC 3207, 4
        self.session.tls, self.greeted = True, False  # RFC 3207, 4.2
        self.forget()
        return None

    def auth(self, line: bytes) -> None:
        words = line.split()
        mechanism = words[1].decode().upper() if len(words) > 1 else ""
        if mechanism not in self.sink.mechanisms or (self.sink.tls and not self.session.tls):
            self.fault(f"AUTH {mechanism} was not offered")
            return self.reply("504 5.5.4 not offered")
        exchange = sasl.exchange(mechanism, self.sink.login, self.sink.token)
        try:
            self.session.user = self.exchanged(exchange, words[2] if len(words) > 2 else None)
        except (binascii.Error, ValueError, KeyError):
            self.session.user = None
        if self.session.user is None:
            return self.reply(self.sink.scripted("verbs", "AUTH", "535 5.7.8 no"))
        self.say("AUTH", "235 2.7.0 welcome")
        return None

    def exchanged(self, exchange: sasl.Exchange, initial: bytes | None) -> str | None:
        challenge = next(exchange)
        while True:
            if initial is None:
                self.wire.say(b"334 " + base64.b64encode(challenge) + b"\r\n")
                initial = self.wire.line().rstrip(b"\r\n")
                if initial == b"*":
                    return None
            response = b"" if initial == b"=" else base64.b64decode(initial, validate=True)
            try:
                challenge, initial = exchange.send(response), None
            except StopIteration as end:
                return str(end.value) if end.value is not None else None

    def parameters(self, line: bytes) -> tuple[str, dict[bytes, bytes]] | None:
        """The address and the parameters of MAIL or RCPT; None (and a fault) if they do not parse."""
        found = _PATH.fullmatch(line)
        if not found:
            self.fault(f"not a path: {line!r}")
            return None
        parameters = dict((p.upper().partition(b"=")[0::2]) for p in found[3].split())
        for name in parameters:
            if _NEEDS.get(name) not in self.offered:
                self.fault(f"{name!r} was not offered: {line!r}")
        return found[2].decode("utf-8", "surrogateescape"), parameters

    def mail(self, line: bytes) -> None:
        parsed = self.parameters(line)
        if not self.greeted or self.mail_line or parsed is None:
            self.fault(f"out of order: {line!r}")
            return self.reply("503 5.5.1 bad sequence")
        path, parameters = parsed
        self.utf8 = b"SMTPUTF8" in parameters
        self.eight = self.utf8 or parameters.get(b"BODY") in (b"8BITMIME", b"BINARYMIME")
        self.check_path(path, line)
        limit = next((int(e[5:]) for e in self.sink.extensions if e.startswith("SIZE ")), 0)
        if limit and int(parameters.get(b"SIZE", b"0")) > limit:
            return self.reply("552 5.3.4 too big")  # RFC 1870, 6.1
        if self.say("MAIL", "250 2.1.0 ok"):
            self.mail_line = line.rstrip(b"\r\n")
        return None

    def check_path(self, path: str, line: bytes) -> None:
        if not path.isascii() and not self.utf8:
            self.fault(f"needs SMTPUTF8: {line!r}")  # RFC 6531, 3.4

    def rcpt(self, line: bytes) -> None:
        parsed = self.parameters(line)
        if not self.mail_line or parsed is None:
            return self.reply("503 5.5.1 MAIL first")
        self.check_path(parsed[0], line)
        if self.sink.max_rcpt and len(self.rcpts) >= self.sink.max_rcpt:
            self.refused.append(line.rstrip(b"\r\n"))
            return self.reply("452 4.5.3 too many recipients")  # RFC 5321, 4.5.3.1.10
        usual = self.sink.scripted("verbs", "RCPT", "250 2.1.5 ok")
        text = self.sink.scripted("rcpt", parsed[0], usual)
        (self.rcpts if text[:1] == "2" else self.refused).append(line.rstrip(b"\r\n"))
        return self.reply(text)

    def data(self, line: bytes) -> None:
        if not self.rcpts:
            return self.reply("554 5.5.1 no valid recipients" if self.mail_line else "503 5.5.1 MAIL first")
        if not self.say("DATA", "354 go on"):
            return self.forget()
        raw, self.size = self.wire.dotted()
        return self.finish(undotted(raw), ".")

    def bdat(self, line: bytes) -> None:
        words = line.split()  # RFC 3030, 2
        if "CHUNKING" not in self.offered:
            self.fault("BDAT was not offered")
        content = self.wire.exactly(int(words[1]))
        if not self.rcpts:
            return self.reply("503 5.5.1 no valid recipients")
        self.size += int(words[1])
        self.chunks.append(content)
        if len(words) == 3 and words[2].upper() == b"LAST":
            return self.finish(b"".join(self.chunks), "BDAT")
        return self.reply(self.sink.scripted("verbs", "CHUNK", "250 2.0.0 chunk"))

    def finish(self, content: bytes, verb: str) -> None:
        """Judge the content, record it, answer: once, or for each recipient (LMTP)."""
        if self.sink.keep and not content.isascii() and not self.eight:
            self.fault("eight-bit content was not declared")  # RFC 6152, 3
        usual = self.sink.scripted("verbs", verb, "250 2.0.0 queued")
        texts = [self.outcome(line, usual) for line in self.rcpts] if self.sink.lmtp else [usual]
        pairs = zip(self.rcpts, texts * len(self.rcpts), strict=False)
        taken = [line for line, text in pairs if text[:1] == "2"]
        if taken:
            self.sink.record(self.transaction(tuple(taken), content))
        self.forget()
        for text in texts:
            self.reply(text)

    def outcome(self, line: bytes, usual: str) -> str:
        return self.sink.scripted("after", address(line), usual)  # RFC 2033, 4.2

    def transaction(self, taken: tuple[bytes, ...], content: bytes) -> Transaction:
        lines = self.mail_line, taken, tuple(self.refused)
        session = self.session
        return Transaction(*lines, content, self.size, session.number, session.user, session.tls)

    def rset(self, line: bytes) -> None:
        self.forget()
        self.say("RSET", "250 2.0.0 ok")

    def quit(self, line: bytes) -> None:
        self.say("QUIT", "221 2.0.0 bye")
        self.over = True


def main() -> None:
    """`python -m tests.lab.sink [EXTENSION…]`: a sink that counts, alone in a process."""
    with Sink(sys.argv[1:], keep=False) as sink:
        child.ready(sink.port)
    turns = sum(session.turns for session in sink.sessions)
    counts = {"messages": sink.messages, "octets": sink.octets, "turns": turns}
    child.report({**counts, "links": sink.links, "faults": sink.faults})


if __name__ == "__main__":
    main()
