"""What cron would see: ccc started again with HOME and PATH, no terminal and no D-Bus session.

It is the same ccc, found by its path; everything else that makes a shell comfortable is left out, and with it
what a password may silently rest on.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ccc.errors import TryLaterError
from ccc.setup.check import Check, Level, failed

if TYPE_CHECKING:
    from subprocess import CompletedProcess

PATH = "/usr/bin:/bin"  # crontab(5)
SECONDS = 180.0

_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from ccc.__main__ import main; main()"


def as_cron(arguments: Sequence[str], environ: Mapping[str, str]) -> "CompletedProcess[bytes]":
    """Run ccc with these arguments as cron would; its output is in the answer. TryLaterError if it hangs."""
    from subprocess import DEVNULL, TimeoutExpired, run

    import ccc
    from ccc.config import home

    place = os.path.dirname(os.path.dirname(os.path.abspath(str(ccc.__file__))))
    try:
        return run(
            [sys.executable, "-P", "-c", _START, place, *arguments],  # -P: nothing from HOME is imported
            env={"HOME": home(environ), "PATH": PATH},
            cwd=home(environ) or "/",
            stdin=DEVNULL,
            capture_output=True,
            start_new_session=True,  # no terminal to ask at
            timeout=SECONDS,
            check=False,
        )
    except TimeoutExpired:
        raise TryLaterError(
            f"as cron, ccc did not end within {SECONDS:g} seconds", "use a password_command that asks nobody"
        ) from None
    except OSError as error:
        raise TryLaterError(
            f"ccc cannot be started as cron would: {error.strerror}", "check that HOME is a folder"
        ) from error


def secret_as_cron(name: str, config: str | None, environ: Mapping[str, str]) -> Iterator[Check]:
    """Whether there is a password for an account where cron runs."""
    arguments = ["doctor", name, "--only", "secret", "--json"]
    if config is not None:
        arguments += ["--config", os.path.abspath(config)]
    try:
        done = as_cron(arguments, environ)
    except TryLaterError as error:
        yield failed("cron", error)
        return
    yield from _told(done)


def _told(done: "CompletedProcess[bytes]") -> Iterator[Check]:
    """The checks that another ccc printed; as cron's, they are a warning: not everybody has cron jobs."""
    import json

    told = False
    for line in done.stdout.splitlines():
        said = json.loads(line)
        told = True
        level = Level.OK if said["result"] == Level.OK.value else Level.WARN
        yield Check("cron", said["what"], level, said["cure"])
    if not told:
        words = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = words[-1] if words else f"it ended with status {done.returncode}"
        yield Check("cron", f"ccc cannot be run there: {why}", Level.WARN, "see what cron has")
