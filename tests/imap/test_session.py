"""What a session says to a server, and what it makes of the answers."""

import io
import time
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import CccError, NotPermitted, ProtocolError, RefusedError, SourceError, UsageError
from ccc.imap import Folder, Selected, connect
from ccc.imap.fetch import internal_date, unix_time
from ccc.imap.names import find, mailbox, text
from ccc.smtp.login import Held, Password
from ccc.transport.transcript import Transcript
from tests.imap.talking import PATIENT, USER, at, fetched, mail, session
from tests.lab.imap_fault import OFFERED, UIDVALIDITY, Answer, HostileImap

OPENED = b"* 1 EXISTS\r\n* OK [UIDVALIDITY 5] ok\r\n"
KEYWORD = "$Forwarded"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n", True),
        (b"* OK [PERMANENTFLAGS (\\Seen $forwarded)] ok\r\n", True),
        (b"* OK [PERMANENTFLAGS (\\Seen x] $Forwarded)] ok\r\n", True),
        (b"* OK [PERMANENTFLAGS (\\Seen)] ok\r\n", False),
        (b"* OK [PERMANENTFLAGS ()] ok\r\n", False),
        (b"", True),
    ],
)
def test_a_keyword_is_set_where_the_folder_keeps_it(said: bytes, kept: bool) -> None:
    answers = {rb"SELECT .*": OPENED + said + b"TAG OK done\r\n"}
    with HostileImap(answers) as server, session(server, folder=None) as opened:
        assert opened.mark("INBOX", [7, 5, 6, 9], KEYWORD) is kept
        stored = [each for each in server.commands if each.startswith(b"UID STORE")]
    assert stored == [b"UID STORE 5:7,9 +FLAGS.SILENT ($Forwarded)"] * kept


def test_a_folder_that_is_read_only_keeps_no_keyword() -> None:
    answers = {rb"SELECT .*": OPENED + b"TAG OK [READ-ONLY] done\r\n"}
    with HostileImap(answers) as server, session(server, folder=None) as opened:
        assert not opened.mark("INBOX", [1], KEYWORD)


@pytest.mark.parametrize(
    ("said", "kind"),
    [(b"NO no", RefusedError), (b"NO [NOPERM] not yours", NotPermitted), (b"BAD what", RefusedError)],
)
def test_a_mark_that_is_refused_is_an_error(said: bytes, kind: type[CccError]) -> None:
    answers = {rb"UID STORE .*": b"TAG %b\r\n" % said}
    refused = pytest.raises(kind, match="cannot mark messages in folder 'INBOX'")
    with HostileImap(answers) as server, session(server, folder=None) as opened, refused:
        opened.mark("INBOX", [1], KEYWORD)


@pytest.mark.parametrize("keyword", ["", "a b", "a)", "a\r\nb", "\\Seen", "\u00e4"])
def test_a_keyword_is_an_atom(keyword: str) -> None:
    with HostileImap() as server, session(server, folder=None) as opened, pytest.raises(UsageError):
        opened.mark("INBOX", [1], keyword)


def test_after_a_mark_the_folder_is_examined_again() -> None:
    with HostileImap(mails={42: mail()}) as server, session(server) as opened:
        opened.mark("Other", [1], KEYWORD)
        assert fetched(opened, 42) == [mail()]
        names = [each.split(b" ")[0] for each in server.commands]
    assert names[-5:] == [b"SELECT", b"UID", b"EXAMINE", b"UID", b"UID"]
    assert server.commands.count(b'EXAMINE "INBOX"') == 2


def test_what_a_folder_is_like() -> None:
    with HostileImap(mails={42: mail()}) as server, session(server) as opened:
        assert opened.examine("INBOX") == Selected("INBOX", UIDVALIDITY, 1, 99)


@pytest.mark.parametrize(
    ("said", "kind", "why"),
    [
        (b"* 1 EXISTS\r\n", SourceError, "has no UIDVALIDITY"),
        (b"* OK [UIDVALIDITY x] ok\r\n", ProtocolError, "UIDVALIDITY is no number"),
        (b"* OK [UIDVALIDITY 12345678901] ok\r\n", ProtocolError, "UIDVALIDITY is no number"),
    ],
)
def test_a_folder_must_say_under_which_uidvalidity_its_uids_count(
    said: bytes, kind: type[CccError], why: str
) -> None:
    answers = {rb"EXAMINE .*": said + b"TAG OK done\r\n"}
    refused = pytest.raises(kind, match=why)
    with HostileImap(answers) as server, session(server, folder=None) as opened, refused:
        opened.examine("INBOX")


def test_text_behind_a_response_code_is_not_part_of_it() -> None:
    said = b"* OK [UIDVALIDITY 5] see [here]\r\n* OK [UIDNEXT 7]\r\nTAG OK done\r\n"
    with HostileImap({rb"EXAMINE .*": said}) as server, session(server) as opened:
        assert opened.examine("INBOX") == Selected("INBOX", 5, 0, 7)


def listed(answer: Answer, offered: bytes = OFFERED) -> tuple[Folder, ...]:
    server = HostileImap({rb"LIST .*": answer}, offered=offered)
    with server, session(server, folder=None) as opened:
        return opened.folders()


def test_folders_are_read_however_their_names_are_written() -> None:
    found = listed(
        b'* LIST (\\HasNoChildren \\Sent) "/" "[Gmail]/Sent &- more"\r\n'
        b'* LIST (\\NoSelect) NIL "Entw&APw-rfe"\r\n'
        b'* LIST () "." 2024\r\n* LIST () "." "007"\r\n* LIST () "." {5}\r\na "b]\r\n* LIST () "." "&bad"\r\n'
        b"TAG OK done\r\n"
    )
    assert found == (
        Folder("&bad"),
        Folder("007"),
        Folder("2024"),
        Folder("Entw\u00fcrfe", selectable=False),
        Folder("[Gmail]/Sent & more", frozenset({"\\Sent"})),
        Folder('a "b]'),
    )


@pytest.mark.parametrize(
    "line", [b"", b"()", b'() "/"', b'x "/" INBOX', b'() "/" (a)', b'() "/" NIL', b"((((("]
)
def test_a_list_that_cannot_be_read_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        listed(b"* LIST " + line + b"\r\nTAG OK done\r\n")


def test_special_uses_are_asked_for_where_that_is_offered() -> None:
    answers = {rb'LIST "" "\*" RETURN \(SPECIAL-USE\)': b'* LIST (\\Sent) "/" Out\r\nTAG OK done\r\n'}
    server = HostileImap(answers, offered=OFFERED + b" LIST-EXTENDED SPECIAL-USE")
    with server, session(server, folder=None) as opened:
        assert opened.special("\\Sent") == "Out"
        assert opened.special("\\Sent") == "Out"
        assert len([each for each in server.commands if each.startswith(b"LIST")]) == 1


def test_a_folder_is_found_by_its_use_and_else_by_its_usual_name() -> None:
    marked = Folder("Elsewhere", frozenset({"\\Sent"}))
    assert find([Folder("Sent"), marked], "\\Sent") == "Elsewhere"
    assert find([Folder("INBOX.Sent")], "\\Sent") == "INBOX.Sent"
    assert find([Folder("gesendet")], "\\Sent") == "gesendet"
    assert find([Folder("Sent Items"), Folder("Sent", selectable=False)], "\\Sent") == "Sent Items"
    assert find([Folder("Sent", frozenset({"\\Trash"}))], "\\Sent") is None
    assert find([], "\\All") is None


@given(
    st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), min_size=1, max_size=40)
)
def test_a_name_comes_back_as_it_went_out(name: str) -> None:
    said = mailbox(name)
    assert said.isascii()
    inside = said[1:-1].replace(b"\\\\", b"\0").replace(b'\\"', b'"').replace(b"\0", b"\\")
    assert text(inside) == name


@given(st.binary(max_size=40))
def test_any_octets_are_some_name(name: bytes) -> None:
    assert isinstance(text(name), str)


@given(st.integers(0, 253_402_214_399))
def test_a_date_comes_back_as_it_went_out(moment: int) -> None:
    assert unix_time(internal_date(float(moment)).strip(b'"')) == float(moment)


def test_a_date_is_written_in_the_zone_of_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for zone, said in (
        ("EST5", b'"21-Nov-2026 03:00:00 -0500"'),
        ("IST-5:30", b'"21-Nov-2026 13:30:00 +0530"'),
    ):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        assert internal_date(1_795_248_000.0) == said
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"yesterday",
        b"31-Foo-2026 00:00:00 +0000",
        b"21-Nov-2026 00:00:00",
        b"00-Jan-0000 00:00:00 +0000",
    ],
)
def test_what_is_no_date_is_none(said: bytes) -> None:
    assert unix_time(said) is None


@pytest.mark.parametrize(
    ("offered", "challenges", "shown"),
    [(b"SASL-IR", b"+ %b\r\n", ["+ ***"]), (b"X", b"+ \r\n+%b\r\n", ["+", "+ ***"])],
)
def test_a_transcript_shows_no_challenge(offered: bytes, challenges: bytes, shown: list[str]) -> None:
    first, lines = b64encode(b"r=nonce,s=c2FsdA==,i=4096"), list[str]()
    manner = PATIENT._replace(transcript=Transcript(lines.append))
    answers: dict[bytes, Answer] = {rb"AUTHENTICATE .*": challenges % first}
    offers = b"IMAP4rev1 AUTH=SCRAM-SHA-256 " + offered
    with HostileImap(answers, offered=offers) as server, pytest.raises(CccError):
        connect(at(server), Held(Password(USER, "x")), manner)
    assert [line.removeprefix("<-  ") for line in lines if line.startswith("<-  +")] == shown
    assert first.decode() not in "".join(lines)


def test_a_transcript_shows_both_directions_and_no_octets_of_messages() -> None:
    lines = io.StringIO()
    manner = PATIENT._replace(transcript=Transcript(lambda line: print(line, file=lines)))
    with HostileImap(mails={42: mail("\x1b[2J")}) as server, session(server, manner) as opened:
        fetched(opened, 42)
    said = lines.getvalue()
    assert f"=== connected to 127.0.0.1 [127.0.0.1]:{server.port}\n<-  * OK ready\n" in said
    assert " -> AUTHENTICATE PLAIN ***\n" in said
    assert "UID FETCH 42 (UID BODY.PEEK[])\n<-  * 1 FETCH (UID 42 BODY[] {" in said
    assert f"=== {len(mail(chr(27) + '[2J'))} octets\n<-  )\n" in said
    assert "\x1b" not in said
    assert "boss@b.test" not in said


def test_what_was_left_open_is_asked_for_by_name() -> None:
    with HostileImap() as server, session(server, folder=None) as opened:
        with pytest.raises(TypeError, match="no folder is examined"):
            opened.search("ALL")
        with pytest.raises(SourceError, match="has no folder that is marked or named as All"):
            opened.special("\\All")


def test_folders_that_are_refused_are_an_error() -> None:
    answers = {rb"LIST .*": b"TAG NO [NOPERM] no\r\n", rb"EXAMINE .*": b"TAG NO [NONEXISTENT] gone\r\n"}
    with HostileImap(answers) as server, session(server, folder=None) as opened:
        with pytest.raises(NotPermitted, match="cannot list the folders"):
            opened.folders()
        with pytest.raises(SourceError, match="cannot open folder 'x': the IMAP server says NO"):
            opened.examine("x")
