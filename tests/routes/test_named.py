"""What --via names."""

import pytest

from ccc.errors import ConfigurationError, UsageError
from ccc.routes import sendmail
from ccc.routes.maildir import Maildirs
from ccc.routes.named import find_sendmail, via
from ccc.routes.sendmail import Sendmail
from ccc.routes.submission import Manner, Submission

MANNER = Manner()


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "sendmail"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_each_way_is_a_route(program, tmp_path):
    assert via(f"sendmail:{program}", MANNER) == Sendmail(str(program))
    assert via(f"maildir:{tmp_path}", MANNER) == Maildirs(str(tmp_path))
    assert isinstance(via("lmtp:localhost:24", MANNER), Submission)


@pytest.mark.parametrize(
    "name", ["", "smtp", "maildir", "maildir:", "lmtp", "lmtp:", "sendmail:", "Sendmail", ":"]
)
def test_another_name_is_refused_with_the_list(name):
    with pytest.raises(UsageError) as caught:
        via(name, MANNER)
    assert "maildir:DIR" in caught.value.cure


def test_the_program_must_be_there(tmp_path):
    with pytest.raises(ConfigurationError, match="no such program"):
        via(f"sendmail:{tmp_path / 'none'}", MANNER)


def test_the_hosts_own_program_is_found(monkeypatch, program):
    monkeypatch.setattr(sendmail, "SENDMAIL", ("/no/such/program", str(program)))
    assert find_sendmail() == str(program)
    assert via("sendmail", MANNER).name == f"sendmail {program}"


def test_a_host_may_have_none(monkeypatch):
    monkeypatch.setattr(sendmail, "SENDMAIL", ("/no/such/program",))
    with pytest.raises(ConfigurationError, match="no sendmail"):
        via("sendmail", MANNER)


def test_a_program_that_may_not_be_run_is_not_found(monkeypatch, tmp_path):
    path = tmp_path / "sendmail"
    path.write_text("")
    monkeypatch.setattr(sendmail, "SENDMAIL", (str(path),))
    assert find_sendmail() is None


def test_what_may_be_a_password_is_not_repeated():
    with pytest.raises(UsageError, match="--via …@host: there is no such way") as caught:
        via("smtps://user:hunter2@host", MANNER)
    assert "hunter2" not in str(caught.value)
