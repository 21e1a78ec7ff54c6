"""A DNS server that lies in form: whatever it says, there is an exit status that is true, and a sentence."""

import json
import struct
from collections.abc import Callable
from itertools import pairwise

import pytest
from dnslib import CNAME, MX, QTYPE, RR, TXT, A, DNSLabel, DNSRecord

from ccc.cli.main import run
from tests.lab.dns import Dns

Lie = Callable[[DNSRecord, bool], bytes]
OTHER = {"MX": MX("mx.b.test.", 10), "A": A("192.0.2.1")}


class Liar(Dns):
    """Answers as a function has it."""

    def __init__(self, lie: Lie) -> None:
        super().__init__()
        self._lie = lie

    def _answer(self, octets: bytes, *, tcp: bool) -> bytes:
        return self._lie(DNSRecord.parse(octets), tcp)


def truth(question: DNSRecord, *records: RR) -> DNSRecord:
    """An honest answer: these records, else what the zone would have."""
    reply = question.reply()
    kind = QTYPE[question.q.qtype]
    honest = [RR(question.q.qname, question.q.qtype, rdata=OTHER[kind])] if kind in OTHER else []
    reply.add_answer(*(records or honest))
    return reply


def wrong_id(question: DNSRecord, tcp: bool) -> bytes:
    reply = truth(question)
    reply.header.id ^= 1
    return bytes(reply.pack())


def another_question(question: DNSRecord, tcp: bool) -> bytes:
    reply = truth(question)
    reply.q.qname = DNSLabel("other.test.")
    return bytes(reply.pack())


def cut_short(question: DNSRecord, tcp: bool) -> bytes:
    return bytes(truth(question).pack())[:-7]


def only_a_header(question: DNSRecord, tcp: bool) -> bytes:
    return bytes(truth(question).pack())[:12]


def truncated_over_tcp_too(question: DNSRecord, tcp: bool) -> bytes:
    reply = truth(question)
    reply.header.tc = 1
    octets = bytes(reply.pack())
    return octets[: len(octets) // 2] if tcp else octets


def endless_aliases(question: DNSRecord, tcp: bool) -> bytes:
    names = [question.q.qname, *(DNSLabel(f"a{number}.b.test.") for number in range(60))]
    chain = [RR(name, QTYPE.CNAME, rdata=CNAME(to)) for name, to in pairwise(names)]
    return bytes(truth(question, *chain).pack())


def alias_of_itself(question: DNSRecord, tcp: bool) -> bytes:
    name = question.q.qname
    return bytes(truth(question, RR(name, QTYPE.CNAME, rdata=CNAME(name))).pack())


def huge_texts(question: DNSRecord, tcp: bool) -> bytes:
    texts = [RR(question.q.qname, QTYPE.TXT, rdata=TXT([b"x" * 255] * 16)) for _ in range(15)]
    reply = truth(question, *texts)
    if not tcp:
        reply.rr, reply.header.tc = [], 1
        reply.set_header_qa()
    return bytes(reply.pack())


def nul_in_names(question: DNSRecord, tcp: bool) -> bytes:
    evil = MX(DNSLabel([b"mx\0evil", b"b\r\n", b"test"]), 10)
    return bytes(truth(question, RR(question.q.qname, QTYPE.MX, rdata=evil)).pack())


def a_label_of_64_octets(question: DNSRecord, tcp: bool) -> bytes:
    return _with_mx(question, bytes([64]) + b"x" * 64 + b"\0")


def a_name_that_points_at_itself(question: DNSRecord, tcp: bool) -> bytes:
    place = len(bytes(question.reply().pack())) + 2 + 10 + 2  # of the name in the answer
    return _with_mx(question, struct.pack("!H", 0xC000 | place))


def _with_mx(question: DNSRecord, name: bytes) -> bytes:
    reply = question.reply()
    reply.header.a = 1
    data = struct.pack("!H", 10) + name
    head = bytearray(reply.pack())
    head[6:8] = struct.pack("!H", 1)  # an answer: RFC 1035, 4.1.1
    return bytes(head) + b"\xc0\x0c" + struct.pack("!HHIH", QTYPE.MX, 1, 60, len(data)) + data


def no_dns_at_all(question: DNSRecord, tcp: bool) -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n\0\0\0"


def honest(question: DNSRecord, tcp: bool) -> bytes:
    if question.q.qtype == QTYPE.MX:
        return _with_mx(question, b"\2mx\1b\4test\0")
    return bytes(truth(question).pack())


@pytest.fixture
def asked(capfd, tmp_path):
    """Run `ccc route` with such a server: its exit status, and why it sends nothing."""

    def ask(lie: Lie, seconds: float) -> tuple[int, str]:
        config = tmp_path / "config.toml"
        with Liar(lie) as dns:
            config.write_text(f'dns_resolver = "{dns.address}"\n')
            given = ("--config", str(config), "--timeout", str(seconds), "--json")
            status = run(["route", "ann@b.test", *given])
        error = json.loads(capfd.readouterr().out)["error"]
        return status, error["what"] if error else ""

    return ask


def test_an_honest_answer_of_the_same_server_is_believed(asked) -> None:
    assert asked(honest, 5) == (0, "")


@pytest.mark.parametrize(
    "lie",
    [
        *(wrong_id, cut_short, a_label_of_64_octets),
        *(
            pytest.param(lie, marks=pytest.mark.sweep)
            for lie in (another_question, only_a_header, no_dns_at_all, a_name_that_points_at_itself)
        ),
    ],
)
def test_what_is_no_answer_to_the_question_is_none(lie: Lie, asked) -> None:
    assert asked(lie, 0.06) == (75, "cannot look up the MX records of b.test: no answer within 0.06 seconds")


@pytest.mark.parametrize(
    ("lie", "status", "why"),
    [
        (truncated_over_tcp_too, 75, "cannot look up the MX records of b.test"),
        (endless_aliases, 75, "cannot look up the MX records of b.test"),
        (alias_of_itself, 75, "cannot look up the MX records of b.test"),
        (huge_texts, 68, "b.test takes no mail: it has neither MX records nor an address"),
        (nul_in_names, 69, "none of the mail hosts of b.test may be used"),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_sentence(lie: Lie, status: int, why: str, asked) -> None:
    got, what = asked(lie, 5)
    assert (got, what[: len(why)], what.isprintable()) == (status, why, True)
