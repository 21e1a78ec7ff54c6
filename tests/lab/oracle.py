"""Judges that know the truth: what a client says against the ledger, and its octets against RFC 5321."""

import re
from collections.abc import Collection, Iterable

from tests.lab.fault import Ledger

ALLOWED = {"accepted": {1}, "refused": {0}, "deferred": {0}, "in doubt": {0, 1}}

# what a lenient server might take for the end of the content: the twelve of HAZARDS, 2C
SMUGGLED = (
    *(b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"),
    *(b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n"),
)


def violations(
    ledger: Ledger,
    outcomes: Iterable[tuple[str, str]],
    *,
    named: Collection[str],
    content: bytes | None = None,
) -> list[str]:
    """Where (recipient, state) pairs of one message disagree with the ledger; empty when all is well."""
    outcomes = list(outcomes)
    found = [
        f"{recipient} is said to be {state} and has it {ledger.count(recipient)} times"
        for recipient, state in outcomes
        if ledger.count(recipient) not in ALLOWED[state]
    ]
    told = [recipient for recipient, _ in outcomes]
    found += [f"nothing is said of {recipient}" for recipient in named if told.count(recipient) != 1]
    reached = {entry.forward_path for entry in ledger.entries}
    found += [f"{stranger} got it and was not named" for stranger in sorted(reached - set(named))]
    wrong = content is not None and any(entry.content != content for entry in ledger.entries)
    return [*found, "other octets arrived"] if wrong else found


def stray(octets: bytes) -> list[str]:
    """Each bare CR, bare LF and NUL in what a client sent in the clear, with what stands around it."""
    places = [match.start() for match in re.finditer(rb"\r(?!\n)|(?<!\r)\n|\0", octets)]
    return [f"at {place}: {octets[max(place - 8, 0) : place + 8]!r}" for place in places]
