"""A process that has imported ccc and forks a run of it when asked: no run pays for the start, all are alike.

`python -m tests.journal.warm`, driven by tests/journal/strace.py. A request is a line of JSON: arguments,
environ, folder, and whether the run stops before its first step, so that somebody can attach to it. The
answers are its process id (once it has stopped, if it shall) and, when it has ended, how.
"""

import encodings.idna  # noqa: F401  # as the one below: what a run would import late
import gc
import importlib
import json
import os
import pkgutil
import signal
import sqlite3  # noqa: F401
import sys
from typing import Any

import ccc
from ccc.__main__ import main as run

FOR_EYES = ("__main__", "demo", "demo_server", "panels", "render", "xray")  # no run of these tests needs them


def warm() -> None:
    """Import all of ccc that a run may need."""
    for module in pkgutil.walk_packages(ccc.__path__, "ccc."):
        if module.name.rpartition(".")[2] not in FOR_EYES:
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()  # what is never looked at again need not be copied for each run


def become(request: dict[str, Any]) -> None:
    """In the child: be `ccc` with these arguments, its output in files."""
    sys.argv = ["ccc", *request["arguments"]]
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environ"])
    for number, name in enumerate((os.devnull, "out", "err")):
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC if number else os.O_RDONLY
        descriptor = os.open(name, flags, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    if request["held"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    try:
        run()
    except SystemExit as end:
        os._exit(
            int(end.code or 0)
        )  # taking the interpreter apart takes longer than the run, and does nothing
    os._exit(1)


def answer(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> None:
    warm()
    answer("ready")
    while line := sys.stdin.readline():
        request = json.loads(line)
        child = os.fork()
        if not child:
            become(request)
        if request["held"]:
            os.waitpid(child, os.WUNTRACED)
        answer(child)
        answer(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
