"""Messages into a folder: streamed, whole or not at all, and what a server says against it."""

from collections.abc import Iterator

import pytest

from ccc.errors import (
    CccError,
    LinkLost,
    MessageTooBig,
    NotPermitted,
    ProtocolError,
    RefusedError,
    SourceChanged,
    SourceError,
    TryLaterError,
)
from ccc.imap import Appended
from ccc.message.octets import HeldOctets
from tests.imap.talking import PATIENT, mail, message, session
from tests.lab.fault import Peer, Step, fin, rst
from tests.lab.imap_fault import OFFERED, HostileImap

APPEND = rb"APPEND .*"


class Content:
    """Octets that a route would send."""

    eight_bit = utf8_header = False

    def __init__(self, *parts: bytes, size: int | None = None) -> None:
        self.parts = parts
        self.size = sum(map(len, parts)) if size is None else size

    def blocks(self, end: bytes = b"\r\n") -> Iterator[bytes]:
        yield from self.parts


SMALL = Content(b"Subject: x\r\n", b"\r\nhello\r\n", b"")


def test_a_message_goes_out_as_a_literal_once_the_server_agrees() -> None:
    with HostileImap() as server, session(server, folder=None) as opened:
        found = opened.append("Sent", SMALL, flags=["\\Seen", "$Forwarded"], received=0.0)
        assert found == Appended()
        said = server.commands[-1]
    head, _, octets = said.partition(b"\r\n")
    assert head.startswith(b'APPEND "Sent" (\\Seen $Forwarded) " 1-Jan-1970 0')
    assert head.endswith(b'" {21}')
    assert octets == b"Subject: x\r\n\r\nhello\r\n"


def test_only_flags_that_a_client_may_set_are_set() -> None:
    flags = ["\\Recent", "\\SEEN", "\\Seen", "a b", "x)", "\\*", "\\Weird", "$MDNSent", "\u00e4", "", "ok"]
    with HostileImap() as server, session(server, folder=None) as opened:
        opened.append("Sent", SMALL, flags=flags)
        assert b"(\\SEEN \\Seen $MDNSent ok) {" in server.commands[-1]


@pytest.mark.parametrize(
    ("offers", "size", "sign"),
    [
        (b"LITERAL+", 1 << 20, b"+}"),
        (b"LITERAL+", (1 << 20) + 1, b"}"),
        (b"LITERAL-", 4096, b"+}"),
        (b"LITERAL-", 4097, b"}"),
        (b"", 5, b"}"),
    ],
)
def test_the_server_is_waited_for_unless_it_said_that_it_need_not_be(
    offers: bytes, size: int, sign: bytes
) -> None:
    with HostileImap(offered=OFFERED + b" " + offers) as server, session(server, folder=None) as opened:
        opened.append("Sent", Content(b"x" * size))
        assert server.commands[-1].partition(b"\r\n")[0].endswith(b"{%d%b" % (size, sign))


def test_where_it_lies_is_read() -> None:
    answers = {APPEND: b"TAG OK [APPENDUID 1636544 77] done\r\n"}
    with HostileImap(answers) as server, session(server, folder=None) as opened:
        assert opened.append("Sent", SMALL) == Appended(1636544, 77)


def test_the_last_octets_go_after_the_witness_has_been_told() -> None:
    seen: list[bytes] = []
    with HostileImap() as server, session(server, folder=None) as opened:
        opened.append("Sent", SMALL, before_last=lambda: seen.extend(server.commands))
        assert server.commands[-1].startswith(b"APPEND")
    assert not any(command.startswith(b"APPEND") for command in seen)


def test_a_witness_that_fails_keeps_the_message_from_being_whole() -> None:
    def fails() -> None:
        raise OSError("disk full")

    with HostileImap() as server, session(server, folder=None) as opened:
        with pytest.raises(OSError, match="disk full"):
            opened.append("Sent", SMALL, before_last=fails)
        assert opened.lost
    assert not any(command.startswith(b"APPEND") for command in server.commands)


@pytest.mark.parametrize("size", [20, 22])
def test_a_message_that_changes_is_never_whole(size: int) -> None:
    with HostileImap() as server, session(server, folder=None) as opened:
        with pytest.raises(SourceChanged):
            opened.append("Sent", Content(*SMALL.parts, size=size))
        assert opened.lost
    assert not any(command.startswith(b"APPEND") for command in server.commands)


@pytest.mark.parametrize(
    ("said", "kind", "cure"),
    [
        (b"NO [TRYCREATE] no such folder", SourceError, "create the folder"),
        (b"NO [OVERQUOTA] full", TryLaterError, "make room"),
        (b"NO [TOOBIG] too big", RefusedError, "too big"),
        (b"NO [NOPERM] not yours", NotPermitted, "right"),
        (b"NO [UNAVAILABLE] later", TryLaterError, "later"),
        (b"NO no", RefusedError, "administrator"),
        (b"BAD what?", RefusedError, "administrator"),
    ],
)
def test_a_refusal_has_its_kind_and_its_cure(said: bytes, kind: type[CccError], cure: str) -> None:
    with HostileImap({APPEND: b"TAG " + said + b"\r\n"}) as server, session(server, folder=None) as opened:
        with pytest.raises(kind) as caught:
            opened.append("Sent", SMALL)
        assert said.decode() in caught.value.what
        assert cure in caught.value.cure
        opened.noop()  # the session goes on


def test_a_server_that_refuses_before_it_has_read_is_sent_nothing() -> None:
    refusing = Step("refuse", lambda peer: peer.send(b"%b NO [TOOBIG] no\r\n" % peer.wire.line().split()[0]))
    with (
        HostileImap({rb"NOOP": [b"TAG OK done\r\n", refusing]}) as server,
        session(server, folder=None) as opened,
    ):
        opened.noop()
        with pytest.raises(RefusedError, match="TOOBIG"):
            opened.append("Sent", Content(b"x" * (1 << 21)))
        opened.noop()


def test_what_is_over_the_limit_is_not_offered() -> None:
    with HostileImap(offered=OFFERED + b" APPENDLIMIT=20") as server, session(server, folder=None) as opened:
        with pytest.raises(MessageTooBig, match="21 octets and the server takes at most 20"):
            opened.append("Sent", Content(b"x" * 21))
        assert not any(command.startswith(b"APPEND") for command in server.commands)


def part_of(content: int, *then: bytes | Step) -> dict[bytes, list[bytes | Step]]:
    """After NOOP: agree to a literal, read a part of it, and do something else."""

    def agree(peer: Peer) -> None:
        tag = peer.wire.line().split()[0]
        peer.send(b"+ go\r\n")
        peer.wire.exactly(content)
        for each in then:
            if isinstance(each, bytes):
                peer.send(each.replace(b"OURS", tag))
            else:
                each.play(peer)

    return {rb"NOOP": [b"TAG OK done\r\n", Step("part", agree)]}


@pytest.mark.parametrize(
    ("then", "why"),
    [
        ((fin(),), "closed the connection"),
        ((rst(),), "connection"),
        ((b"* BYE no more\r\n", fin()), "ended the session: no more"),
        ((b"OURS NO [OVERQUOTA] full\r\n", fin()), "OVERQUOTA"),
    ],
)
def test_a_link_that_ends_under_way_says_why(then: tuple[bytes | Step, ...], why: str) -> None:
    with HostileImap(part_of(1 << 16, *then)) as server, session(server, folder=None) as opened:
        opened.noop()
        with pytest.raises(TryLaterError, match=why):
            opened.append("Sent", Content(*[b"x" * (1 << 18)] * 64))


def test_a_server_that_has_a_message_of_which_it_took_a_part_is_not_believed() -> None:
    answers = part_of(1 << 16, b"OURS OK done\r\n", fin())
    with HostileImap(answers) as server, session(server, folder=None) as opened:
        opened.noop()
        with pytest.raises(ProtocolError, match="took only a part of"):
            opened.append("Sent", Content(*[b"x" * (1 << 18)] * 64))


def test_the_witness_is_not_told_of_a_message_that_cannot_become_whole() -> None:
    told: list[bool] = []
    answers = part_of(5, rst())
    content = Content(b"x" * 5, b"y" * (1 << 22), b"z")
    with HostileImap(answers) as server, session(server, folder=None) as opened:
        opened.noop()
        with pytest.raises(LinkLost):
            opened.append("Sent", content, before_last=lambda: told.append(True))
    assert told == []


def test_a_server_that_has_a_message_before_it_was_sent_is_not_believed() -> None:
    lying = Step("lie", lambda peer: peer.send(b"%b OK done\r\n" % peer.wire.line().split()[0]))
    with (
        HostileImap({rb"NOOP": [b"TAG OK done\r\n", lying]}) as server,
        session(server, folder=None) as opened,
    ):
        opened.noop()
        with pytest.raises(ProtocolError, match="before it was asked"):
            opened.append("Sent", Content(b"x" * (1 << 21)))


def test_a_real_content_goes_with_its_own_line_ends() -> None:
    read = message(mail().replace(b"\r\n", b"\n"))
    with HostileImap() as server, session(server, PATIENT, folder=None) as opened:
        opened.append("Sent", read.content(read.header))
        assert server.commands[-1].partition(b"\r\n")[2] == mail()
        assert HeldOctets(mail()).size == read.content(read.header).size
