"""A small IMAP server with folders, for what puts messages into them and marks what lies there.

    with Postbox(append=["NO [OVERQUOTA] full"], folders=("INBOX", "Sent")) as postbox:
        ...                                       # talk to ("127.0.0.1", postbox.port)
    postbox.folders["INBOX"], postbox.commands, postbox.links

It has a message before it says so, and only when the line end after its literal has come. `append` scripts
the answers to APPEND one by one: a NO or BAD; "early NO …" before the literal has been sent; "" takes nothing
and ends the link; "taken" takes it and ends the link without a word; "gone" takes it, says so, and ends the
link. After the last one all are taken.
"""

import re
import shlex
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from tests.lab.listener import Listener
from tests.lab.records import Transaction
from tests.lab.wire import LinkEnded, Wire

CAPABILITIES = ("IMAP4rev1", "LITERAL+", "UIDPLUS", "SPECIAL-USE")
OWNER = "bob@b.test"  # who owns the mailbox, in a ledger

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n\Z")
_APPEND = re.compile(rb'"?([^"]+?)"? (?:\(([^)]*)\) )?(?:"([^"]*)" )?\Z')
_RANGE = re.compile(r"(\d+)(?::(\d+))?")


@dataclass
class Lying:
    """A message of a folder."""

    uid: int
    flags: tuple[str, ...]
    date: str  # INTERNALDATE as it was said, or ""
    octets: bytes


class Postbox(Listener):
    """See the module."""

    def __init__(
        self,
        capabilities: Iterable[str] = CAPABILITIES,
        *,
        folders: Iterable[str] = ("INBOX",),
        append: Iterable[str] = (),
        keywords: bool = True,
        uidvalidity: int = 7,
    ) -> None:
        super().__init__()
        self.capabilities = tuple(capabilities)
        self.folders: dict[str, list[Lying]] = {name: [] for name in folders}
        self.append = list(append)
        self.keywords, self.uidvalidity = keywords, uidvalidity
        self.transactions: list[Transaction] = []
        self.commands: list[str] = []  # without tags and literals
        self.faults: list[str] = []  # what a good client does not say
        self.lock = threading.Lock()
        self._ended = 0
        self._quiet = threading.Condition()

    def play(self, sock: socket.socket, number: int) -> None:
        wire = Wire(sock)
        dialogue = _Dialogue(self, wire, number)
        try:
            dialogue.run()
        except LinkEnded:
            pass
        finally:
            wire.sock.close()
            with self._quiet:
                self._ended += 1
                self._quiet.notify_all()

    def quiet(self) -> None:
        """Until every link has ended."""
        with self._quiet:
            assert self._quiet.wait_for(lambda: self._ended == self.links, 10)

    def forget(self) -> None:
        """Let go of what was recorded, and of all that lies there."""
        self.transactions.clear()
        for lying in self.folders.values():
            lying.clear()

    def end_all(self) -> None:
        """Say goodbye to everybody who is connected."""
        with self._lock:
            for sock in self._open:
                sock.sendall(b"* BYE you were silent for too long\r\n")
                sock.shutdown(socket.SHUT_WR)

    def take(self, folder: str, flags: bytes, date: bytes, octets: bytes, link: int) -> int:
        """Put a message into a folder; its UID."""
        with self.lock:
            lying = self.folders[folder]
            uid = lying[-1].uid + 1 if lying else 1
            lying.append(Lying(uid, tuple(flags.decode().split()), date.decode(), octets))
            line = b"RCPT TO:<%s>" % OWNER.encode()
            self.transactions.append(Transaction(b"", (line,), (), octets, len(octets), link))
        return uid

    def said(self, verb: str) -> list[str]:
        """The commands that begin so."""
        return [each for each in self.commands if each.startswith(verb)]


class _Dialogue:
    """One link."""

    def __init__(self, box: Postbox, wire: Wire, link: int) -> None:
        self.box, self.wire, self.link = box, wire, link
        self.selected = ""
        self.ending = False

    def run(self) -> None:
        offered = " ".join(self.box.capabilities).encode()
        self.say(b"* OK [CAPABILITY %s] ready" % offered)
        while True:
            tag, verb, rest, literal = self.command()
            if literal is not None or verb != "APPEND":
                answer = getattr(self, f"do_{verb.lower()}", self.unknown)(rest, literal)
                self.say(b"%s %s" % (tag, answer))
            if verb == "LOGOUT" or self.ending:
                self.wire.flush()
                return

    def say(self, line: bytes) -> None:
        self.wire.say(line + b"\r\n")

    def command(self) -> tuple[bytes, str, bytes, bytes | None]:
        """Tag, verb, the rest without its literal, and that."""
        line, literal = self.wire.line(), None
        tag, _, line = line.partition(b" ")
        verb, _, rest = line.partition(b" ")
        while found := _LITERAL.search(rest):
            early = bool(self.box.append) and self.box.append[0].startswith("early ")
            if verb == b"APPEND" and early and not found[2]:
                self.note(verb + b" " + rest)
                self.say(b"%s %s" % (tag, self.box.append.pop(0).removeprefix("early ").encode()))
                return tag, "APPEND", rest, None
            if not found[2]:
                self.say(b"+ go on")
            literal = self.wire.exactly(int(found[1]))
            rest = rest[: found.start()] + self.wire.line()
        rest = rest.removesuffix(b"\r\n")
        self.note((verb.strip() + b" " + rest).strip())
        return tag, verb.strip().decode(), rest, literal

    def note(self, command: bytes) -> None:
        self.box.commands.append(command.decode("utf-8", "replace"))

    def unknown(self, rest: bytes, literal: bytes | None) -> bytes:
        self.box.faults.append(f"said what is no command: {self.box.commands[-1]}")
        return b"BAD what is that"

    def do_capability(self, rest: bytes, literal: bytes | None) -> bytes:
        self.say(b"* CAPABILITY " + " ".join(self.box.capabilities).encode())
        return b"OK done"

    def do_login(self, rest: bytes, literal: bytes | None) -> bytes:
        return b"OK welcome"

    def do_authenticate(self, rest: bytes, literal: bytes | None) -> bytes:
        if b" " not in rest:
            self.say(b"+ ")
            self.wire.line()
        return b"OK welcome"

    def do_noop(self, rest: bytes, literal: bytes | None) -> bytes:
        return b"OK done"

    def do_namespace(self, rest: bytes, literal: bytes | None) -> bytes:
        self.say(b'* NAMESPACE (("" "/")) NIL NIL')
        return b"OK done"

    def do_logout(self, rest: bytes, literal: bytes | None) -> bytes:
        self.say(b"* BYE goodbye")
        return b"OK done"

    def do_list(self, rest: bytes, literal: bytes | None) -> bytes:
        for name in self.box.folders:
            use = b"\\Sent" if name == "Sent" else b""
            self.say(b'* LIST (%s) "/" "%s"' % (use, name.encode()))
        return b"OK done"

    def do_append(self, rest: bytes, literal: bytes | None) -> bytes:
        found = _APPEND.fullmatch(rest)
        if found is None:
            return self.unknown(rest, literal)
        answer = self.box.append.pop(0) if self.box.append else "OK"
        if not answer:
            raise LinkEnded
        folder = found[1].decode()
        if folder not in self.box.folders:
            return b"NO [TRYCREATE] there is no such folder"
        if answer not in ("OK", "taken", "gone"):
            return answer.encode()
        uid = self.box.take(folder, found[2] or b"", found[3] or b"", literal or b"", self.link)
        if answer == "taken":
            raise LinkEnded
        self.ending = answer == "gone"
        if "UIDPLUS" not in self.box.capabilities:
            return b"OK done"
        return b"OK [APPENDUID %d %d] done" % (self.box.uidvalidity, uid)

    def do_select(self, rest: bytes, literal: bytes | None, right: bytes = b"READ-WRITE") -> bytes:
        name = rest.decode().strip('"')
        if name not in self.box.folders:
            return b"NO [NONEXISTENT] there is no such folder"
        self.selected = name
        lying = self.box.folders[name]
        self.say(b"* %d EXISTS" % len(lying))
        self.say(b"* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft)")
        permanent = b" \\*" if self.box.keywords else b""
        self.say(b"* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft%s)] kept" % permanent)
        self.say(b"* OK [UIDVALIDITY %d] valid" % self.box.uidvalidity)
        self.say(b"* OK [UIDNEXT %d] next" % (lying[-1].uid + 1 if lying else 1))
        return b"OK [%s] done" % right

    def do_examine(self, rest: bytes, literal: bytes | None) -> bytes:
        return self.do_select(rest, literal, b"READ-ONLY")

    def do_uid(self, rest: bytes, literal: bytes | None) -> bytes:
        verb, _, rest = rest.partition(b" ")
        if verb == b"SEARCH":
            found = [each.uid for each in self.box.folders[self.selected] if _matches(each, rest.decode())]
            self.say(b"* SEARCH" + b"".join(b" %d" % uid for uid in found))
            return b"OK done"
        if verb == b"STORE":
            return self.store(rest.decode())
        return self.unknown(rest, literal)

    def store(self, rest: str) -> bytes:
        which, what, flags = rest.split(" ", 2)
        wanted = set(_uids(which))
        if not what.startswith("+FLAGS"):
            return self.unknown(b"", None)
        for each in self.box.folders[self.selected]:
            if each.uid in wanted:
                each.flags = tuple(dict.fromkeys((*each.flags, *flags.strip("()").split())))
        return b"OK done"


def _uids(text: str) -> Iterable[int]:
    for first, last in _RANGE.findall(text):
        yield from range(int(first), int(last or first) + 1)


def _matches(lying: Lying, criteria: str) -> bool:
    """The search keys that this server knows."""
    words = iter(shlex.split(criteria))
    true = True
    for word in words:
        match word.upper():
            case "UNDELETED":
                true &= "\\Deleted" not in lying.flags
            case "LARGER":
                true &= len(lying.octets) > int(next(words))
            case "SMALLER":
                true &= len(lying.octets) < int(next(words))
            case "HEADER":
                field = re.escape(next(words)) + r":[^\n]*" + re.escape(next(words))
                true &= bool(re.search(field.encode(), lying.octets, re.IGNORECASE))
            case _:
                raise AssertionError(f"the search key {word} is not known here")
    return true
