"""Messages that wait: the first in memory, the others on the disk, until nobody needs them."""

import os
import tracemalloc
from pathlib import Path

import pytest

from ccc.errors import SourceChanged, StateError
from ccc.message.octets import BLOCK, HeldOctets, Octets, blocks
from ccc.sources.backlog import HELD, LONGEST, Backlog
from ccc.sources.files import FileOctets


def whole(octets: Octets) -> bytes:
    return b"".join(blocks(octets))


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def full() -> Backlog:
    """A backlog that holds in memory what it may."""
    backlog = Backlog()
    backlog.put(HeldOctets(b"x" * HELD))
    return backlog


def test_the_first_messages_stay_in_memory() -> None:
    octets = HeldOctets(b"hello")
    assert Backlog().put(octets) is octets


def test_the_others_lie_on_the_disk_and_are_the_same() -> None:
    backlog = full()
    mails = [b"%d" % number * 9 for number in range(20)] + [b"", b"y" * (2 * BLOCK + 1)]
    kept = [backlog.put(HeldOctets(mail)) for mail in mails]
    assert not any(isinstance(each, HeldOctets) for each in kept)
    assert [whole(each) for each in reversed(kept)] == mails[::-1]
    assert [each.size for each in kept] == [len(mail) for mail in mails]


def test_nothing_stands_after_the_end() -> None:
    backlog = full()
    first, _ = backlog.put(HeldOctets(b"abc")), backlog.put(HeldOctets(b"def"))
    assert (first.block(1), first.block(3), first.block(4)) == (b"bc", b"", b"")


def test_what_lies_on_the_disk_already_stays_there(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"hello")
    octets = FileOctets(str(tmp_path / "file"))
    assert full().put(octets) is octets


def test_a_hundred_megabytes_take_little_memory_and_two_files() -> None:
    backlog, mail = full(), HeldOctets(b"z" * (4 << 20))
    before = descriptors()
    tracemalloc.start()
    kept = [backlog.put(mail) for _ in range(LONGEST * 3 // 2 // mail.size)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
    assert descriptors() == before + 2
    del kept, backlog
    assert descriptors() == before


def test_a_disk_without_a_place_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(StateError, match="fetched messages cannot be kept: No such file or directory"):
        full().put(HeldOctets(b"hello"))


def test_a_full_disk_is_an_error() -> None:
    backlog = full()
    backlog.put(HeldOctets(b"hello"))
    assert backlog._file
    with open("/dev/full", "wb") as device:
        os.dup2(device.fileno(), backlog._file._descriptor)
    with pytest.raises(StateError, match="No space left on device; make room, set TMPDIR"):
        backlog.put(HeldOctets(b"hello"))


def test_what_cannot_be_read_any_more_is_an_error() -> None:
    backlog = full()
    kept = backlog.put(HeldOctets(b"hello"))
    assert backlog._file
    descriptor = os.open("/", os.O_RDONLY)
    os.dup2(descriptor, backlog._file._descriptor)
    os.close(descriptor)
    with pytest.raises(SourceChanged, match=r"cannot be read any more .Is a directory.; run it again"):
        kept.block(0)


def test_what_was_cut_off_is_an_error_and_no_end() -> None:
    backlog = full()
    kept = backlog.put(HeldOctets(b"hello"))
    assert backlog._file
    os.ftruncate(backlog._file._descriptor, 2)
    assert kept.block(0) == b"he"
    with pytest.raises(SourceChanged, match="ended early"):
        kept.block(2)
