"""The same against a real server: Dovecot, over TLS."""

import itertools
import os
from collections.abc import Iterator

import pytest

from ccc.errors import CccError, NotPermitted, SourceError, UsageError
from ccc.imap import Folder, Session, connect
from ccc.smtp.login import Held, Password
from ccc.transport.server import imap_from_url
from tests.imap.talking import PATIENT, dovecot_session, fetched, mail, message, whole
from tests.lab.dovecot import Dovecot
from tests.lab.proxy import Proxy
from tests.lab.tls import Authority

_users = itertools.count()


@pytest.fixture
def user() -> str:
    """Somebody whose mailbox is empty."""
    return f"u{os.getpid()}-{next(_users)}@example.org"


@pytest.fixture
def opened(dovecot: Dovecot, authority: Authority, user: str) -> Iterator[Session]:
    with dovecot_session(dovecot, authority, user) as made:
        yield made


def put(opened: Session, *mails: bytes, folder: str = "INBOX", flags: tuple[str, ...] = ()) -> list[int]:
    """Put messages into a folder; their UIDs."""
    found = []
    for octets in mails:
        read = message(octets)
        where = opened.append(folder, read.content(read.header), flags=flags, received=1_700_000_000.0)
        assert where.uid is not None
        found.append(where.uid)
    return found


def test_special_folders_are_found_by_what_they_are_for(opened: Session) -> None:
    assert Folder("All Mail", frozenset({"\\All"})) in opened.folders()
    found = {use: opened.find_special(use) for use in ("\\Sent", "\\All", "\\Archive", "\\Drafts", "\\Junk")}
    assert found == {
        "\\Sent": "Sent",
        "\\All": "All Mail",
        "\\Archive": "Archive",
        "\\Drafts": "Drafts",
        "\\Junk": None,
    }
    with pytest.raises(SourceError, match="no folder that is marked or named as Junk"):
        opened.special("\\Junk")


def test_what_was_appended_is_what_is_fetched_with_its_flags_and_date(opened: Session) -> None:
    uids = put(opened, mail("one"), mail("two"), flags=("\\Flagged", "\\Recent", "$Forwarded"))
    chosen = opened.examine("INBOX")
    assert (chosen.exists, chosen.uidnext) == (2, uids[-1] + 1)
    briefs = opened.briefs([*uids, 4_000_000])
    assert [each.uid for each in briefs] == uids
    assert {*briefs[0].flags} >= {"\\Flagged", "$Forwarded"}
    assert briefs[0].received == 1_700_000_000.0
    assert fetched(opened, *uids) == [mail("one"), mail("two")]


def test_fetching_never_marks_as_read_and_marking_does_not_either(opened: Session) -> None:
    (uid,) = put(opened, mail())
    opened.examine("INBOX")
    fetched(opened, uid)
    opened.summaries([uid])
    assert opened.mark("INBOX", [uid], "$Forwarded")
    (brief,) = opened.briefs([uid])
    assert "\\Seen" not in brief.flags
    assert "$Forwarded" in brief.flags


def test_fetching_goes_on_though_others_use_the_session_meanwhile(opened: Session) -> None:
    uids = put(opened, *[mail(str(number), b"x" * 900_000 + b"\r\n") for number in range(7)])
    other = put(opened, mail("other"), folder="Archive")
    opened.examine("INBOX")
    subjects = []
    for brief, octets in opened.fetch(opened.briefs(uids)):
        assert not isinstance(octets, Exception)
        subjects.append(message(whole(octets)).header.first("subject").text)  # type: ignore[union-attr]
        opened.mark("Archive", other, "$Forwarded")
        opened.mark("INBOX", [brief.uid], "$Forwarded")
    assert subjects == [str(number) for number in range(7)]


def test_messages_are_found_by_search_keys_of_any_kind(opened: Session) -> None:
    late = "caf\u00e9 bill"
    uids = put(opened, mail("budget plan"), mail("=?utf-8?q?caf=C3=A9_bill?="), flags=("\\Seen",))
    opened.examine("INBOX")
    assert opened.search("ALL") == tuple(uids)
    assert opened.search('SUBJECT "budget plan" SINCE 2023-11-01 BEFORE 2023-12-24') == (uids[0],)
    assert opened.search(f"OR SUBJECT '{late}' (UNSEEN)") == (uids[1],)
    assert opened.search("UNSEEN") == ()
    assert opened.search("HEADER Message-ID <1@b.test>") == tuple(uids)
    assert opened.search(f"{uids[1]}:*") == (uids[1],)
    with pytest.raises(UsageError, match="does not take the search"):
        opened.search("X-GM-RAW in:sent")


def test_a_list_shows_decoded_fields(opened: Session) -> None:
    octets = (
        b"From: =?utf-8?q?J=C3=B6rg?= <joerg@b.test>, second@b.test\r\nTo: x@y.test\r\n"
        b"Date: Sat, 21 Nov 2026 09:00:00 +0100\r\n"
        b"Subject: =?utf-8?b?w6TDtg==?=\r\n folded\r\nMessage-ID: <a@b>\r\n\r\nhello\r\n"
    )
    uids = put(opened, octets, b"X: y\r\n\r\nnothing\r\n", b"Subject: " + b"x" * 70_000 + b"\r\n\r\n\r\n")
    opened.examine("INBOX")
    full, bare, long = opened.summaries(uids)
    assert full.author == "J\u00f6rg <joerg@b.test>, second@b.test"
    assert (full.to, bare.to) == ("x@y.test", "")
    assert (full.subject, full.date) == ("\u00e4\u00f6 folded", "Sat, 21 Nov 2026 09:00:00 +0100")
    assert (full.message_id, full.size) == ("<a@b>", len(octets))
    assert (bare.author, bare.subject, bare.date, bare.message_id) == ("", "", "", "")
    assert len(long.subject) < 1 << 14


def test_a_long_list_of_people_hides_no_other_field(opened: Session) -> None:
    crowd = b",\r\n ".join(b"p%d@b.test" % number for number in range(5000))
    uids = put(opened, b"To: " + crowd + b"\r\nSubject: all\r\nMessage-ID: <a@b>\r\n\r\nhello\r\n")
    opened.examine("INBOX")
    (found,) = opened.summaries(uids)
    assert (found.to, found.subject, found.message_id) == (
        "p0@b.test, p1@b.test, p2@b.test",
        "all",
        "<a@b>",
    )


@pytest.mark.parametrize(
    "name", ["two words", 'quo"ted', "back\\slash", "Entw\u00fcrfe & \u4e2d\u6587", "a'b", "100%*"]
)
def test_folders_of_any_name(opened: Session, name: str) -> None:
    from ccc.imap.names import mailbox

    opened._client.run(b"CREATE " + mailbox(name))
    put(opened, mail(), folder=name)
    assert opened.examine(name).exists == 1
    assert name in [each.name for each in opened.folders()]


@pytest.mark.parametrize("name", ["", "a\r\nA1 LOGOUT", "a\nb", "a\0b", "\udc80"])
def test_a_name_that_no_folder_has_is_a_usage_error(opened: Session, name: str) -> None:
    with pytest.raises(UsageError):
        opened.examine(name)
    with pytest.raises(UsageError):
        opened.append(name, message(mail()).content(message(mail()).header))


def test_a_folder_that_is_not_there_is_a_source_error(opened: Session) -> None:
    with pytest.raises(SourceError) as caught:
        opened.examine("Nowhere")
    assert "cannot open folder 'Nowhere'" in caught.value.what
    assert caught.value.cure == "there are 'All Mail', 'Archive', 'Drafts', 'INBOX', 'Sent', 'Trash'"
    with pytest.raises(SourceError, match=r"did you mean 'Sent'\?"):
        opened.examine("Sents")
    with pytest.raises(SourceError, match="did not put the message into folder 'Nowhere'"):
        put(opened, mail(), folder="Nowhere")
    with pytest.raises(SourceError, match="cannot mark"):
        opened.mark("Nowhere", [1], "$Forwarded")


def test_a_folder_that_was_made_anew_is_another_one(opened: Session) -> None:
    opened._client.run(b"CREATE Work")
    before = opened.examine("Work").uidvalidity
    opened.examine("INBOX")
    opened._client.run(b"DELETE Work")
    for number in range(3):
        opened._client.run(b"CREATE Work%d" % number)
    opened._client.run(b"RENAME Work2 Work")
    with pytest.raises(SourceError, match=f"its UIDVALIDITY was {before} and is "):
        opened.mark("Work", [1], "$Forwarded")


def test_a_deleted_message_is_an_error_of_its_own(opened: Session) -> None:
    uids = put(opened, mail("one"), mail("two"), mail("three"))
    opened.examine("INBOX")
    briefs = opened.briefs(uids)
    opened._client.run(b"SELECT INBOX")
    opened._client.run(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uids[1])
    opened._client.run(b"EXPUNGE")
    opened.examine("INBOX")
    found = [type(each).__name__ for _, each in opened.fetch(briefs)]
    assert found == ["HeldOctets", "SourceError", "HeldOctets"]


def test_a_wrong_password_is_refused_after_starttls(
    dovecot: Dovecot, authority: Authority, user: str
) -> None:
    server = imap_from_url(f"imap://{user}@localhost:{dovecot.imap_port}", opportunistic=False)
    manner = PATIENT._replace(ca_file=str(authority.ca_file))
    with pytest.raises(NotPermitted, match="refused the login"):
        connect(server, Held(Password(user, "wrong")), manner)
    connect(server, Held(Password(user, dovecot.password)), manner).close()


def test_on_this_host_tls_is_used_without_proof(dovecot: Dovecot, user: str) -> None:
    server = imap_from_url(f"imap://{user}@127.0.0.1:{dovecot.imap_port}")
    with connect(server, Held(Password(user, dovecot.password)), PATIENT) as made:
        assert made.examine("INBOX").exists == 0


def test_a_thousand_small_messages_take_few_round_trips(dovecot: Dovecot, user: str) -> None:
    folder = dovecot.mail / user / "cur"
    folder.mkdir(parents=True)
    for number in range(1000):
        octets = mail(str(number)).replace(b"\r\n", b"\n")
        (folder / f"1700000000.{number:04d}.host:2,").write_bytes(octets)
    for path in (folder.parent, folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)
    with Proxy(("127.0.0.1", dovecot.imap_port)) as proxy:
        server = imap_from_url(f"imap://{user}@127.0.0.1:{proxy.port}")
        with connect(server, Held(Password(user, dovecot.password)), PATIENT) as made:
            made.examine("INBOX")
            found = [octets for _, octets in made.fetch(made.briefs(made.search("ALL")))]
            assert len({whole(octets) for octets in found if not isinstance(octets, CccError)}) == 1000
    assert proxy.round_trips <= 16
    assert len(proxy.links) == 1
