"""Tokens in the keyring: kept there, refreshed there, and in the file if the keyring will not have them."""

import json

import pytest

from ccc.accounts.oauth import forget, log_in, oauth_keys
from ccc.accounts.oauth.store import Store
from tests.accounts.oauth.told import Clock, kept

SHELF = """
import json, os
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

class Shelf(KeyringBackend):
    priority = 5
    path = os.path.join(os.environ["HOME"], "shelf")

    def _all(self):
        return json.load(open(self.path)) if os.path.exists(self.path) else {}

    def _write(self, everything):
        if os.path.exists(self.path + ".locked"):
            raise KeyringLocked("no")
        with open(self.path, "w") as file:
            json.dump(everything, file)

    def get_password(self, service, user):
        return self._all().get(f"{service} {user}")

    def set_password(self, service, user, secret):
        self._write({**self._all(), f"{service} {user}": secret})

    def delete_password(self, service, user):
        everything = self._all()
        if everything.pop(f"{service} {user}", None) is None:
            raise PasswordDeleteError("no such password")
        self._write(everything)
"""


@pytest.fixture
def environ(environ, tmp_path):
    """A keyring that is a file in HOME, and is locked by another one."""
    (tmp_path / "shelves.py").write_text(SHELF)
    return {**environ, "PYTHON_KEYRING_BACKEND": "shelves.Shelf", "PYTHONPATH": str(tmp_path)}


@pytest.fixture
def shelf(tmp_path):
    return tmp_path / "shelf"


def logged_in(account, environ, *, in_file=False):
    clock, said = Clock(), []
    log_in(account, environ, said.append, None, in_file=in_file, clock=clock, sleep=clock.sleep)
    return said[-1]


def test_tokens_go_into_the_keyring_and_are_refreshed_there(tokens, account, environ, shelf):
    assert logged_in(account, environ).endswith("the tokens are in the keyring")
    assert list(json.loads(shelf.read_text())) == ["ccc:work oauth:me@example.org"]
    assert oauth_keys(account, "me", environ).credentials().secret == "access-2"
    assert "refresh-2" in shelf.read_text()
    assert not Store(account, environ).file.exists()
    assert forget(account, environ)
    assert "refresh" not in shelf.read_text()


def test_tokens_that_are_wanted_in_a_file_are_nowhere_else(account, environ, shelf):
    logged_in(account, environ)
    assert logged_in(account, environ, in_file=True).endswith("work.json")
    assert "refresh" not in shelf.read_text()
    assert kept(account, environ).refresh == "refresh-2"


def test_a_new_refresh_token_that_the_keyring_refuses_is_kept_in_the_file(account, environ, shelf, tmp_path):
    logged_in(account, environ)
    (tmp_path / "shelf.locked").touch()
    assert oauth_keys(account, "me", environ).credentials().secret == "access-2"
    assert "refresh-1" in shelf.read_text()
    assert kept(account, environ).refresh == "refresh-2"
