"""mbox files: each message comes out as it went in, and none is read before its turn."""

import itertools
import mailbox
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import MessageError, SourceChanged, SourceError, TryLaterError, UsageError
from ccc.message import Message
from ccc.message.findings import findings
from ccc.message.octets import BLOCK, blocks
from ccc.sources import Item, items, read_source
from ccc.sources.files import FileOctets
from ccc.sources.mbox import spans

FROM = b"From ann@example.org Fri Jul  8 12:08:34 2011\n"
MAIL = b"From: ann@example.org\nSubject: %d\n\nhello\n"


def written(tmp_path: Path, octets: bytes, name: str = "box") -> str:
    path = tmp_path / name
    path.write_bytes(octets)
    return str(path)


def octets(message: Message) -> bytes:
    """All of it but what stood before its header."""
    return message.header.octets() + message.separator + b"".join(blocks(message.body))


def messages(path: str) -> list[bytes]:
    return [octets(item.read()) for item in items(f"mbox:{path}")]


def codes(message: Message) -> list[str]:
    found = findings(message, message.content(message.header))
    return [each.code for each in found if each.code.startswith("mbox")]


def mbox(*mails: bytes) -> bytes:
    return b"".join(FROM + mail + b"\n" for mail in mails)


# --- which messages


def test_an_mbox_gives_all_its_messages_in_order(tmp_path: Path) -> None:
    mails = [MAIL % number for number in range(5)]
    assert messages(written(tmp_path, mbox(*mails))) == mails


def test_a_message_of_an_mbox_is_named_by_its_number(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(*(MAIL % number for number in range(5))))
    assert octets(read_source(f"mbox:{path}#3")) == MAIL % 2


def test_the_name_of_a_message_leads_to_it_again(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(*(MAIL % number for number in range(3))))
    again = [octets(read_source(item.name)) for item in items(f"mbox:{path}")]
    assert again == messages(path)


def test_a_path_may_have_a_number_sign_in_it(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1), "a#b")
    assert octets(read_source(f"mbox:{path}")) == MAIL % 1
    assert octets(read_source(f"mbox:{path}#1")) == MAIL % 1


def test_the_from_line_is_kept_apart(tmp_path: Path) -> None:
    message = read_source(f"mbox:{written(tmp_path, mbox(MAIL % 1))}")
    assert message.from_line == FROM.rstrip()


def test_an_mbox_with_crlf_gives_its_messages(tmp_path: Path) -> None:
    mails = [(MAIL % number).replace(b"\n", b"\r\n") for number in range(3)]
    assert messages(written(tmp_path, mbox(*mails).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))) == mails


def test_the_last_empty_line_may_be_missing(tmp_path: Path) -> None:
    mails = [MAIL % number for number in range(2)]
    assert messages(written(tmp_path, mbox(*mails)[:-1])) == mails


def test_empty_lines_before_the_first_message_do_not_count(tmp_path: Path) -> None:
    assert messages(written(tmp_path, b"\n\n" + mbox(MAIL % 1))) == [MAIL % 1]


def test_a_message_may_have_no_body(tmp_path: Path) -> None:
    assert messages(written(tmp_path, mbox(b"To: a\n", b"To: b\n\n", b"To: c\n"))) == [
        b"To: a\n",
        b"To: b\n\n",
        b"To: c\n",
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"From MAILER-DAEMON Fri Jul  8 12:08:34 2011",
        b"From - Fri Jul 08 12:08:34 2011",
        b"From a@b.test Fri Jul  8 12:08 2011",
        b"From a@b.test Fri Jul  8 12:08:34 CEST 2011",
        b"From a@b.test Fri Jul  8 12:08:34 2011 +0200",
        b"From 1234@xxx Fri Jul 08 12:08:34 +0000 2011",
        b"From ann at b.test  Fri Jul  8 12:08:34 2011",
        b'From "a b"@c.test Fri Jul  8 12:08:34 2011 remote from host',
        b"From a@b.test Fri, 8 Jul 2011 12:08:34 +0200",
        b"From a@b.test 2011-07-08 12:08:34",
        b"From ",
        b"From -",
    ],
)
def test_a_from_line_has_many_forms(tmp_path: Path, line: bytes) -> None:
    path = written(tmp_path, FROM + MAIL % 1 + b"\n" + line + b"\n" + MAIL % 2)
    assert messages(path) == [MAIL % 1, MAIL % 2]


@pytest.mark.parametrize(
    "text",
    [
        b"From here on it is easy\n",
        b"From Monday on\nnothing: at all\n",
        b"From 12:30 on we meet\n",
        b"From: field@example.org Fri Jul  8 12:08:34 2011\n",
        b" From a@b Fri Jul  8 12:08:34 2011\n",
        b"from a@b Fri Jul  8 12:08:34 2011\n",
        b"From" + b" x" * 300 + b" Fri Jul  8 12:08:34 2011\n",
    ],
)
def test_text_that_begins_with_from_is_no_message(tmp_path: Path, text: bytes) -> None:
    mail = MAIL % 1 + b"\n" + text
    assert messages(written(tmp_path, mbox(mail))) == [mail]


def test_a_from_line_counts_only_after_an_empty_line(tmp_path: Path) -> None:
    mail = MAIL % 1 + FROM + MAIL % 2
    assert messages(written(tmp_path, mbox(mail))) == [mail]


@pytest.mark.parametrize("around", range(-1100, 1100, 97))
def test_messages_are_found_where_blocks_meet(tmp_path: Path, around: int) -> None:
    first = MAIL % 1 + b"x" * (BLOCK + around) + b"\n"
    assert messages(written(tmp_path, mbox(first, MAIL % 2))) == [first, MAIL % 2]


def test_a_from_line_without_an_empty_line_is_a_finding(tmp_path: Path) -> None:
    far = b"x" * BLOCK + b"\n"
    path = written(tmp_path, mbox(MAIL % 1 + FROM + MAIL % 2 + far + FROM + MAIL % 3 + FROM + b"text\n"))
    message = read_source(f"mbox:{path}")
    assert message.mbox is not None
    assert message.mbox.inside == 2
    assert codes(message) == ["mbox-inside"]


# --- who wrote the file


def test_one_quote_is_taken_off_each_line(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1 + b">From a\n>>From b\n > From c\n> From d\n"))
    message = read_source(f"mbox:{path}")
    assert octets(message) == MAIL % 1 + b"From a\n>From b\n > From c\n> From d\n"
    assert codes(message) == ["mbox-unquoted"]


def test_a_message_that_was_quoted_in_a_body_stays_there(tmp_path: Path) -> None:
    message = read_source(f"mbox:{written(tmp_path, mbox(MAIL % 1 + b'>' + FROM.join((b'', MAIL % 2))))}")
    assert octets(message) == MAIL % 1 + FROM + MAIL % 2
    assert codes(message) == ["mbox-unquoted"]


def test_how_many_quotes_are_taken_off_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1 + b">From a\n>>From b\n"))
    message = read_source(f"mbox:{path}")
    (finding,) = [f for f in findings(message, message.content(message.header)) if f.code == "mbox-unquoted"]
    assert finding.text == '2 lines of the body without the ">" that the mbox had put before "From "'


def test_where_a_line_is_not_quoted_none_is_unquoted(tmp_path: Path) -> None:
    mail = MAIL % 1 + b"From a\n>From b\n"
    message = read_source(f"mbox:{written(tmp_path, mbox(mail))}")
    assert octets(message) == mail
    assert codes(message) == ["mbox-quoted"]


def test_the_header_is_not_unquoted(tmp_path: Path) -> None:
    mail = b"To: a\n>From b\nSubject: c\n\nhello\n"
    message = read_source(f"mbox:{written(tmp_path, mbox(mail))}")
    assert octets(message) == mail
    assert codes(message) == []


def test_quotes_are_found_where_chunks_meet(tmp_path: Path) -> None:
    for around in range(8):
        body = b"x" * (BLOCK - 256 - len(FROM + MAIL % 1) + around) + b"\n>From a\n" * 3 + b"y" * BLOCK
        path = written(tmp_path, mbox(MAIL % 1 + body + b"\n>>From b\n"))
        assert messages(path) == [MAIL % 1 + body.replace(b">From", b"From") + b"\n>From b\n"]


def test_a_body_of_quotes_alone_is_unquoted(tmp_path: Path) -> None:
    lines = BLOCK // 6
    path = written(tmp_path, mbox(MAIL % 1 + b">From \n" * lines))
    assert messages(path) == [MAIL % 1 + b"From \n" * lines]


def with_length(mail: bytes, length: int | None = None) -> bytes:
    head, _, body = mail.partition(b"\n\n")
    return b"%s\nContent-Length: %d\n\n%s" % (head, len(body) if length is None else length, body)


def test_a_content_length_that_fits_decides(tmp_path: Path) -> None:
    mail = with_length(MAIL % 1 + b"\n" + FROM + MAIL % 2)
    path = written(tmp_path, mbox(mail, MAIL % 3))
    assert messages(path) == [mail, MAIL % 3]


def test_what_looks_like_a_message_in_such_a_body_is_a_finding(tmp_path: Path) -> None:
    mail = with_length(MAIL % 1 + b"\n" + FROM + MAIL % 2)
    message = next(items(f"mbox:{written(tmp_path, mbox(mail, MAIL % 3))}")).read()
    assert codes(message) == ["mbox-inside"]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_a_content_length_may_end_with_the_file(tmp_path: Path, end: bytes) -> None:
    mail = with_length(MAIL % 1 + b"\n" + FROM + MAIL % 2)
    assert messages(written(tmp_path, FROM + mail + end)) == [mail]


@pytest.mark.parametrize("wrong", [0, 3, 4, 8, 60, 10**6, 10**14])
def test_a_content_length_that_leads_elsewhere_does_not_count(tmp_path: Path, wrong: int) -> None:
    mail = with_length(MAIL % 1, wrong)
    assert messages(written(tmp_path, mbox(mail, MAIL % 2))) == [mail, MAIL % 2]


def test_two_content_lengths_do_not_count(tmp_path: Path) -> None:
    inner = MAIL % 1 + b"\n" + FROM + MAIL % 2
    mail = with_length(with_length(inner), 3)
    assert len(messages(written(tmp_path, mbox(mail, MAIL % 3)))) == 3


def test_a_content_length_in_the_body_does_not_count(tmp_path: Path) -> None:
    mail = MAIL % 1 + b"Content-Length: 3\n"
    assert messages(written(tmp_path, mbox(mail, MAIL % 2))) == [mail, MAIL % 2]


# --- what is no mbox, and what changes


@pytest.mark.parametrize("content", [MAIL % 1, b"hello\n", b" From a\n", b">From a\n\n"])
def test_a_file_that_does_not_begin_with_a_from_line_is_no_mbox(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MessageError, match="is no mbox: it does not begin with a From line"):
        messages(written(tmp_path, content))


def test_a_maildir_is_no_mbox(tmp_path: Path) -> None:
    (tmp_path / "cur").mkdir()
    (tmp_path / "new").mkdir()
    with pytest.raises(SourceError, match=f"is a Maildir; name it without mbox: {re.escape(str(tmp_path))}"):
        messages(str(tmp_path))


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n"])
def test_an_empty_mbox_holds_nothing_and_has_no_message_of_a_number(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    assert messages(path) == []
    with pytest.raises(SourceError, match=r"there is no message 1 in '.*', which is empty; check its name"):
        messages(f"{path}#1")


def test_a_number_that_is_too_high_is_an_error_that_says_how_many_there_are(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1, MAIL % 2))
    with pytest.raises(SourceError, match=r"there is no message 3 in .*box., which has 2"):
        read_source(f"mbox:{path}#3")


@pytest.mark.parametrize("name", ["mbox:", "mbox:box#0"])
def test_a_name_that_cannot_be_meant_is_an_error(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        items(name)


def test_several_messages_are_not_one(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1, MAIL % 2))
    with pytest.raises(UsageError, match=f"name one of them, such as mbox:{re.escape(path)}#1"):
        read_source(f"mbox:{path}")


def test_a_bad_message_does_not_hide_the_others(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1, b" junk\n", MAIL % 3))
    first, second, third = items(f"mbox:{path}")
    with pytest.raises(MessageError):
        second.read()
    assert [octets(item.read()) for item in (third, first)] == [MAIL % 3, MAIL % 1]


def test_an_mbox_that_grew_is_noticed(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1, MAIL % 2))
    found = items(f"mbox:{path}")
    next(found)
    with open(path, "ab") as file:
        file.write(mbox(MAIL % 3))
    with pytest.raises(SourceChanged, match="was changed while it was read"):
        next(found).read()


def test_an_mbox_that_grew_after_it_was_read_is_noticed_when_it_is_sent(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1, MAIL % 2))
    message = next(items(f"mbox:{path}")).read()
    with open(path, "ab") as file:
        file.write(mbox(MAIL % 3))
    with pytest.raises(SourceChanged):
        octets(message)


HOLD = "import fcntl, sys; file = open(sys.argv[1], 'r+b'); fcntl.{}(file, 2); print(flush=True); input()"


@pytest.fixture(params=["lockf", "flock"])
def locked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An mbox that another process has locked."""
    path = written(tmp_path, mbox(MAIL % 1))
    command = [sys.executable, "-S", "-c", HOLD.format(request.param), path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline()
        yield path
        holder.communicate(b"\n")


def test_an_mbox_that_is_locked_is_for_later(locked: str) -> None:
    with pytest.raises(TryLaterError, match="is locked by a program that writes to it"):
        messages(locked)


def test_an_mbox_with_a_lock_file_is_for_later(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(MAIL % 1))
    written(tmp_path, b"", "box.lock")
    with pytest.raises(TryLaterError, match="is in use: there is"):
        messages(path)


# --- size


def test_the_first_message_is_given_before_the_file_is_read(tmp_path: Path) -> None:
    """Ten gigabytes that take no room on the disk, of which only the beginning is looked at."""
    path = written(tmp_path, mbox(MAIL % 1, MAIL % 2))
    os.truncate(path, 10 << 30)
    assert octets(next(items(f"mbox:{path}")).read()) == MAIL % 1


def test_an_mbox_that_is_gone_through_holds_one_descriptor(tmp_path: Path) -> None:
    path = written(tmp_path, mbox(*(MAIL % number + b"x" * BLOCK + b"\n" for number in range(9))))
    before = len(os.listdir("/proc/self/fd"))
    held: list[Item | Message] = []
    for item in items(f"mbox:{path}"):
        held += [item, item.read()]
        assert len(os.listdir("/proc/self/fd")) <= before + 1
    assert len(held) == 18


# --- laws

TEXT = st.sampled_from(
    [b"From me\n", b">From you\n", b">>From us\n", b"\n", b"text\n", b"> quoted\n", FROM, b"From: field\n"]
)
MAILS = st.lists(st.lists(TEXT, max_size=6).map(b"".join), min_size=1, max_size=4)


def quoted_rd(body: bytes) -> bytes:
    return re.sub(rb"(?m)^(>*From )", rb">\1", body)


def quoted_o(body: bytes) -> bytes:
    return re.sub(rb"(?m)^From ", b">From ", body)


def round_trip(folder: Path, bodies: list[bytes], write: Callable[[int, bytes], bytes], end: bytes) -> None:
    mails = [MAIL % number + body for number, body in enumerate(bodies)]
    file = mbox(*(write(number, body) for number, body in enumerate(bodies))).replace(b"\n", end)
    found = [
        re.sub(rb"\nContent-Length: .*", b"", mail.replace(end, b"\n"))
        for mail in messages(written(folder, file))
    ]
    assert found == mails


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("law")


@given(MAILS, st.sampled_from([b"\n", b"\r\n"]))
def test_whatever_is_written_into_an_mboxrd_comes_out(folder: Path, bodies: list[bytes], end: bytes) -> None:
    round_trip(folder, bodies, lambda number, body: MAIL % number + quoted_rd(body), end)


@given(MAILS)
def test_what_is_written_into_an_mboxo_comes_out_if_it_had_no_quotes(
    folder: Path, bodies: list[bytes]
) -> None:
    bare = [re.sub(rb"(?m)^>+From ", b"", body) for body in bodies]
    round_trip(folder, bare, lambda number, body: MAIL % number + quoted_o(body), b"\n")


@given(MAILS)
def test_what_is_written_into_an_mboxcl_comes_out_if_it_had_no_quotes(
    folder: Path, bodies: list[bytes]
) -> None:
    bare = [re.sub(rb"(?m)^>+From ", b"", body) for body in bodies]
    round_trip(folder, bare, lambda number, body: with_length(MAIL % number + quoted_o(body)), b"\n")


@given(MAILS)
def test_what_is_written_into_an_mboxcl2_comes_out_if_a_line_shows_that_it_does_not_quote(
    folder: Path, bodies: list[bytes]
) -> None:
    shown = [body + b"From the end\n" for body in bodies]
    round_trip(folder, shown, lambda number, body: with_length(MAIL % number + body), b"\n")


@given(MAILS)
def test_a_standard_writer_is_understood(folder: Path, bodies: list[bytes]) -> None:
    """Python's own mailbox.mbox, which is an mboxo."""
    bare = [re.sub(rb"(?m)^>+From ", b"", body) for body in bodies]
    path = folder / "python"
    path.unlink(missing_ok=True)
    box = mailbox.mbox(str(path))
    for number, body in enumerate(bare):
        box.add(MAIL % number + body)
    box.close()
    assert messages(str(path)) == [MAIL % number + body for number, body in enumerate(bare)]


@given(st.lists(st.one_of(TEXT, st.binary(max_size=9)), max_size=12).map(b"".join))
def test_the_messages_make_up_the_file(folder: Path, content: bytes) -> None:
    file = FROM + content
    found = list(spans(FileOctets(written(folder, file, "any"))))
    for before, after in itertools.pairwise(found):
        assert file[before.stop : after.start] in (b"\n", b"\r\n")
    assert all(file.startswith(b"From ", span.start) for span in found)
    assert found[0].start == 0
    assert file[found[-1].stop :] in (b"", b"\n", b"\r\n")
