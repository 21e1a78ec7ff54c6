import shutil
import subprocess

import pytest

from ccc.cli.completion import SHELLS
from ccc.cli.main import COMMANDS


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_for_each_shell(run, shell):
    done = run("completion", shell)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"_CCC_COMPLETE" in done.stdout


def test_the_script_for_bash_is_one(run, folder):
    script = run("completion", "bash").stdout
    bash = shutil.which("bash")
    if bash:
        subprocess.run([bash, "-n"], input=script, check=True)


def completed(run, words, last):
    done = run(env={"_CCC_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(last)})
    return [line.partition(",")[2] for line in done.stdout.decode().splitlines()]


def test_commands_are_completed(run):
    assert completed(run, "ccc ", 1) == list(COMMANDS)
    assert completed(run, "ccc res", 1) == ["resend"]


def test_options_are_completed_without_those_of_the_other_command(run):
    assert "--show-to" in completed(run, "ccc resend --show", 2)
    assert "--show-to" not in completed(run, "ccc redirect --show", 2)
