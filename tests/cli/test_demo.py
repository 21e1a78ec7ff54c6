import re
from pathlib import Path


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
