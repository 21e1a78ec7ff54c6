import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import ccc as package
from tests.cli.conftest import environment


def said(done):
    return done.stderr.decode()


def test_the_version_is_the_package_s(run):
    done = run("--version")
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert done.stdout.decode() == f"ccc {package.__version__}\n"
    assert tomllib.loads(project.read_text())["project"]["version"] == package.__version__


def test_help_names_every_command_and_an_example_of_the_main_ones(run):
    done = run("--help")
    for words in ("resend", "redirect", "show", "demo", "completion", "ccc resend sent.eml --to"):
        assert words in done.stdout.decode()
    assert (done.returncode, said(done)) == (0, "")


def test_no_command_shows_the_help_and_is_a_usage_error(run):
    done = run()
    assert done.returncode == 64
    assert "ccc resend sent.eml" in said(done)
    assert said(done).splitlines()[-1] == "ccc: no command was named; begin with `ccc demo`"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["resned"], "ccc: no such command 'resned'"),
        (["resend"], "ccc: no mail is named; name a file, - for standard input, or --imap-uid; see --help"),
        (["resend", "--tow", "x"], "ccc: there is no option --tow; did you mean --to"),
        (["resend", "x", "--color", "pink"], "ccc: invalid value for '--color'"),
        (["resend", "x", "--to"], "'--to' requires an argument; see `ccc resend --help`"),
        (["completion", "csh"], "see `ccc completion --help`"),
    ],
)
def test_what_click_refuses_is_one_sentence_with_the_next_step(run, arguments, words):
    done = run(*arguments)
    assert done.returncode == 64
    assert words in said(done)
    assert said(done).count("\n") == 1


@pytest.mark.parametrize("name", ["no\x1b[2Jsuch", "no\nsuch", "no‮such"])
def test_no_name_reaches_the_terminal_as_it_is(run, name):
    done = run("show", name)
    assert done.returncode == 66
    assert said(done).count("\n") == 1
    assert not any(char in said(done) for char in "\x1b‮")


BUG = """
import sys
import ccc.cli.main as main
def broken(*_, **__):
    secret = "hunter2"
    raise ZeroDivisionError("a bug")
main.ccc.main = broken
sys.exit(main.run([]))
"""


def test_a_bug_is_one_sentence_and_a_private_report_without_values(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", BUG], env=environment(TMPDIR=str(tmp_path)), capture_output=True, check=False
    )
    (report,) = tmp_path.iterdir()
    assert done.returncode == 70
    assert said(done) == (
        f"ccc: a bug in ccc (ZeroDivisionError); please send its authors the report {report}\n"
    )
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    assert "in broken" in report.read_text()
    assert "hunter2" not in report.read_text().replace('secret = "hunter2"', "")


def test_a_bug_whose_report_cannot_be_written_is_still_one_sentence():
    code = "import tempfile; tempfile.tempdir = '/nowhere'\n" + BUG
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=False)
    assert done.returncode == 70
    assert "could not be written" in said(done)


def closed_early(*arguments, folder):
    """ccc writing into a pipe that nobody reads any more."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "ccc", *arguments]
    try:
        return subprocess.run(
            command, stdout=write, stderr=subprocess.PIPE, cwd=folder, env=environment(), check=False
        )
    finally:
        os.close(write)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["show", "sent.eml"]])
def test_a_reader_that_goes_away_is_no_error(folder, arguments):
    done = closed_early(*arguments, folder=folder)
    assert (done.returncode, said(done)) == (0, "")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["show", "sent.eml"]])
def test_a_full_disk_is_an_error_with_its_own_status(run, arguments):
    with open("/dev/full", "wb") as full:
        done = run(*arguments, stdout=full)
    assert done.returncode == 73
    assert "standard output cannot be written" in said(done)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_never_mistaken_for_a_socket_or_a_bug(folder, closed):
    command = f"{sys.executable} -m ccc resend sent.eml --to d@example.org --via maildir:md {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment(), check=False)
    assert done.returncode == 0
    assert len(list(folder.glob("md/*/new/*"))) == 1


@pytest.mark.parametrize("command", ["--version", "--help", "demo", "show --color always sent.eml"])
@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
def test_standard_output_that_takes_nothing_is_an_error_whoever_writes(folder, command, stdout):
    line = f"{sys.executable} -m ccc {command} {stdout}"
    env = environment(TMPDIR=str(folder))
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=env, capture_output=True, check=False)
    assert done.returncode == 73
    assert said(done).startswith("ccc: standard output cannot be written: ")
    assert said(done).count("\n") == 1


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-"])
def test_words_that_nobody_can_read_stop_nothing(folder, stderr):
    line = f"{sys.executable} -m ccc resend sent.eml --to d@example.org --json -n --color always {stderr}"
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment(), capture_output=True, check=False)
    assert (done.returncode, said(done)) == (0, "")
    assert done.stdout.startswith(b"{")
    line = line.replace("--json", "")
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment(), capture_output=True, check=False)
    assert (done.returncode, said(done), done.stdout) == (0, "", b"")


def test_a_report_does_not_say_what_the_exception_says(tmp_path):
    code = BUG.replace('"a bug"', "secret + chr(33)")
    env = environment(TMPDIR=str(tmp_path))
    subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)
    (report,) = tmp_path.iterdir()
    assert "ZeroDivisionError" in report.read_text()
    assert "hunter2!" not in report.read_text()
