"""A DNS server on loopback, scripted by a zone: answers over UDP and TCP, fails and keeps silent as told.

    with Dns("example.org. IN MX 10 mx.example.org.", secure=("example.org",)) as dns:
        Resolver(dns.address).mx("example.org")

`moods` makes a name (all types of it, or with "NAME TYPE" one) answer otherwise: an rcode such as "SERVFAIL",
"silence", "cut" (over UDP an answer without its end), "no edns" (FORMERR to a question that has it). `asked`
keeps what was asked.
"""

import socket
import threading
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import NamedTuple, Self

from dnslib import QTYPE, RCODE, RR, DNSRecord

from tests.lab.listener import Listener


class Asked(NamedTuple):
    name: str
    kind: str
    tcp: bool


class Dns(Listener):
    """See the module."""

    def __init__(
        self, zone: str = "", *, secure: Iterable[str] = (), moods: Mapping[str, str] | None = None
    ) -> None:
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        super().__init__()
        try:
            self._udp.bind((self.host, self.port))
        except OSError:  # the port is somebody's for UDP: another one
            self._listening.close()
            super().__init__()
            self._udp.bind((self.host, self.port))
        self.records = RR.fromZone(zone)
        self.names = {_plain(str(record.rname)) for record in self.records}
        self._secure = tuple(map(_plain, secure))
        self.moods = {_question(asked): mood for asked, mood in (moods or {}).items()}
        self.asked: list[Asked] = []
        self._thread = threading.Thread(target=self._datagrams, daemon=True)

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.host, self.port))
        self._thread.join()
        self._udp.close()
        self.close()

    def play(self, sock: socket.socket, number: int) -> None:
        """Answer one question over TCP (RFC 1035, 4.2.2)."""
        stream = sock.makefile("rb")
        with stream:
            length = int.from_bytes(stream.read(2))
            answer = self._answer(stream.read(length), tcp=True)
        sock.sendall(len(answer).to_bytes(2) + answer)

    def _datagrams(self) -> None:
        while True:
            octets, client = self._udp.recvfrom(65535)
            if not octets:
                return
            if answer := self._answer(octets, tcp=False):
                self._udp.sendto(answer, client)

    def _answer(self, octets: bytes, *, tcp: bool) -> bytes:
        question = DNSRecord.parse(octets)
        name, kind = _plain(str(question.q.qname)), QTYPE[question.q.qtype]
        self.asked.append(Asked(name, kind, tcp))
        reply = question.reply()
        mood = self.moods.get((name, kind)) or self.moods.get((name, ""), "")
        if mood == "silence":
            return b""
        if mood in RCODE.reverse or (mood == "no edns" and question.ar):
            reply.header.rcode = RCODE.reverse.get(mood, RCODE.FORMERR)
            return bytes(reply.pack())
        if mood == "cut" and not tcp:
            reply.header.tc = 1
            return bytes(reply.pack())
        self._fill(reply, name, kind)
        return bytes(reply.pack())

    def _fill(self, reply: DNSRecord, name: str, kind: str) -> None:
        """The records at a name, its aliases followed."""
        if name not in self.names:
            reply.header.rcode = RCODE.NXDOMAIN
        reply.header.ra = 1
        reply.header.ad = int(any(f".{name}".endswith(f".{zone}") for zone in self._secure))
        for _ in range(5):
            here = [record for record in self.records if _plain(str(record.rname)) == name]
            alias = next((record for record in here if QTYPE[record.rtype] == "CNAME"), None)
            if alias is None or kind == "CNAME":
                reply.add_answer(*(record for record in here if QTYPE[record.rtype] == kind))
                return
            reply.add_answer(alias)
            name = _plain(str(alias.rdata))


def _question(asked: str) -> tuple[str, str]:
    name, _, kind = asked.partition(" ")
    return _plain(name), kind


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
