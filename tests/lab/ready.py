"""ccc as a fork of a process that has its floors loaded: a run costs a fifth of what a start costs.

    done = ccc(["resend", "mail.eml", …], environ, folder, b"what it reads")

Each run imports the command line itself, and gets pipes, a session, an environment and a folder of its own.
What is about a start (its imports, its locale, options of the interpreter, a terminal, a full pipe) wants a
real one: tests/test_imports.py, tests/docs and what is at a terminal start every command.
"""

import gc
import importlib
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import NoReturn

import ccc as ccc_itself

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (  # of those that a run may import, what takes long
    *("click", "concurrent.futures", "contextlib", "dataclasses", "datetime", "difflib", "encodings.idna"),
    *("fcntl", "hashlib", "hmac", "http.client", "idna", "imapclient", "ipaddress", "pathlib", "platform"),
    *(
        "random",
        "rich.console",
        "rich.live",
        "rich.panel",
        "rich.progress",
        "rich.table",
        "secrets",
        "select",
    ),
    *("shlex", "sqlite3", "ssl", "stringprep", "tempfile", "termios", "tomllib", "traceback", "unicodedata"),
    *("urllib.parse", "urllib.request", "dns.flags", "dns.message", "dns.rcode", "dns.resolver"),
)
LONGEST = 60  # seconds that a run may take
FITS = 60_000  # octets that a pipe takes before anybody reads them
START = ("LANG", "LC_", "PYTHON", "TZ")  # what an interpreter reads from its environment when it starts

Done = subprocess.CompletedProcess[bytes]


def ccc(arguments: Sequence[str], environ: Mapping[str, str], folder: str, stdin: bytes = b"") -> Done | None:
    """Run it to its end; nothing where only a start will do: see `START`, `FITS`, or another run goes on.

    So it is for a thread that is in another network (tests/lab/namespace.py), where the process is not.
    """
    if len(stdin) > FITS or _network() != _HERE or not _ONE.free.acquire(blocking=False):
        return None
    try:
        return _ONE.run(arguments, environ, folder, stdin)
    finally:
        _ONE.free.release()


def _network() -> str:
    """The network that this thread is in."""
    return os.readlink("/proc/thread-self/ns/net") if os.path.exists("/proc/thread-self/ns") else ""


_HERE = _network()


def close() -> None:
    """End the process, if there is one."""
    _ONE.close()


class Ready:
    """The process: begun by the first run."""

    def __init__(self) -> None:
        self.free = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, arguments: Sequence[str], environ: Mapping[str, str], folder: str, stdin: bytes) -> Done:
        """Run ccc to its end."""
        if self._process is None:
            self._begin()
        request = json.dumps({"arguments": [*arguments], "environ": {**environ}, "folder": folder})
        (reads, write), (out, writes), (err, complains) = os.pipe(), os.pipe(), os.pipe()
        os.write(write, stdin)
        os.close(write)
        socket.send_fds(self._link, [request.encode() + b"\n"], [reads, writes, complains])
        for theirs in (reads, writes, complains):
            os.close(theirs)
        child = int(self._answers.readline())
        said = _heard((out, err), child)
        return subprocess.CompletedProcess([*arguments], int(self._answers.readline()), *said)

    def close(self) -> None:
        """See the function."""
        if self._process:
            self._answers.close()
            self._link.close()
            self._process.wait()
            self._process = None

    def _begin(self) -> None:
        self._link, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.lab.ready", str(theirs.fileno())]
            self._process = subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()])
        self._answers = self._link.makefile("r")


_ONE = Ready()


def _heard(pipes: Sequence[int], child: int) -> list[bytes]:
    """All that comes out of the pipes until they end."""
    said: dict[int, list[bytes]] = {pipe: [] for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(LONGEST)
            if not ready:
                os.kill(child, signal.SIGKILL)
            for key, _ in ready:
                said[key.fd].append(os.read(key.fd, 65536))
                if not said[key.fd][-1]:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    return [b"".join(said[pipe]) for pipe in pipes]


def main() -> None:
    """In the process: fork a run for each request, and say how it ended."""
    for name in (*LIBRARIES, *_floors()):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is never looked at again need not be copied for each run
    link = socket.socket(fileno=int(sys.argv[1]))
    while True:
        octets, pipes, _, _ = socket.recv_fds(link, 1 << 20, 3)
        if not octets:
            return
        while not octets.endswith(b"\n"):
            octets += link.recv(1 << 20)
        child = os.fork()
        if not child:
            link.close()
            _become(json.loads(octets), pipes)
        for pipe in pipes:
            os.close(pipe)
        link.sendall(b"%d\n" % child)
        link.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def _floors() -> Iterator[str]:
    """The modules of ccc below the command line, which a run imports itself."""
    names = (module.name for module in pkgutil.walk_packages(ccc_itself.__path__, "ccc."))
    return (name for name in names if not name.startswith(("ccc.cli", "ccc.__main__")))


def _become(request: dict[str, object], pipes: Sequence[int]) -> NoReturn:
    """In the child: be `python -m ccc`."""
    status = 1
    try:
        os.setsid()
        for number, pipe in enumerate(pipes):
            os.dup2(pipe, number)
            os.close(pipe)
        os.chdir(str(request["folder"]))
        os.environ.clear()
        os.environ.update(request["environ"])  # type: ignore[call-overload]
        sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
        sys.argv = ["ccc", *request["arguments"]]  # type: ignore[misc]
        sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
        from ccc.__main__ import main as run

        try:
            run()
        except SystemExit as end:
            status = int(end.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  # a forked child must not go on as its parent
        traceback.print_exc()
    finally:
        os._exit(status)  # taking the interpreter apart takes long, and does nothing


def _stream(number: int, mode: str) -> io.TextIOWrapper:
    """As a start makes them of LANG=C.UTF-8 where there is no terminal."""
    errors = "backslashreplace" if number == 2 else "surrogateescape"
    octets = open(number, f"{mode}b", closefd=False)  # noqa: SIM115  # it lives as long as the process
    return io.TextIOWrapper(octets, "utf-8", errors, line_buffering=number == 2)


if __name__ == "__main__":
    main()
