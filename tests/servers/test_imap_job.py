"""From a real mailbox through a real server: fetched by IMAP, sent by SMTP, marked, and a copy kept."""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.dovecot import Dovecot
from tests.lab.postfix import Postfix
from tests.lab.sink import EVERYTHING, Sink
from tests.lab.tls import Authority
from tests.servers.command import ccc, without_trace

MAIL = (
    b"From: Boss <boss@b.test>\r\nTo: me@example.org\r\nSubject: caf\xc3\xa9 %d\r\n"
    b"Date: Sat, 21 Nov 2026 09:00:00 +0100\r\nMessage-ID: <%d@b.test>\r\nX-Odd:  two  spaces\t\r\n\r\n"
    b"first line\r\n.a dot\r\n..two dots\r\n\r\nFrom the start of a line\r\nlast line\r\n"
)
RESENT = re.compile(
    rb"Resent-Date: [^\n]+\nResent-From: me@example\.org\nResent-To: [^\n]+\n"
    rb"Resent-Message-ID: <[^<>\s]+@example\.org>\n"
)


class Mailbox:
    """The user's own view of the mailbox, by another client."""

    def __init__(self, client: imaplib.IMAP4, user: str) -> None:
        self._client = client
        self.user = user

    def fill(self, *messages: bytes, folder: str = "INBOX", flags: str = "") -> tuple[int, ...]:
        """Put messages into a folder; their UIDs."""
        self._client.create(folder)
        uids = []
        for message in messages:
            answer = self._client.append(folder, flags, "", message)[1]
            uids.append(int(answer[0].split()[2].rstrip(b"]")))
        return tuple(uids)

    def flags(self, folder: str = "INBOX") -> dict[int, set[str]]:
        """The flags of every message of a folder by its UID."""
        self._client.select(f'"{folder}"', readonly=True)
        lines = self._client.uid("FETCH", "1:*", "(FLAGS)")[1]
        found = {}
        for line in filter(None, lines):
            uid = re.search(rb"UID (\d+)", line)
            flags = re.search(rb"FLAGS \(([^)]*)\)", line)
            assert uid is not None
            assert flags is not None
            found[int(uid[1])] = set(flags[1].decode().split()) - {"\\Recent"}
        return found

    def octets(self, folder: str = "INBOX") -> list[bytes]:
        """What lies in a folder."""
        self._client.select(f'"{folder}"', readonly=True)
        answer = self._client.uid("FETCH", "1:*", "(BODY.PEEK[])")[1]
        return [part[1] for part in answer if isinstance(part, tuple)]


@pytest.fixture
def mailbox(dovecot: Dovecot, authority: Authority, tmp_path: Path) -> Iterator[Mailbox]:
    user = f"{tmp_path.name.replace('_', '-')}@example.org"
    trust = ssl.create_default_context(cafile=str(authority.ca_file))
    with imaplib.IMAP4_SSL("localhost", dovecot.imaps_port, ssl_context=trust) as client:
        client.login(user, dovecot.password)
        yield Mailbox(client, user)


@pytest.fixture
def config(
    mailbox: Mailbox, dovecot: Dovecot, postfix: Postfix, authority: Authority, tmp_path: Path
) -> Path:
    secret = tmp_path / "secret"
    secret.write_text(dovecot.password + "\n")
    secret.chmod(0o600)
    user = mailbox.user.replace("@", "%40")
    path = tmp_path / "config.toml"
    path.write_text(
        f"""
        [account.work]
        address = "me@example.org"
        smtp = "smtp://{user}@localhost:{postfix.ports["submission"]}"
        imap = "imaps://{user}@localhost:{dovecot.imaps_port}"
        tls_ca_file = "{authority.ca_file}"
        password_file = "{secret}"
        redirect_to = ["{tmp_path.name}@home.test"]
        """
    )
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    "how",
    [
        lambda uid: ("--imap-uid", uid),
        lambda uid: (f"imap:{uid}",),
        lambda _: ("--imap-search", "FROM boss SUBJECT 2"),
        lambda _: ("mid:<2@b.test>",),
    ],
    ids=["UID", "imap:", "search", "Message-ID"],
)
def test_a_mail_of_the_mailbox_is_passed_on_as_it_is(
    how: Callable[[int], tuple[str, ...]], mailbox: Mailbox, config: Path, postfix: Postfix, tmp_path: Path
) -> None:
    uids = mailbox.fill(*(MAIL % (number, number) for number in (1, 2, 3)))
    done = ccc("redirect", *how(uids[1]), "--config", config)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
    (arrived,) = postfix.mailbox(f"{tmp_path.name}@home.test")
    delivered = without_trace(arrived.octets)
    block = RESENT.match(delivered)
    assert block is not None
    assert delivered[block.end() :] == (MAIL % (2, 2)).replace(b"\r\n", b"\n")
    assert mailbox.flags() == {uids[0]: set(), uids[1]: {"$Forwarded"}, uids[2]: set()}
    (copy,) = mailbox.octets("Sent")
    assert copy.replace(b"\r\n", b"\n") == delivered


def test_what_was_passed_on_is_not_fetched_again(
    mailbox: Mailbox, config: Path, postfix: Postfix, tmp_path: Path
) -> None:
    mailbox.fill(*(MAIL % (number, number) for number in (1, 2)))
    words = ("redirect", "--imap-search", "FROM boss", "--config", config)
    assert ccc(*words, "-q").returncode == 0
    again = ccc(*words, "-v")
    assert again.returncode == 0
    assert b"2 messages of INBOX left out" in again.stderr
    assert b"BODY" not in again.stderr
    assert len(postfix.mailbox(f"{tmp_path.name}@home.test")) == 2


def test_a_resend_takes_the_folder_for_sent_mail_and_marks_nothing(
    mailbox: Mailbox, config: Path, postfix: Postfix, tmp_path: Path
) -> None:
    (uid,) = mailbox.fill(
        MAIL.replace(b"boss@b.test", b"me@example.org") % (1, 1), folder="Sent", flags="\\Seen"
    )
    done = ccc("resend", "--imap-uid", uid, "--to", f"late.{tmp_path.name}@c.test", "--config", config)
    assert done.returncode == 0, done.stderr
    (arrived,) = postfix.mailbox(f"late.{tmp_path.name}@c.test")
    assert b"\nCc: late." in arrived.octets
    assert mailbox.flags("Sent") == {uid: {"\\Seen"}, uid + 1: {"\\Seen"}}


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=pytest.mark.sweep)])
def test_many_mails_go_over_one_connection_each(
    count: int, mailbox: Mailbox, config: Path, postfix: Postfix, tmp_path: Path
) -> None:
    mailbox.fill(*(MAIL % (number, number) for number in range(count)))
    words = ("redirect", "--imap-search", "FROM boss", "--config", config, "--yes", "-v")
    done = ccc(*words)
    assert done.returncode == 0, done.stderr
    assert len(postfix.mailbox(f"{tmp_path.name}@home.test")) == count
    assert len(mailbox.octets("Sent")) == count
    assert all(flags == {"$Forwarded"} for flags in mailbox.flags().values())
    assert done.stderr.count(b"=== connected to") == 2


@pytest.mark.parametrize(
    "people", [("--to", "late@x.test"), ("--cc", "me@example.org", "--bcc", "late@x.test")]
)
def test_nobody_is_told_to_have_what_went_into_somebody_elses_mailbox(
    people: tuple[str, ...], mailbox: Mailbox, config: Path
) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    done = ccc("redirect", "--imap-uid", uid, *people, "--via", "append:work", "--config", config)
    assert (done.returncode, len(mailbox.octets())) == (64, 1)
    assert b"late@x.test" in done.stderr


def test_an_account_whose_way_is_a_mailbox_puts_it_there(mailbox: Mailbox, config: Path) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1), flags="\\Flagged")
    config.write_text(
        config.read_text() + '\n[account.shelf]\naddress = "me@example.org"\nvia = "append:work/Kept"\n'
    )
    mailbox.fill(folder="Kept")
    done = ccc("redirect", f"imap:{uid}", "-a", "shelf", "--config", config)
    assert done.returncode == 78, done.stderr  # it has no mailbox to fetch from
    done = ccc("redirect", f"imap:{uid}", "-a", "work", "--via", "append:work/Kept", "--config", config)
    assert done.returncode == 0, done.stderr
    assert (len(mailbox.octets("Kept")), mailbox.flags("Kept")) == (1, {1: {"\\Flagged"}})
    assert mailbox.octets("Sent") == []


def test_one_copy_is_kept_however_many_runs_it_takes(
    mailbox: Mailbox, config: Path, authority: Authority
) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    words = ("redirect", "--imap-uid", uid, "--to", "y@b.test", "--to", "x@b.test", "--config", config)
    replies = {"x@b.test": ["451 later", "250 ok"]}
    with Sink(EVERYTHING, tls=authority.server_context(), rcpt=replies) as sink:
        lines = [line for line in config.read_text().splitlines() if "smtp =" not in line]
        config.write_text("\n".join([*lines, f'smtp = "smtp://localhost:{sink.port}"']))
        assert ccc(*words).returncode == 75
        again = ccc(*words)
        assert again.returncode == 0, again.stderr
    assert len(mailbox.octets("Sent")) == 1


def test_the_original_is_marked_although_the_copy_fails(mailbox: Mailbox, config: Path) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    config.write_text(f'{config.read_text()}\nfcc = "No such folder"\n')
    done = ccc("redirect", "--imap-uid", uid, "--config", config)
    assert (done.returncode, mailbox.flags()) == (74, {uid: {"$Forwarded"}}), done.stderr


def test_a_folder_for_copies_that_is_not_there_is_said_before_anything_is_sent(
    mailbox: Mailbox, config: Path, postfix: Postfix, tmp_path: Path
) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    done = ccc("redirect", "--imap-uid", uid, "--fcc", "Snet", "--config", config)
    assert (done.returncode, b"Sent" in done.stderr) == (66, True), done.stderr
    assert postfix.mailbox(f"{tmp_path.name}@home.test") == []


def test_a_plan_says_where_a_copy_is_kept(mailbox: Mailbox, config: Path) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    words = ("redirect", "--imap-uid", uid, "--config", config, "--dry-run")
    assert b", and a copy goes into the folder for sent mail of work" in ccc(*words).stderr
    assert b"a copy goes" not in ccc(*words, "--fcc", "no").stderr


def test_a_rehearsal_marks_nothing_and_keeps_no_copy(mailbox: Mailbox, config: Path, tmp_path: Path) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    done = ccc("redirect", "--imap-uid", uid, "--via", f"maildir:{tmp_path}/rehearsal", "--config", config)
    assert (done.returncode, mailbox.flags(), mailbox.octets("Sent")) == (0, {uid: set()}, []), done.stderr


def test_the_original_is_found_by_its_message_id_and_not_the_copy_of_what_was_sent(
    mailbox: Mailbox, config: Path, postfix: Postfix, tmp_path: Path
) -> None:
    mailbox.fill(MAIL % (1, 1))
    for person in ("first", "second"):
        words = ("mid:<1@b.test>", "--to", f"{person}.{tmp_path.name}@x.test", "--config", config)
        assert ccc("redirect", *words).returncode == 0
    (arrived,) = postfix.mailbox(f"second.{tmp_path.name}@x.test")
    assert arrived.octets.count(b"Resent-To:") == 1


def test_a_server_that_is_named_does_not_hide_whose_mailbox_it_is(
    mailbox: Mailbox, config: Path, tmp_path: Path
) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    with Sink(EVERYTHING) as sink:
        smtp = ("--smtp", f"smtp://127.0.0.1:{sink.port}")
        done = ccc("redirect", "--imap-uid", uid, *smtp, "--config", config)
    assert done.returncode == 0, done.stderr
    assert sink.transactions[0].reverse_path == "me@example.org"


def test_a_mail_in_two_mailboxes_reaches_the_people_of_both_accounts(
    mailbox: Mailbox, config: Path, postfix: Postfix, dovecot: Dovecot, tmp_path: Path
) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    other = f"other-{mailbox.user}"
    with imaplib.IMAP4("127.0.0.1", dovecot.imap_port) as client:
        client.login(other, dovecot.password)
        Mailbox(client, other).fill(MAIL % (1, 1))
    lines = config.read_text()
    second = lines.replace("[account.work]", "[account.other]").replace(
        f"{tmp_path.name}@home", f"o.{tmp_path.name}@home"
    )
    second = second.replace("imaps://", "imaps://other-")
    config.write_text(lines + second)
    urls = (
        f"imaps://{user.replace('@', '%40')}@localhost:{dovecot.imaps_port}" for user in (mailbox.user, other)
    )
    done = ccc("redirect", *(f"{url}/INBOX/;UID={uid}" for url in urls), "--config", config)
    assert done.returncode == 0, done.stderr
    assert [len(postfix.mailbox(f"{who}{tmp_path.name}@home.test")) for who in ("", "o.")] == [1, 1]


def test_another_accounts_mailbox_says_by_which_account_it_goes(
    mailbox: Mailbox, config: Path, postfix: Postfix, dovecot: Dovecot, tmp_path: Path
) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    config.write_text(
        config.read_text() + '\n[account.other]\naddress = "o@example.org"\nsmtp = "smtp://127.0.0.1:1"\n'
    )
    url = f"imaps://{mailbox.user.replace('@', '%40')}@localhost:{dovecot.imaps_port}/INBOX/;UID={uid}"
    done = ccc("redirect", url, "--config", config)
    assert done.returncode == 0, done.stderr
    assert len(postfix.mailbox(f"{tmp_path.name}@home.test")) == 1


def test_what_was_given_for_the_mailbox_does_not_keep_a_later_attempt_back(
    mailbox: Mailbox, config: Path, tmp_path: Path
) -> None:
    (uid,) = mailbox.fill(MAIL % (1, 1))
    program = tmp_path / "sendmail"
    program.write_text("#!/bin/sh\nexit 75\n")
    program.chmod(0o755)
    words = ("--via", f"sendmail:{program}", "--timeout", "20", "--no-mark", "--config", config)
    assert ccc("redirect", "--imap-uid", uid, *words).returncode == 75
    program.write_text("#!/bin/sh\ncat > /dev/null\n")
    done = ccc("retry", "--all", "--config", config)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "status", "cure"),
    [
        (("--imap-uid", "4711"), 66, b"4711"),
        (("--imap-uid", "99999:1"), 66, b"UIDVALIDITY"),
        (("--imap-uid", "x"), 64, b"42,50:60"),
        (("--imap-search", "NONSENSE"), 64, b"FROM"),
        (("--imap-uid", "1", "--folder", "no such f\xf6lder"), 66, b"folder"),
        (("mid:<nobody@b.test>",), 66, b"nobody@b.test"),
        (("-a", "wrok", "--imap-uid", "1"), 64, b"work"),
    ],
)
def test_what_is_not_there_is_said(
    words: tuple[str, ...], status: int, cure: bytes, mailbox: Mailbox, config: Path
) -> None:
    mailbox.fill(MAIL % (1, 1))
    done = ccc("redirect", *words, "--config", config)
    assert (done.returncode, b"Traceback" in done.stderr) == (status, False), done.stderr
    assert cure in done.stderr
