"""The main job through real servers: only the new person gets it, and everybody sees the same."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.exim import Exim
from tests.lab.postfix import Postfix
from tests.lab.records import Delivered
from tests.servers.command import ccc, password_file, without_trace

TOP = b"Return-Path: <old@example.org>\nDelivered-To: me@example.org\n"
KEPT = (
    b"Received: from somewhere ([192.0.2.1])\n\tby mx.example.org; Sat, 21 Nov 2026 08:00:00 +0000\n"
    b"From: Me <me@example.org>\nTo: Ann <a@a.test>\nCc: b@b.test\n"
    b"Subject: =?utf-8?q?Caf=C3=A9?= \nDate: Sat, 21 Nov 2026 09:00:00 +0100\nMessage-ID: <1@example.org>\n"
    b"X-Odd:  two  spaces\t\n\n"
    b"first line\n.a dot\n..two dots\n\nFrom the start of a line\n  trailing blanks  \nlast line\n"
)
MESSAGE = TOP + b"Bcc: secret@s.test\n" + KEPT
CC_ADDED = KEPT.replace(b"Cc: b@b.test\n", b"Cc: b@b.test,\n late@c.test\n")
RESENT = re.compile(
    rb"Resent-Date: [^\n]+\nResent-From: me@example\.org\nResent-To: late@c\.test\n"
    rb"Resent-Message-ID: <[^<>\s]+@example\.org>\n"
)

Server = Postfix | Exim


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.eml"
    path.write_bytes(MESSAGE)
    return path


def submit(server: Server, url: str, folder: Path, *words: object) -> None:
    login = password_file(folder, server.password)
    done = ccc(*words, "--to", "late@c.test", "--smtp", url, "--tls-ca-file", server.ca_file, *login)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr


def newest(server: Server) -> Delivered:
    mail = server.mailbox("late@c.test")[-1]
    assert mail.reverse_path == "me@example.org"
    for other in ("a@a.test", "b@b.test", "secret@s.test"):
        assert server.mailbox(other) == []
    return mail


def submission(server: Server) -> str:
    port = server.ports["submission"] if isinstance(server, Postfix) else server.plain
    return f"smtp://me%40example.org@localhost:{port}"


def submissions(server: Server) -> str:
    port = server.ports["submissions"] if isinstance(server, Postfix) else server.submissions
    return f"smtps://me%40example.org@localhost:{port}"


@pytest.mark.parametrize("url", [submission, submissions])
@pytest.mark.parametrize("name", ["postfix", "exim"])
def test_a_resend_reaches_only_the_new_person_and_differs_only_by_its_cc(
    name: str, url: Callable[[Server], str], letter: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(name)
    submit(server, url(server), tmp_path, "resend", letter, "--from", "me@example.org")
    assert without_trace(newest(server).octets) == without_trace(CC_ADDED)


@pytest.mark.parametrize("url", [submission, submissions])
@pytest.mark.parametrize("name", ["postfix", "exim"])
def test_a_redirect_differs_only_by_the_resent_block_and_what_is_left_out(
    name: str, url: Callable[[Server], str], letter: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(name)
    submit(server, url(server), tmp_path, "redirect", letter, "--from", "me@example.org")
    delivered = without_trace(newest(server).octets)
    block = RESENT.match(delivered)
    assert block is not None
    assert delivered[block.end() :] == KEPT


def test_the_same_octets_arrive_whatever_the_server_offers(postfix: Postfix, letter: Path) -> None:
    arrived = set()
    for port in ("bare", "pipelining", "plain"):
        url = f"smtp://localhost:{postfix.ports[port]}"
        done = ccc("resend", letter, "--from", "me@example.org", "--to", f"{port}@c.test", "--smtp", url)
        assert done.returncode == 0, done.stderr
        (mail,) = postfix.mailbox(f"{port}@c.test")
        arrived.add(without_trace(mail.octets).replace(port.encode(), b"late"))
    assert arrived == {without_trace(CC_ADDED)}


def test_one_bad_message_of_a_batch_does_not_stop_the_others(postfix: Postfix, tmp_path: Path) -> None:
    good, bad, other = (tmp_path / name for name in ("good.eml", "bad.eml", "other.eml"))
    good.write_bytes(MESSAGE)
    bad.write_bytes(b"no header\n\nat all\n")
    other.write_bytes(MESSAGE.replace(b"<1@", b"<2@"))
    url = f"smtp://localhost:{postfix.ports['plain']}"
    words = ("--from", "me@example.org", "--to", "batch@c.test", "--smtp", url)
    done = ccc("redirect", good, bad, tmp_path / "none.eml", other, *words)
    assert done.returncode == 65, done.stderr
    assert len(postfix.mailbox("batch@c.test")) == 2


def test_a_wrong_password_is_77_and_nothing_is_sent(postfix: Postfix, letter: Path, tmp_path: Path) -> None:
    login = password_file(tmp_path, "wrong-secret-word")
    trust = ("--tls-ca-file", postfix.ca_file)
    done = ccc("resend", letter, "--to", "never@c.test", "--smtp", submission(postfix), *trust, *login, "-v")
    assert done.returncode == 77
    assert b"wrong-secret-word" not in done.stderr
    assert postfix.mailbox("never@c.test") == []


def test_an_untrusted_certificate_ends_before_the_login(
    postfix: Postfix, letter: Path, tmp_path: Path
) -> None:
    login = password_file(tmp_path, postfix.password)
    url, strict = submission(postfix), ("--tls", "required")
    done = ccc("resend", letter, "--to", "never@c.test", "--smtp", url, *strict, *login, "-v")
    assert done.returncode == 75, done.stderr
    assert b"cannot be trusted" in done.stderr
    assert b"AUTH" not in done.stderr.replace(b"250-AUTH", b"")
