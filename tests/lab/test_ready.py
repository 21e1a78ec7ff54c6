"""A run of the process that is ready is what a start is: what it says, where it says it, and how it ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import MAIL, environment
from tests.lab import ready

RUNS = {
    "it reads and prints": (("show", "-", "--json"), MAIL),
    "it shows what it would send": (("resend", "-", "--to", "Zoë <zoe@example.org>", "-n"), MAIL),
    "it refuses": (("resend", "gone.eml", "--to", "dan@example.org"), b""),
    "it knows no such option": (("log", "--frobnicate"), b""),
}


def started(arguments: tuple[str, ...], folder: Path, stdin: bytes) -> ready.Done:
    command = [sys.executable, "-m", "ccc", *arguments]
    return subprocess.run(
        command,
        input=stdin,
        cwd=folder,
        env=environment(),
        capture_output=True,
        check=False,
        start_new_session=True,
    )


@pytest.mark.parametrize(("arguments", "stdin"), RUNS.values(), ids=RUNS)
def test_a_run_is_what_a_start_is(arguments: tuple[str, ...], stdin: bytes, tmp_path: Path) -> None:
    run, start = (
        ready.ccc(arguments, environment(), str(tmp_path), stdin),
        started(arguments, tmp_path, stdin),
    )
    assert run is not None
    assert (run.returncode, run.stdout, run.stderr) == (start.returncode, start.stdout, start.stderr)


def test_what_does_not_fit_into_a_pipe_wants_a_start() -> None:
    assert ready.ccc(["show", "-"], environment(), "/", b"x" * (ready.FITS + 1)) is None
