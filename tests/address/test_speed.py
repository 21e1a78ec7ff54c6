"""No list takes more than linear time, and what plain addresses do not need is not imported."""

import subprocess
import sys
from collections.abc import Callable
from time import process_time

import pytest

from ccc.address import extension, parse_mailbox, parse_recipients, read_list
from ccc.errors import AddressError

ANN = (parse_mailbox("ann@example.org"),)
HALF_A_SECOND = 0.5 if sys.gettrace() is None else 5  # a tracer counts lines
HOSTILE = [
    *'("<>)[]\\@.,:; \t=?é\u200d\u202e',
    *("\\(", "[\\", '"\\', "(\\", "()", '(")', "a.", "a,", "a@", "a:", "a;", "a=", "a "),
    *("<@", "<@a,", "<@a,@b:", "<a@", "xn--a.", "=?", "=?a?q?", "=?a?q?a?="),
    *(" =?utf-8?q?=C3?=", "=?punycode?q?a-b?= "),
]


def strictly(text: str) -> None:
    try:
        parse_recipients(text)
    except AddressError:
        return


def seconds(text: str) -> float:
    begun = process_time()
    strictly(text)
    strictly(f"{text} <a@b>")
    read_list(text.encode())
    read_list(f"x <a@{text}>".encode())
    read_list(f"{text} <a@b>".encode())
    extension(text.encode(), ANN)
    return process_time() - begun


def takes_less(limit: float, action: Callable[[], object]) -> bool:
    """Whether it does, once in three times; a busy machine makes the others longer."""
    for _ in range(3):
        begun = process_time()
        action()
        if process_time() - begun < limit:
            return True
    return False


@pytest.mark.parametrize("count", [5_000, pytest.param(20_000, marks=pytest.mark.sweep)])
@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_thousands_of_anything_take_moments(piece, count):
    assert any(seconds(piece * count) < HALF_A_SECOND * count / 5_000 for _ in range(3))


def test_eight_thousand_addresses_take_less_than_a_quarter_of_a_second():
    text = ", ".join(f'"User {i}" <user{i}@host{i}.example.com>' for i in range(8_000))
    octets = text.encode()
    assert len(read_list(octets)) == len(parse_recipients(text)) == 8_000
    assert takes_less(HALF_A_SECOND / 2, lambda: read_list(octets))
    assert takes_less(HALF_A_SECOND / 2, lambda: parse_recipients(text))


def test_a_plain_address_needs_no_tables():
    script = (
        "import sys, re, enum, typing, dataclasses, collections.abc; before = set(sys.modules)\n"
        "from ccc.address import extension, fold_list, parse_recipients, read_list\n"
        "from ccc.envelope import Envelope\n"
        "from ccc.visible import visible\n"
        "Envelope.to(None, parse_recipients('Ann <ann@example.org>'))\n"
        "visible(fold_list('Cc', read_list(b'Ann <ann@example.org>')).decode().strip())\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('ccc')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
