"""Which account a run is for."""

import pytest

from ccc.accounts.choose import account_named, choose, lacking
from ccc.address import Mailbox
from ccc.config import Config
from ccc.config.account import Account
from ccc.errors import UsageError
from ccc.receipt import status_of

ANN, BOB = Mailbox("ann", "a.test", "Ann"), Mailbox("bob", "b.test")
HOME = Account("home", ANN, identities=(Mailbox("ann", "other.test"),))
WORK = Account("work", BOB)
TWIN = Account("twin", ANN)


def having(*accounts: Account, default: str = "") -> Config:
    return Config(default=default, accounts={account.name: account for account in accounts})


def chosen(
    config: Config, named: str | None = None, fetched: str | None = None, authors: tuple[Mailbox, ...] = ()
) -> str:
    found = choose(config, named=named, fetched_from=fetched, authors=authors)
    return found.name if found else ""


def test_the_one_that_is_named_comes_before_all() -> None:
    assert chosen(having(HOME, WORK, TWIN, default="twin"), "work", "home", (ANN,)) == "work"


def test_then_the_one_that_the_mail_is_fetched_from() -> None:
    assert chosen(having(HOME, WORK, default="work"), fetched="home", authors=(BOB,)) == "home"


def test_then_the_one_of_an_author() -> None:
    assert chosen(having(HOME, WORK, default="home"), authors=(BOB,)) == "work"


@pytest.mark.parametrize(
    "author", [Mailbox("ANN", "a.test"), Mailbox("ann", "other.test"), Mailbox("ann", "a.test", "Somebody")]
)
def test_an_author_is_known_by_any_of_ones_addresses(author: Mailbox) -> None:
    assert chosen(having(WORK, HOME), authors=(author,)) == "home"


def test_one_author_of_several_is_enough() -> None:
    assert chosen(having(HOME, WORK), authors=(Mailbox("x", "x.test"), BOB)) == "work"


def test_of_several_accounts_of_an_author_it_is_the_default_else_the_first() -> None:
    assert chosen(having(HOME, TWIN, default="twin"), authors=(ANN,)) == "twin"
    assert chosen(having(TWIN, HOME, WORK, default="work"), authors=(ANN,)) == "twin"


def test_then_the_default() -> None:
    assert chosen(having(HOME, WORK, default="work"), authors=(Mailbox("x", "x.test"),)) == "work"


def test_then_the_only_one() -> None:
    assert chosen(having(WORK)) == "work"


def test_several_without_a_default_decide_nothing() -> None:
    assert chosen(having(HOME, WORK)) == ""


def test_no_account_is_no_error() -> None:
    assert chosen(Config()) == ""


def test_an_account_without_an_address_is_of_no_author() -> None:
    assert chosen(having(Account("x"), Account("y")), authors=(ANN,)) == ""


@pytest.mark.parametrize(
    ("config", "name", "sentence"),
    [
        (having(HOME, WORK), "wrok", "there is no account 'wrok'; did you mean work?"),
        (having(HOME, WORK), "", "there is no account ''; the accounts are home, work"),
        (Config(), "work", "there is no account 'work'; `ccc account add` makes one"),
    ],
)
def test_an_account_that_there_is_not_is_an_error_with_a_cure(
    config: Config, name: str, sentence: str
) -> None:
    for ask in (lambda: chosen(config, name), lambda: account_named(config, name)):
        with pytest.raises(UsageError) as caught:
            ask()
        assert str(caught.value) == sentence
        assert status_of(caught.value) == 64


@pytest.mark.parametrize(
    ("account", "server", "sentence"),
    [
        (
            Account("x"),
            "smtp",
            'account x: it has no smtp server; add smtp = "smtps://USER@HOST" to [account.x]',
        ),
        (
            Account("x", provider="gmail"),
            "imap",
            'account x: nothing says who you are at gmail; add address = "…" to [account.x]',
        ),
        (
            Account("x", provider="mailgun"),
            "smtp",
            "account x: nothing says who you are at mailgun; "
            'add login = "…" (your user name there) to [account.x]',
        ),
        (
            Account("x", provider="mailgun"),
            "imap",
            'account x: it has no imap server; add imap = "imaps://USER@HOST" to [account.x]',
        ),
    ],
)
def test_what_an_account_lacks_is_said_where_it_is_needed(
    account: Account, server: str, sentence: str
) -> None:
    error = lacking(account, server)
    assert str(error) == sentence
    assert status_of(error) == 78
