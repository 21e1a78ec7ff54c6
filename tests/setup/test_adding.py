import errno
import os
import resource
import signal
import stat

import pytest

from ccc.address import Mailbox, parse_mailbox
from ccc.errors import ConfigurationError, StateError, UsageError
from ccc.setup.adding import Book, append
from ccc.setup.draft import Draft

ME = Mailbox("me", "example.org", "Me Myself")
WORK = Draft("work", ME, smtp="smtps://me@smtp.example.org", imap="imaps://me@imap.example.org")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "home" / ".config" / "ccc" / "config.toml"


@pytest.fixture
def add(path):
    def add(draft):
        environ = {"HOME": str(path.parents[2])}
        append(Book.open(None, environ).with_account(draft, environ))
        return Book.open(None, environ).config

    return add


def written(path, octets):
    path.parent.mkdir(parents=True)
    path.write_bytes(octets)
    path.chmod(0o600)


def test_the_first_account_makes_the_file_for_its_user_alone(add, path):
    config = add(WORK)
    assert config.accounts["work"].address == ME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_the_file_is_appended_to_and_every_octet_stays(add, path):
    before = b"# mine\r\njournal_subjects = true   # yes\n[account.old]\naddress='old@example.org'\n\n\n"
    written(path, before)
    config = add(WORK)
    assert path.read_bytes().startswith(before + b"\n[account.work]\n")
    assert list(config.accounts) == ["old", "work"]


def test_a_last_line_without_an_end_gets_one(add, path):
    written(path, b'retry_for = "3d"')
    config = add(WORK)
    assert config.retry_for == 3 * 86400
    assert path.read_bytes().startswith(b'retry_for = "3d"\n\n[account.work]\n')


def test_everything_that_was_answered_is_read_back(add):
    draft = WORK._replace(
        name="dots.and-more",
        address=Mailbox("me", "example.org", 'Mé "X", Jr.'),
        auth="password",
        password_command=("pass", 'a "b" \\c', "ü"),
        redirect_to=(parse_mailbox("Ann Lee <ann@b.test>"), Mailbox("bob", "b.test", "O'Neill, Bob")),
        from_policy="own",
        smtp_origin="the SRV record\x1b[31m \n[account.evil]",
    )
    account = add(draft).accounts["dots.and-more"]
    assert account.address == draft.address
    assert account.password_command == draft.password_command
    assert account.redirect_to == draft.redirect_to
    assert account.from_policy.value == "own"


def test_what_is_known_of_a_provider_is_not_copied(add, path):
    account = add(Draft("gmail", Mailbox("me", "gmail.com"), provider="gmail")).accounts["gmail"]
    assert account.smtp.endswith("smtp.gmail.com:465")
    assert b"smtp" not in path.read_bytes()


def test_the_first_account_can_be_the_default(add):
    assert add(WORK._replace(default=True)).default == "work"


@pytest.mark.parametrize(
    "before", [b'[account.a]\naddress="a@b.org"\n', b'default="a"\n[account.a]\naddress="a@b.org"\n']
)
def test_a_later_account_becomes_no_default_by_appending(add, path, before):
    written(path, before)
    with pytest.raises(UsageError, match="--default"):
        add(WORK._replace(default=True))
    assert path.read_bytes() == before


def test_a_name_that_exists_is_refused(add, path):
    add(WORK)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"there is an account work in .* already"):
        add(WORK)
    assert path.read_bytes() == before


@pytest.mark.parametrize("before", [b"retry_for = 5 days\n", b'[account.old]\nadress = "x"\n', b"\xff"])
def test_a_file_that_cannot_be_read_is_not_appended_to(add, path, before):
    written(path, before)
    with pytest.raises(ConfigurationError):
        add(WORK)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a b"},
        {"smtp": "http://x"},
        {"password_command": ("a\nb",)},
        {"password_file": 'x"\ny'},
        {"auth": "no"},
    ],
)
def test_what_could_not_be_read_back_is_not_written(add, path, wrong):
    with pytest.raises(ConfigurationError):
        add(WORK._replace(**wrong))
    assert not path.exists()


def test_a_file_that_others_can_change_is_refused(add, path):
    written(path, b"")
    path.chmod(0o666)
    with pytest.raises(ConfigurationError, match="other users can change"):
        add(WORK)


def test_a_file_that_changed_meanwhile_is_left_alone(path):
    written(path, b"# one\n")
    addition = Book.open(str(path), {}).with_account(WORK, {})
    path.write_bytes(b"# two\n")
    with pytest.raises(StateError, match="changed while you were asked"):
        append(addition)
    assert path.read_bytes() == b"# two\n"


def test_a_file_that_came_meanwhile_is_left_alone(path):
    addition = Book.open(str(path), {}).with_account(WORK, {})
    written(path, b"# two\n")
    with pytest.raises(StateError, match="came into being"):
        append(addition)


def test_a_link_to_a_file_elsewhere_stays_one(add, path, tmp_path):
    written(tmp_path / "dotfiles" / "ccc.toml", b"")
    path.parent.mkdir(parents=True)
    path.symlink_to(tmp_path / "dotfiles" / "ccc.toml")
    add(WORK)
    assert path.is_symlink()
    assert b"[account.work]" in (tmp_path / "dotfiles" / "ccc.toml").read_bytes()


def test_a_disk_that_is_full_leaves_the_file_as_it_was(path):
    """The limit to the size of files stands for the disk: the write is cut, the next one fails."""
    before = b"#" * 4000 + b"\n"
    written(path, before)
    addition = Book.open(str(path), {}).with_account(WORK, {})
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4040, limits[1]))
        with pytest.raises(StateError, match=os.strerror(errno.EFBIG)):
            append(addition)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before


def test_a_file_that_is_named_and_not_there_is_made(tmp_path):
    environ = {"CCC_CONFIG": str(tmp_path / "new" / "mine.toml")}
    append(Book.open(None, environ).with_account(WORK, environ))
    assert (tmp_path / "new" / "mine.toml").exists()


def test_a_user_without_a_home_is_told_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    with pytest.raises(ConfigurationError, match="there is no home folder"):
        Book.open(None, {})
