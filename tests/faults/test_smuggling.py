"""What a lenient server could take for the end of the content never reaches the wire (HAZARDS 2C).

Each of the twelve is put at every place of a message, and the message is read, planned and sent as any
other. What is on the wire has no bare CR, LF or NUL, so that every server, strict or lenient, finds one
message.
"""

import re

import pytest

from ccc.delivery import Delivery
from ccc.envelope import Envelope
from ccc.errors import MessageError
from ccc.message import HeldOctets, read
from ccc.message.lines import unified
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.lab.oracle import SMUGGLED, stray
from tests.lab.sink import CHUNKING, PIPELINING, Sink
from tests.smtp.play import ME, to, told

MESSAGE = b"From: a@a.test\r\nTo: b@b.test\r\n\r\nfirst\r\n.second\r\n\r\nlast"
SMUGGLER = b"MAIL FROM:<evil@c.test>\r\nRCPT TO:<victim@c.test>\r\nDATA\r\nSubject: evil\r\n\r\n"
X = to("x").envelope
LENIENT_END = re.compile(rb"(?:\r\n|\r|\n)\0?\.\0?(?:\r\n|\r|\n)")


def smuggled(terminator: bytes) -> list[bytes]:
    """The message with the terminator, and commands after it, at every place."""
    places = range(len(MESSAGE) + 1)
    return [MESSAGE[:place] + terminator + SMUGGLER + MESSAGE[place:] for place in places]


def read_all(texts: list[bytes]) -> tuple[list[Delivery], list[bytes]]:
    """Deliveries of what can be read, and their octets."""
    deliveries, octets = [], []
    for text in texts:
        try:
            message = read(HeldOctets(text), "smuggled.eml")
        except MessageError:
            continue
        deliveries.append(Delivery(Envelope(ME, X.forward_paths), message.content(message.header)))
        octets.append(unified(text))
    return deliveries, octets


@pytest.mark.parametrize("offers", [(), PIPELINING, CHUNKING], ids=["plain", "pipelining", "chunking"])
@pytest.mark.parametrize("terminator", SMUGGLED, ids=ascii)
def test_nothing_is_smuggled(terminator, offers):
    deliveries, octets = read_all(smuggled(terminator))
    with Sink(offers) as sink:
        server = Server("127.0.0.1", sink.port, security=Security.NONE)
        settled = told(Submission(server).deliver(deliveries))
    assert {each.outcomes[0].state.value for each in settled} <= {"accepted"}
    assert [transaction.content for transaction in sink.transactions] == octets
    assert {path for each in sink.transactions for path in each.forward_paths} <= {"x@b.test"}
    assert sink.faults == []
    wire = b"".join(session.wire for session in sink.sessions)
    assert stray(wire) == []
    if offers is not CHUNKING:
        assert len(LENIENT_END.findall(wire)) == len(octets)  # the ends of the contents, and no others


@pytest.mark.parametrize("terminator", [each for each in SMUGGLED if b"\0" in each], ids=ascii)
def test_a_nul_is_refused_wherever_it_stands(terminator):
    assert read_all(smuggled(terminator)) == ([], [])


@pytest.mark.parametrize("terminator", [each for each in SMUGGLED if b"\0" not in each], ids=ascii)
def test_nearly_all_others_are_sent_with_their_line_ends_made_whole(terminator):
    assert len(read_all(smuggled(terminator))[0]) > 40
