"""What a run of ccc loads: nothing that it does not use (law 7), and nothing but what is tested."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ccc
from tests.lab.sink import CHUNKING, Sink

SLOW = {"rich", "keyring", "dns", "imapclient", "dkim", "sqlite3", "asyncio", "ssl", "aiosmtpd", "email"}
LOADED = """
import atexit, json, sys
atexit.register(lambda: sys.stderr.write(json.dumps(sorted(sys.modules))))
sys.argv = ["ccc", *sys.argv[1:]]
from ccc.__main__ import main
sys.exit(main())
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that were loaded when a command had ended well."""
    command = [sys.executable, "-c", LOADED, *arguments]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return {str(name).partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def test_the_version_loads_nothing_slow() -> None:
    assert loaded("--version") & SLOW == set()


@pytest.mark.parametrize(("journal", "needed"), [(("--no-journal",), set()), ((), {"sqlite3"})])
def test_a_plain_resend_loads_nothing_slow(tmp_path: Path, journal: tuple[str], needed: set[str]) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"From: me@a.test\nTo: b@b.test\nSubject: x\n\nhello\n")
    people = ("--from", "me@a.test", "--to", "late@c.test")
    with Sink(CHUNKING) as sink:
        server = ("--smtp", f"smtp://127.0.0.1:{sink.port}")
        assert loaded("resend", str(mail), *people, *server, "--yes", *journal) & SLOW == needed
    assert sink.transactions[0].forward_paths == ("late@c.test",)


def test_import_ccc_loads_almost_nothing() -> None:
    probe = "import sys; before = set(sys.modules); import ccc; print(len(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True)
    assert int(done.stdout) <= 3


def test_it_is_the_ccc_that_should_be_tested() -> None:
    """The installed one if CCC_INSTALLED says so, in this process and in those that it starts."""
    probe = [sys.executable, "-c", "import ccc; print(ccc.__file__)"]
    started = subprocess.run(probe, capture_output=True, text=True, check=True).stdout.strip()
    assert started == ccc.__file__
    assert ("site-packages" in Path(started).parts) == (os.environ.get("CCC_INSTALLED") == "1")
