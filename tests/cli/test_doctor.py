"""`ccc doctor` against servers that are well and servers that are not."""

import json
import os
import re

import pytest

from ccc.accounts.marks import mark, marked
from ccc.cli.doctor import verdict
from ccc.cli.main import run as ccc
from ccc.config import read_config
from ccc.config.account import Account
from ccc.setup.canary import Seen
from tests.lab.daemon import free_ports
from tests.lab.mailboxes import Careless, Mailboxes
from tests.lab.sink import Sink


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def config(home):
    """Write the configuration file; its path."""

    def config(text, mode=0o600):
        path = home / ".config" / "ccc" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return config


@pytest.fixture
def run(home, capfd):
    def run(*arguments):
        capfd.readouterr()
        status = ccc(["doctor", *arguments])
        return (status, *capfd.readouterr())

    return run


def account(authority, dovecot, smtp, user="me@example.org", more=""):
    return f"""
[account.work]
address = "me@example.org"
smtp = "{smtp}"
imap = "imaps://{user}@localhost:{dovecot.imaps_port}"
password_command = ["echo", "{dovecot.password}"]
tls_ca_file = "{authority.ca_file}"
{more}
"""


def test_all_that_is_well_is_said_line_by_line(run, config, authority, dovecot, postfix):
    smtp = f"smtp://me@example.org@localhost:{postfix.ports['submission']}"
    path = config(account(authority, dovecot, smtp, more='from_policy = "free"'))
    status, data, words = run()
    assert (status, words) == (0, "")
    checks = [line.split(":")[0].split() for line in data.splitlines()]
    assert [check for check in checks if check[0] != "ok"] == [["account", "work"]]
    assert [" ".join(check[1:]) for check in checks if check[0] == "ok"] == [
        *("config", "state", "secret", "cron"),
        *("smtp dns", "smtp port", "smtp certificate", "smtp offers", "smtp login"),
        *("imap dns", "imap port", "imap certificate", "imap offers", "imap login", "imap folders"),
        "policy",
    ]
    assert f"{path}: accounts work" in data


def test_the_exit_status_is_that_of_the_worst_line(run, config):
    nobody = free_ports(1)[0]
    config(
        f"""[account.a]
address = "me@example.org"
smtp = "smtps://me@localhost:{nobody}"
password_file = "missing"
"""
    )
    status, data, _ = run("a", "--only", "smtp", "--only", "secret")
    assert status == 75
    assert "fail  smtp port" in data
    assert "fail  secret: the password file" in data
    assert run("a", "--only", "secret")[0] == 78


def test_each_check_is_an_object_of_json(run, config):
    config('[account.a]\naddress = "a@b.org"\nvia = "sendmail:/nonexistent"\n')
    status, data, _ = run("--json", "--only", "smtp")
    (check,) = map(json.loads, data.splitlines())
    assert check == {
        "schema": 1,
        "account": "a",
        "check": "way",
        "result": "fail",
        "what": "--via sendmail:/nonexistent: there is no such program",
        "cure": "check the path",
        "kind": "configuration",
        "exit_status": 78,
    }
    assert status == 78


@pytest.mark.parametrize(
    ("text", "mode", "what"),
    [
        ("retry_for = 5 days\n", 0o600, "line 1"),
        ("adress = 1\n", 0o600, "there is no key 'adress'"),
        ("", 0o666, "other users can change"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_the_only_line(run, config, text, mode, what):
    config(text, mode)
    status, data, _ = run()
    assert status == 78
    assert data.startswith("fail  config: ")
    assert what in data
    assert len(data.splitlines()) == 1


def test_without_a_file_and_without_an_account_it_says_what_to_do(run, home):
    status, data, _ = run()
    assert status == 0
    assert f"warn  config: there is no {home}/.config/ccc/config.toml; `ccc account add` makes one" in data


def test_a_client_secret_that_others_can_read_and_a_missing_default_are_warnings(run, config):
    two = '[account.a]\naddress = "a@gmail.com"\nprovider = "gmail"\nclient_id = "1"\nclient_secret = "x"\n'
    config(two + '[account.b]\naddress = "b@b.org"\nvia = "sendmail"\n', 0o644)
    _, data, _ = run("--only", "config")
    assert "warn  config: others can read the client_secret in it (0644); chmod 600 " in data
    assert 'warn  config: there are several accounts and no default; write default = "a" on top' in data


def test_a_state_folder_that_cannot_be_used_is_named(run, home, monkeypatch):
    (home / "state").write_text("no folder")
    monkeypatch.setenv("CCC_STATE_DIR", str(home / "state"))
    status, data, _ = run("--only", "state")
    assert status == 73
    assert "fail  state: " in data


def test_what_cron_lacks_is_a_warning_with_its_cure(run, config):
    config('[account.a]\naddress = "a@b.org"\nsmtp = "smtps://a@localhost"\n')
    status, data, _ = run("--only", "cron")
    assert status == 0
    assert 'warn  cron: no password for account "a"' in data
    assert "password_command" in data


def test_a_home_that_is_none_is_named(run, config, home, monkeypatch):
    path = config('[account.a]\naddress = "a@b.org"\nsmtp = "smtps://a@localhost"\n')
    monkeypatch.setenv("HOME", str(home / "gone"))
    status, data, _ = run("--only", "cron", "--config", str(path))
    assert status == 75
    assert "fail  cron: ccc cannot be started as cron would: No such file or directory" in data


def test_an_account_that_there_is_not_is_a_mistake_of_the_command_line(run, config):
    config('[account.a]\naddress = "a@b.org"\nvia = "sendmail"\n')
    assert run("b")[0] == 64


def test_what_a_server_says_does_not_act_on_the_screen(run, config):
    with Sink(("SIZE 10", "X\x1b[31m \u202e")) as sink:
        config(f'[account.a]\naddress = "a@b.org"\nsmtp = "smtp://localhost:{sink.port}"\n')
        _, data, _ = run("--only", "smtp")
    assert "\x1b" not in data
    assert r"X\x1b[31M" in data


# The canary


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--wait", "3"), "--wait is about a canary"),
        (("--canary-address", "a@b.org"), "--canary-address is about a canary"),
        (("--canary", "--only", "smtp"), "--canary is no check among --only"),
        (("--canary",), "nobody can be asked; add --yes"),
        (("--canary", "--yes", "--canary-address", "ME@example.org"), "is the account's own address"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, config, authority, dovecot, arguments, what):
    config(account(authority, dovecot, "smtp://localhost:1"))
    status, _, words = run(*arguments)
    assert status == 64
    assert what in words


def test_a_canary_needs_both_servers(run, config):
    config('[account.a]\naddress = "a@b.org"\nsmtp = "smtps://a@localhost"\n')
    status, _, words = run("--canary", "--yes")
    assert status == 78
    assert "account a: it has no imap server" in words


def test_a_server_that_heeds_the_envelope_is_told_so(run, config, authority, dovecot):
    user = f"canary-{os.urandom(4).hex()}"
    with Mailboxes(dovecot.mail, user, tls=authority.server_context()) as sink:
        config(account(authority, dovecot, f"smtp://localhost:{sink.port}", user))
        status, data, words = run("--canary", "--yes", "--wait", "0.2")
    assert status == 0
    assert data == (
        "ok    canary: one copy arrived in 0.2 seconds; the server keeps to the envelope, "
        "unless this mailbox hides second copies\n"
    )
    assert words == f"sent; watching localhost:{dovecot.imaps_port} for 0.2 seconds\n"


def test_a_server_that_mails_the_people_in_the_header_is_caught_marked_and_refused(
    run, config, authority, dovecot
):
    user = f"canary-{os.urandom(4).hex()}"
    with Careless(dovecot.mail, user, tls=authority.server_context()) as sink:
        smtp = f"smtp://localhost:{sink.port}"
        config(account(authority, dovecot, smtp, user))
        status, data, _ = run("work", "--canary", "--yes", "--wait", "5", "--json")
        check = json.loads(data)
        assert (status, check["kind"], check["result"]) == (77, "permission", "fail")
        assert re.match(r"a copy arrived for me\+ccc-canary-[0-9a-f]{12}@example\.org", check["what"])
        assert "write  honours_envelope = false  into [account.work]" in check["cure"]
        work = read_config(None, os.environ).accounts["work"]
        assert marked(work, os.environ)
        status, data, _ = run("--only", "smtp")
    assert status == 77
    assert "fail  smtp envelope: account work: " in data


@pytest.mark.parametrize(
    ("seen", "line", "stays"),
    [
        (Seen(1), "ok    canary: one copy arrived in 60 seconds; the server keeps", False),
        (Seen(1, merges=True), "warn  canary: one copy arrived in 60 seconds, which proves nothing: ", True),
    ],
)
def test_one_copy_clears_a_server_only_where_a_second_one_would_show(seen, line, stays, state_folder):
    work = Account("work", smtp="smtps://me@smtp.example.org")
    mark(work, os.environ)
    check = verdict(work, seen, 60)
    assert check.line.startswith(line)
    assert check.exit_status == 0
    assert marked(work, os.environ) == stays


def test_a_server_that_has_become_honest_loses_its_mark(run, config, authority, dovecot):
    user = f"canary-{os.urandom(4).hex()}"
    with Mailboxes(dovecot.mail, user, tls=authority.server_context()) as sink:
        config(account(authority, dovecot, f"smtp://localhost:{sink.port}", user))
        work = read_config(None, os.environ).accounts["work"]
        mark(work, os.environ)
        assert run("--canary", "--yes", "--wait", "0.2")[0] == 0
    assert not marked(work, os.environ)


def test_a_canary_is_sent_only_if_the_user_agrees(at_terminal, home, config, authority, dovecot):
    config(account(authority, dovecot, "smtp://localhost:1"))
    screen = at_terminal("ccc doctor --canary", HOME=str(home))
    asked = screen.until("[y/n] ")
    assert "to which it is not sent" in asked
    assert "Send one mail from me@example.org to me@example.org, through localhost:1?" in asked
    screen.answer("n")
    rest, status = screen.end()
    assert status == 1
    assert "nothing was sent" in rest
