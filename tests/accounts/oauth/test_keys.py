"""Tokens for a login: used while they are good, refreshed once when they are not, and whose fault it is."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import traceback
from contextlib import closing

import pytest

from ccc.accounts.oauth import forget, log_in, oauth_keys
from ccc.accounts.oauth.store import Store
from ccc.errors import ConfigurationError, Interrupted, NotPermitted, StateError, TryLaterError
from tests.accounts.oauth.told import Clock, keep, kept
from tests.lab.tokens import TokenServer

SECRETS = ("access-0", "refresh-0", "s3cret")


def keys(account, environ, clock=None):
    return oauth_keys(account, "me@example.org", environ, clock=clock or Clock())


def script(*lines):
    """A token command that prints these lines."""
    return (sys.executable, "-c", f"print({chr(10).join(lines)!r})")


def ready(tokens, account, environ, **more):
    """An account whose access token is over, and whose refresh token is in force."""
    tokens.refresh.append("refresh-0")
    keep(account, environ, **more)


def test_a_token_is_used_until_a_minute_before_its_end(tokens, account, environ):
    keep(account, environ, expires=1_000_061.0)
    clock = Clock()
    these = keys(account, environ, clock)
    assert these.credentials().secret == "access-0"
    assert tokens.forms == []


def test_in_its_last_minute_a_token_is_refreshed(tokens, account, environ):
    ready(tokens, account, environ, expires=1_000_060.0)
    token = keys(account, environ).credentials()
    assert (token.secret, token.expires) == ("access-1", 1_003_600.0)
    assert tokens.forms[0].fields == {
        "grant_type": "refresh_token",
        "refresh_token": "refresh-0",
        "client_id": "client",
    }


def test_one_token_serves_every_session_and_every_server(tokens, account, environ):
    ready(tokens, account, environ)
    these = keys(account, environ)
    assert {these.credentials().secret for _ in range(3)} == {"access-1"}
    assert keys(account, environ).credentials().secret == "access-1"
    assert len(tokens.forms) == 1


def test_a_new_refresh_token_is_on_the_disk_before_the_access_token_is_used(tokens, account, environ):
    ready(tokens, account, environ)
    keys(account, environ).credentials()
    assert kept(account, environ).refresh == tokens.refresh[-1] == "refresh-1"


def test_a_refresh_token_that_stays_is_kept(account, environ):
    with TokenServer(rotate=False) as tokens:
        account = account._replace(oauth=tokens.oauth())
        ready(tokens, account, environ)
        keys(account, environ).credentials()
    assert kept(account, environ).refresh == "refresh-0"


def test_a_login_that_lasts_refreshes_each_time_with_the_newest_token(tokens, account, environ):
    ready(tokens, account, environ)
    clock = Clock()
    these = keys(account, environ, clock)
    for _ in range(3):
        these.credentials()
        clock.now += 3600
    assert tokens.used == ["refresh-0", "refresh-1", "refresh-2"]


def test_runs_at_the_same_time_refresh_once(tokens, account, environ):
    ready(tokens, account, environ)
    start, found = threading.Barrier(4), []

    def run():
        these = keys(account, environ)
        start.wait(10)
        found.append(these.credentials().secret)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (found, tokens.used) == (["access-1"] * 4, ["refresh-0"])


def test_a_token_that_is_refused_is_replaced(tokens, account, environ):
    ready(tokens, account, environ, expires=2_000_000.0)
    these = keys(account, environ)
    assert [these.credentials().secret, these.renewed().secret] == ["access-0", "access-1"]
    assert these.credentials().secret == "access-1"


def test_a_token_that_another_run_has_replaced_is_taken_from_there(tokens, account, environ):
    keep(account, environ, expires=2_000_000.0)
    these = keys(account, environ)
    these.credentials()
    keep(account, environ, "access-9", expires=2_000_000.0)
    assert these.renewed().secret == "access-9"
    assert tokens.forms == []


def test_a_brand_new_token_that_is_refused_is_not_replaced(tokens, account, environ):
    ready(tokens, account, environ)
    these = keys(account, environ)
    these.credentials()
    assert these.renewed() is None
    assert len(tokens.forms) == 1


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ((400, {"error": "invalid_grant"}), NotPermitted, "run: ccc account login work"),
        ((400, {"error": "interaction_required"}), NotPermitted, "run: ccc account login work"),
        ((401, {"error": "invalid_client"}), ConfigurationError, "check client_id"),
        ((400, {"error": "unauthorized_client"}), ConfigurationError, "check client_id"),
        ((400, {"error": "invalid_scope"}), ConfigurationError, "check scopes"),
        ((503, {"error": "temporarily_unavailable"}), TryLaterError, "wait some minutes"),
        ((500, {"error": "what"}), TryLaterError, "wait some minutes"),
        ((429, {}), TryLaterError, "wait some minutes"),
        ((404, {}), ConfigurationError, "no token server"),
        ((200, {}), TryLaterError, "nothing that ccc can use"),
        ((200, {"access_token": "a", "token_type": "mac"}), TryLaterError, "nothing that ccc can use"),
        (
            (200, {"access_token": "a\x01b", "token_type": "Bearer"}),
            TryLaterError,
            "nothing that ccc can use",
        ),
        ((200, {"access_token": "", "token_type": "Bearer"}), TryLaterError, "nothing that ccc can use"),
        ((200, {"access_token": ["a"], "token_type": "Bearer"}), TryLaterError, "nothing that ccc can use"),
    ],
)
def test_it_is_said_why_there_is_no_token(tokens, account, environ, answer, error, words):
    ready(tokens, account, environ)
    tokens.script["/token"] = [answer]
    with pytest.raises(error, match=words):
        keys(account, environ).credentials()
    assert kept(account, environ).refresh == "refresh-0"


def test_what_the_server_says_holds_no_secret_and_nothing_that_a_terminal_obeys(tokens, account, environ):
    account = account._replace(oauth=tokens.oauth(client_secret="s3cret"))
    ready(tokens, account, environ)
    said = "\x1b[2J\u202e refresh-0 \n s3cret access-0 " + "x" * 5000
    tokens.script["/token"] = [(400, {"error": "invalid_grant", "error_description": said})]
    with pytest.raises(NotPermitted) as caught:
        keys(account, environ).credentials()
    words = "".join(traceback.format_exception(caught.value))
    assert not any(secret in words for secret in SECRETS)
    assert "\\x1b[2J" in caught.value.what
    assert caught.value.what.isprintable()
    assert len(caught.value.what) < 500


def test_no_secret_is_in_a_repr(account, environ):
    keep(account, environ, expires=2_000_000.0)
    assert "access-0" not in repr(keys(account, environ).credentials())
    assert "-0" not in repr(kept(account, environ))


def test_without_a_login_the_cure_is_to_log_in(tokens, account, environ):
    with pytest.raises(NotPermitted, match="ccc account login work"):
        keys(account, environ).credentials()


def test_tokens_for_another_client_are_not_used(tokens, account, environ):
    keep(account, environ, expires=2_000_000.0)
    other = account._replace(oauth=tokens.oauth(client_id="another"))
    with pytest.raises(NotPermitted, match="nobody has logged in"):
        keys(other, environ).credentials()
    assert tokens.forms == []


def test_without_a_client_the_cure_says_what_to_do_instead(tokens, account, environ):
    account = account._replace(oauth=tokens.oauth(client_id=""))
    for attempt in (
        lambda: keys(account, environ).credentials(),
        lambda: log_in(account, environ, print, None),
    ):
        with pytest.raises(ConfigurationError, match=r"no client_id.*app password.*token_command.*register"):
            attempt()


def test_a_login_without_a_refresh_token_ends_with_its_token(tokens, account, environ):
    keep(account, environ, refresh="")
    with pytest.raises(NotPermitted, match="no refresh token; run: ccc account login work"):
        keys(account, environ).credentials()
    assert tokens.forms == []


def test_where_nothing_can_be_kept_nothing_is_asked_for(tokens, account, environ):
    """A refresh token that turns over would be lost."""
    ready(tokens, account, environ)
    file = Store(account, environ).file
    file.with_suffix(".lock").unlink()
    file.with_suffix(".lock").mkdir()
    with pytest.raises(StateError, match="CCC_STATE_DIR"):
        keys(account, environ).credentials()
    assert tokens.forms == []


def test_to_forget_is_to_have_nothing_any_more(account, environ):
    keep(account, environ, expires=2_000_000.0)
    assert [forget(account, environ), forget(account, environ)] == [True, False]
    assert kept_or_none(account, environ) is None


def kept_or_none(account, environ):
    try:
        return kept(account, environ)
    except NotPermitted:  # nor can a keyring be reached
        return None


def test_a_token_command_prints_the_token(account, environ):
    account = account._replace(oauth=account.oauth._replace(token_command=script("tok-1", "more")))
    these = keys(account, environ)
    assert (these.credentials().user, these.credentials().secret) == ("me@example.org", "tok-1")
    assert these.renewed() is None


def test_a_token_command_is_asked_again_when_its_token_is_refused(account, environ, tmp_path):
    command = ("sh", "-c", f"echo >> {tmp_path}/runs; echo token-$(grep -c '' {tmp_path}/runs)")
    these = keys(account._replace(oauth=account.oauth._replace(token_command=command)), environ)
    assert [these.credentials().secret, these.renewed().secret] == ["token-1", "token-2"]


@pytest.mark.parametrize(
    "line", ["Token: s3cret", "s3cret\x01auth=x", "s3cr\N{LATIN SMALL LETTER E WITH ACUTE}t"]
)
def test_what_is_no_token_is_not_sent(account, environ, line):
    account = account._replace(oauth=account.oauth._replace(token_command=script(line)))
    with pytest.raises(NotPermitted, match="something else than an access token") as caught:
        keys(account, environ).credentials()
    assert "s3cr" not in "".join(traceback.format_exception(caught.value))


def test_a_token_command_logs_in_by_itself(account, environ):
    account = account._replace(oauth=account.oauth._replace(token_command=("oama", "access")))
    with pytest.raises(ConfigurationError, match="takes its tokens from oama"):
        log_in(account, environ, print, None)


IMPATIENT = """
    import sys
    from ccc.accounts.oauth import oauth_keys
    from ccc.config.account import Account, OAuth

    _, url, folder = sys.argv
    account = Account("work", oauth=OAuth("client", token_url=url))
    oauth_keys(account, "me", {"CCC_STATE_DIR": folder}).credentials()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_the_new_refresh_token_is_kept(tokens, account, environ, number):
    ready(tokens, account, environ)
    command = [sys.executable, "-c", textwrap.dedent(IMPATIENT), account.oauth.token_url]
    run = subprocess.Popen([*command, environ["CCC_STATE_DIR"]], stderr=subprocess.DEVNULL)
    grant = tokens.grant

    def impatient():
        os.kill(run.pid, number)
        return grant()

    tokens.grant = impatient
    assert run.wait(10) == -number
    assert kept(account, environ).refresh == "refresh-1"


class Signalled:
    """A run to which somebody says Ctrl-C."""

    def __init__(self):
        self._read, self._write = os.pipe()
        os.write(self._write, b"x")

    def fileno(self):
        return self._read

    def drain(self):
        os.read(self._read, 1)

    def as_error(self):
        return Interrupted("interrupted by SIGINT", signal.SIGINT)

    def close(self):
        os.close(self._read)
        os.close(self._write)


def test_a_signal_ends_the_wait_for_a_token_command(account, environ):
    account = account._replace(oauth=account.oauth._replace(token_command=("sleep", "60")))
    with closing(Signalled()) as signalled, pytest.raises(Interrupted):
        oauth_keys(account, "me", environ, interrupts=signalled).credentials()
