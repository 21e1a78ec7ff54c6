"""A desktop's keyring and what cron sees: a real `ccc` with an account, in a D-Bus session and without."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import ccc
from ccc.accounts import keyring
from tests.lab.daemon import needed
from tests.lab.sink import CHUNKING, Sink

pytestmark = pytest.mark.servers

MAIL = b"From: me@example.org\nTo: b@b.test\nSubject: x\nMessage-ID: <1@example.org>\n\nhello\n"
CONFIG = """
[account.work]
address = "me@example.org"
smtp = "smtp://me@127.0.0.1:{port}"
"""
SESSION = """
printf unlock | gnome-keyring-daemon --unlock --components=secrets >/dev/null
echo "$DBUS_SESSION_BUS_ADDRESS"
exec cat
"""
LOCK = "import secretstorage as s; s.get_default_collection(s.dbus_init()).lock()"


class User:
    """A user with a home, an account and a mail to send."""

    def __init__(self, home, sink):
        self.home, self.sink = home, sink
        self.environ = {
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(Path(ccc.__file__).parents[1]),
        }
        (home / "mail.eml").write_bytes(MAIL)
        self.config()

    def config(self, *lines):
        folder = self.home / ".config" / "ccc"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.toml").write_text("\n".join((CONFIG.format(port=self.sink.port), *lines)))

    def sends(self, **more):
        """Run ccc as cron does: with nothing but HOME and PATH, and `more`; its status and what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "ccc", "resend", "mail.eml", "--to", "late@c.test"],
            env={**self.environ, **more},
            cwd=self.home,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            check=False,
        )
        return done.returncode, done.stderr.decode()

    def secret(self, name, mode=0o600):
        path = self.home / name
        path.write_text("hunter2\n")
        path.chmod(mode)
        return path


@pytest.fixture
def user(tmp_path):
    with Sink(CHUNKING, mechanisms=("PLAIN",), login=("me", "hunter2")) as sink:
        yield User(tmp_path, sink)
        assert sink.faults == []


@pytest.fixture
def desktop(user):
    """The environment of a desktop session with an open keyring that has the password of the account."""
    needed("gnome-keyring-daemon", "gnome-keyring")
    with subprocess.Popen(
        [needed("dbus-run-session", "dbus-daemon"), "--", "sh", "-c", SESSION],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**user.environ, "XDG_RUNTIME_DIR": str(user.home)},
        text=True,
    ) as session:
        assert session.stdout is not None
        environ = {"DBUS_SESSION_BUS_ADDRESS": session.stdout.readline().strip()}
        keyring.put("ccc:work", "me", "hunter2", keyring.Manner({**user.environ, **environ}, attended=False))
        yield environ
        session.communicate()  # ends its input, and so the session


def test_the_keyring_of_the_desktop_has_the_password(user, desktop):
    assert user.sends(**desktop)[0] == 0
    assert user.sink.transactions[0].forward_paths == ("late@c.test",)


def test_a_locked_keyring_is_an_error_and_nobody_waits(user, desktop):
    subprocess.run([sys.executable, "-c", LOCK], env={**user.environ, **desktop}, check=True)
    status, said = user.sends(**desktop)
    assert status == 77
    assert 'no password for account "work": the keyring is locked' in said


def test_under_cron_the_keyring_is_an_error_at_once_with_its_cure(user):
    before = time.monotonic()
    status, said = user.sends()
    assert time.monotonic() - before < 1
    assert status == 77
    assert 'no password for account "work": the desktop keyring cannot be reached from cron' in said
    assert 'password_command = ["pass", "show", "mail/work"]  to ~/.config/ccc/config.toml' in said
    assert "ccc account test work --as-cron" in said


def test_under_cron_a_command_gives_the_password(user):
    user.secret("secret")
    user.config('password_command = ["cat", "secret"]')
    assert user.sends()[0] == 0


def test_under_cron_a_file_gives_the_password(user):
    user.secret("secret")
    user.config('password_file = "~/secret"')
    assert user.sends()[0] == 0


def test_a_password_file_that_others_can_read_is_refused_with_its_cure(user):
    path = user.secret("secret", 0o644)
    user.config(f'password_file = "{path}"')
    status, said = user.sends()
    assert status == 78
    assert f"run: chmod 600 {path}" in said


def test_systemd_gives_the_password(user):
    user.secret("ccc-work", 0o400)
    assert user.sends(CREDENTIALS_DIRECTORY=str(user.home))[0] == 0
