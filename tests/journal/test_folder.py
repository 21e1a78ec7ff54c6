"""The state folder: where it is, and when it is refused."""

import os
import subprocess
import sys
from errno import ENOSPC
from pathlib import Path

import pytest

from ccc.errors import Kind, StateError
from ccc.journal.folder import (
    guarded,
    kind_of_device,
    kind_of_path,
    prepare,
    read_mounts,
    state_folder,
)
from tests.lab.daemon import lacking

STRANGER = 54321  # a user that no system has
MOUNTINFO = rb"""22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
31 22 0:40 / /home rw shared:5 master:2 propagate_from:3 - autofs systemd-1 rw,fd=29
32 31 0:41 / /home rw shared:6 - nfs4 server:/home rw,vers=4.2
33 22 0:42 / /mnt/my\040disk\134here rw - fuse.sshfs me@far:/ rw
34 22 0:43 /@data /data rw - btrfs /dev/sdb rw
"""
MOUNTS = read_mounts(MOUNTINFO)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def refusal(path: Path, *, create: bool = True) -> StateError:
    with pytest.raises(StateError) as caught:
        prepare(path, create=create)
    assert caught.value.kind is Kind.CANNOT_WRITE
    assert "CCC_STATE_DIR" in caught.value.cure
    assert "--no-journal" in caught.value.cure
    return caught.value


def root() -> None:
    if os.geteuid() != 0:
        lacking("only root can give a folder to another user")


def mounted_as(kind: str, folder: Path, mountinfo: Path) -> None:
    device = folder.stat().st_dev
    line = f"50 22 {os.major(device)}:{os.minor(device)} / {folder} rw - {kind} server:/x rw\n"
    mountinfo.write_bytes(MOUNTINFO + line.encode())


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"CCC_STATE_DIR": "/a", "XDG_STATE_HOME": "/b", "HOME": "/c"}, "/a"),
        ({"CCC_STATE_DIR": "", "XDG_STATE_HOME": "/b", "HOME": "/c"}, "/b/ccc"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/c"}, "/c/.local/state/ccc"),
        ({"XDG_STATE_HOME": "", "HOME": "/c"}, "/c/.local/state/ccc"),
    ],
)
def test_the_environment_names_the_folder(environ, folder):
    assert state_folder(environ) == Path(folder)


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"HOME": "relative"}])
def test_without_a_home_in_the_environment_the_password_database_knows_it(environ):
    from pwd import getpwuid

    assert state_folder(environ) == Path(getpwuid(os.geteuid()).pw_dir, ".local/state/ccc")


def test_a_relative_state_folder_is_refused():
    with pytest.raises(StateError, match=r"CCC_STATE_DIR is 'here'.*from / on"):
        state_folder({"CCC_STATE_DIR": "here"})


def test_a_user_without_a_home_is_told_to_name_a_folder():
    root()
    homeless = (
        "import os; from ccc.journal.folder import state_folder; import ccc.errors\n"
        f"os.seteuid({STRANGER})\n"
        "try: state_folder({})\n"
        "except ccc.errors.StateError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", homeless], capture_output=True, text=True, check=True)
    assert done.stdout == (
        f"user {STRANGER} has no home folder for the journal; "
        "name a folder in CCC_STATE_DIR, or use --no-journal\n"
    )


def test_a_folder_that_is_made_is_for_its_user_alone(tmp_path):
    before = os.umask(0)
    try:
        assert prepare(tmp_path / "a" / "b" / "ccc", create=True)
    finally:
        os.umask(before)
    made = ["a", "a/b", "a/b/ccc", "a/b/ccc/runs", "a/b/ccc/spool"]
    assert {name: mode(tmp_path / name) for name in made} == dict.fromkeys(made, 0o700)


def test_without_create_nothing_is_made(tmp_path):
    assert not prepare(tmp_path / "a" / "ccc", create=False)
    assert list(tmp_path.iterdir()) == []


def test_without_create_a_folder_that_is_there_can_be_used(tmp_path):
    tmp_path.chmod(0o700)
    assert prepare(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_made_in_part_is_completed(tmp_path):
    (tmp_path / "ccc").mkdir(mode=0o700)
    assert prepare(tmp_path / "ccc", create=True)
    assert prepare(tmp_path / "ccc", create=True)
    assert sorted(os.listdir(tmp_path / "ccc")) == ["runs", "spool"]


def test_a_folder_that_others_can_read_is_closed(tmp_path):
    prepare(tmp_path / "ccc", create=True)
    (tmp_path / "ccc" / "journal.db-wal").touch()
    (tmp_path / "ccc").chmod(0o755)
    assert prepare(tmp_path / "ccc", create=True)
    assert mode(tmp_path / "ccc") == 0o700


def test_a_folder_with_other_things_in_it_is_not_closed_to_those_who_read_them(tmp_path):
    (tmp_path / "index.html").touch()
    tmp_path.chmod(0o755)
    assert prepare(tmp_path, create=True)
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "spool") == mode(tmp_path / "runs") == 0o700


@pytest.mark.parametrize("others", [0o720, 0o702, 0o1777])
def test_a_folder_that_others_can_write_is_refused(tmp_path, others):
    (tmp_path / "ccc").mkdir()
    (tmp_path / "ccc").chmod(others)
    error = refusal(tmp_path / "ccc")
    assert f"can be written by others (mode {others:04o})" in error.what
    assert error.cure.startswith("chmod 700 it")
    assert mode(tmp_path / "ccc") == others


def test_a_folder_of_another_user_is_refused(tmp_path):
    root()
    os.chown(tmp_path, STRANGER, -1)
    assert f"belongs to user {STRANGER}, and ccc runs as user 0" in refusal(tmp_path).what


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "ccc").touch()
    assert refusal(tmp_path / "ccc").what == f"the state folder {str(tmp_path / 'ccc')!r} is not a folder"


def test_a_folder_in_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    assert "Not a directory" in refusal(tmp_path / "file" / "ccc").what


def test_a_link_of_ones_own_is_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "ccc").symlink_to(tmp_path / "elsewhere")
    assert prepare(tmp_path / "ccc", create=True)
    assert sorted(os.listdir(tmp_path / "elsewhere")) == ["runs", "spool"]


def test_a_link_of_another_user_is_refused(tmp_path):
    root()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "ccc").symlink_to(tmp_path / "elsewhere")
    os.lchown(tmp_path / "ccc", STRANGER, -1)
    assert f"is a link made by user {STRANGER}" in refusal(tmp_path / "ccc").what


@pytest.mark.parametrize("create", [True, False])
def test_a_link_that_leads_nowhere_is_refused(tmp_path, create):
    (tmp_path / "ccc").symlink_to(tmp_path / "nowhere")
    assert "No such file" in refusal(tmp_path / "ccc", create=create).what


def test_a_folder_that_cannot_be_made_is_an_error_with_a_cure():
    assert "cannot use the state folder '/proc/ccc'" in refusal(Path("/proc/ccc")).what


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "lustre"])
def test_a_network_file_system_is_refused(tmp_path, monkeypatch, kind):
    mounted_as(kind, tmp_path, tmp_path / "mountinfo")
    monkeypatch.setattr("ccc.journal.folder._MOUNTS", str(tmp_path / "mountinfo"))
    error = refusal(tmp_path)
    assert f"is on a network file system ({kind}), where two runs could send the same mail" in error.what


@pytest.mark.parametrize("kind", ["ext4", "tmpfs", "overlay", "fuseblk"])
def test_a_file_system_of_this_machine_is_trusted(tmp_path, monkeypatch, kind):
    mounted_as(kind, tmp_path, tmp_path / "mountinfo")
    monkeypatch.setattr("ccc.journal.folder._MOUNTS", str(tmp_path / "mountinfo"))
    assert prepare(tmp_path, create=True)


def test_where_the_mounts_are_not_told_the_folder_is_trusted(tmp_path, monkeypatch):
    monkeypatch.setattr("ccc.journal.folder._MOUNTS", str(tmp_path / "nothing"))
    assert prepare(tmp_path, create=True)


def test_optional_fields_of_a_mount_are_passed_over():
    assert [mount.kind for mount in MOUNTS] == ["ext4", "proc", "autofs", "nfs4", "fuse.sshfs", "btrfs"]


def test_escapes_in_a_mount_point_are_undone():
    assert MOUNTS[4].point == rb"/mnt/my disk\here"


def test_lines_that_are_no_mounts_are_passed_over():
    assert read_mounts(b"\nrubbish\n1 2 - ext4\n") == ()


def test_a_carriage_return_in_a_mount_point_ends_no_line():
    (mount,) = read_mounts(b"33 22 0:42 / /mnt/a\rb rw - cifs //far/x rw\n")
    assert (mount.point, mount.kind) == (b"/mnt/a\rb", "cifs")


@pytest.mark.parametrize(("device", "kind"), [("8:1", "ext4"), ("0:41", "nfs4"), ("0:99", "")])
def test_the_device_number_tells_the_file_system(device, kind):
    assert kind_of_device(MOUNTS, device) == kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"/home/me/.local/state/ccc", "nfs4"),  # the last of two mounts on one point
        (b"/home", "nfs4"),
        (b"/homework", "ext4"),
        (rb"/mnt/my disk\here/ccc", "fuse.sshfs"),
        (b"/data/subvolume/ccc", "btrfs"),
        (b"/", "ext4"),
    ],
)
def test_the_longest_mount_point_tells_the_file_system(path, kind):
    assert kind_of_path(MOUNTS, path) == kind


def test_no_mount_holds_nothing():
    assert kind_of_path((), b"/") == ""


def test_a_full_disk_is_called_that():
    full = pytest.raises(StateError, match=r"^no room left for a thing; make room there, or name another")
    with full, guarded("write", "a thing"):
        raise OSError(ENOSPC, "No space left on device")
