"""The places of a password: what each gives, and what is said when it gives none."""

import os
import signal
import sys
import time

import pytest

from ccc.accounts.secrets import MOST, from_command, from_credential, from_descriptor, from_file
from ccc.cli.signals import Interrupts
from ccc.errors import ConfigurationError, Interrupted, NotPermitted, UsageError

ENVIRON = {"PATH": os.environ["PATH"]}
FIRST_LINES = [
    (b"hunter2\n", "hunter2"),
    (b"hunter2", "hunter2"),
    (b"a b\r\nmore\n", "a b"),
    ("pä\n".encode(), "pä"),
    (b"\xef\xbb\xbfhunter2\r\n", "hunter2"),
]


def python(script):
    return (sys.executable, "-c", script)


@pytest.fixture
def descriptor(tmp_path):
    opened = []

    def make(octets):
        path = tmp_path / "secret"
        path.write_bytes(octets)
        opened.append(os.open(path, os.O_RDONLY))
        return opened[-1]

    yield make
    for number in opened:
        os.close(number)


@pytest.fixture
def file(tmp_path):
    def make(octets, mode=0o600):
        path = tmp_path / "pass word"
        path.write_bytes(octets)
        path.chmod(mode)
        return str(path)

    return make


@pytest.mark.parametrize(("octets", "secret"), FIRST_LINES)
def test_the_first_line_of_a_descriptor_is_the_password(descriptor, octets, secret):
    assert from_descriptor(descriptor(octets)) == secret


def test_an_empty_descriptor_gives_no_password(descriptor):
    with pytest.raises(NotPermitted, match="gave no password"):
        from_descriptor(descriptor(b""))


def test_a_descriptor_that_is_not_open_is_named_with_the_cure():
    with pytest.raises(UsageError, match=r"--password-fd 987: .*987< FILE"):
        from_descriptor(987)


def test_a_line_without_end_is_no_password(descriptor):
    with pytest.raises(NotPermitted, match="a line of more than 64 KiB"):
        from_descriptor(descriptor(b"x" * (MOST + 1)))


def test_a_password_that_is_not_utf8_is_refused_and_not_repeated(descriptor):
    with pytest.raises(NotPermitted, match="not UTF-8") as caught:
        from_descriptor(descriptor("hunter2ä".encode("latin-1")))
    assert "UTF-8" in caught.value.cure
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(("octets", "secret"), FIRST_LINES)
def test_the_first_line_of_a_file_is_the_password(file, octets, secret):
    assert from_file(file(octets)) == secret


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o777])
def test_a_file_that_others_may_touch_is_refused_and_the_cure_mends_it(file, mode):
    path = file(b"hunter2\n", mode)
    with pytest.raises(ConfigurationError, match=rf"\(mode 0{mode:o}\)") as caught:
        from_file(path)
    assert caught.value.cure == f"run: chmod 600 '{path}'"


def test_a_file_that_only_its_owner_may_read_will_do(file):
    assert from_file(file(b"hunter2\n", 0o400)) == "hunter2"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_file_of_another_user_is_refused(file):
    path = file(b"hunter2\n")
    os.chown(path, 65534, -1)
    with pytest.raises(ConfigurationError, match="belongs to another user"):
        from_file(path)


def test_a_pipe_is_no_password_file_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigurationError, match="no regular file"):
        from_file(str(tmp_path / "pipe"))


def test_a_folder_is_no_password_file(tmp_path):
    with pytest.raises(ConfigurationError, match="is a folder"):
        from_file(str(tmp_path))


@pytest.mark.parametrize("name", ["nothing", "\0"])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        from_file(str(tmp_path / name))
    assert "password_file" in caught.value.cure


def test_an_empty_file_gives_no_password(file):
    with pytest.raises(NotPermitted, match="pass word gave no password"):
        from_file(file(b"\nhunter2\n"))


def test_systemd_hands_over_a_credential_whatever_its_mode(tmp_path):
    (tmp_path / "ccc-work").write_bytes(b"hunter2\n")
    (tmp_path / "ccc-work").chmod(0o440)
    assert from_credential("ccc-work", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "hunter2"


@pytest.mark.parametrize("folder", ["{}", "{}/nowhere", "{}/other", "", "."])
def test_where_there_is_no_credential_other_places_have_their_turn(tmp_path, folder):
    (tmp_path / "other").write_bytes(b"")
    assert from_credential("ccc-work", {"CREDENTIALS_DIRECTORY": folder.format(tmp_path)}) is None


def test_a_credential_cannot_lie_elsewhere(tmp_path):
    (tmp_path / "secret").write_bytes(b"hunter2\n")
    (tmp_path / "ccc-").mkdir()
    assert from_credential("ccc-/../secret", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) is None


def test_a_credential_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "ccc-work").mkdir()
    with pytest.raises(ConfigurationError, match="the systemd credential ccc-work cannot be read"):
        from_credential("ccc-work", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_command_prints_the_password():
    assert from_command(("printf", "hunter2\nuser: me\n"), ENVIRON) == "hunter2"


def test_what_a_command_leaves_running_is_not_waited_for():
    before = time.monotonic()
    assert from_command(("sh", "-c", "sleep 9 & echo hunter2"), ENVIRON, seconds=8) == "hunter2"
    assert time.monotonic() - before < 7


def test_all_that_a_command_printed_is_taken_though_its_output_stays_open():
    printed = from_command(("sh", "-c", "sleep 9 & head -c 60000 /dev/zero | tr '\\0' x"), ENVIRON, seconds=8)
    assert printed == "x" * 60000


def test_a_command_that_left_something_running_and_failed_has_failed():
    with pytest.raises(NotPermitted, match="failed with status 3"):
        from_command(("sh", "-c", "sleep 9 & echo hunter2; exit 3"), ENVIRON, seconds=8)


def test_a_command_gets_no_standard_input_of_ours():
    assert from_command(("wc", "-c"), ENVIRON).strip() == "0"


def test_a_command_is_not_run_by_a_shell():
    assert from_command(("echo", "$HOME; exit"), ENVIRON) == "$HOME; exit"


def test_what_a_command_complains_of_reaches_the_user(capfd):
    with pytest.raises(NotPermitted, match="failed with status 2"):
        from_command(("sh", "-c", "echo the card is not there >&2; exit 2"), ENVIRON)
    assert "the card is not there" in capfd.readouterr().err


def test_a_command_that_fails_is_named_and_its_output_is_not():
    with pytest.raises(NotPermitted, match="the password command sh failed with status 3") as caught:
        from_command(("sh", "-c", "echo hunter2; exit 3"), ENVIRON)
    assert "hunter2" not in str(caught.value)


def test_a_command_that_was_killed_is_an_error():
    with pytest.raises(NotPermitted, match="failed with signal 15"):
        from_command(("sh", "-c", "echo hunter2; kill $$"), ENVIRON)


@pytest.mark.parametrize("program", ["/nowhere/pass", "pass\0", "/"])
def test_a_command_that_cannot_be_run_is_named(program):
    with pytest.raises(NotPermitted, match="cannot be run") as caught:
        from_command((program,), ENVIRON)
    assert "whole path" in caught.value.cure


def test_a_command_that_prints_nothing_gives_no_password():
    with pytest.raises(NotPermitted, match="the password command true gave no password"):
        from_command(("true",), ENVIRON)


def test_a_token_command_is_called_that():
    with pytest.raises(NotPermitted, match="the token command true gave no token"):
        from_command(("true",), ENVIRON, what="token")


def test_a_command_that_hangs_is_ended():
    with pytest.raises(NotPermitted, match=r"did not end within 0\.05 seconds"):
        from_command(("sleep", "60"), ENVIRON, seconds=0.05)


def test_a_command_that_hangs_with_its_output_closed_is_ended_too():
    before = time.monotonic()
    with pytest.raises(NotPermitted, match="did not end within"):
        from_command(("sh", "-c", "exec >&-; exec sleep 60"), ENVIRON, seconds=0.05)
    assert time.monotonic() - before < 30


def test_a_command_that_does_not_stop_printing_is_ended():
    with pytest.raises(NotPermitted, match="printed more than 64 KiB"):
        from_command(("yes", "hunter2"), ENVIRON)


def test_a_signal_ends_the_wait_for_a_command_though_a_run_has_begun_to_send():
    with Interrupts() as interrupts:
        interrupts.begin_sending()
        with pytest.raises(Interrupted) as caught:
            from_command(("sh", "-c", "kill -TERM $PPID; exec sleep 60"), ENVIRON, interrupts=interrupts)
    assert caught.value.signal == signal.SIGTERM


def test_what_ended_a_command_from_the_keyboard_ends_the_run():
    with pytest.raises(Interrupted) as caught:
        from_command(("sh", "-c", "kill -INT $$"), ENVIRON)
    assert caught.value.signal == signal.SIGINT


def test_a_command_gets_the_environment_and_nothing_of_ours():
    printed = from_command(("sh", "-c", "env | sort | grep -v -e ^PWD= -e ^_= | tr '\\n' ' '"), ENVIRON)
    assert {word.partition("=")[0] for word in printed.split()} <= {"PATH", "SHLVL", "OLDPWD"}


def test_no_terminal_is_named_to_gpg_where_there_is_none():
    command = ("sh", "-c", "echo ${GPG_TTY-unset}")
    assert from_command(command, {**ENVIRON, "GPG_TTY": "not a tty"}) == "unset"


def test_the_terminal_that_is_named_to_gpg_stays():
    assert from_command(("sh", "-c", "echo $GPG_TTY"), {**ENVIRON, "GPG_TTY": "/dev/pts/7"}) == "/dev/pts/7"
