"""What a mail server makes of ccc's exit statuses, and what the script of docs/pipes.md makes of them."""

import smtplib
import subprocess
import sys
from pathlib import Path

import pytest

from ccc.receipt import EXIT
from tests.docs.pages import ROOT, blocks, rows
from tests.lab.postfix import Postfix
from tests.lab.sink import Sink

DOCS = ROOT / "docs"
MAIL = b"From: author@example.org\r\nTo: alias@pipe.test\r\nSubject: x\r\n\r\nhello\r\n"
ENDS = "import sys; sys.stdin.buffer.read(); sys.exit(int(sys.argv[1]))"
STATUSES = sorted({0, *EXIT.values()})


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (block,) = (block for block in blocks(DOCS / "pipes.md") if block.file)
    written = tmp_path / block.file
    written.write_text(block.text)
    return written


@pytest.mark.parametrize("status", STATUSES)
def test_the_script_lets_authors_hear_of_their_own_mails_only(status: int, script: Path) -> None:
    program = script.parent / "ccc"
    program.write_text(f"#!/bin/sh\necho words\necho more >&2\nexit {status}\n")
    program.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(script)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PATH": f"{script.parent}:/usr/bin:/bin", "HOME": str(script.parent)},
        check=False,
    )
    assert done.returncode == {0: 0, 74: 0, 65: 65, 69: 69}.get(status, 75)
    assert done.stdout + done.stderr == b""
    assert (script.parent / "ccc.log").read_text() == "words\nmore\n"


def test_postfix_makes_of_each_status_what_the_page_says(postfix: Postfix) -> None:
    wanted = {int(row[0]): row[3] for row in rows(DOCS / "exit-status.md", "Status")}
    for status in wanted:
        address = postfix.mount(f"docs{status}", [sys.executable, "-c", ENDS, str(status)])
        with smtplib.SMTP("localhost", postfix.ports["plain"]) as client:
            client.sendmail(f"docs{status}@author.test", [address], MAIL)
    postfix.settle()
    assert {status: became(postfix.log(), status) for status in wanted} == wanted


def mounted(postfix: Postfix, script: Path, name: str, port: int) -> str:
    """The page's script behind an address, with a server on this port instead of this host's sendmail."""
    text = script.read_text().replace("--via sendmail", f"--smtp smtp://127.0.0.1:{port}")
    script.write_text(text.replace("\nccc ", f"\n{sys.executable} -m ccc "))
    return postfix.mount(name, ["/bin/sh", str(script)], {"HOME": str(script.parent)})


def send(postfix: Postfix, address: str, author: str) -> None:
    with smtplib.SMTP("localhost", postfix.ports["plain"]) as client:
        client.sendmail(author, [address], MAIL)
    postfix.settle()


def test_the_script_redirects_from_a_real_pipe(postfix: Postfix, script: Path) -> None:
    script.write_text(script.read_text().replace("me@home.example", "piped@home.example"))
    address = mounted(postfix, script, "docs-alias", postfix.ports["plain"])
    send(postfix, address, "author1@a.test")
    (mail,) = postfix.mailbox("piped@home.example")
    assert mail.reverse_path == "me@example.org"
    assert b"\nFrom: author@example.org\nTo: alias@pipe.test\nSubject: x\n\nhello\n" in mail.octets
    assert b"\nResent-From: me@example.org\nResent-To: piped@home.example\n" in mail.octets
    assert postfix.mailbox("author1@a.test") == []


def test_a_bounce_to_the_author_keeps_the_private_address(postfix: Postfix, script: Path) -> None:
    with Sink(rcpt={"me@home.example": "550 5.1.1 me@home.example is unknown"}) as sink:
        send(postfix, mounted(postfix, script, "docs-refused", sink.port), "author2@a.test")
    (bounce,) = postfix.mailbox("author2@a.test")
    assert b"docs-refused@pipe.test" in bounce.octets
    assert b"home.example" not in bounce.octets
    assert "me@home.example" in (script.parent / "ccc.log").read_text()


def test_a_mail_that_arrives_twice_is_passed_on_once(postfix: Postfix, script: Path) -> None:
    script.write_text(script.read_text().replace("me@home.example", "once@home.example"))
    address = mounted(postfix, script, "docs-twice", postfix.ports["plain"])
    for _ in range(2):
        with smtplib.SMTP("localhost", postfix.ports["plain"]) as client:
            client.sendmail("author3@a.test", [address], b"Message-ID: <twice@a.test>\r\n" + MAIL)
        postfix.settle()
    assert len(postfix.mailbox("once@home.example")) == 1
    assert postfix.mailbox("author3@a.test") == []


def test_a_journal_that_cannot_be_written_makes_the_mail_server_keep_the_mail(
    postfix: Postfix, script: Path
) -> None:
    (script.parent / ".local").write_text("in the way of the state folder")
    address = mounted(postfix, script, "docs-full", postfix.ports["plain"])
    send(postfix, address, "author4@a.test")
    (line,) = (line for line in postfix.log().splitlines() if f"to=<{address}>" in line)
    assert "status=deferred" in line
    assert "CCC_STATE_DIR" in (script.parent / "ccc.log").read_text()


def became(log: str, status: int) -> str:
    """What Postfix logged of the mail to this address."""
    (line,) = (line for line in log.splitlines() if f"to=<docs{status}@pipe.test>" in line)
    return line.partition(" status=")[2].split()[0]
