"""The link is cut at any octet: the journal knows what may have arrived, and everything else arrives once."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from ccc import deliver, plan_redirect
from ccc.config import Config, InDoubt
from ccc.dispatch import deliver_again
from ccc.journal.journal import Journal
from ccc.journal.opening import open_journal
from ccc.journal.retry import due
from ccc.receipt import exit_status
from ccc.routes.submission import Manner, Submission
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from tests.journal.truth import Key, ledger, phases, untrue
from tests.lab.cutter import Cut, Cutter, End, Way
from tests.lab.sink import CHUNKING, PIPELINING, Sink
from tests.lab.tls import Authority

MAIL = b"From: a@a.test\r\nMessage-ID: <%d@a.test>\r\n\r\nHello\r\n"
NOW = datetime(2026, 11, 17, 9, 30, tzinfo=UTC)
GONE, LATER = "gone@b.test", "later@b.test"
ONE, THREE = ("ann@b.test",), ("ann@b.test", GONE, "bob@b.test")

PATIENT, IMPATIENT = 10.0, 0.05  # seconds; the latter where the link falls silent
FEW = 5  # cuts of a scene in a quick run
MEMORY = Path("/dev/shm")


class Scene(NamedTuple):
    """A server of some kind, and so many messages to the same people."""

    extensions: tuple[str, ...]
    to: tuple[str, ...]
    count: int
    lmtp: bool = False
    authority: Authority | None = None

    def sink(self, *, busy: bool) -> Sink:
        """The server; while it is busy one of the recipients has to come again, which only LMTP can say."""
        return Sink(
            self.extensions,
            lmtp=self.lmtp,
            rcpt={GONE: "550 5.1.1 no such user"},
            after={LATER: "452 4.2.2 not now"} if busy else None,
            tls=self.authority.server_context() if self.authority else None,
        )

    def route(self, port: int, patience: float) -> Submission:
        """The way to it."""
        security = Security.STARTTLS if self.authority else Security.NONE
        trusted = str(self.authority.ca_file) if self.authority else None
        server = Server("127.0.0.1", port, security=security, lmtp=self.lmtp)
        return Submission(server, manner=Manner(trusted, Timeouts().at_most(patience)))

    def send(self, journal: Journal, port: int, patience: float = PATIENT) -> int:
        """A run of `ccc redirect`; its exit status."""
        plans = (
            plan_redirect(MAIL % number, sender="me@a.test", to=self.to, now=NOW, token=f"{number:032}")
            for number in range(self.count)
        )
        return exit_status(deliver(plans, self.route(port, patience), journal=journal))

    def retry(self, journal: Journal, port: int, *, resend: bool = False) -> int:
        """A run of `ccc retry`; its exit status."""
        taken = due(journal, all_=True, resend=resend)
        return exit_status(deliver_again(taken, self.route(port, PATIENT), journal))

    def settled(self) -> dict[Key, str]:
        """What the journal says in the end."""
        keys = ((f"<{number}@a.test>", each) for number in range(self.count) for each in self.to)
        return {key: "refused" if key[1] == GONE else "accepted" for key in keys}


SCENES = {
    f"{name}, {len(to)} of {many}": Scene(extensions, to, many, lmtp)
    for name, extensions, lmtp in (
        ("plain", (), False),
        ("pipelining", PIPELINING, False),
        ("chunking", CHUNKING, False),
        ("lmtp", PIPELINING, True),
        ("lmtp chunking", CHUNKING, True),
    )
    for to in (ONE, (*THREE, LATER) if lmtp else THREE)
    for many in (1, 3)
}
every_scene = pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
some_scenes = pytest.mark.parametrize("scene", [SCENES["plain, 3 of 1"], SCENES["chunking, 3 of 1"]])


Trying = Callable[[Scene, Cut, Path], list[str]]


class Trial:
    """A cut, and the runs that come after it; what was found to be wrong."""

    def __init__(self, scene: Scene, state: Path, config: Config = Config()) -> None:  # noqa: B008  # frozen
        self.scene, self.state, self.config = scene, state, config
        self.wrong: list[str] = []
        self._sinks: list[Sink] = []

    def run(self, how: Callable[[Journal, int], int], *, busy: bool = False) -> int:
        """A run of ccc with a server of its own; its exit status."""
        self._sinks.append(self.scene.sink(busy=busy))
        with self._sinks[-1] as sink, closing(opened(self.state, self.config)) as journal:
            return how(journal, sink.port)

    def copies(self) -> dict[Key, list[bytes]]:
        """What all the servers have."""
        return ledger(chain.from_iterable(sink.transactions for sink in self._sinks))

    def judge(
        self, step: str, status: int | None = None, resent: frozenset[Key] = frozenset()
    ) -> dict[Key, str]:
        """Compare journal and servers; what the journal says."""
        said = phases(self.state)
        found = untrue(self.copies(), said, status, resent=resent)
        found += [fault for sink in self._sinks for fault in sink.faults]
        self.wrong += [f"{step}: {each}" for each in found]
        return said

    def expect(self, step: str, found: object, wanted: object) -> None:
        """Note what is not as it has to be."""
        if found != wanted:
            self.wrong.append(f"{step}: {found} and not {wanted}")


def opened(state: Path, config: Config = Config()) -> Journal:  # noqa: B008  # frozen
    journal = open_journal(config, {"CCC_STATE_DIR": str(state)})
    assert journal is not None
    return journal


def through(scene: Scene, cut: Cut, *, retry: bool = False) -> Callable[[Journal, int], int]:
    """A run whose link is cut."""

    def run(journal: Journal, port: int) -> int:
        with Cutter(("127.0.0.1", port), cut) as cutter:
            if retry:
                return scene.retry(journal, cutter.port)
            return scene.send(journal, cutter.port, IMPATIENT if cut.end is End.STALL else PATIENT)

    return run


def cut_and_mended(scene: Scene, cut: Cut, state: Path) -> list[str]:
    """What is wrong after the cut, after a run without one, and after what is in doubt was sent again."""
    trial = Trial(scene, state)
    status = trial.run(through(scene, cut), busy=True)
    said = trial.judge("after the cut", status)
    trial.expect("entered", set(said), set(scene.settled()))
    mend(trial, said, scene.send if cut.octets // 2 % 2 else scene.retry)  # either takes up what is left
    return trial.wrong


def cut_and_resent(scene: Scene, cut: Cut, state: Path) -> list[str]:
    """What is wrong where what is in doubt is sent again without being asked for, as mail servers do."""
    trial = Trial(scene, state, Config(in_doubt=InDoubt.RESEND))
    said = trial.judge("after the cut", trial.run(through(scene, cut)))
    doubtful = frozenset(key for key, phase in said.items() if phase == "in doubt")
    status = trial.run(scene.send)
    said = trial.judge("after another run", status, doubtful)
    trial.expect("in the end", said, scene.settled())
    return trial.wrong


def cut_again_and_again(scene: Scene, seed: int, state: Path) -> list[str]:
    """What is wrong when a few runs, and then their retries, are cut anywhere."""
    trial, random = Trial(scene, state), Random(seed)
    said: dict[Key, str] = {}
    for number in range(4):
        way, retry = random.choice(tuple(Way)), number > 0 and random.random() < 0.5
        cut = Cut(way, random.randrange(100, 400), random.choice((End.FIN, End.RST)))
        status = trial.run(through(scene, cut, retry=retry), busy=True)
        # `ccc retry` answers for what it tried, and not for what is in doubt from before
        said = trial.judge(f"after {cut}", None if retry else status)
    mend(trial, said, scene.retry)
    return trial.wrong


def mend(trial: Trial, said: dict[Key, str], again: Callable[[Journal, int], int]) -> None:
    """Do the rest, then send what is in doubt again."""
    scene = trial.scene
    doubtful = frozenset(key for key, phase in said.items() if phase == "in doubt")
    held = {key: len(trial.copies().get(key, ())) for key in doubtful}
    trial.run(again)
    said = trial.judge("after another run")
    trial.expect("settled", said, scene.settled() | dict.fromkeys(doubtful, "in doubt"))
    trial.expect("held", {key: len(trial.copies().get(key, ())) for key in doubtful}, held)

    trial.run(lambda journal, port: scene.retry(journal, port, resend=True))
    said = trial.judge("after what was in doubt was sent again", resent=doubtful)
    trial.expect("in the end", said, scene.settled())
    once_more = {key: held[key] + (key[1] != GONE) for key in doubtful}
    trial.expect("resent", {key: len(trial.copies().get(key, ())) for key in doubtful}, once_more)


def length(scene: Scene, state: Path) -> dict[Way, int]:
    """How many octets go either way when nothing is cut."""
    with (
        scene.sink(busy=True) as sink,
        Cutter(("127.0.0.1", sink.port)) as cutter,
        closing(opened(state)) as journal,
    ):
        scene.send(journal, cutter.port)
    return cutter.passed


def cuts(lengths: dict[Way, int], few: int | None = None) -> Iterator[Cut]:
    """At every octet both ways, or at `few` of them; the slow end is a rare one."""
    places = [(way, octets) for way in Way for octets in range(lengths[way] + 1)]
    step = len(places) // few if few else 1
    for number, (way, octets) in enumerate(places[step // 2 :: step]):
        yield Cut(way, octets, End.STALL if number % 8 == 5 else (End.FIN, End.RST)[number % 2])


@contextmanager
def memory() -> Iterator[Path]:
    """A folder that is no disk, where there is one: nothing here is about what a disk does."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


def harmful(scene: Scene, few: int | None = None, tried: Trying = cut_and_mended) -> dict[Cut, list[str]]:
    """The cuts after which something is wrong."""
    with memory() as folder:
        numbers = count()
        places = cuts(length(scene, folder / "usual"), few)
        judged = ((cut, tried(scene, cut, folder / f"{next(numbers)}")) for cut in places)
        return {cut: wrong for cut, wrong in judged if wrong}


@every_scene
def test_a_cut_loses_nothing_and_doubles_nothing(scene: Scene) -> None:
    assert harmful(scene, FEW) == {}


def test_a_cut_through_tls_loses_nothing_and_doubles_nothing(authority: Authority) -> None:
    assert harmful(SCENES["pipelining, 3 of 1"]._replace(authority=authority), FEW) == {}


@every_scene
def test_several_cuts_lose_nothing_and_double_nothing(scene: Scene) -> None:
    with memory() as folder:
        assert cut_again_and_again(scene, len(scene.to) * scene.count, folder / "state") == []


@every_scene
def test_who_prefers_a_second_copy_gets_it_with_the_next_run(scene: Scene) -> None:
    assert harmful(scene, FEW // 2, cut_and_resent) == {}


@pytest.mark.sweep
@every_scene
def test_many_several_cuts_lose_nothing_and_double_nothing(scene: Scene) -> None:
    with memory() as folder:
        tried = {seed: cut_again_and_again(scene, seed, folder / f"{seed}") for seed in range(200)}
    assert {seed: wrong for seed, wrong in tried.items() if wrong} == {}


@pytest.mark.sweep
@every_scene
def test_no_cut_at_any_octet_loses_or_doubles(scene: Scene) -> None:
    assert harmful(scene) == {}


@pytest.mark.sweep
@some_scenes
def test_no_cut_at_any_octet_of_tls_loses_or_doubles(scene: Scene, authority: Authority) -> None:
    assert harmful(scene._replace(authority=authority), 1000) == {}
