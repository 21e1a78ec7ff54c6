"""A new user's path, from an empty home at a terminal: add an account, try it, pick a mail, pass it on."""

import imaplib
import os

import pytest

MAIL = b"From: Ann <ann@b.test>\r\nTo: me@example.org\r\nSubject: the blue one\r\n\r\nhello\r\n"


@pytest.fixture
def user(dovecot):
    """Somebody who has one mail."""
    name = f"new-{os.urandom(4).hex()}@example.org"
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as session:
        session.login(name, dovecot.password)
        session.append("INBOX", "", "", MAIL)
    return name


def lies(dovecot, user, what, folder="INBOX"):
    """What IMAP says of the mails in a folder."""
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as session:
        session.login(user, dovecot.password)
        session.select(folder, readonly=True)
        return b"".join(
            each if isinstance(each, bytes) else b"".join(each) for each in session.fetch("1:*", what)[1]
        )


@pytest.mark.sweep  # four starts of ccc at a terminal
def test_a_new_user_comes_from_nothing_to_a_mail_that_is_sent(
    at_terminal, tmp_path, user, postfix, dovecot, authority
):
    home = {"HOME": str(tmp_path), "CCC_STATE_DIR": str(tmp_path / "state")}

    def talk(command, *exchange):
        screen = at_terminal(command, **home)
        for question, answer in exchange:
            screen.until(question)
            screen.answer(answer)
        rest, status = screen.end()
        assert status == 0, rest
        return rest

    talk(
        f"ccc account add --no-discovery --tls-ca-file {authority.ca_file}",
        ("Your address", f"Me Myself <{user}>"),
        ("A short name", "work"),
        ("The SMTP server", f"smtps://me@example.org@localhost:{postfix.ports['submissions']}"),
        ("The IMAP server", f"imaps://{user}@localhost:{dovecot.imaps_port}"),
        ("A command that prints the password", f"echo {dovecot.password}"),
        ("Who gets what you redirect", "me@home.example"),
        ("[y/n] ", "y"),
    )
    tried = talk("ccc account test work")
    assert "ok    smtp login" in tried
    assert "ok    imap login" in tried
    talk("ccc pick --plain", ("Which", "1"), ("[y/n] ", "y"))
    (mail,) = [each for each in postfix.mailbox("me@home.example") if each.reverse_path == user]
    assert b"Subject: the blue one" in mail.octets
    flags = lies(dovecot, user, "(FLAGS)")
    assert b"$Forwarded" in flags
    assert b"\\Seen" not in flags
    assert b"the blue one" in lies(dovecot, user, "(BODY.PEEK[])", "Sent")
