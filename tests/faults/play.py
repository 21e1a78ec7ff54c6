"""One message to two people over a link to a server that misbehaves, and everything that must hold then."""

import re
import time
import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field

from ccc.receipt import Outcome
from ccc.routes.submission import Manner, Submission
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from ccc.transport.transcript import Transcript
from ccc.visible import visible
from tests.lab.fault import Dialogue, FaultServer
from tests.lab.oracle import stray, violations
from tests.smtp.play import HELLO, Text, judged, to, told

SECONDS = 0.12  # for each step of a session
LONGEST = 2.0  # for a session with a fault in it, on a busy machine
MEMORY = 24 << 20  # octets, whatever the server sends
ACTING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@dataclass
class Session:
    """What came of it."""

    server: FaultServer
    fates: dict[str, str]
    outcomes: dict[str, Outcome]
    transcript: list[str] = field(default_factory=list)


def session(
    *dialogues: Dialogue,
    content: Text = HELLO,
    names: Sequence[str] = ("x", "y"),
    security: Security = Security.NONE,
    tls=None,
    implicit: bool = False,
    lmtp: bool = False,
    credentials=None,
    measured: bool = False,
    seconds: float = SECONDS,
    **manner,
) -> Session:
    """Deliver; AssertionError if it took too long or too much, lied, or let an octet through that acts."""
    lines: list[str] = []
    delivery = to(*names, content=content)
    manner = Manner(timeouts=Timeouts().at_most(seconds), transcript=Transcript(lines.append), **manner)
    if measured:
        tracemalloc.start()
    with FaultServer(*dialogues, tls=tls, implicit=implicit) as server:
        route = Submission(
            Server("localhost", server.port, security=security, lmtp=lmtp), credentials, manner
        )
        begun = time.monotonic()
        try:
            settled = told(route.deliver([delivery]))
            took = time.monotonic() - begun
            peak = tracemalloc.get_traced_memory()[1] if measured else 0
        finally:
            tracemalloc.stop()
    fates, outcomes = judged(settled, [delivery])
    assert took < LONGEST, f"{took:.1f} s"
    assert peak < MEMORY, f"{peak >> 20} MiB"
    shown = [*lines, *(visible(outcome.reason) for outcome in outcomes.values())]
    assert not [line for line in shown if ACTING.search(line)]
    states = [(f"{name}@b.test", state) for name, state in fates.items()]
    named = [recipient for recipient, _ in states]
    assert violations(server.ledger, states, named=named, content=content.octets) == []
    if tls is None:
        assert [place for octets in server.raw.values() for place in stray(octets)] == []
    return Session(server, fates, outcomes, lines)
