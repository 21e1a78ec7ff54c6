"""A ccc that is killed loses nothing and sends nothing twice, wherever it is killed: strace does it."""

import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.journal.killed import FOUND, LARGE, WAYS, Ground, Scenario, Tally

MATRIX = [
    *(Scenario(way, people, messages) for way, people, messages in product(WAYS, (1, 3), (1, 5))),
    *(Scenario(way, 1, 1, LARGE) for way in WAYS),
]
TALK = ("sendto", "poll", "recvfrom")
MEMORY = Path("/dev/shm")  # what a killed process has written is not lost, so nobody need wait for a disk
TO_ONE = Scenario("DATA", 1, 1)
TO_THREE = Scenario("BDAT", 3, 1)


@pytest.fixture
def place():
    """A folder in memory, where there is one."""
    with TemporaryDirectory(prefix="ccc-killed-", dir=MEMORY if MEMORY.is_dir() else None) as made:
        yield Path(made)


def window(calls):
    """What it says and hears from the content on, and how the answer comes to the disk."""
    answered = next(place for place, call in enumerate(calls) if "queued" in call.text)
    sent = max(place for place, call in enumerate(calls[:answered]) if call.name == "sendto")
    recorded = next(place for place, call in enumerate(calls) if place > answered and "sync" in call.name)
    *before, last = calls[sent : recorded + 2]
    writes = [call for call in before if call.name == "pwrite64"]
    return [call for call in before if call.name in TALK] + [*writes[:1], *writes[-1:], calls[recorded], last]


def killed(ground, calls):
    return Tally(ground.scenario, [ground.point(call) for call in calls])


def judge(tally):
    assert tally.faults() == []
    assert [point for point in tally.points if point.lost or point.duplicates] == []
    missed = [point for point in tally.points if point.found == "not reached"]
    assert len(missed) <= 1 + len(tally.points) // 50


@pytest.mark.parametrize("scenario", [TO_ONE, TO_THREE], ids=str)
def test_killed_while_the_answer_is_awaited_it_is_in_doubt_and_no_worse(scenario, place):
    with Ground(place, scenario) as ground:
        tally = killed(ground, window(ground.calls()))
    judge(tally)
    assert {point.found for point in tally.points} - {"not reached"} == {"in doubt", "settled"}
    doubtful = [point for point in tally.points if point.found == "in doubt"]
    assert {bool(point.second) for point in doubtful} == {False, True}  # the server had it not, or had it


@pytest.mark.parametrize("scenario", [TO_ONE, Scenario("DATA, PIPELINING", 3, 5)], ids=str)
def test_killed_here_and_there_nothing_is_lost_and_nothing_sent_twice(scenario, place):
    with Ground(place, scenario) as ground:
        calls = ground.calls()
        judge(killed(ground, calls[7 :: len(calls) // 6]))


@pytest.mark.sweep
@pytest.mark.parametrize("scenario", MATRIX, ids=str)
def test_killed_at_any_system_call_nothing_is_lost_and_nothing_sent_twice(scenario, place, capfd):
    with Ground(place, scenario) as ground:
        tally = killed(ground, ground.calls())
    with capfd.disabled():
        sys.stderr.write(f"\n{tally}\n")  # of a test that is well, xdist shows this alone
    judge(tally)
    assert {*FOUND[:4]} <= {point.found for point in tally.points}
