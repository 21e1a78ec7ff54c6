"""Runs the `ccc` command as a user's shell would, and takes the trace fields off what a server delivered."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.lab import ready

TRACE = re.compile(rb"(?:Received:[^\n]*\n(?:[ \t][^\n]*\n)*)+")  # RFC 5321, 4.4


def ccc(*words: object, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run it to its end, without a terminal."""
    arguments = [*map(str, words)]
    if done := ready.ccc(arguments, os.environ, os.getcwd(), stdin):
        return done
    command = [sys.executable, "-m", "ccc", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, start_new_session=True)


def password_file(folder: Path, password: str) -> list[str]:
    """The options that give a password from a file only we can read."""
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password + "\n")
    return ["--password-command", f"cat {secret}"]


def without_trace(octets: bytes) -> bytes:
    """A delivered message without the Received fields on top of it."""
    match = TRACE.match(octets)
    return octets[match.end() :] if match else octets
