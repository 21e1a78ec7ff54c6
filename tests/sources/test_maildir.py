"""Maildirs: messages as they came, with their flags, never moved, and found again when renamed."""

import os
from pathlib import Path

import pytest

from ccc.errors import SourceChanged, SourceError
from ccc.message import Message
from ccc.message.message import Filed
from ccc.message.octets import blocks
from ccc.sources import items, read_source

MAIL = b"From: ann@example.org\nSubject: %d\n\nhello\n"


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).mkdir()
    return tmp_path


def put(maildir: Path, name: str, number: int = 0) -> Path:
    path = maildir / name
    path.write_bytes(MAIL % number)
    os.utime(path, (1_500_000_000 + number, 1_500_000_000 + number))
    return path


def subject(message: Message) -> str:
    field = message.header.first("subject")
    assert field
    return field.value.strip().decode()


def subjects(maildir: Path) -> list[str]:
    return [subject(item.read()) for item in items(str(maildir))]


def test_messages_come_in_the_order_in_which_they_arrived(maildir: Path) -> None:
    put(maildir, "cur/1636544003.M1P9.host:2,S", 3)
    put(maildir, "new/1636544001.M1P9.host", 1)
    put(maildir, "cur/1636544002.M900P9.host:2,", 2)
    put(maildir, "new/1636544002.M90000P1.host", 22)
    put(maildir, "cur/999999999.P1.host:2,RS", 0)
    assert subjects(maildir) == ["0", "1", "2", "22", "3"]


def test_a_name_without_a_time_counts_by_the_time_of_its_file(maildir: Path) -> None:
    put(maildir, "cur/1500000001.host:2,", 1)
    put(maildir, "cur/b:2,", 2)
    put(maildir, "new/a", 0)
    assert subjects(maildir) == ["0", "1", "2"]


def test_what_is_being_written_or_hidden_is_no_message(maildir: Path) -> None:
    put(maildir, "tmp/1636544001.M1P9.host", 1)
    put(maildir, "cur/.hidden", 2)
    put(maildir, "new/1636544003.M1P9.host", 3)
    assert subjects(maildir) == ["3"]


def test_nothing_is_moved(maildir: Path) -> None:
    put(maildir, "new/1636544001.M1P9.host", 1)
    put(maildir, "cur/1636544002.M1P9.host:2,", 2)
    before = sorted(maildir.rglob("*"))
    subjects(maildir)
    assert sorted(maildir.rglob("*")) == before


@pytest.mark.parametrize(
    ("info", "flags"),
    [
        ("", ()),
        (":2,", ()),
        (":2,S", ("\\Seen",)),
        (":2,DFPRST", ("\\Draft", "\\Flagged", "$Forwarded", "\\Answered", "\\Seen", "\\Deleted")),
        (":2,Sab", ("\\Seen",)),
        (";2,F", ("\\Flagged",)),
        ("!2,R", ("\\Answered",)),
        (":1,S", ()),
    ],
)
def test_the_letters_of_a_name_are_its_flags(maildir: Path, info: str, flags: tuple[str, ...]) -> None:
    path = put(maildir, f"cur/1636544001.M1P9.host{info}")
    assert read_source(str(path)).filed == Filed(flags, 1636544001.0)


def test_messages_of_a_folder_have_their_flags(maildir: Path) -> None:
    put(maildir, "cur/1636544001.M1P9.host,S=40:2,FS")
    (item,) = items(str(maildir))
    assert item.read().filed == Filed(("\\Flagged", "\\Seen"), 1636544001.0)


def test_a_name_without_a_time_was_received_when_the_file_was_written(maildir: Path) -> None:
    assert read_source(str(put(maildir, "cur/x:2,S", 7))).filed == Filed(("\\Seen",), 1_500_000_007.0)


def test_a_small_number_is_no_time(maildir: Path) -> None:
    assert read_source(str(put(maildir, "cur/12.eml", 7))).filed == Filed((), 1_500_000_007.0)


def test_a_file_in_no_maildir_has_no_flags(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert read_source(str(put(tmp_path, "new/1636544001.M1P9.host"))).filed is None
    assert read_source(str(put(tmp_path, "1636544001.M1P9.host:2,S"))).filed is None


def test_a_file_named_from_within_the_maildir_has_its_flags(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(maildir, "cur/1636544001.M1P9.host:2,S")
    monkeypatch.chdir(maildir / "cur")
    assert read_source("1636544001.M1P9.host:2,S").filed == Filed(("\\Seen",), 1636544001.0)


def test_a_file_that_got_another_flag_is_found(maildir: Path) -> None:
    path = put(maildir, "cur/1636544001.M1P9.host:2,", 1)
    (item,) = items(str(maildir))
    path.rename(f"{path}S")
    message = item.read()
    assert subject(message) == "1"
    assert message.filed == Filed(("\\Seen",), 1636544001.0)


def test_a_file_that_is_no_longer_new_is_found(maildir: Path) -> None:
    path = put(maildir, "new/1636544001.M1P9.host", 1)
    (item,) = items(str(maildir))
    path.rename(maildir / "cur" / f"{path.name}:2,S")
    assert subject(item.read()) == "1"


def test_a_file_that_gets_a_flag_between_the_plan_and_the_sending_is_read_on(maildir: Path) -> None:
    path = put(maildir, "cur/1636544001.M1P9.host:2,", 1)
    message = read_source(str(path))
    path.rename(f"{path}S")
    assert b"".join(blocks(message.body)) == b"hello\n"


def test_another_file_under_that_name_is_not_read_on(maildir: Path) -> None:
    path = put(maildir, "cur/1636544001.M1P9.host:2,", 1)
    message = read_source(str(path))
    path.unlink()
    put(maildir, "cur/1636544001.M1P9.host:2,S", 2)
    with pytest.raises(SourceChanged):
        b"".join(blocks(message.body))


def test_a_file_that_is_gone_is_an_error_of_its_own(maildir: Path) -> None:
    put(maildir, "cur/1636544001.M1P9.host:2,", 1)
    gone = put(maildir, "cur/1636544002.M1P9.host:2,", 2)
    first, second = items(str(maildir))
    gone.unlink()
    with pytest.raises(SourceError, match="there is no file"):
        second.read()
    assert subject(first.read()) == "1"


def test_an_empty_maildir_holds_nothing(maildir: Path) -> None:
    assert list(items(str(maildir))) == []


@pytest.mark.parametrize("part", ["cur", "new/", "tmp"])
def test_for_a_part_of_a_maildir_the_maildir_is_named(maildir: Path, part: str) -> None:
    with pytest.raises(SourceError) as caught:
        items(f"{maildir}/{part}")
    assert str(caught.value) == f"'{maildir}/{part}' is a part of a Maildir; name the Maildir: {maildir}"


def test_from_within_it_a_part_of_a_maildir_has_a_name_too(
    maildir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(maildir)
    with pytest.raises(SourceError, match=r"name the Maildir: \.$"):
        items("cur")
    monkeypatch.chdir(maildir / "cur")
    with pytest.raises(SourceError, match=f"name the Maildir: {maildir}"):
        items(".")


def test_a_folder_of_messages_is_no_maildir(tmp_path: Path) -> None:
    (tmp_path / "cur").mkdir()
    with pytest.raises(SourceError) as caught:
        items(f"{tmp_path}/")
    assert caught.value.cure == f"name the message files in it: {tmp_path}/*.eml"


def test_a_maildir_of_many_messages_holds_no_descriptor(maildir: Path) -> None:
    for number in range(9):
        put(maildir, f"cur/{1636544001 + number}.M1P9.host:2,", number)
    before = len(os.listdir("/proc/self/fd"))
    held = [item.read() for item in items(str(maildir))]
    assert len(held) == 9
    assert len(os.listdir("/proc/self/fd")) == before
