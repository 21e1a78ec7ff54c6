"""A folder with mails to send, ccc as a process without a terminal, and ccc at one."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

import ccc as package
from tests.lab import ready

MAIL = b"""\
From: Ines Maro <ines@example.org>
To: Ann Lee <ann@example.com>
Cc: Bob Ray <bob@example.net>
Subject: Minutes of Tuesday
Date: Tue, 17 Nov 2026 09:30:00 +0000
Message-ID: <1@example.org>

Hello
"""
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain(screen):
    """What a terminal says, without its escapes."""
    return ANSI.sub("", screen)


def environment(**more: str) -> dict[str, str]:
    path = str(Path(package.__file__).parent.parent)
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    state = os.environ["CCC_STATE_DIR"]
    return {
        **kept,
        "PYTHONPATH": path,
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "CCC_STATE_DIR": state,
        **more,
    }


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sent.eml").write_bytes(MAIL)
    return tmp_path


def another(number):
    """The same mail, and yet another one: it has a Message-ID of its own."""
    return MAIL.replace(b"<1@", b"<%d@" % number)


def several(folder, count):
    """So many different mails in files; their names."""
    names = [f"{number}.eml" for number in range(count)]
    for number, name in enumerate(names):
        (folder / name).write_bytes(another(number))
    return names


@pytest.fixture
def run(folder):
    """Run ccc with no terminal anywhere."""

    def run(*arguments, stdin=b"", env=None, **more):
        if not more and not any(name.startswith(ready.START) for name in env or {}):
            words = [*map(str, arguments)]
            done = ready.ccc(words, environment(**(env or {})), str(folder), stdin)
            if done is not None:
                return done
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.run(
            [sys.executable, "-m", "ccc", *map(str, arguments)],
            input=stdin,
            cwd=folder,
            env=environment(**(env or {})),
            start_new_session=True,
            timeout=60,
            check=False,
            **more,
        )

    return run


def until_it_catches(pid, number):
    """Wait until the process has its handler for this signal in place."""
    wanted = 1 << (number - 1)
    while True:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            caught = next(line for line in status if line.startswith("SigCgt"))
        if int(caught.split()[1], 16) & wanted:
            return


class Screen:
    """ccc at a terminal."""

    def __init__(self, folder, command, size, env):
        self.child = pexpect.spawn(
            "/bin/sh", ["-c", command], cwd=str(folder), env=environment(**env), dimensions=size, timeout=30
        )
        self.child.delaybeforesend = None

    def until(self, text):
        """Everything on the screen until this appears."""
        self.child.expect_exact(text)
        return plain(self.child.before.decode())

    def answer(self, line):
        self.child.sendline(line)

    def press(self, key):
        self.child.sendcontrol(key)

    def end(self):
        """The rest of what was said, and the exit status."""
        self.child.expect(pexpect.EOF)
        rest = plain(self.child.before.decode())
        self.child.close()
        return rest, self.child.exitstatus


@pytest.fixture
def at_terminal(folder):
    """Run `ccc ...` as a shell does, 100 columns wide unless told otherwise."""
    screens = []

    def start(command, columns=100, **env):
        command = re.sub(r"\bccc\b", f"{sys.executable} -m ccc", command)
        command = command if "|" in command else f"exec {command}"  # no shell between signals and ccc
        screens.append(Screen(folder, command, (50, columns), env))
        return screens[-1]

    yield start
    for screen in screens:
        screen.child.close(force=True)
