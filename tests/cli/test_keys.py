"""The keyboard, key by key, on a terminal of the tests' own."""

import os
import termios

import pytest

from ccc.cli.keys import Keyboard
from ccc.errors import Declined


@pytest.fixture
def terminal():
    """Both ends of a terminal: what is typed into the first is read from the second."""
    there, here = os.openpty()
    yield there, os.ttyname(here)
    os.close(there)
    os.close(here)


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        (b"j", ["j"]),
        (b"\x1b[A\x1bOB", ["up", "down"]),
        (b"\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["page up", "page down", "home", "end"]),
        (b"\r", ["enter"]),
        (b"\x7f\x15\x04", ["backspace", "clear", "escape"]),
        ("ä漢".encode(), ["ä", "漢"]),
        (b"\xffx", ["�", "x"]),
        (b"\x01\x1b[1;5Cq", ["", "", "q"]),
        (b"\x1b[" + b"0" * 40, [""]),
        (b"\x1b", ["escape"]),
    ],
)
def test_keys_have_names_and_characters_are_themselves(terminal, typed, keys):
    there, path = terminal
    with Keyboard(path) as keyboard:
        os.write(there, typed)
        assert [keyboard.key() for _ in keys] == keys


@pytest.mark.parametrize("error", [None, KeyboardInterrupt, Declined])
def test_the_terminal_is_given_back_as_it_was(terminal, error):
    _, path = terminal
    tty = os.open(path, os.O_RDWR | os.O_NOCTTY)
    before = termios.tcgetattr(tty)
    try:
        with Keyboard(path):
            assert termios.tcgetattr(tty)[3] & (termios.ICANON | termios.ECHO) == 0
            if error:
                raise error("x")
    except (KeyboardInterrupt, Declined):
        pass
    assert termios.tcgetattr(tty) == before
    os.close(tty)


def test_control_z_is_a_key_and_stops_nobody(terminal):
    there, path = terminal
    with Keyboard(path) as keyboard:
        os.write(there, b"\x1ax")
        assert [keyboard.key(), keyboard.key()] == ["", "x"]


def test_a_terminal_that_goes_away_picks_nothing():
    there, here = os.openpty()
    path = os.ttyname(here)
    with Keyboard(path) as keyboard:
        os.close(there)
        with pytest.raises(Declined):
            keyboard.key()
    os.close(here)


def test_without_a_terminal_nobody_picks(tmp_path):
    with pytest.raises(Declined), Keyboard(str(tmp_path / "none")):
        pass
