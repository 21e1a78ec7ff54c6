"""docs/json.md names every key of every object that ccc prints."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccc.cli.main import run
from tests.docs.pages import ROOT, spans
from tests.journal.sent import report, send
from tests.lab.internet import Internet
from tests.lab.sink import EVERYTHING, Sink

MAIL = b"Bcc: eve@example.net\nFrom: me@example.org\nTo: ann@example.com\nSubject: x\n\nhello\n"
SIGNED = b"DKIM-Signature: v=1; d=example.org; h=from:to:cc; s=x; bh=; b=\nResent-From: me@example.org\n"
SENDING = ("mail.eml", "--from", "me@example.org", "--to", "late@example.org", "--json")


def keys(value: object) -> Iterator[str]:
    """The keys of an object, of the objects in it, and so on."""
    match value:
        case dict():
            yield from value
            for each in value.values():
                yield from keys(each)
        case list():
            for each in value:
                yield from keys(each)


@pytest.mark.parametrize("command", ["resend", "redirect"])
@pytest.mark.parametrize("dry", [True, False])
def test_every_key_is_explained(command: str, dry: bool, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAIL)
    with Sink(EVERYTHING, rcpt={"late@example.org": "550 5.1.1 no such user"}) as sink:
        way = ("--dry-run",) if dry else ("--smtp", f"smtp://127.0.0.1:{sink.port}")
        done = subprocess.run(
            [sys.executable, "-m", "ccc", command, *SENDING, *way, *(() if dry else ("nothing.eml",))],
            cwd=tmp_path,
            capture_output=True,
            check=False,
        )
    found = {key for line in done.stdout.splitlines() for key in keys(json.loads(line))}
    assert len(found) > 9
    assert found - explained() == set()


def test_every_key_of_an_x_ray_is_explained(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(SIGNED + MAIL)
    done = subprocess.run(
        [sys.executable, "-m", "ccc", "show", "mail.eml", "--json"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    found = set(keys(json.loads(done.stdout)))
    assert "cc_breaks" in found
    assert found - explained() == set()


def test_every_key_of_the_journal_is_explained(state_folder: Path) -> None:
    entry = send(state_folder, "ann@b.test", "gone@b.test")
    asked = (("log", "--json"), ("log", "--json", "--bounce", "-"))
    found = set()
    for arguments in asked:
        done = subprocess.run(
            [sys.executable, "-m", "ccc", *arguments],
            input=report("ann@b.test", envid=entry.name),
            capture_output=True,
            check=True,
        )
        found |= {key for line in done.stdout.splitlines() for key in keys(json.loads(line))}
    assert {"next_attempt", "reported", "enhanced"} <= found
    assert found - explained() == set()


def test_every_key_of_where_mail_goes_is_explained(
    internet: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    asked = ("keys@order.open", "keys@stsname.open", "keys@null.open")
    with internet.inside():
        run(["route", *asked, "--connect", "--from", "me@x.org", "--json", "--config", str(internet.config)])
    found = {key for line in capfd.readouterr().out.splitlines() for key in keys(json.loads(line))}
    assert {"implicit", "protection", "enhanced", "cure"} <= found
    assert found - explained() == set()


def explained() -> set[str]:
    """The words that the page sets as code."""
    return set(re.findall(r"`([a-z_0-9]+)`", spans(ROOT / "docs" / "json.md")))
