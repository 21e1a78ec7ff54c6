import json
import time

import pytest

from ccc.cli import xray
from ccc.cli.main import run as ccc
from ccc.message import HeldOctets, read
from tests.cli.conftest import MAIL
from tests.cli.inbox import inbox

SIGNED = (
    b"Return-Path: <ines@example.org>\n"
    b"Delivered-To: ann@example.com\n"
    b"Received: from a by b\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s;\n h=from:to:cc:cc:subject; bh=x; b=y\n"
    b"ARC-Message-Signature: i=1; d=list.example; h=from:resent-from; bh=x; b=y\n" + MAIL
)


def shown(done):
    return [" ".join(line.split()) for line in done.stdout.decode().splitlines()]


def test_it_names_who_saw_the_mail(run):
    done = run("show", "sent.eml")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "From Ines Maro <ines@example.org>" in shown(done)
    assert "To Ann Lee <ann@example.com>" in shown(done)
    assert "Cc Bob Ray <bob@example.net>" in shown(done)


def test_it_names_how_the_copy_came_and_what_is_left_out(run):
    lines = shown(run("show", "-", stdin=b"From ines@example.org Tue Nov 17 09:30:00 2026\n" + SIGNED))
    assert "From_ From ines@example.org Tue Nov 17 09:30:00 2026" in lines
    assert "Delivered-To ann@example.com" in lines
    assert "Received by one server" in lines
    assert "Delivered-To it says how one mailbox received this copy" in lines


def test_it_says_which_signature_would_break(run):
    lines = shown(run("show", "-", stdin=SIGNED))
    assert "DKIM example.org, as the author's domain" in lines
    assert "signs cc (2 times), from, subject, to" in lines
    assert "a resent block keeps it whole" in lines
    assert "a new name in Cc would break it" in lines
    assert "ARC list.example, not the author's domain" in lines
    assert "a resent block would break it" in lines
    assert "a new name in Cc keeps it whole" in lines


def test_it_says_that_a_block_that_would_break_the_authors_signature_is_left_out(run):
    signature = b"DKIM-Signature: v=1; d=example.org; s=s; h=from:resent-from; bh=x; b=x\n"
    lines = shown(run("show", "-", stdin=signature + MAIL))
    assert "a resent block would break it, so a redirect leaves the block out" in lines


def test_it_says_who_passed_a_mail_on(run):
    block = b"Resent-From: Jo <jo@example.net>\nResent-To: ann@example.com\n"
    assert "Resent-From Jo <jo@example.net>" in shown(run("show", "-", stdin=block + MAIL))


def test_it_says_what_is_odd(run):
    lines = shown(run("show", "-", stdin=MAIL.replace(b"\n\n", b"\nSubject: again\n\n")))
    assert any(line.startswith("warning") and "2 Subject fields" in line for line in lines)


def test_json_has_the_same_facts(run):
    record = json.loads(run("show", "-", "--json", stdin=SIGNED).stdout)
    assert (record["schema"], record["source"], record["subject"]) == (1, "-", "Minutes of Tuesday")
    assert record["to"] == [{"name": "Ann Lee", "address": "ann@example.com"}]
    assert [each["field"] for each in record["left_out"]] == ["Return-Path", "Delivered-To"]
    assert [(each["resent_block_breaks"], each["cc_breaks"]) for each in record["signatures"]] == [
        (False, True),
        (True, False),
    ]


def test_two_equal_signatures_are_two(run):
    signature = b"DKIM-Signature: v=1; d=example.org; s=s; h=from:to:cc; bh=x; b=x\n"
    record = json.loads(run("show", "-", "--json", stdin=signature * 2 + MAIL).stdout)
    assert [each["cc_breaks"] for each in record["signatures"]] == [True, True]


def test_a_signature_at_the_end_of_the_file_is_judged(run):
    mail = MAIL.partition(b"\n\n")[0] + b"\nDKIM-Signature: v=1; d=example.org; s=s; h=from:cc; bh=x; b=x"
    record = json.loads(run("show", "-", "--json", stdin=mail).stdout)
    (signature,) = record["signatures"]
    assert (signature["resent_block_breaks"], signature["cc_breaks"]) == (False, True)


def test_a_signature_over_a_cc_that_nobody_can_be_added_to_is_not_broken_by_it(run):
    signature = b"DKIM-Signature: v=1; d=example.org; s=s; h=from:cc; bh=x; b=x\n"
    mail = signature + b'From: ines@example.org\nCc: "never closed\n\ntext\n'
    (read,) = json.loads(run("show", "-", "--json", stdin=mail).stdout)["signatures"]
    assert read["cc_breaks"] is False


def test_many_signatures_are_shown_in_linear_time():
    fields = "".join(f"DKIM-Signature: d=s{n}.org; h=from:cc:resent-from; b=\n" for n in range(4_000))
    authors = ", ".join(f"a{n}@s{n}.org" for n in range(4_000))
    message = read(HeldOctets(f"{fields}From: {authors}\nCc: b@x.org\n\n".encode()), "many.eml")
    before = time.process_time()
    assert len(list(xray.panels(message))) > 1
    assert len(json.dumps(xray.as_json(message))) > 4_000
    assert time.process_time() - before < 2


def test_no_octet_of_a_mail_acts_on_the_terminal(run):
    hostile = MAIL.replace(b"Tuesday", b"\x1b[2J\x9b31m =?utf-8?q?=E2=80=AE=0A7?=")
    out = run("show", "-", stdin=hostile).stdout.decode()
    assert not any(char in out for char in "\x1b\x9b\u202e")
    assert not any(line[:1].isdigit() for line in out.splitlines())


def test_at_a_terminal_it_is_framed(at_terminal):
    screen, status = at_terminal("ccc show sent.eml").end()
    assert status == 0
    assert "╭─ What it says ─" in screen


def test_what_is_no_mail_is_refused_with_its_status(run, folder):
    (folder / "bad").write_bytes(b"\0")
    assert run("show", "bad").returncode == 65
    assert run("show", "gone").returncode == 66


def test_a_locale_that_lacks_a_character_is_no_bug(run):
    mail = MAIL.replace(b"Tuesday", b"=?utf-8?q?=E2=98=BA?=")
    done = run("show", "-", stdin=mail, env={"PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 0


@pytest.fixture
def box(dovecot, authority, folder):
    box = inbox(dovecot, authority, folder)
    box.put("one", "two", more="Message-ID: <1@b.test>\r\n")
    return box


@pytest.mark.parametrize("source", ["imap:2", "mid:<1@b.test>", "URL"])
def test_a_mail_of_the_mailbox_is_shown_wherever_it_lies(box, capfd, source):
    url = f"imaps://{box.user}@localhost:{box.server.imaps_port}/INBOX/;UID=2"
    status = ccc(["show", source.replace("URL", url), "-a", "work", "--config", str(box.config)])
    printed, said = capfd.readouterr()
    assert (status, said) == (0, "")
    assert "Subject" in printed
    assert ("two" in printed) == (source[0] != "m")


def test_in_a_folder_that_is_named(box, capfd):
    box.put("kept", folder="Archive")
    status = ccc(["show", "imap:1", "--folder", "Archive", "--json", "--config", str(box.config)])
    printed, said = capfd.readouterr()
    assert (status, said, json.loads(printed)["subject"]) == (0, "", "kept")
    assert "Seen" not in box.flags("Archive")[0]


@pytest.mark.parametrize(
    ("source", "more", "status", "words"),
    [
        ("imap:7", (), 66, "there is no message with UID 7 in INBOX"),
        ("imap:1:2", (), 64, "'imap:1:2' holds several messages; name one of them, such as imap:INBOX/"),
        ("sent.eml", ("-a", "work"), 64, "--account is for mail of your mailbox, and none is named"),
    ],
)
def test_what_is_not_one_mail_of_the_mailbox_is_refused(box, capfd, source, more, status, words):
    assert ccc(["show", source, *more, "--config", str(box.config)]) == status
    assert words in capfd.readouterr().err
