"""A folder with an empty home in which a page's examples are run, at a terminal or without one."""

import os
import re
import subprocess
import sys
from pathlib import Path
from shlex import quote
from typing import Self

import pexpect

import ccc
from tests.lab.daemon import Daemon, free_ports

PORT = "8025"  # what the pages say
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
SECONDS = 60


class Shell:
    """Runs commands one after another, as a user would; use as a context."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        self.status = 0
        self.port = str(free_ports(1)[0])
        self._daemons: list[Daemon] = []
        programs = folder / ".programs"
        programs.mkdir()
        for name, module in (("ccc", "-m ccc"), ("python", "")):
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
            program.chmod(0o755)
        self._environment = {
            "HOME": str(folder),
            "PATH": os.pathsep.join((str(programs), "/usr/bin", "/bin")),
            "PYTHONPATH": str(Path(ccc.__file__).parents[1]),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "NO_COLOR": "1",
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in self._daemons:
            daemon.stop()

    def run(self, script: str) -> str:
        """Run a script without a terminal; its output of both kinds."""
        done = subprocess.run(
            ["/bin/sh", "-c", self._ours(script)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            env=self._environment,
            start_new_session=True,
            timeout=SECONDS,
            check=False,
        )
        self.status = done.returncode
        return self._theirs(done.stdout.decode("utf-8", "replace"))

    def at_terminal(self, script: str, answers: list[str]) -> str:
        """Run a script at a terminal of 80 columns, and answer its questions."""
        child = pexpect.spawn(
            "/bin/sh",
            ["-c", self._ours(script)],
            cwd=str(self.home),
            env=self._environment,
            dimensions=(50, 80),
            timeout=SECONDS,
            encoding="utf-8",
        )
        child.delaybeforesend = None
        output = ""
        for answer in answers:
            child.expect_exact("[y/n] ")
            output += child.before + "[y/n] "
            child.sendline(answer)
        child.expect(pexpect.EOF)
        output += child.before
        child.close()
        self.status = child.exitstatus if child.exitstatus is not None else -child.signalstatus
        return self._theirs(_ANSI.sub("", output).replace("\r\n", "\n"))

    def start(self, command: str) -> None:
        """Start a server that listens on the page's port."""
        settings = " ".join(f"{name}={quote(value)}" for name, value in self._environment.items())
        script = f"cd {quote(str(self.home))} && {settings} exec {self._ours(command).strip()}"
        daemon = Daemon(["/bin/sh", "-c", script], self.home / ".log")
        self._daemons.append(daemon)
        daemon.wait_for(int(self.port), b"220")

    def _ours(self, script: str) -> str:
        status = f"(exit {self.status}); " if script.lstrip().startswith("echo $?") else ""
        return status + script.replace(PORT, self.port)

    def _theirs(self, output: str) -> str:
        return output.replace(self.port, PORT)
