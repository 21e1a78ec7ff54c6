import io
import re
import subprocess
import sys
from pathlib import Path

from ccc.cli.demo import MAIL, Story
from ccc.cli.demo_server import HOST, Mailboxes, Server
from ccc.cli.render import console
from tests.cli.conftest import environment


def test_the_demo_delivers_to_the_fourth_and_leaves_the_three_alone(run, tmp_path):
    done = run("demo", env={"TMPDIR": str(tmp_path), "HOME": "/nowhere"})
    assert (done.returncode, done.stderr) == (0, b"")
    out = done.stdout.decode()
    (folder,) = map(Path, re.findall(r"It all lies in (\S+)", out))
    boxes = {
        box.name: [mail.read_bytes() for mail in box.glob("new/*")] for box in folder.glob("mailboxes/*")
    }
    assert {name: len(mails) for name, mails in boxes.items()} == {
        "ann@example.com": 1,
        "bob@example.net": 1,
        "cleo@example.net": 1,
        "dan@example.org": 1,
    }
    ann, dan = boxes["ann@example.com"][0], boxes["dan@example.org"][0]
    assert dan == ann.replace(
        b"cleo@example.net>\r\n", b"cleo@example.net>,\r\n Dan Oko <dan@example.org>\r\n"
    )
    assert ann == (folder / "sent.eml").read_bytes()


def test_the_demo_shows_the_panels_the_dialogue_and_the_difference(run, tmp_path):
    out = run("demo", env={"TMPDIR": str(tmp_path)}).stdout.decode()
    for words in (
        "Envelope: who gets it",
        "Header: what they see",
        " -> RCPT TO:<dan@example.org>",
        "<-  250 2.0.0 Ok: delivered",
        "+ Dan Oko <dan@example.org>",
    ):
        assert words in out
    assert out.count("RCPT TO") == 1
    assert not any(line[:1].isdigit() for line in out.splitlines())


def test_the_demo_needs_no_colour_and_no_wide_terminal(at_terminal):
    screen, status = at_terminal("ccc demo --color never", columns=60).end()
    assert status == 0
    assert "\x1b" not in screen


def told(folder, mailboxes, url):
    """The status of the demo with such mailboxes and such a server, and what it shows."""
    mail, screen = folder / "sent.eml", io.StringIO()
    mail.write_bytes(MAIL)
    return Story(console("never", screen), mail, mailboxes, url).tell(), screen.getvalue()


def test_a_demo_whose_server_cannot_be_reached_says_so_and_stops(tmp_path, capsys):
    status, shown = told(tmp_path, Mailboxes(tmp_path / "mailboxes"), "smtp://127.0.0.1:1")
    assert (status, shown.count("Step"), "delivered" in shown) == (75, 1, False)
    assert "ann@example.com deferred" in capsys.readouterr().err


def test_a_demo_whose_mailboxes_cannot_be_written_says_so_and_stops(tmp_path, capsys):
    mailboxes = Mailboxes(tmp_path / "sent.eml" / "mailboxes")
    with Server(mailboxes) as server:
        status, shown = told(tmp_path, mailboxes, f"smtp://{HOST}:{server.port}")
    assert (status, shown.count("Step"), "delivered" in shown) == (75, 1, False)
    assert "452 4.3.1 Not a directory" in capsys.readouterr().err


def test_a_demo_that_has_nowhere_to_write_is_one_sentence(run):
    code = "import tempfile; tempfile.tempdir = '/nowhere'; import ccc.cli.main as m; exit(m.run(['demo']))"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=False)
    assert done.returncode == 73
    assert done.stderr.startswith(b"ccc: the demo's folder cannot be written: ")
    assert done.stderr.count(b"\n") == 1


def test_a_server_stops_while_a_client_is_connected(tmp_path):
    code = (
        "import socket; from pathlib import Path; from ccc.cli.demo_server import HOST, Mailboxes, Server\n"
        "with Server(Mailboxes(Path('.'))) as server:\n"
        "    client = socket.create_connection((HOST, server.port)); client.recv(99)\n"
        "client.close()\n"
    )
    command = [sys.executable, "-X", "dev", "-c", code]
    done = subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
