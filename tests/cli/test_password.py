import os
import sys

import pytest

from ccc.cli.password import password_for
from ccc.errors import NotPermitted, UsageError

LOGIN = "me@smtp.example.org"


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


@pytest.mark.parametrize(
    ("octets", "secret"),
    [(b"hunter2\n", "hunter2"), (b"hunter2", "hunter2"), (b"a b\r\nmore\n", "a b"), ("pä\n".encode(), "pä")],
)
def test_the_first_line_of_a_descriptor_is_the_password(descriptor, octets, secret):
    assert password_for(LOGIN, descriptor(octets), None) == secret


def test_an_empty_descriptor_gives_no_password(descriptor):
    with pytest.raises(NotPermitted, match="gave no password"):
        password_for(LOGIN, descriptor(b""), None)


def test_a_descriptor_that_is_not_open_is_named_with_the_cure():
    with pytest.raises(UsageError, match=r"--password-fd 987: .*987< FILE"):
        password_for(LOGIN, 987, None)


def test_a_command_prints_the_password():
    command = (sys.executable, "-c", "print('hunter2'); print('user: me')")
    assert password_for(LOGIN, None, command) == "hunter2"


def test_a_command_gets_no_standard_input_of_ours():
    command = (sys.executable, "-c", "import sys; print(len(sys.stdin.read()))")
    assert password_for(LOGIN, None, command) == "0"


def test_a_command_is_not_run_by_a_shell():
    assert password_for(LOGIN, None, ("echo", "$HOME; exit")) == "$HOME; exit"


def test_a_command_that_fails_is_named_and_its_output_is_not():
    command = (sys.executable, "-c", "print('hunter2'); raise SystemExit(3)")
    with pytest.raises(NotPermitted, match="failed with status 3") as caught:
        password_for(LOGIN, None, command)
    assert "hunter2" not in str(caught.value)


def test_a_command_that_does_not_exist_is_named():
    with pytest.raises(NotPermitted, match="/nowhere/pass cannot be run"):
        password_for(LOGIN, None, ("/nowhere/pass",))


def test_without_a_terminal_nobody_is_asked():
    with pytest.raises(NotPermitted, match="nobody can be asked"):
        password_for(LOGIN, None, None)


def test_a_password_that_is_not_utf8_is_refused_and_not_repeated(descriptor):
    with pytest.raises(NotPermitted, match="not UTF-8") as caught:
        password_for(LOGIN, descriptor("hunter2ä".encode("latin-1")), None)
    assert "UTF-8" in caught.value.cure
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("typed", [b"p\xe4", b"p\x80\xff"])
def test_so_is_one_that_is_typed(typed, at_terminal):
    screen = at_terminal("ccc resend sent.eml --to d@example.org --yes --smtp smtps://me@localhost:1")
    screen.until("Password for me at localhost: ")
    screen.answer(typed)
    rest, status = screen.end()
    assert "the terminal gave a password that is not UTF-8" in rest
    assert status == 77
