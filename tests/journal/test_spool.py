"""The spool: whole contents, brought to the disk before they have a name."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from ccc.errors import Kind, MessageError, StateError
from ccc.journal.folder import prepare
from ccc.journal.spool import Draft, octets, remove, store, sweep
from ccc.journal.stored import Stored, Verified
from ccc.message.octets import BLOCK, HeldOctets, Octets, blocks
from ccc.sources.files import FileOctets
from tests.lab.daemon import lacking, needed

RUN = "1-00000000"
MAIL = b"Subject: x\r\n\r\n" + b"hello\r\n" * 30_000


class Cut(HeldOctets):
    """Octets during whose reading somebody presses Ctrl-C."""

    def block(self, offset: int) -> bytes:
        if offset:
            raise KeyboardInterrupt
        return self.held[:BLOCK]


def content(octets: Octets) -> Stored:
    return Stored(octets.size, False, False, octets)


def draft(folder: Path, mail: bytes = MAIL, run: str = RUN) -> Draft:
    return store(folder, run, content(HeldOctets(mail)))


def kept(folder: Path, mail: bytes = MAIL) -> bytes:
    made = draft(folder, mail)
    made.keep()
    return made.sha256


def names(folder: Path) -> set[str]:
    return set(os.listdir(folder / "spool"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(tmp_path / "ccc", create=True)
    return tmp_path / "ccc"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A state folder on a disk of 128 KiB."""
    if os.geteuid() != 0:
        lacking("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k,mode=700", "ccc-test", str(place)]
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        lacking(f"a small disk cannot be mounted: {done.stderr.strip()}")
    try:
        prepare(place, create=True)
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_what_is_kept_can_be_read_again(folder):
    digest = kept(folder)
    assert b"".join(blocks(octets(folder, digest))) == MAIL


def test_what_is_kept_is_named_by_its_octets(folder):
    kept(folder)
    assert names(folder) == {sha256(MAIL).hexdigest()}


def test_a_draft_knows_what_was_written(folder):
    made = draft(folder)
    assert (made.sha256, made.size) == (sha256(MAIL).digest(), len(MAIL))
    assert made.path.read_bytes() == MAIL


def test_line_ends_are_stored_as_they_go_out(folder):
    made = draft(folder, b"a: b\n\nc")
    assert made.path.read_bytes() == b"a: b\r\n\r\nc\r\n"
    assert made.size == 11


def test_a_stored_content_is_for_its_user_alone(folder):
    before = os.umask(0)
    try:
        made = draft(folder)
        made.keep()
    finally:
        os.umask(before)
    assert (folder / "spool" / made.sha256.hex()).stat().st_mode & 0o777 == 0o600


def test_two_drafts_of_one_content_are_two_files(folder):
    draft(folder)
    draft(folder)
    assert len(names(folder)) == 2


def test_a_draft_that_is_dropped_leaves_nothing(folder):
    made = draft(folder)
    made.drop()
    made.drop()
    assert names(folder) == set()


def test_a_content_that_is_there_already_is_left_as_it_is(folder):
    digest = kept(folder)
    before = (folder / "spool" / digest.hex()).stat().st_ino
    assert kept(folder) == digest
    assert names(folder) == {digest.hex()}
    assert (folder / "spool" / digest.hex()).stat().st_ino == before


def test_a_cut_content_is_replaced_by_the_whole_one(folder):
    digest = kept(folder)
    (folder / "spool" / digest.hex()).write_bytes(MAIL[:9])
    kept(folder)
    assert (folder / "spool" / digest.hex()).read_bytes() == MAIL


def test_to_drop_a_draft_after_it_was_kept_does_no_harm(folder):
    made = draft(folder)
    made.keep()
    made.drop()
    assert names(folder) == {made.sha256.hex()}


def test_a_source_that_changes_leaves_no_draft(folder, tmp_path):
    (tmp_path / "mail").write_bytes(MAIL * 2)
    source = FileOctets(str(tmp_path / "mail"))
    (tmp_path / "mail").write_bytes(MAIL)
    with pytest.raises(MessageError, match="ended early"):
        store(folder, RUN, content(source))
    assert names(folder) == set()


def test_an_interrupted_store_leaves_no_draft(folder):
    with pytest.raises(KeyboardInterrupt):
        store(folder, RUN, content(Cut(MAIL * 2)))
    assert names(folder) == set()


def test_octets_hold_no_descriptor_before_they_are_read(folder):
    digest = kept(folder)
    before = len(os.listdir("/proc/self/fd"))
    found = octets(folder, digest)
    assert len(os.listdir("/proc/self/fd")) == before
    assert found.size == len(MAIL)


def test_octets_that_are_gone_are_an_error_with_a_cure(folder):
    with pytest.raises(StateError, match=r"copy of the message is lost: there is no file .*--again"):
        octets(folder, bytes(32))


def test_a_content_can_be_removed_twice(folder):
    digest = kept(folder)
    remove(folder, digest)
    remove(folder, digest)
    assert names(folder) == set()


def test_a_sweep_removes_what_is_in_no_row(folder):
    wanted, _ = kept(folder), kept(folder, b"a: b\r\n\r\n")
    sweep(folder, [wanted], lambda run: True)
    assert names(folder) == {wanted.hex()}


def test_a_sweep_removes_the_drafts_of_dead_runs(folder):
    mine, _ = draft(folder), draft(folder, run="2-00000000")
    sweep(folder, (), lambda run: run == RUN)
    assert names(folder) == {mine.path.name}


def test_a_sweep_leaves_what_it_does_not_know(folder):
    (folder / "spool" / "README").touch()
    sweep(folder, (), lambda run: False)
    assert names(folder) == {"README"}


def test_a_full_disk_is_told_with_the_size_and_leaves_no_draft(small_disk):
    with pytest.raises(StateError) as caught:
        store(small_disk, RUN, content(HeldOctets(MAIL)))
    assert caught.value.kind is Kind.CANNOT_WRITE
    assert caught.value.what == (
        f"no room left for a copy of the message ({len(MAIL)} octets) to {str(small_disk / 'spool')!r}"
    )
    assert caught.value.cure.startswith("make room there")
    assert names(small_disk) == set()


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda place: draft(place), "cannot write a copy of the message"),
        (
            lambda place: Draft(place / "spool" / "x", bytes(32), 1).keep(),
            "cannot keep a copy of the message",
        ),
        (lambda place: sweep(place, (), lambda run: True), "cannot clean"),
    ],
)
def test_a_spool_that_is_gone_is_an_error_with_a_cure(tmp_path, act, sentence):
    with pytest.raises(StateError, match=rf"{sentence}.*No such file.*CCC_STATE_DIR"):
        act(tmp_path)


def test_a_content_that_cannot_be_removed_is_an_error_with_a_cure(folder):
    (folder / "spool" / bytes(32).hex()).mkdir()
    with pytest.raises(StateError, match=r"cannot clean .*spool.*CCC_STATE_DIR"):
        remove(folder, bytes(32))


def test_a_content_is_on_the_disk_before_it_has_a_name_and_the_name_before_it_counts(folder):
    strace = needed("strace", "strace")
    script = (
        "import sys; from pathlib import Path; from ccc.journal.spool import store\n"
        "from ccc.journal.stored import Stored; from ccc.message.octets import HeldOctets\n"
        f"store(Path(sys.argv[1]), {RUN!r}, Stored(3, False, False, HeldOctets(b'a\\r\\n'))).keep()\n"
    )
    calls = "trace=write,fsync,rename,renameat,renameat2"
    traced = [strace, "-f", "-qq", "-y", "-e", calls, sys.executable, "-c", script, str(folder)]
    done = subprocess.run(traced, capture_output=True, text=True, check=False)
    if "Operation not permitted" in done.stderr:
        lacking("processes cannot be traced here")
    assert done.returncode == 0, done.stderr
    spool = re.escape(str(folder / "spool"))
    seen = [call for call in done.stderr.splitlines() if re.search(spool, call)]
    expected = [
        rf"write\(\d+<{spool}/tmp-{RUN}-1>",
        rf"fsync\(\d+<{spool}/tmp-{RUN}-1>",
        rf'rename\w*\(.*"{spool}/tmp-{RUN}-1", .*"{spool}/[0-9a-f]{{64}}"',
        rf"fsync\(\d+<{spool}>",
    ]
    assert [bool(re.search(one, call)) for one, call in zip(expected, seen, strict=True)] == [True] * 4


def test_what_was_stored_is_verified(folder):
    digest = kept(folder)
    assert Verified(octets(folder, digest), digest).block(0)
