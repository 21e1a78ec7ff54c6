"""The door to the package keyring: which backends are asked, and what is said when none answers."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ccc
from ccc.accounts import keyring
from ccc.errors import NotPermitted

SHELVES = """
import os, sys, time
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as Fail
from keyring.backends.null import Keyring as Null
from keyring.errors import InitError, KeyringLocked, NoKeyringError, PasswordDeleteError

class Shelf(KeyringBackend):
    "Keeps everything in the folder that HOME names."
    priority = 5
    name = "shelf"
    def _path(self, service, user):
        return os.path.join(os.environ["HOME"], f"{self.name}-{service}-{user}")
    def get_password(self, service, user):
        try:
            with open(self._path(service, user)) as file:
                return file.read()
        except OSError:
            return None
    def set_password(self, service, user, secret):
        with open(self._path(service, user), "w") as file:
            file.write(secret)
    def delete_password(self, service, user):
        try:
            os.remove(self._path(service, user))
        except OSError:
            raise PasswordDeleteError("no such password")

class PlaintextKeyring(Shelf):
    name = "clear"

class OfPlaintext(PlaintextKeyring):
    pass

class Chain(ChainerBackend):
    priority = 10
    backends = [PlaintextKeyring(), Shelf()]

class ClearChain(ChainerBackend):
    priority = 10
    backends = [PlaintextKeyring()]

class Raises(Shelf):
    error = Exception("hunter2")
    def get_password(self, service, user):
        raise self.error

class Locked(Raises):
    error = KeyringLocked("no")

class Unopened(Raises):
    error = InitError("no")

class Hangs(Shelf):
    def get_password(self, service, user):
        time.sleep(60)

class Crashes(Shelf):
    def get_password(self, service, user):
        os._exit(3)

class Prints(Shelf):
    def get_password(self, service, user):
        print("noise")
        os.system("echo noise")
        return sys.stdin.read() + "hunter2"

class Curious(Shelf):
    def set_password(self, service, user, secret):
        with open("/proc/self/environ") as environ, open("/proc/self/cmdline") as words:
            super().set_password(service, user, words.read() + environ.read())
"""
EACH = """
import json, keyring, shelves
from ccc.accounts.keyring import _answer
found = {}
for name in ("PlaintextKeyring", "OfPlaintext", "ClearChain", "Null", "Fail", "Locked", "Unopened", "Raises"):
    keyring.set_keyring(getattr(shelves, name)())
    found[name] = _answer("get", "ccc:work", "me", "", plaintext=False)
print(json.dumps(found))
"""


@pytest.fixture
def manner(tmp_path):
    (tmp_path / "shelves.py").write_text(SHELVES)

    def made(backend="shelves.Shelf", **more):
        environ = {
            "HOME": str(tmp_path),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(tmp_path),
            "PYTHON_KEYRING_BACKEND": backend,
        }
        return keyring.Manner(environ | more.pop("environ", {}), attended=False, **more)

    return made


def stored(folder, name):
    return folder.joinpath(f"{name}-ccc:work-me").read_text()


def test_what_is_put_there_can_be_got_and_deleted(manner):
    shelf = manner()
    keyring.put("ccc:work", "me", "hünter2", shelf)
    assert keyring.get("ccc:work", "me", shelf) == "hünter2"
    assert [keyring.delete("ccc:work", "me", shelf), keyring.delete("ccc:work", "me", shelf)] == [True, False]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What a child answers with each backend in turn, asked for a password."""
    home = tmp_path_factory.mktemp("answers")
    (home / "shelves.py").write_text(SHELVES)
    (home / "clear-ccc:work-me").write_text("hunter2")
    path = os.pathsep.join((str(Path(ccc.__file__).parents[1]), str(home)))
    done = subprocess.run(
        [sys.executable, "-c", EACH],
        env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": path},
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("backend", ["PlaintextKeyring", "OfPlaintext", "ClearChain"])
def test_a_keyring_in_clear_is_refused(answers, backend):
    assert list(answers[backend]) == ["why"]
    assert (
        answers[backend]["why"].startswith("the only keyring is PlaintextKeyring") or backend == "OfPlaintext"
    )
    assert answers[backend]["why"].endswith("used only with allow_plaintext_keyring = true")


def test_a_refusal_of_the_keyring_is_an_error_with_a_cure(manner):
    with pytest.raises(NotPermitted, match="keeps passwords in clear") as caught:
        keyring.get("ccc:work", "me", manner("shelves.PlaintextKeyring"))
    assert caught.value.cure == "use password_command or password_file instead"


def test_a_keyring_in_clear_is_used_where_the_user_wants_it(manner, tmp_path):
    (tmp_path / "clear-ccc:work-me").write_text("hunter2")
    allowed = manner("shelves.PlaintextKeyring", allow_plaintext=True)
    assert keyring.get("ccc:work", "me", allowed) == "hunter2"


def test_nothing_is_kept_in_clear_by_the_first_of_a_chain(manner, tmp_path):
    chain = manner("shelves.Chain")
    keyring.put("ccc:work", "me", "hunter2", chain)
    assert stored(tmp_path, "shelf") == "hunter2"
    assert not (tmp_path / "clear-ccc:work-me").exists()


def test_a_configuration_file_of_keyring_chooses_the_backend_and_passes_none_in_clear(manner, tmp_path):
    chosen = tmp_path / "python_keyring" / "keyringrc.cfg"
    chosen.parent.mkdir()
    environ = {"XDG_CONFIG_HOME": str(tmp_path), "PYTHON_KEYRING_BACKEND": ""}
    environ = manner().environ | environ
    del environ["PYTHON_KEYRING_BACKEND"]
    asked = keyring.Manner(environ, attended=False)
    chosen.write_text("[backend]\ndefault-keyring=shelves.Shelf\n")
    assert keyring.usable(asked)
    chosen.write_text("[backend]\ndefault-keyring=shelves.PlaintextKeyring\n")
    assert not keyring.usable(asked)


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        ("Null", "there is no keyring on this host"),
        ("Fail", "there is no keyring on this host"),
        ("Locked", "the keyring is locked"),
        ("Unopened", "the keyring cannot be opened"),
        ("Raises", "the keyring failed (Exception)"),  # what it says may be the secret
    ],
)
def test_why_a_keyring_gives_nothing_is_said(answers, backend, why):
    assert answers[backend] == {"why": why}


def test_a_backend_that_does_not_exist_is_an_error(manner):
    with pytest.raises(NotPermitted, match=r"the keyring failed \(AttributeError\)"):
        keyring.get("ccc:work", "me", manner("shelves.Nothing"))


def test_a_backend_that_crashes_is_an_error(manner):
    with pytest.raises(NotPermitted, match="its backend crashed"):
        keyring.get("ccc:work", "me", manner("shelves.Crashes"))


def test_a_keyring_that_hangs_is_left_alone(manner, monkeypatch):
    monkeypatch.setattr(keyring, "PATIENCE", 0.3)
    with pytest.raises(NotPermitted, match=r"did not answer within 0\.3 seconds"):
        keyring.get("ccc:work", "me", manner("shelves.Hangs"))


def test_what_a_backend_prints_is_no_answer_and_it_gets_no_input_of_ours(manner):
    assert keyring.get("ccc:work", "me", manner("shelves.Prints")) == "hunter2"


def test_a_secret_is_neither_in_the_words_nor_in_the_environment_of_the_child(manner, tmp_path):
    keyring.put("ccc:work", "me", "hunter2", manner("shelves.Curious"))
    seen = stored(tmp_path, "shelf")
    assert "ccc.accounts.keyring" in seen
    assert "hunter2" not in seen


def test_what_lies_in_the_working_folder_is_not_imported(manner, tmp_path, monkeypatch):
    cwd = tmp_path / "downloads"
    cwd.mkdir()
    (cwd / "keyring.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(cwd)
    assert keyring.get("ccc:work", "me", manner()) is None


@pytest.mark.parametrize(
    "bus",
    [
        {},
        {"XDG_RUNTIME_DIR": "/nowhere"},
        {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus"},
        {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nowhere/bus,guid=1", "XDG_RUNTIME_DIR": "/"},
    ],
)
def test_without_a_session_bus_nothing_is_asked(tmp_path, bus):
    before = time.monotonic()
    with pytest.raises(NotPermitted, match="the desktop keyring cannot be reached from cron"):
        keyring.get("ccc:work", "me", keyring.Manner({"HOME": str(tmp_path), **bus}, attended=False))
    assert time.monotonic() - before < 1


def test_nothing_is_said_of_cron_to_somebody_at_a_terminal(tmp_path):
    with pytest.raises(NotPermitted, match="since there is no D-Bus session here") as caught:
        keyring.get("ccc:work", "me", keyring.Manner({"HOME": str(tmp_path)}, attended=True))
    assert "cron" not in str(caught.value)
