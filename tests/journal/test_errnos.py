"""A system call fails: nothing goes out unrecorded, what went out is said, and everything arrives once."""

from collections.abc import Iterator

import pytest

from tests.journal.errnos import Failing, Ground
from tests.journal.scenes import LARGE, MIXED, ONE, SEVERAL, SMALL, SOME, Scene
from tests.journal.spread import memory, spread

QUICK = 3  # points of a scene in the quick form
MOST = 300  # in the long form

SCENES = (
    Scene("data", ONE, SMALL),
    Scene("data", SOME, SMALL),
    Scene("pipelining", ONE, LARGE),
    Scene("chunking", SOME, SEVERAL),
    Scene("data", SOME, MIXED, "take up"),
    Scene("data", SOME, MIXED, "retry"),
    Scene("sendmail", ONE, LARGE),
)


@pytest.fixture(scope="module")
def ccc() -> Iterator[Failing]:
    with memory() as folder, Failing(folder) as ccc:
        yield ccc


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_whatever_fails_nothing_is_lost_or_sent_twice(scene, ccc):
    assert accidents(scene, ccc, QUICK) == []


@pytest.mark.sweep
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_each_error_of_each_call(scene, ccc):
    assert accidents(scene, ccc, MOST) == []


def accidents(scene: Scene, ccc: Failing, most: int) -> list[str]:
    """What is not as it should be after so many faults, evenly spread over all that there can be."""
    with Ground(scene, ccc) as ground:
        faults = tuple(ground.faults())
        return [wrong for number in spread(len(faults), most) for wrong in ground.wrong(faults[number - 1])]
