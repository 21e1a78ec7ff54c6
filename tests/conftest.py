"""What every test gets: a home of its own, and real servers of its worker when it asks for them.

`authority` is a certificate authority for localhost; `postfix`, `exim`, `dovecot`, `knot` and `internet` run
from the first test that asks to the end (they start in about 0.1 s, so each worker has its own). Scripted
servers are contexts: `Sink`, `FaultServer`, `Proxy` in tests/lab.
"""

import os
import signal
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import settings

from tests.lab import ready
from tests.lab.dovecot import Dovecot
from tests.lab.dovecot import dovecot as running_dovecot
from tests.lab.exim import Exim
from tests.lab.exim import exim as running_exim
from tests.lab.internet import Internet
from tests.lab.internet import internet as running_internet
from tests.lab.knot import Knot
from tests.lab.knot import knot as running_knot
from tests.lab.postfix import Postfix
from tests.lab.postfix import postfix as running_postfix
from tests.lab.tls import Authority

REAL = {"postfix", "exim", "dovecot", "knot", "internet"}
OURS = {"CCC_REQUIRE_SERVERS", "CCC_EXIM", "CCC_INSTALLED"}  # what a test run itself may be told

LONGEST = 60  # seconds that one test may take

settings.register_profile("quick", deadline=None, database=None, max_examples=30)  # for a law: lab/law.py
settings.register_profile("sweep", deadline=None, database=None, max_examples=2000)


def sweeping(config: pytest.Config) -> bool:
    """Whether this is `make sweep`: the laws with many examples, and what is marked `sweep`."""
    return "sweep" in config.option.markexpr


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("sweep" if sweeping(config) else "quick")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a real server; leave the long form of tests to `make sweep`."""
    for item in items:
        if REAL & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)
    if not config.option.markexpr:
        sweeps = [item for item in items if item.get_closest_marker("sweep")]
        config.hook.pytest_deselected(items=sweeps)
        items[:] = [item for item in items if item not in sweeps]


def _too_long(signum: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"this test runs for more than {LONGEST} seconds")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A test that hangs fails; a second time if it then waits for what it had started."""
    before = signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, 0 if sweeping(item.config) else LONGEST, 5)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder nobody lives in, and none of the user's settings."""
    made = tmp_path_factory.mktemp("home")
    kept = dict(os.environ)
    for name in [n for n in os.environ if n.startswith(("CCC_", "XDG_")) and n not in OURS]:
        del os.environ[name]
    os.environ["HOME"] = str(made)
    yield made
    os.environ.clear()
    os.environ.update(kept)


@pytest.fixture(scope="session", autouse=True)
def ready_process() -> Iterator[None]:
    """Whoever began it, it ends with the tests."""
    yield
    ready.close()


@pytest.fixture(scope="session")
def state_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One state folder after another, with no look at those that are there already, as pytest's own have."""
    parent = tmp_path_factory.mktemp("states")
    return (parent / str(number) for number in count())


@pytest.fixture(autouse=True)
def state_folder(state_folders: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of the test's own, so that no test knows what another one has sent."""
    folder = next(state_folders)
    folder.mkdir()
    monkeypatch.setenv("CCC_STATE_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    with running_dovecot(authority) as server:
        yield server


@pytest.fixture(scope="session")
def postfix(authority: Authority, dovecot: Dovecot) -> Iterator[Postfix]:
    with running_postfix(authority, dovecot) as server:
        yield server


@pytest.fixture(scope="session")
def exim(authority: Authority) -> Iterator[Exim]:
    with running_exim(authority) as server:
        yield server


@pytest.fixture(scope="session")
def knot() -> Iterator[Knot]:
    with running_knot() as server:
        yield server


@pytest.fixture(scope="session")
def internet(authority: Authority) -> Iterator[Internet]:
    with running_internet(authority) as world:
        yield world
