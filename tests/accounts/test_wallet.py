"""The order of the places of a password, and that each is asked once and only when its turn has come."""

import os
import sys

import pytest

from ccc.accounts.wallet import Given, Wallet
from ccc.config.account import Account, Auth, OAuth
from ccc.errors import NotPermitted
from ccc.smtp.login import Token
from ccc.transport.server import Server

SMTP = Server("smtp.example.org", 465, user="me@example.org")
IMAP = Server("imap.example.org", 993, user="me@example.org")
ELSEWHERE = Server("smtp.example.net", 465, user="me@example.org")
BACKENDS = """
from keyring.backend import KeyringBackend

class Shelf(KeyringBackend):
    priority = 1
    def get_password(self, service, user):
        return f"from the keyring for {user} of {service}"
    def set_password(self, service, user, secret):
        raise NotImplementedError

class PlaintextKeyring(Shelf):
    pass
"""


class Home:
    """A home with every place of a password in it, and people to ask."""

    def __init__(self, folder):
        self.folder = folder
        self.environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        self.asked = []

    def file(self):
        (self.folder / "file").write_text("from the file\n")
        (self.folder / "file").chmod(0o600)
        return {"password_file": str(self.folder / "file")}

    def command(self):
        return {"password_command": ("sh", "-c", f"echo run >>{self.folder}/runs; echo from the command")}

    def credential(self):
        (self.folder / "ccc-work").write_text("from systemd\n")
        self.environ["CREDENTIALS_DIRECTORY"] = str(self.folder)
        return {}

    def keyring(self):
        (self.folder / "shelves.py").write_text(BACKENDS)
        self.environ |= {"PYTHONPATH": str(self.folder), "PYTHON_KEYRING_BACKEND": "shelves.Shelf"}
        return {}

    @property
    def runs(self):
        return (self.folder / "runs").read_text().count("run")

    def ask(self, prompt):
        self.asked.append(prompt)
        return f"typed {len(self.asked)}"

    def wallet(self, given=None, *, people=False, config=None):
        return Wallet(given or Given(), self.environ, self.ask if people else None, config)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def descriptor(tmp_path):
    (tmp_path / "given").write_text("from the descriptor\n")
    number = os.open(tmp_path / "given", os.O_RDONLY)
    yield number
    os.close(number)


def secret(wallet, account, server=SMTP):
    return wallet.keys(account, server).credentials().secret


@pytest.mark.parametrize(
    ("places", "wanted"),
    [
        (("command", "file", "credential"), "from the command"),
        (("file", "credential"), "from the file"),
        (("credential", "keyring"), "from systemd"),
        (("keyring",), "from the keyring for me@example.org of ccc:work"),
        ((), "typed 1"),
    ],
)
def test_the_first_place_that_has_a_password_gives_it(home, places, wanted):
    keys = {name: value for place in places for name, value in getattr(home, place)().items()}
    assert secret(home.wallet(people=True), Account("work", **keys)) == wanted


def test_a_descriptor_goes_before_all_places(home, descriptor):
    account = Account("work", **home.command())
    given = Given(descriptor, ("echo", "from the command line"))
    assert secret(home.wallet(given), account) == "from the descriptor"


def test_a_command_of_the_command_line_goes_before_that_of_the_account(home):
    account = Account("work", **home.command())
    assert secret(home.wallet(Given(None, ("echo", "from the option"))), account) == "from the option"


def test_nothing_is_looked_for_before_it_is_needed(home):
    home.wallet().keys(Account("work", **home.command()), SMTP)
    assert not (home.folder / "runs").exists()


def test_a_command_runs_once_for_both_servers_of_an_account(home):
    wallet, account = home.wallet(), Account("work", **home.command())
    assert secret(wallet, account, IMAP) == secret(wallet, account, SMTP)
    assert home.runs == 1


def test_a_descriptor_is_read_once_for_two_users_of_an_account(home, descriptor):
    wallet, account = home.wallet(Given(descriptor)), Account("work")
    other = IMAP._replace(user="me")
    assert secret(wallet, account, other) == secret(wallet, account, SMTP) == "from the descriptor"


def test_what_is_given_serves_both_servers_of_a_provider(home, descriptor):
    wallet = home.wallet(Given(descriptor))
    assert secret(wallet, None, IMAP) == secret(wallet, None, SMTP)


@pytest.mark.parametrize(
    ("account", "server"),
    [
        (None, ELSEWHERE),
        (None, SMTP._replace(user="you")),
        (Account("home"), SMTP),
        (Account("home"), ELSEWHERE),
    ],
)
def test_what_is_given_goes_to_no_second_provider(home, descriptor, account, server):
    wallet = home.wallet(Given(descriptor), people=True)
    assert secret(wallet, None, SMTP) == "from the descriptor"
    assert secret(wallet, account, server) == "typed 1"


def test_hosts_that_are_addresses_are_no_neighbours(home, descriptor):
    wallet = home.wallet(Given(descriptor), people=True)
    assert secret(wallet, None, Server("192.0.2.1", 465, user="me")) == "from the descriptor"
    assert secret(wallet, None, Server("198.0.2.1", 465, user="me")) == "typed 1"


def test_what_is_given_for_a_url_is_kept_from_the_account_beside_it(home, descriptor):
    wallet = home.wallet(Given(descriptor, for_account=False), people=True)
    assert secret(wallet, Account("work"), IMAP) == "typed 1"
    assert secret(wallet, None, SMTP) == "from the descriptor"


def test_a_login_gets_the_same_keys_each_time(home):
    wallet, account = home.wallet(), Account("work")
    assert wallet.keys(account, SMTP) is wallet.keys(account, IMAP)
    assert wallet.keys(account, SMTP) is not wallet.keys(Account("home"), SMTP)


@pytest.mark.parametrize(
    ("account", "server"),
    [(Account("work"), SMTP._replace(user="")), (Account("work", auth=Auth.NONE), SMTP)],
)
def test_no_login_needs_no_keys(home, account, server):
    assert home.wallet().keys(account, server) is None


def test_an_account_with_tokens_gets_a_token_and_no_password(home):
    oauth = OAuth(token_command=("echo", "t0ken"))
    keys = home.wallet(people=True).keys(Account("work", auth=Auth.OAUTH, oauth=oauth), SMTP)
    assert isinstance(keys.credentials(), Token)
    assert keys.credentials().secret == "t0ken"
    assert home.asked == []


def test_a_password_that_was_stored_and_refused_is_not_tried_again(home):
    keys = home.wallet(people=True).keys(Account("work", **home.file()), SMTP)
    keys.credentials()
    assert keys.renewed() is None
    assert home.asked == []


def test_a_password_that_was_typed_and_refused_is_asked_for_twice_more(home):
    keys = home.wallet(people=True).keys(None, SMTP)
    typed = [keys.credentials().secret, keys.renewed().secret, keys.renewed().secret, keys.renewed()]
    assert typed == ["typed 1", "typed 2", "typed 3", None]
    who = "me@example.org at smtp.example.org"
    again = f"Wrong password, try again ({who}): "
    assert home.asked == [f"Password for {who}: ", again, again]


def test_the_next_session_gets_the_password_that_was_typed_last(home):
    keys = home.wallet(people=True).keys(None, SMTP)
    keys.credentials()
    keys.renewed()
    assert keys.credentials().secret == "typed 2"


def test_what_is_not_asked_for_is_not_renewed(home):
    assert home.wallet(people=True).keys(None, SMTP).renewed() is None


def test_without_a_terminal_cron_and_the_cure_are_named(home):
    with pytest.raises(NotPermitted) as caught:
        secret(home.wallet(), Account("work"))
    assert str(caught.value) == (
        'no password for account "work": the desktop keyring cannot be reached from cron, or from wherever '
        'there is no D-Bus session; add  password_command = ["pass", "show", "mail/work"]  to '
        "~/.config/ccc/config.toml, or run  ccc account test work --as-cron  to see what cron sees"
    )


def test_a_keyring_in_clear_is_no_place_and_the_way_to_allow_it_is_named(home):
    home.keyring()
    home.environ["PYTHON_KEYRING_BACKEND"] = "shelves.PlaintextKeyring"
    with pytest.raises(NotPermitted, match=r"keeps passwords in clear; .* allow_plaintext_keyring = true"):
        secret(home.wallet(), Account("work"))
    assert secret(home.wallet(), Account("work", allow_plaintext_keyring=True)).startswith("from the keyring")


@pytest.mark.parametrize(
    ("environ", "config", "shown"),
    [
        ({"XDG_CONFIG_HOME": "/etc/xdg"}, None, "/etc/xdg/ccc/config.toml"),
        ({"XDG_CONFIG_HOME": "rel"}, None, "~/.config/ccc/config.toml"),
        ({"CCC_CONFIG": "mine.toml"}, None, "mine.toml"),
        ({"CCC_CONFIG": "mine.toml"}, "theirs.toml", "theirs.toml"),
    ],
)
def test_the_configuration_file_is_named_as_the_user_knows_it(home, environ, config, shown):
    home.environ |= environ
    with pytest.raises(NotPermitted, match=rf"  to {shown}, or run"):
        secret(home.wallet(config=config), Account("work"))


def test_without_an_account_the_options_are_named():
    with pytest.raises(NotPermitted, match="nobody can be asked") as caught:
        secret(Wallet(Given(), {}, None), None)
    assert "--password-fd 3 3< FILE" in caught.value.cure


def test_a_url_that_stands_for_an_account_is_not_named_as_one(home):
    url = "imap://me%40example.org@imap.example.org"
    with pytest.raises(NotPermitted) as caught:
        secret(home.wallet(), Account(url, imap=url), IMAP)
    assert caught.value.what == (
        "no password for me@example.org at imap.example.org, and nobody can be asked for it"
    )
    assert caught.value.cure == 'add --password-command "pass show mail", or an account with this imap'


def test_nothing_secret_is_in_a_repr(home, descriptor):
    wallet = home.wallet(Given(descriptor))
    keys = wallet.keys(None, SMTP)
    held = keys.credentials()
    assert "descriptor\n" not in "".join(map(repr, (wallet, keys, held, vars(keys))))
    assert all("from the" not in repr(each) for each in (wallet, keys, held))


def test_a_wallet_imports_no_keyring(home):
    secret(home.wallet(), Account("work", **home.file()))
    assert "keyring" not in sys.modules
