"""Where tokens lie: for the user alone, whole before and after any accident, and one run at a time."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ccc.accounts.oauth.store import PATIENCE, Store
from ccc.accounts.oauth.tokens import Tokens, read
from ccc.config.account import Account
from ccc.errors import ConfigurationError, StateError, TryLaterError
from tests.accounts.oauth.told import keep, kept


def test_the_file_is_for_its_user_alone(account, environ):
    file = keep(account, environ)
    modes = [path.stat().st_mode & 0o777 for path in (file, file.parent, file.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]


def test_what_was_written_is_read(account):
    tokens = Tokens("access", 1.5, "refresh", "client", "https://login.test/token")
    assert read(tokens.written()) == tokens


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"schema": 2}', '{"schema": 1, "access_token": 1}', "[" * 100_000, "\0"]
)
def test_what_is_damaged_counts_as_no_login(account, environ, text):
    keep(account, environ).write_text(text)
    assert kept(account, environ) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_not_used(account, environ, mode):
    keep(account, environ, expires=2_000_000.0).chmod(mode)
    with pytest.raises(ConfigurationError, match=r"others can read it.*chmod 600"):
        kept(account, environ)


def test_a_link_is_not_followed(account, environ, tmp_path):
    file = keep(account, environ)
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="are not used"):
        kept(account, environ)


@pytest.mark.parametrize("part", ["tokens", ""])
def test_nothing_is_kept_where_others_can_change_it(account, environ, part):
    file = keep(account, environ)
    folder = file.parent if part else file.parent.parent
    folder.chmod(0o777)
    with pytest.raises(StateError, match="others can change"):
        keep(account, environ)


def test_an_account_of_any_name_has_its_file_in_the_folder(environ):
    store = Store(Account("../a/b \N{SNOWMAN}"), environ)
    assert store.file.parent.name == "tokens"
    assert store.file.name.isascii()


def test_a_run_does_not_wait_for_ever_for_another_one(account, environ, monkeypatch):
    seen = []
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    with (
        Store(account, environ).locked(),
        pytest.raises(TryLaterError, match="another ccc"),
        Store(account, environ, sleep=seen.append).locked(),
    ):
        pass
    assert len(seen) >= PATIENCE // 10


def test_a_run_that_fails_leaves_nothing_but_the_old_tokens(account, environ):
    file, store = keep(account, environ), Store(account, environ)

    def fail():
        with store.locked():
            raise ZeroDivisionError(sorted(path.name for path in file.parent.iterdir()))

    with pytest.raises(ZeroDivisionError, match=r"work\.new"):
        fail()
    assert sorted(path.name for path in file.parent.iterdir()) == ["work.json", "work.lock"]


def test_what_a_killed_run_left_behind_is_in_nobodys_way(account, environ):
    file = keep(account, environ, "old")
    file.with_suffix(".new").write_text("half of")
    keep(account, environ, "new", expires=9.0)
    assert kept(account, environ).access == "new"


KILLED = """
    import os, sys
    from ccc.accounts.oauth.store import Store
    from ccc.accounts.oauth.tokens import Tokens
    from ccc.config.account import Account, OAuth

    account = Account("work", oauth=OAuth("client", token_url="https://login.test/token"))
    store = Store(account, {"CCC_STATE_DIR": sys.argv[1]})

    WHERE = ("keep", "become", "drop", "_write", "remove")

    def keep(word):
        with store.locked() as draft:
            store.keep(Tokens(word, 0.0, word, "client", "https://login.test/token"), draft, in_file=True)

    def killer(last):
        left = [last]
        def trace(frame, event, arg):
            code = frame.f_code
            if code.co_name in WHERE and "oauth/store" in code.co_filename and event == "line":
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)
            return trace
        return trace

    seen, last, status = [], 0, 9
    while status == 9:
        keep("old")
        child = os.fork()
        if child == 0:
            sys.settrace(killer(last))
            keep("new")
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        seen.append(store.load().refresh)
        last += 1
    print(last, *sorted(set(seen)), seen == sorted(seen, key=("old", "new").index))
"""


@pytest.fixture
def in_memory(tmp_path):
    """A folder where fsync(2) costs nothing: a kill is no power cut."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as made:
        yield made


def test_a_run_that_is_killed_at_any_line_leaves_the_old_tokens_or_the_new_ones(in_memory):
    """And never the old ones after the new ones were there."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), in_memory],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    lines, *rest = done.stdout.split()
    assert int(lines) > 20
    assert rest == ["new", "old", "True"]
