"""The real servers of the lab work: logins, TLS, mailboxes, pipes, bounces, hidden extensions."""

import imaplib
import smtplib
import sys

import pytest

from tests.lab.dovecot import Dovecot
from tests.lab.exim import Exim, Signing
from tests.lab.exim import exim as running_exim
from tests.lab.postfix import Postfix
from tests.lab.sink import CHUNKING, Sink
from tests.lab.tls import Authority

MESSAGE = b"From: me@example.org\r\nTo: a@a.test\r\nSubject: %b\r\n\r\nhello\r\n"


def logged_in(port: int, authority: Authority) -> smtplib.SMTP:
    client = smtplib.SMTP("localhost", port)
    client.starttls(context=authority.client_context())
    client.login("me@example.org", "secret")
    return client


def offered(port: int) -> set[str]:
    with smtplib.SMTP("localhost", port) as client:
        client.ehlo()
        return set(client.esmtp_features)


def test_postfix_takes_mail_after_starttls_and_login(postfix: Postfix, authority: Authority) -> None:
    with logged_in(postfix.ports["submission"], authority) as client:
        client.sendmail("me@example.org", ["late1@x.test", "late2@y.test"], MESSAGE % b"login")
    (mail,) = postfix.mailbox("late1@x.test")
    assert (mail.reverse_path, mail.recipient) == ("me@example.org", "late1@x.test")
    assert mail.octets.startswith(b"Received: from ")
    assert mail.octets.endswith((MESSAGE % b"login").replace(b"\r\n", b"\n"))
    assert len(postfix.mailbox("late2@y.test")) == 1
    assert postfix.mailbox("a@a.test") == []


def test_postfix_refuses_a_wrong_password_and_mail_without_a_login(
    postfix: Postfix, authority: Authority
) -> None:
    with smtplib.SMTP("localhost", postfix.ports["submission"]) as client:
        client.starttls(context=authority.client_context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("me@example.org", "wrong")
    with (
        smtplib.SMTP("localhost", postfix.ports["submission"]) as client,
        pytest.raises(smtplib.SMTPSenderRefused),
    ):
        client.sendmail("me@example.org", ["late@x.test"], MESSAGE % b"no")


def test_postfix_speaks_tls_at_once(postfix: Postfix, authority: Authority) -> None:
    with smtplib.SMTP_SSL(
        "localhost", postfix.ports["submissions"], context=authority.client_context()
    ) as client:
        client.login("me@example.org", "secret")


def test_a_strict_provider_refuses_another_reverse_path(postfix: Postfix, authority: Authority) -> None:
    with (
        logged_in(postfix.ports["strict"], authority) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused, match="not owned by user"),
    ):
        client.sendmail("other@example.org", ["late@x.test"], MESSAGE % b"strict")


def test_postfix_hides_extensions_by_port(postfix: Postfix) -> None:
    assert offered(postfix.ports["plain"]) >= {"pipelining", "chunking", "dsn", "smtputf8", "size"}
    assert "chunking" not in offered(postfix.ports["pipelining"])
    assert "pipelining" in offered(postfix.ports["pipelining"])
    assert offered(postfix.ports["bare"]) == set()


def test_a_mounted_command_gets_the_message_and_its_status_is_read(postfix: Postfix) -> None:
    program = "import sys; sys.stdin.buffer.read(); print('it said why'); sys.exit(int(sys.argv[1]))"
    for status in (0, 75, 69):
        address = postfix.mount(f"exit{status}", [sys.executable, "-c", program, str(status)])
        with smtplib.SMTP("localhost", postfix.ports["plain"]) as client:
            client.sendmail(f"author{status}@a.test", [address], MESSAGE % b"pipe")
    assert postfix.mailbox("author0@a.test") == []
    assert postfix.mailbox("author75@a.test") == []  # deferred
    (bounce,) = postfix.mailbox("author69@a.test")
    assert (bounce.reverse_path, b"it said why" in bounce.octets) == ("", True)
    runs = {run.name: run for run in postfix.bridge.runs}
    assert runs["exit69"].arguments == ("author69@a.test", "exit69@pipe.test")
    assert runs["exit69"].message.endswith(b"\nhello\n")


def test_a_mounted_command_is_no_file_that_was_just_written(postfix: Postfix) -> None:
    """While it is open for writing somewhere, it cannot be run: Postfix would defer."""
    first, second = (postfix.mount(name, ["true"]).partition("@")[0] for name in ("mount1", "mount2"))
    mounts = postfix.home / "mounts"
    assert (mounts / first).resolve() == (mounts / second).resolve()


def test_postfix_refuses_bare_line_feeds(postfix: Postfix) -> None:
    with smtplib.SMTP("localhost", postfix.ports["plain"]) as client:
        client.ehlo()
        for line in ("MAIL FROM:<me@example.org>", "RCPT TO:<late@x.test>", "DATA"):
            client.docmd(line)
        client.send(b"Subject: x\n\n.\n\r\n.\r\n")
        code, text = client.getreply()
    assert (code, b"bare" in text) == (550, True)


def test_exim_takes_mail_after_starttls_and_login(exim: Exim, authority: Authority) -> None:
    with logged_in(exim.plain, authority) as client:
        client.sendmail("me@example.org", ["late@x.test", "later@y.test"], MESSAGE % b"exim")
    (mail,) = exim.mailbox("late@x.test")
    assert (mail.reverse_path, mail.recipient) == ("me@example.org", "late@x.test")
    assert mail.octets.endswith((MESSAGE % b"exim").replace(b"\r\n", b"\n"))
    assert exim.mailbox("a@a.test") == []
    assert offered(exim.plain) >= {"pipelining", "chunking", "dsn", "smtputf8", "starttls"}


def test_exim_speaks_tls_at_once(exim: Exim, authority: Authority) -> None:
    with smtplib.SMTP_SSL("localhost", exim.submissions, context=authority.client_context()) as client:
        client.login("me@example.org", "secret")


def test_exim_over_signs_the_resent_fields(authority: Authority) -> None:
    with Sink(CHUNKING) as sink:
        signing = Signing(sink.port, "example.org", "lab", authority.rsa_key())
        with running_exim(authority, signing=signing) as server:
            with smtplib.SMTP("localhost", server.plain) as client:
                client.sendmail("me@example.org", ["a@onward.test"], MESSAGE % b"signed")
            server.settle()
    top = sink.transactions[0].content.partition(b"\r\nReceived:")[0]
    assert top.startswith(b"DKIM-Signature: ")
    assert b"Resent-From:" in top


def test_dovecot_offers_imap(dovecot: Dovecot) -> None:
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as client:
        client.login("anybody", dovecot.password)
        assert client.append("INBOX", None, None, MESSAGE % b"imap")[0] == "OK"
