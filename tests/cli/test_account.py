"""`ccc account` from an empty home, against a real Postfix and a real Dovecot."""

import json
import os
import stat

import pytest

from ccc.accounts import marks
from ccc.cli.main import run as ccc
from ccc.config import read_config
from tests.lab.daemon import free_ports
from tests.lab.dns import Dns
from tests.lab.sink import EVERYTHING, Sink

RING = """
import os
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

class Ring(KeyringBackend):
    priority = 5
    def _path(self, service, user):
        return os.path.join(os.environ["HOME"], f"ring-{service}-{user}")
    def get_password(self, service, user):
        path = self._path(service, user)
        return open(path).read() if os.path.exists(path) else None
    def set_password(self, service, user, secret):
        with open(self._path(service, user), "w") as file:
            file.write(secret)
    def delete_password(self, service, user):
        if self.get_password(service, user) is None:
            raise PasswordDeleteError("none")
        os.remove(self._path(service, user))
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def file(home):
    return home / ".config" / "ccc" / "config.toml"


@pytest.fixture
def run(home, capfd):
    """Run ccc here, without a terminal: its status, its data and its words."""

    def run(*arguments):
        capfd.readouterr()
        status = ccc([str(each) for each in arguments])
        return (status, *capfd.readouterr())

    return run


@pytest.fixture
def servers(postfix, dovecot, authority):
    """The options that name both servers."""
    return [
        *("--smtp", f"smtps://me@example.org@localhost:{postfix.ports['submissions']}"),
        *("--imap", f"imaps://me@example.org@localhost:{dovecot.imaps_port}"),
        *("--tls-ca-file", authority.ca_file),
    ]


@pytest.fixture
def add(run, servers, dovecot):
    """Set up the account `work`."""

    def add(*more):
        given = ["me@example.org", "--name", "work", *servers]
        given += ["--password-command", f"echo {dovecot.password}"]
        return run("account", "add", *given, *more)

    return add


def test_an_account_is_added_after_both_logins_have_worked(add, file):
    status, data, words = add("--redirect-to", "me@home.example", "--default")
    assert (status, data) == (0, "")
    assert "smtp login: logged in as me@example.org" in words
    assert "imap login: logged in as me@example.org" in words
    assert f"added account work to {file}" in words
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    config = read_config(None, os.environ)
    assert config.default == "work"
    assert [each.addr_spec for each in config.accounts["work"].redirect_to] == ["me@home.example"]


def test_a_wrong_password_adds_nothing(run, authority, file):
    with Sink(tls=authority.server_context(), implicit=True, mechanisms=("PLAIN",)) as sink:
        smtp = ("--smtp", f"smtps://user@localhost:{sink.port}", "--tls-ca-file", authority.ca_file)
        given = ("me@example.org", *smtp, "--imap", "none", "--password-command", "echo hunter2")
        status, _, words = run("account", "add", *given)
    assert status == 77
    assert "nothing was written" in words
    assert "hunter2" not in words
    assert not file.exists()


@pytest.mark.parametrize(("command", "guessed"), [("echo hunter2", True), ("false", False)])
def test_only_a_refused_login_says_that_the_user_name_may_be_another(run, authority, command, guessed):
    with Sink(tls=authority.server_context(), implicit=True, mechanisms=("PLAIN",)) as sink:
        url = f"smtps://me@example.org@localhost:{sink.port}"
        given = ("--imap", "none", "--tls-ca-file", authority.ca_file, "--password-command", command)
        status, _, words = run("account", "add", "me@example.org", "--smtp", url, *given)
    assert (status, "the user name may be me alone" in words) == (77, guessed)


def test_the_second_account_comes_with_the_doctors_advice(run, file):
    for name in ("one", "two"):
        given = ("--smtp", "smtps://smtp.example.org", "--imap", "none", "--no-test", "--name", name)
        _, _, words = run("account", "add", "me@example.org", *given)
    advice = 'there are several accounts and no default; write default = "one" on top of the file'
    assert advice in words
    assert advice in run("doctor", "--only", "config")[1]


def test_a_server_that_is_not_there_adds_nothing(run, file):
    nobody = f"smtps://me@localhost:{free_ports(1)[0]}"
    given = (
        "account",
        "add",
        "me@example.org",
        "--smtp",
        nobody,
        "--imap",
        "none",
        "--password-command",
        "x",
    )
    status, _, words = run(*given)
    assert (status, file.exists()) == (75, False)
    assert "connection refused; nothing was written" in words


def test_the_logins_can_be_left_untried(run, file):
    given = ("me@gmail.com", "--no-test", "--no-discovery", "--password-command", "pass gmail")
    assert run("account", "add", *given)[0] == 0
    assert read_config(None, os.environ).accounts["gmail"].smtp.endswith("@smtp.gmail.com:465")


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ((), "add ADDRESS"),
        (("me@example.org", "--no-discovery"), "add --smtp URL"),
        (("me@gmail.com", "--no-discovery"), "add --password-command COMMAND"),
        (("me@gmail.com", "--no-discovery", "--keyring"), "add --password-fd 3 3< FILE"),
    ],
)
def test_what_a_script_leaves_open_is_named_with_its_option(run, file, given, option):
    status, _, words = run("account", "add", *given)
    assert (status, file.exists()) == (64, False)
    assert option in words


def test_the_domains_own_records_name_the_servers(run, postfix, dovecot, authority, file):
    zone = f"""
_submissions._tcp.example.org. 60 IN SRV 0 0 {postfix.ports["submissions"]} localhost.
_imaps._tcp.example.org. 60 IN SRV 0 0 {dovecot.imaps_port} localhost.
"""
    with Dns(zone) as dns:
        file.parent.mkdir(parents=True)
        file.write_text(f'dns_resolver = "{dns.address}"\n')
        file.chmod(0o600)
        given = ["me@example.org", "--tls-ca-file", authority.ca_file, "--password-command", "echo secret"]
        refused = run("account", "add", *given)
        status, _, words = run("account", "add", *given, "--yes")
    assert refused[0] == 64
    assert "localhost is not in example.org" in refused[2]
    assert status == 0
    assert "from the SRV record _submissions._tcp.example.org (not signed)" in words
    assert file.read_text().startswith(f'dns_resolver = "{dns.address}"\n\n[account.example]\n')


@pytest.fixture
def ring(home, monkeypatch):
    """A keyring that is a folder."""
    (home / "ring.py").write_text(RING)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "ring.Ring")
    monkeypatch.setenv("PYTHONPATH", str(home))
    return home / "ring-ccc:work-me@example.org"


def test_the_password_can_go_into_the_keyring_and_be_forgotten(run, servers, dovecot, ring, file):
    reading, writing = os.pipe()
    os.write(writing, f"{dovecot.password}\n".encode())
    os.close(writing)
    given = ["me@example.org", "--name", "work", *servers, "--keyring", "--password-fd", reading]
    status, _, words = run("account", "add", *given)
    os.close(reading)
    assert (status, ring.read_text()) == (0, dovecot.password)
    assert dovecot.password not in words + file.read_text()
    assert run("account", "test", "work")[0] == 0
    status, _, words = run("account", "forget", "work")
    assert (status, ring.exists()) == (0, False)
    assert "removed the password of me@example.org" in words
    assert f"delete line 1 to line 5 of {file}" in words


def test_what_is_added_works_here_and_from_cron(add, run):
    add()
    status, data, _ = run("account", "test", "work")
    assert status == 0
    assert "ok    smtp login: logged in as me@example.org" in data
    status, data, words = run("account", "test", "work", "--as-cron")
    assert (status, words) == (0, "")
    assert "ok    secret: there is a password for me@example.org" in data


@pytest.mark.parametrize("cron", [(), ("--as-cron",)])
def test_a_test_can_show_the_dialogue(run, file, cron):
    with Sink(EVERYTHING) as sink:
        accounts(file, f'[account.work]\naddress = "a@b.org"\nsmtp = "smtp://127.0.0.1:{sink.port}"\n')
        assert " -> EHLO " in run("account", "test", "work", "-v", *cron)[2]
        assert " -> EHLO " not in run("account", "test", "work", *cron)[2]


def test_what_only_works_here_is_found_out_as_cron(run, servers, home, monkeypatch, ring, dovecot):
    ring.write_text(dovecot.password)
    run("account", "add", "me@example.org", "--name", "work", *servers, "--no-password", "--no-test")
    assert run("account", "test", "work")[0] == 0
    status, data, _ = run("account", "test", "work", "--as-cron")
    assert status == 77
    assert 'fail  secret: no password for account "work"' in data
    assert 'password_command = ["pass", "show", "mail/work"]' in data


def accounts(file, text):
    file.parent.mkdir(parents=True)
    file.write_text(text)
    file.chmod(0o600)


TWO = """default = "b"
[account.a]
address = "Ann <ann@gmail.com>"
provider = "gmail"
client_secret = "hunter2"
client_id = "1234"

[account.b]
address = "bob@example.org"
smtp = "smtps://bob@smtp.example.org"
"""


def test_the_accounts_are_listed(run, file):
    assert "`ccc account add` makes one" in run("account", "list")[2]
    accounts(file, TWO)
    assert run("account", "list")[1].splitlines() == [
        "  a: Ann <ann@gmail.com>, smtp.gmail.com:465",
        "* b: bob@example.org, smtp.example.org:465",
    ]
    first, second = map(json.loads, run("account", "list", "--json")[1].splitlines())
    assert (first["account"], first["default"], second["default"]) == ("a", False, True)
    assert (second["honours_envelope"], second["stores_sent"], first["stores_sent"]) == (True, False, True)


LISTS = """redirect_to = ["Ann <x@b.test>", "y@b.test"]
password_command = ["pass", "a b"]
"""


def test_lists_are_lists_in_json(run, file):
    accounts(file, TWO + LISTS)
    data = json.loads(run("account", "show", "b", "--json")[1])
    assert (data["redirect_to"], data["password_command"]) == (
        ["Ann <x@b.test>", "y@b.test"],
        ["pass", "a b"],
    )
    assert (data["identities"], data["helo"]) == ([], "")


def test_lists_and_switches_of_an_account_are_shown_as_text(run, file):
    accounts(file, TWO + LISTS)
    data = run("account", "show", "b")[1]
    assert "  redirect_to = Ann <x@b.test>, y@b.test  (the file)\n" in data
    assert "  password_command = pass 'a b'  (the file)\n" in data
    assert "  honours_envelope = true  (usual)\n" in data
    assert "  strip: not said\n" in data


def test_an_account_is_shown_with_where_its_values_are_from_and_without_secrets(run, file):
    accounts(file, TWO)
    status, data, _ = run("account", "show", "a")
    assert status == 0
    assert "  address = Ann <ann@gmail.com>  (the file)\n" in data
    assert "@smtp.gmail.com:465  (gmail)\n" in data
    assert "  fcc = auto  (usual)\n" in data
    assert "  password_file: not said\n" in data
    assert "hunter2" not in data + run("account", "show", "a", "--json")[1]


def test_the_lines_of_an_account_are_named(run, file):
    accounts(file, TWO)
    assert f"delete line 2 to line 6 of {file}" in run("account", "forget", "a")[2]
    assert f"delete line 8 to line 10 of {file}" in run("account", "forget", "b")[2]


def test_forgetting_takes_the_mark_away(run, file):
    accounts(file, TWO)
    account = read_config(None, os.environ).accounts["b"]
    marks.mark(account, os.environ)
    assert "removed the mark on its server" in run("account", "forget", "b")[2]
    assert not marks.marked(account, os.environ)


def test_only_tokens_need_a_login(run, file):
    accounts(file, TWO)
    status, _, words = run("account", "login", "b")
    assert status == 78
    assert "account b logs in with a password" in words


@pytest.mark.parametrize("verb", ["show", "test", "login", "forget"])
def test_an_account_that_there_is_not_is_named(run, file, verb):
    accounts(file, TWO)
    status, _, words = run("account", verb, "bb")
    assert status == 64
    assert "there is no account 'bb'; did you mean b?" in words


def test_without_a_command_the_help_is_shown(run):
    status, _, words = run("account")
    assert status == 64
    assert "Commands:\n  add " in words
    assert "begin with `ccc account add`" in words


def test_a_new_user_is_asked_for_everything(at_terminal, servers, dovecot, home, file):
    smtp, imap, ca_file = servers[1::2]
    screen = at_terminal(f"ccc account add --no-discovery --tls-ca-file {ca_file}", HOME=str(home))
    for question, answer in (
        ("Your address", "Me Myself <me@example.org>"),
        ("A short name for this account [example]: ", ""),
        ("The SMTP server", smtp),
        ("The IMAP server", imap),
        ("A command that prints the password, not the password itself (empty: none): ", ""),
        ("A file with the password in its first line (empty: ask me each time): ", ""),
        ("Who gets what you redirect", "me@home.example"),
        ("Password for me@example.org at localhost: ", dovecot.password),
        ("[y/n] ", "y"),
    ):
        screen.until(question)
        screen.answer(answer)
    rest, status = screen.end()
    assert status == 0
    assert f"added account example to {file}" in rest.replace("\r\n", "")
    (account,) = read_config(str(file), {}).accounts.values()
    assert account.address.eyes() == "Me Myself <me@example.org>"
    assert account.smtp == smtp


def test_no_at_the_last_question_writes_nothing(at_terminal, home, file):
    given = "me@gmail.com --no-discovery --no-test --password-command x"
    screen = at_terminal(f"ccc account add {given}", HOME=str(home))
    screen.until("A short name")
    screen.answer("")
    screen.until("Who gets what")
    screen.answer("")
    screen.until("[y/n] ")
    screen.answer("n")
    rest, status = screen.end()
    assert (status, file.exists()) == (1, False)
    assert "nothing was written" in rest
