"""The password that somebody types: unseen, asked again when it was wrong, and given up by a signal."""

import termios

import pytest

from tests.lab.sink import CHUNKING, Sink

WAY = "ccc resend sent.eml --to d@example.org --yes --smtp smtp://me@127.0.0.1:{}"
PROMPT = "Password for me at 127.0.0.1: "
AGAIN = "Wrong password, try again (me at 127.0.0.1): "


@pytest.fixture
def sink():
    with Sink(CHUNKING, mechanisms=("PLAIN",), login=("me", "hunter2")) as server:
        yield server


@pytest.fixture
def asked(at_terminal, sink):
    screen = at_terminal(WAY.format(sink.port))
    screen.until(PROMPT)
    return screen


def echoes(screen):
    return bool(termios.tcgetattr(screen.child.child_fd)[3] & termios.ECHO)


def test_what_is_typed_logs_in_and_is_not_seen(asked, sink):
    assert not echoes(asked)
    asked.answer("hunter2")
    rest, status = asked.end()
    assert status == 0
    assert "hunter2" not in rest
    assert sink.transactions[0].forward_paths == ("d@example.org",)


def test_the_terminal_echoes_again_afterwards(at_terminal, sink):
    screen = at_terminal(f"{WAY.format(sink.port)} | cat; echo done; read line")
    screen.until(PROMPT)
    screen.answer("hunter2")
    screen.until("done")
    assert echoes(screen)


def test_a_wrong_password_is_asked_for_again(asked, sink):
    asked.answer("hunter1")
    asked.until(AGAIN)
    asked.answer("hunter2")
    rest, status = asked.end()
    assert status == 0, rest
    assert len(sink.transactions) == 1


def test_after_three_wrong_ones_it_is_over(asked, sink):
    asked.answer("hunter1")
    for _ in range(2):
        asked.until(AGAIN)
        asked.answer("hunter1")
    rest, status = asked.end()
    assert status == 77
    assert "the server refused the login of me" in rest
    assert sink.transactions == []


def test_one_that_is_not_utf8_is_refused(asked):
    asked.answer(b"p\xe4")
    rest, status = asked.end()
    assert "the terminal gave a password that is not UTF-8" in rest
    assert status == 77


@pytest.mark.parametrize("key", ["d", "m"])
def test_no_password_is_a_no(asked, sink, key):
    asked.press(key)
    rest, status = asked.end()
    assert "no password was given, nothing was sent" in rest
    assert status == 1
    assert sink.transactions == []


def test_ctrl_c_ends_the_question(asked):
    asked.press("c")
    assert asked.end()[1] == 130


def test_ctrl_c_ends_the_second_question_too(asked, sink):
    asked.answer("hunter1")
    asked.until(AGAIN)
    asked.press("c")
    assert asked.end()[1] == 130
    assert sink.transactions == []


def test_ctrl_c_ends_a_command_that_asks_by_itself(at_terminal, folder, sink):
    (folder / "card").write_text("#!/bin/sh\necho PIN >/dev/tty; read pin </dev/tty; echo hunter2\n")
    (folder / "card").chmod(0o755)
    screen = at_terminal(WAY.format(sink.port) + " --password-command ./card")
    screen.until("PIN")
    screen.press("c")
    assert screen.end()[1] == 130
    assert sink.transactions == []


def test_gpg_is_told_which_terminal_to_ask_at(at_terminal, folder, sink):
    (folder / "gpg").write_text("#!/bin/sh\necho gpg asks at $GPG_TTY >&2; echo hunter2\n")
    (folder / "gpg").chmod(0o755)
    screen = at_terminal(WAY.format(sink.port) + " --password-command ./gpg", GPG_TTY="not a tty")
    screen.until("gpg asks at /dev/pts/")
    assert screen.end()[1] == 0
