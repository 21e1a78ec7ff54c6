"""Killed at any line of ccc: the journal knows what may have arrived, and all else arrives once."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journal.doomed import Doomed
from tests.journal.scenes import GONE, SCENES, Scene
from tests.journal.spread import memory, spread
from tests.journal.truth import Key, phases, untrue
from tests.journal.world import World

QUICK = 4  # points of a scene in the quick form
MOST = 500  # in the long form


@pytest.fixture(scope="module")
def doomed() -> Iterator[Doomed]:
    with Doomed() as doomed:
        yield doomed


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory() as made:
        yield made


@pytest.mark.parametrize("name", SCENES)
def test_wherever_it_is_killed_nothing_is_lost_or_sent_twice(name, doomed, folder):
    assert list(accidents(SCENES[name], doomed, folder, QUICK)) == []


@pytest.mark.sweep
@pytest.mark.parametrize("name", SCENES)
def test_at_every_line(name, doomed, folder):
    assert list(accidents(SCENES[name], doomed, folder, MOST)) == []


def accidents(scene: Scene, doomed: Doomed, folder: Path, most: int) -> Iterator[str]:
    """What is not as it should be after a kill at so many lines, evenly spread, or at all of them."""
    with World(scene, folder) as world:
        doomed.warm(scene, folder / "warm", world.busy)
        world.forget()
        where = world.busy
        before = folder / "before"
        if scene.act != "send":  # somebody was deferred, and there is room for them now
            scene._replace(act="send").play(before, world.busy, scene.plans())
            world.keep()
            where = world.willing
        play = _Play(scene, doomed, world, folder, before, where)
        lines = play.until(0)
        assert lines is not None
        for at in spread(lines, most):
            yield from play.accident(at)
        if play.ends * 20 > min(lines, most):  # the last lines are not always as many
            yield f"it came to its end {play.ends} times"


class _Play:
    """A scene that is played from the same beginning again and again."""

    def __init__(
        self, scene: Scene, doomed: Doomed, world: World, folder: Path, before: Path, where: str
    ) -> None:
        self.scene, self.doomed, self.world, self.where = scene, doomed, world, where
        self.state, self.before = folder / "state", before
        self.ends = 0

    def until(self, at: int) -> int | None:
        """Play it until it is killed at line `at`."""
        self.world.forget()
        shutil.rmtree(self.state, ignore_errors=True)
        if self.before.exists():
            shutil.copytree(self.before, self.state)
        return self.doomed.play(self.scene, self.state, self.where, at)

    def accident(self, at: int) -> Iterator[str]:
        """What is not as it should be: at once, after a retry, after the same command again, in the end."""
        self.ends += self.until(at) is not None
        for step in (self.at_once, self.retried, self.repeated, self.resent, self.littered):
            for wrong in step():
                yield f"line {at}, {step.__name__}: {wrong}"

    def at_once(self) -> list[str]:
        self.world.quiet()
        return untrue(self.world.took(), phases(self.state))

    def retried(self) -> list[str]:
        self.scene.retry(self.state, self.world.busy)
        return untrue(self.world.took(), phases(self.state))

    def repeated(self) -> list[str]:
        again = self.scene._replace(act="send")
        status = again.play(self.state, self.world.willing, again.plans())
        return untrue(self.world.took(), self._settled(("accepted", "in doubt")), status)

    def resent(self) -> list[str]:
        doubts = [key for key, phase in phases(self.state).items() if phase == "in doubt"]
        if not doubts:
            return []
        self.scene.retry(self.state, self.world.willing, all_=True, resend=True)
        return untrue(self.world.took(), self._settled(("accepted",)), resent=doubts)

    def littered(self) -> list[str]:
        """Nothing that nobody needs stays behind."""
        self.scene.retry(self.state, self.world.willing)
        left = [path for inside in ("spool", "runs") for path in (self.state / inside).iterdir()]
        left += (Path(f"{self.state}/journal.db-{name}") for name in ("wal", "shm"))
        return [f"{path.relative_to(self.state)} stays" for path in left if path.exists()]

    def _settled(self, well: tuple[str, ...]) -> dict[Key, str]:
        """What the journal says when everybody who can have it should."""
        said = phases(self.state)
        assert said.keys() == self.scene.keys
        for (_, to), phase in said.items():
            assert phase in {"refused" if to in GONE and phase != "in doubt" else "accepted", *well}, to
        return said
