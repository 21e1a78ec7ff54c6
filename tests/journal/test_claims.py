"""Claims: a run is alive as long as its process, whatever ends that."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ccc.errors import StateError
from ccc.journal.claims import NAME, Run, is_alive, sweep
from ccc.journal.folder import prepare

BEGIN = """
import os, subprocess, sys
from pathlib import Path
from ccc.journal.claims import Run, is_alive, sweep
folder = Path(sys.argv[1])
run = Run.begin(folder)
print(run.name, flush=True)
"""
WAIT = "sys.stdin.read()\n"
FORK = """
if os.fork() == 0:
    print("forked", flush=True)
    sys.stdin.read()
    os._exit(0)
"""
EXEC = """
waiting = [sys.executable, "-c", "import sys; print('started', flush=True); sys.stdin.read()"]
subprocess.Popen(waiting, close_fds=False)
"""
END_IN_A_CHILD = """
if os.fork() == 0:
    own = Run.begin(folder)  # it has the number of the descriptor that the child let go
    run.end()
    os._exit(0 if is_alive(folder, own.name) else 1)
assert os.wait()[1] == 0, "the child lost its own run"
assert is_alive(folder, run.name)
sweep(folder)
assert (folder / "runs" / run.name).exists()
"""
SWEEP = """
import select, sys
from pathlib import Path
from ccc.journal.claims import sweep
print("sweeping", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    sweep(Path(sys.argv[1]))
"""
BEGIN_OFTEN = """
import sys
from pathlib import Path
from ccc.journal.claims import Run, is_alive
folder = Path(sys.argv[1])
for _ in range(150):
    with Run.begin(folder) as run:
        for _ in range(5):
            assert (folder / "runs" / run.name).exists(), "swept"
            assert is_alive(folder, run.name), "not alive"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path / "ccc", create=True)
    return tmp_path / "ccc"


@contextmanager
def started(script: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs until its standard input ends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], text=True, **pipes) as process:
        yield process


def line(process: subprocess.Popen[str]) -> str:
    return process.stdout.readline().strip()


def test_a_run_is_alive_until_it_ends(folder):
    run = Run.begin(folder)
    assert is_alive(folder, run.name)
    run.end()
    assert not is_alive(folder, run.name)
    assert list((folder / "runs").iterdir()) == []


def test_a_run_ends_with_its_context(folder):
    with Run.begin(folder) as run:
        assert (folder / "runs" / run.name).stat().st_mode & 0o777 == 0o600
    assert not is_alive(folder, run.name)


def test_to_look_at_a_run_does_not_end_it(folder):
    with Run.begin(folder) as run:
        for _ in range(3):
            assert is_alive(folder, run.name)
        with started(f"{BEGIN}print(is_alive(folder, {run.name!r}))", folder) as other:
            line(other)
            assert line(other) == "True"


def test_a_run_can_end_twice(folder):
    run = Run.begin(folder)
    run.end()
    before = len(os.listdir("/proc/self/fd"))
    run.end()
    assert len(os.listdir("/proc/self/fd")) == before


def test_two_runs_of_a_process_are_two(folder):
    with Run.begin(folder) as one, Run.begin(folder) as two:
        one.end()
        assert not is_alive(folder, one.name)
        assert is_alive(folder, two.name)


def test_a_run_that_nobody_began_is_not_alive(folder):
    assert not is_alive(folder, "1-00000000")


def test_a_run_is_alive_for_others_until_it_is_killed(folder):
    with started(BEGIN + WAIT, folder) as process:
        name = line(process)
        assert NAME.fullmatch(name)
        assert is_alive(folder, name)
        process.kill()
        process.wait()
        assert not is_alive(folder, name)
    assert (folder / "runs" / name).exists()


@pytest.mark.parametrize("leave", [FORK, EXEC], ids=["fork", "exec"])
def test_a_child_does_not_keep_the_claim_of_a_killed_parent(folder, leave):
    with started(BEGIN + leave + WAIT, folder) as process:
        name = line(process)
        assert line(process) in ("forked", "started")
        assert is_alive(folder, name)
        process.kill()
        process.wait()
        assert not is_alive(folder, name)


def test_a_forked_child_does_not_end_its_parents_run(folder):
    with started(BEGIN + END_IN_A_CHILD, folder) as process:
        process.communicate()
    assert process.returncode == 0


def test_a_sweep_removes_dead_runs_and_nothing_else(folder):
    (folder / "runs" / "1-00000000").touch()
    (folder / "runs" / "README").touch()
    with Run.begin(folder) as run:
        sweep(folder)
        assert sorted(os.listdir(folder / "runs")) == sorted([run.name, "README"])


def test_two_who_look_at_a_dead_run_do_not_take_each_other_for_it(folder):
    from fcntl import LOCK_SH, flock

    dead = folder / "runs" / "1-00000000"
    dead.touch()
    with dead.open("rb") as looked_at:
        flock(looked_at, LOCK_SH)
        assert not is_alive(folder, dead.name)


def test_nobody_loses_a_file_to_those_who_sweep(folder):
    with ExitStack() as stack:
        sweepers = [stack.enter_context(started(SWEEP, folder)) for _ in range(2)]
        assert [line(sweeper) for sweeper in sweepers] == ["sweeping"] * 2
        runs = [stack.enter_context(started(BEGIN_OFTEN, folder)) for _ in range(8)]
        assert [run.wait() for run in runs] == [0] * 8
    assert [sweeper.returncode for sweeper in sweepers] == [0, 0]
    assert list((folder / "runs").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../journal.db", "1-0000000", "0-00000000", "1-00000000\n", "x"])
def test_what_is_no_name_of_a_run_becomes_no_path(folder, name):
    with pytest.raises(StateError, match="is no run's name"):
        is_alive(folder, name)


def test_a_link_is_not_followed(folder):
    (folder / "runs" / "1-00000000").symlink_to(folder)
    with pytest.raises(StateError, match="cannot look at the run '1-00000000'"):
        is_alive(folder, "1-00000000")


def test_a_run_that_cannot_begin_is_an_error_with_a_cure(tmp_path):
    with pytest.raises(StateError, match=r"cannot write the file of this run.*No such file.*CCC_STATE_DIR"):
        Run.begin(tmp_path)


def test_a_sweep_that_fails_is_an_error_with_a_cure(tmp_path):
    with pytest.raises(StateError, match=r"cannot clean .*runs.*No such file.*CCC_STATE_DIR"):
        sweep(tmp_path)
