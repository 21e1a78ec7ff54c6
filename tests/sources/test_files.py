"""Files and standard input: read when needed, never whole, and never another file than was planned."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import MessageError, SourceChanged, SourceError, StateError
from ccc.message.octets import BLOCK, HeldOctets, Octets, blocks
from ccc.sources.files import SPOOL, FileOctets, open_source, spool
from ccc.transport.spool import NamelessFile, SpooledOctets

MAIL = b"From: ann@example.org\nSubject: hello\n\nhello\n"
PLIST = b'<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"></plist>\n'


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "a.eml"
    path.write_bytes(MAIL)
    return path


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.eml"
    path.write_bytes(MAIL + b"x" * (2 * BLOCK))
    return path


def whole(octets: Octets) -> bytes:
    return b"".join(blocks(octets))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def piped(*parts: bytes) -> Iterator[int]:
    """The reading end of a pipe that another thread fills."""
    reading, writing = os.pipe()

    def write() -> None:
        with open(writing, "wb") as pipe:
            pipe.writelines(parts)

    thread = threading.Thread(target=write)
    thread.start()
    yield reading
    thread.join()
    os.close(reading)


def later(path: Path) -> None:
    """Give the file another time of change, as a writer would."""
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000))


# --- files


def test_a_file_gives_its_octets(mail: Path) -> None:
    assert whole(open_source(str(mail))) == MAIL


def test_a_file_knows_its_size(mail: Path) -> None:
    assert open_source(str(mail)).size == len(MAIL)


def test_an_empty_file_gives_no_octets(tmp_path: Path) -> None:
    path = tmp_path / "empty.eml"
    path.touch()
    assert whole(open_source(str(path))) == b""


def test_a_file_can_be_read_again(mail: Path) -> None:
    octets = open_source(str(mail))
    assert whole(octets) == whole(octets)


def test_a_file_can_be_read_from_any_offset(mail: Path) -> None:
    assert open_source(str(mail)).block(6) == MAIL[6:]


def test_nothing_stands_after_the_end(mail: Path) -> None:
    assert open_source(str(mail)).block(len(MAIL) + 1) == b""


def test_a_big_file_comes_in_blocks(big: Path) -> None:
    octets = open_source(str(big))
    assert len(octets.block(0)) == BLOCK
    assert whole(octets) == big.read_bytes()


def test_a_link_to_a_file_is_followed(mail: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.eml"
    link.symlink_to(mail)
    assert whole(open_source(str(link))) == MAIL


def test_a_file_that_was_read_holds_no_descriptor(mail: Path) -> None:
    before = descriptors()
    octets = open_source(str(mail))
    octets.block(0)
    assert descriptors() == before


def test_an_empty_file_holds_no_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "empty.eml"
    path.touch()
    before = descriptors()
    octets = open_source(str(path))
    assert descriptors() == before
    assert octets.size == 0


def test_a_file_that_was_closed_half_way_can_be_read_on(big: Path) -> None:
    octets = FileOctets(str(big))
    first = octets.block(0)
    octets.close()
    assert first + octets.block(BLOCK) == big.read_bytes()[: 2 * BLOCK]


def test_a_file_that_is_dropped_gives_its_descriptor_back(big: Path) -> None:
    before = descriptors()
    octets = FileOctets(str(big))
    octets.block(0)
    assert descriptors() == before + 1
    del octets
    assert descriptors() == before


def test_two_thousand_messages_that_were_read_hold_no_descriptors(mail: Path) -> None:
    before = descriptors()
    many = []
    for _ in range(2000):
        octets = open_source(str(mail))
        octets.block(0)
        many.append(octets)
    assert descriptors() == before


# --- files that change


def test_a_file_that_grows_after_it_was_opened_is_an_error_at_its_last_octet(big: Path) -> None:
    octets = open_source(str(big))
    octets.block(0)
    with big.open("ab") as file:
        file.write(b"more")
    octets.block(BLOCK)
    with pytest.raises(SourceChanged):
        octets.block(2 * BLOCK)


def test_a_file_that_shrinks_is_an_error(big: Path) -> None:
    octets = open_source(str(big))
    octets.block(0)
    os.truncate(big, BLOCK)
    with pytest.raises(SourceChanged, match="ended early"):
        octets.block(BLOCK)


def test_a_file_that_shrinks_within_its_last_block_is_an_error(big: Path) -> None:
    octets = open_source(str(big))
    octets.block(0)
    os.truncate(big, 2 * BLOCK + 1)
    with pytest.raises(SourceChanged):
        whole(octets)


def test_a_file_that_is_changed_in_place_is_an_error(big: Path) -> None:
    octets = open_source(str(big))
    octets.block(0)
    later(big)
    octets.block(BLOCK)
    with pytest.raises(SourceChanged, match="was changed"):
        octets.block(2 * BLOCK)


def test_a_file_that_is_changed_before_it_is_opened_again_is_an_error(mail: Path) -> None:
    octets = open_source(str(mail))
    octets.block(0)
    later(mail)
    with pytest.raises(SourceChanged, match="was changed"):
        octets.block(0)


def test_a_file_that_was_replaced_is_an_error(mail: Path, tmp_path: Path) -> None:
    octets = open_source(str(mail))
    octets.block(0)
    other = tmp_path / "other"
    other.write_bytes(MAIL)
    status = mail.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(mail)
    with pytest.raises(SourceChanged):
        octets.block(0)


def test_a_file_that_was_replaced_while_it_is_read_stays_the_one_that_was_opened(big: Path) -> None:
    before = big.read_bytes()
    octets = open_source(str(big))
    head = octets.block(0)
    other = big.with_suffix(".new")
    other.write_bytes(b"another")
    other.replace(big)
    assert head + octets.block(BLOCK) + octets.block(2 * BLOCK) == before


def test_a_file_that_was_removed_is_an_error(mail: Path) -> None:
    octets = open_source(str(mail))
    octets.block(0)
    mail.unlink()
    with pytest.raises(SourceChanged, match="cannot be read any more"):
        octets.block(0)


def test_a_file_that_changed_holds_no_descriptor(mail: Path) -> None:
    before = descriptors()
    octets = open_source(str(mail))
    later(mail)
    with pytest.raises(SourceChanged):
        octets.block(0)
    assert descriptors() == before


def test_a_changed_file_says_what_to_do(mail: Path) -> None:
    octets = open_source(str(mail))
    later(mail)
    with pytest.raises(SourceChanged) as caught:
        octets.block(0)
    assert caught.value.cure


def test_octets_that_can_no_longer_be_read_are_an_error(tmp_path: Path) -> None:
    file = NamelessFile("it")
    octets, folder = SpooledOctets(file, 0, 5), os.open(tmp_path, os.O_RDONLY)
    os.dup2(folder, file._descriptor)
    os.close(folder)
    with pytest.raises(SourceChanged, match="cannot be read any more"):
        octets.block(0)


# --- what is no file


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file"):
        open_source(str(tmp_path / "nothing.eml"))


def test_a_folder_is_an_error_that_tells_to_name_the_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="name the message files in it"):
        open_source(str(tmp_path))


def test_a_pipe_with_a_name_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="is a pipe, not a file; use - and a pipe"):
        open_source(str(tmp_path / "pipe"))


def test_a_device_is_refused() -> None:
    with pytest.raises(SourceError, match="'/dev/zero' is a device, not a file"):
        open_source("/dev/zero")


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        with pytest.raises(SourceError, match="is a socket, not a file"):
            open_source(str(tmp_path / "socket"))


def test_what_is_refused_holds_no_descriptor() -> None:
    before = descriptors()
    with pytest.raises(SourceError):
        open_source("/dev/zero")
    assert descriptors() == before


def test_a_name_with_a_nul_is_refused() -> None:
    with pytest.raises(SourceError, match="is not a file name"):
        open_source("a\0b")


def test_a_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(SourceError, match="cannot be read: File name too long"):
        open_source("a" * 5000)


def test_a_name_shows_its_control_characters() -> None:
    with pytest.raises(SourceError, match=r"\\x1b"):
        open_source("\x1b[2J")


def test_a_file_that_may_not_be_read_says_so(mail: Path) -> None:
    mail.chmod(0)
    if os.access(mail, os.R_OK):  # root reads everything
        mail.chmod(0o600)
        problem: SourceError = _refusal(PermissionError(13, "Permission denied"))
    else:
        with pytest.raises(SourceError) as caught:
            open_source(str(mail))
        problem = caught.value
    assert problem.cure == "check its permissions"


def _refusal(problem: OSError) -> SourceError:
    from ccc.sources.files import _unreadable

    return _unreadable("a.eml", problem)


# --- standard input


def test_standard_input_gives_its_octets() -> None:
    for descriptor in piped(MAIL):
        assert whole(open_source("-", descriptor)) == MAIL


def test_dev_stdin_is_standard_input() -> None:
    for descriptor in piped(MAIL):
        assert whole(open_source("/dev/stdin", descriptor)) == MAIL


def test_standard_input_can_be_read_again_once_it_was_spooled() -> None:
    for descriptor in piped(MAIL):
        octets = open_source("-", descriptor)
        assert whole(octets) == whole(octets)


def test_standard_input_that_comes_in_drops_is_one_message() -> None:
    for descriptor in piped(*(bytes((octet,)) for octet in MAIL)):
        assert whole(open_source("-", descriptor)) == MAIL


def test_small_input_stays_in_memory() -> None:
    for descriptor in piped(b"x" * SPOOL):
        assert isinstance(spool(descriptor), HeldOctets)


def test_big_input_goes_to_a_file_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    content = os.urandom(3 * SPOOL)
    for descriptor in piped(content):
        octets = spool(descriptor)
        assert isinstance(octets, SpooledOctets)
        assert list(tmp_path.iterdir()) == []
        assert whole(octets) == content


def test_nothing_stands_after_the_end_of_big_input() -> None:
    for descriptor in piped(b"x" * (SPOOL + 1)):
        assert spool(descriptor).block(SPOOL + 1) == b""


def test_big_input_stays_readable_after_it_was_closed() -> None:
    for descriptor in piped(b"x" * (SPOOL + 1)):
        octets = spool(descriptor)
        assert isinstance(octets, SpooledOctets)
        octets.close()
        assert octets.block(SPOOL) == b"x"


def test_big_input_that_is_dropped_gives_its_descriptor_back(tmp_path: Path) -> None:
    path = tmp_path / "big"
    path.write_bytes(b"x" * (SPOOL + 1))
    with path.open("rb", buffering=0) as file:
        before = descriptors()
        octets = spool(file.fileno())
        assert descriptors() == before + 1
        del octets
        assert descriptors() == before


def test_a_full_disk_is_an_error_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/dev/null/no-folder")
    for descriptor in piped(b"x" * (SPOOL + 1)):
        with pytest.raises(StateError, match="TMPDIR"):
            spool(descriptor)
        while os.read(descriptor, SPOOL):
            pass


def test_a_closed_standard_input_is_an_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    with pytest.raises(SourceError, match="standard input cannot be read"):
        open_source("-", reading)


def test_a_folder_as_standard_input_is_an_error(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(SourceError, match="standard input cannot be read: Is a directory"):
            open_source("-", folder)
    finally:
        os.close(folder)


def test_input_that_would_have_to_be_waited_for_without_waiting_is_an_error() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        with pytest.raises(SourceError, match="standard input cannot be read"):
            open_source("-", reading)
    finally:
        os.close(reading)
        os.close(writing)


def test_input_stops_where_a_program_stopped_reading_it(mail: Path) -> None:
    with mail.open("rb", buffering=0) as file:
        file.readline()
        assert whole(open_source("-", file.fileno())) == MAIL.split(b"\n", 1)[1]


# --- process substitution


def test_a_process_substitution_is_read_like_standard_input() -> None:
    for descriptor in piped(MAIL):
        assert whole(open_source(f"/dev/fd/{descriptor}")) == MAIL


def test_a_file_named_by_its_descriptor_is_a_file(mail: Path) -> None:
    with mail.open("rb") as file:
        octets = open_source(f"/dev/fd/{file.fileno()}")
        assert isinstance(octets, FileOctets)
        assert whole(octets) == MAIL


def test_a_descriptor_that_is_not_open_is_an_error() -> None:
    with pytest.raises(SourceError, match="there is no file '/dev/fd/987654'"):
        open_source("/dev/fd/987654")


# --- Apple Mail


def emlx(count: bytes, message: bytes = MAIL, after: bytes = PLIST) -> bytes:
    return count + b"\n" + message + after


def written(tmp_path: Path, octets: bytes, name: str = "1.emlx") -> str:
    path = tmp_path / name
    path.write_bytes(octets)
    return str(path)


def test_an_emlx_is_cut_to_its_message(tmp_path: Path) -> None:
    name = written(tmp_path, emlx(b"%d" % len(MAIL)))
    assert whole(open_source(name)) == MAIL


def test_the_count_of_an_emlx_may_be_padded(tmp_path: Path) -> None:
    name = written(tmp_path, emlx(b"%-10d" % len(MAIL)))
    assert whole(open_source(name)) == MAIL


def test_an_emlx_without_its_property_list_is_a_message(tmp_path: Path) -> None:
    name = written(tmp_path, emlx(b"%d" % len(MAIL), after=b""))
    assert whole(open_source(name)) == MAIL


def test_the_name_of_an_emlx_may_be_in_capitals(tmp_path: Path) -> None:
    name = written(tmp_path, emlx(b"%d" % len(MAIL)), "1.EMLX")
    assert whole(open_source(name)) == MAIL


def test_an_emlx_is_one_in_any_folder(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    assert whole(open_source(written(tmp_path / "new", emlx(b"%d" % len(MAIL))))) == MAIL


def test_an_emlx_knows_the_size_of_its_message(tmp_path: Path) -> None:
    assert open_source(written(tmp_path, emlx(b"%d" % len(MAIL)))).size == len(MAIL)


def test_an_emlx_can_be_read_from_any_offset(tmp_path: Path) -> None:
    octets = open_source(written(tmp_path, emlx(b"%d" % len(MAIL))))
    assert octets.block(5) == MAIL[5:]
    assert octets.block(len(MAIL)) == b""


def test_a_big_emlx_comes_in_blocks(tmp_path: Path) -> None:
    message = MAIL + b"y" * (2 * BLOCK)
    octets = open_source(written(tmp_path, emlx(b"%d" % len(message), message)))
    assert whole(octets) == message


def test_an_emlx_that_changes_is_an_error(tmp_path: Path) -> None:
    name = written(tmp_path, emlx(b"%d" % len(MAIL)))
    octets = open_source(name)
    later(Path(name))
    with pytest.raises(SourceChanged):
        whole(octets)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (MAIL, "its first line is no count"),
        (b"", "its first line is no count"),
        (b"12", "its first line is no count"),
        (b"-3\n" + MAIL + PLIST, "its first line is no count"),
        ("٣\n".encode() + MAIL + PLIST, "its first line is no count"),
        (emlx(b"%d" % (len(MAIL) + 5000)), "it is shorter than"),
        (emlx(b"%d" % (len(MAIL) - 3)), "no property list follows"),
        (emlx(b"9" * 40), "it is shorter than"),
    ],
)
def test_an_emlx_with_a_wrong_count_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(MessageError, match=why):
        open_source(written(tmp_path, content))


def test_a_wrong_count_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MessageError) as caught:
        open_source(written(tmp_path, MAIL))
    assert caught.value.cure == "export it again from Mail"


# --- laws


@given(st.binary(max_size=300), st.integers(0, 320))
def test_a_file_and_its_octets_agree_at_every_offset(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, offset: int
) -> None:
    path = tmp_path_factory.mktemp("law") / "a.eml"
    path.write_bytes(content)
    assert open_source(str(path)).block(offset) == content[offset:]


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_a_pipe_gives_what_was_written_into_it(parts: list[bytes]) -> None:
    for descriptor in piped(*parts):
        assert whole(spool(descriptor)) == b"".join(parts)
