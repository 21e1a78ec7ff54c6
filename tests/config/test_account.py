"""Accounts in the configuration file: what each key becomes, and what is refused with which words."""

from pathlib import Path

import pytest

from ccc.address import Mailbox
from ccc.cli.direct import FLOORS
from ccc.config import Config, read_config
from ccc.config.account import Account, Auth, Floor, FromPolicy, OAuth
from ccc.config.schema import ACCOUNT, TOP, Key
from ccc.errors import ConfigurationError
from ccc.routes.mx.demand import LEVELS
from tests.config.test_config import EXAMPLE, read, refusal, write

ME = Mailbox("me", "example.org", "Me Myself")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def account(file: Path, *lines: str) -> Account:
    """The account that these lines say."""
    return read(file, "\n".join(("[account.work]", *lines))).accounts["work"]


def wrong(file: Path, *lines: str) -> str:
    """The sentence with which these lines of an account are refused, without file and account."""
    sentence = refusal(write(file, "\n".join(("[account.work]", *lines))))
    assert sentence.startswith("config.toml: ")
    return sentence.removeprefix("config.toml: ").removeprefix("account.work.")


# what it becomes


def test_the_example_of_the_page_has_every_key(file: Path) -> None:
    for key in (*TOP, *ACCOUNT):
        assert f"\n{key.name} = " in EXAMPLE


def test_the_example_of_the_page_is_read(file: Path) -> None:
    accounts = read(file, EXAMPLE).accounts
    assert accounts["work"].address == ME
    assert accounts["gmail"].smtp == "smtps://me%40gmail.com@smtp.gmail.com:465"
    assert accounts["host"].via == "sendmail"
    assert [each.auth for each in accounts.values()].count(Auth.OAUTH) == 3


def test_every_key_says_what_it_means_and_what_it_takes() -> None:
    keys = (*TOP, *ACCOUNT)
    assert [key.name for key in keys if not (key.meaning.endswith(".") and key.kind and key.example)] == []
    assert len({key.name for key in ACCOUNT}) == len(ACCOUNT)


@pytest.mark.parametrize("key", [key for key in ACCOUNT if key.words], ids=lambda key: key.name)
def test_a_key_explains_each_word_that_it_takes(file: Path, key: Key[Account]) -> None:
    assert f"is none of {', '.join(word for word, _ in key.words)}; " in wrong(file, f'{key.name} = "x"')


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ('address = "Me Myself <me@example.org>"', "address", ME),
        (
            'identities = ["a@x.org", "Bo <b@x.org>"]',
            "own",
            (Mailbox("a", "x.org"), Mailbox("b", "x.org", "Bo")),
        ),
        ('identities = "a@x.org, b@x.org"', "identities", (Mailbox("a", "x.org"), Mailbox("b", "x.org"))),
        ('smtp = "smtps://me@smtp.example.org"', "smtp", "smtps://me@smtp.example.org"),
        ('imap = "imap://me@imap.example.org"', "imap", "imap://me@imap.example.org"),
        ('via = "sendmail"', "via", "sendmail"),
        ('via = "sendmail:/usr/sbin/sendmail"', "via", "sendmail:/usr/sbin/sendmail"),
        ('via = "lmtp:localhost:24"', "via", "lmtp:localhost:24"),
        ('via = "lmtp:/run/lmtp"', "via", "lmtp:/run/lmtp"),
        ('via = "append:work/Lists and more"', "via", "append:work/Lists and more"),
        ('helo = "host.example.org"', "helo", "host.example.org"),
        ('auth = "none"', "auth", Auth.NONE),
        ('password_command = ["pass", "show", "a b"]', "password_command", ("pass", "show", "a b")),
        ('''password_command = "pass show 'a b'"''', "password_command", ("pass", "show", "a b")),
        ('password_command = ["sh", "-c", "a | b > $c"]', "password_command", ("sh", "-c", "a | b > $c")),
        ("allow_plaintext_keyring = true", "allow_plaintext_keyring", True),
        ('token_command = "oama access me"', "oauth", OAuth(token_command=("oama", "access", "me"))),
        ('client_id = "x"', "oauth", OAuth(client_id="x")),
        ('client_secret = ""', "oauth", OAuth()),
        (
            'token_url = "https://login.x.org/token?a=b"',
            "oauth",
            OAuth(token_url="https://login.x.org/token?a=b"),
        ),
        ('device_url = "http://127.0.0.1:8080/d"', "oauth", OAuth(device_url="http://127.0.0.1:8080/d")),
        ('scopes = ["a", "b"]', "oauth", OAuth(scopes="a b")),
        ('scopes = "a b"', "oauth", OAuth(scopes="a b")),
        ('redirect_to = ["me@home.org"]', "redirect_to", (Mailbox("me", "home.org"),)),
        ('fcc = "Gesendet/übrige"', "fcc", "Gesendet/übrige"),
        ('from_policy = "own"', "from_policy", FromPolicy.OWN),
        ("stores_sent = true", "stores_sent", True),
        ('strip = ["DKIM-Signature", "X-Spam-*"]', "strip", ("DKIM-Signature", "X-Spam-*")),
        ("honours_envelope = false", "honours_envelope", False),
    ],
)
def test_a_key_becomes_what_it_says(file: Path, line: str, field: str, value: object) -> None:
    assert getattr(account(file, line), field) == value


def test_accounts_are_in_the_order_of_the_file(file: Path) -> None:
    text = '[account.z]\n[account.a]\n[account."b.c"]\n'
    assert list(read(file, text).accounts) == ["z", "a", "b.c"]


def test_an_account_of_which_nothing_is_said_has_the_usual_values(file: Path) -> None:
    assert account(file) == Account("work")


@pytest.mark.parametrize("key", ["password_file", "tls_ca_file"])
def test_a_relative_path_begins_at_the_folder_of_the_file(file: Path, key: str) -> None:
    assert getattr(account(file, f'{key} = "a/b"'), key) == str(file.parent / "a" / "b")


@pytest.mark.parametrize(
    ("line", "field", "found"),
    [
        ('password_file = "~/a"', "password_file", "{home}/a"),
        ('tls_ca_file = "~"', "tls_ca_file", "{home}/"),
        ('via = "maildir:~/Mail"', "via", "maildir:{home}/Mail"),
        ('via = "maildir:Mail"', "via", "maildir:{folder}/Mail"),
        ('via = "lmtp:./socket"', "via", "lmtp:{folder}/./socket"),
        ('password_file = "/a"', "password_file", "/a"),
        ('password_file = "~other/a"', "password_file", "{folder}/~other/a"),
    ],
)
def test_a_path_may_begin_at_the_home_folder(file: Path, line: str, field: str, found: str) -> None:
    write(file, f"[account.work]\n{line}")
    read_from = read_config(str(file), {"HOME": "/home/me"}).accounts["work"]
    assert getattr(read_from, field) == found.format(home="/home/me", folder=file.parent)


def test_a_home_that_nobody_knows_is_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccc.config.reading.home", lambda _environ: "")
    assert wrong(file, 'password_file = "~/a"') == (
        "password_file: '~/a' begins at your home folder, and nothing says where that is; set HOME"
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:53", "192.0.2.1:1"])
def test_a_dns_server_is_an_address_with_a_port_or_without(file: Path, address: str) -> None:
    assert read(file, f'dns_resolver = "{address}"').dns_resolver == address


@pytest.mark.parametrize(
    "address",
    ["localhost", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "300.0.0.1", "::1:x", "[::1]", ""],
)
def test_a_dns_server_is_nothing_else(file: Path, address: str) -> None:
    assert "dns_resolver: " in refusal(write(file, f'dns_resolver = "{address}"'))


# what is refused


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('smpt = "x"', "there is no key 'account.work.smpt'; did you mean smtp?"),
        ('SMTP = "x"', "there is no key 'account.work.SMTP'; did you mean smtp?"),
        (
            'colour = "x"',
            "there is no key 'account.work.colour'; the keys are address, identities, provider, ",
        ),
        (
            '"\\u001b" = 1',
            r"there is no key 'account.work.\x1b'; the keys are address, identities, provider, ",
        ),
        (
            '[account.work.home]\naddress = "a@b.org"',
            "there is no key 'account.work.home'; a name with a dot needs quotes: [account.\"work.home\"]",
        ),
    ],
)
def test_a_key_that_does_not_exist_is_refused_with_what_was_meant(
    file: Path, line: str, sentence: str
) -> None:
    assert wrong(file, line).startswith(sentence)


@pytest.mark.parametrize(
    "key", ["password", "Password", "passwd", "pass", "smtp_password", "imap_pass", "app_password", "token"]
)
def test_a_password_is_refused_with_what_to_write_instead(file: Path, key: str) -> None:
    sentence = wrong(file, f'{key} = "hunter2"')
    assert sentence.startswith(f"{key}: a password does not belong in this file; ")
    assert 'password_command = ["pass", "show", "mail/work"]' in sentence
    assert "hunter2" not in sentence


def test_a_password_outside_of_accounts_is_refused_as_well(file: Path) -> None:
    assert "password: a password does not belong in this file" in refusal(write(file, 'password = "hunter2"'))


@pytest.mark.parametrize("url", ["smtps://me:hunter2@h.org", "smtps://me%3Ahunter2@h.org", "x://a:hunter2@b"])
def test_a_password_in_a_url_is_refused_and_not_shown(file: Path, url: str) -> None:
    sentence = wrong(file, f'smtp = "{url}"')
    assert sentence.startswith("smtp: the URL holds a password; keep it where only you can read it")
    assert "hunter2" not in sentence


@pytest.mark.parametrize("value", ['["hunter2"]', "2", '"hunter2\\u0000"'])
def test_what_may_be_a_secret_is_not_shown(file: Path, value: str) -> None:
    assert wrong(file, f"client_secret = {value}") == (
        'client_secret: this is no text; write client_secret = "…", in quotes'
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("address = 5", 'address: a bare number is no text; write address = "…", in quotes'),
        ('address = ""', "address: it is empty; give it a value, or leave it out"),
        (
            'address = "me"',
            "address: address 'me', character 3: the domain is missing; "
            'write it as "name@example.org", or as "Name <name@example.org>"',
        ),
        (
            'address = "a@x.org, b@x.org"',
            "address: address 'a@x.org, b@x.org', character 10: one address was expected, and a second one "
            'begins; write it as "name@example.org", or as "Name <name@example.org>"',
        ),
        (
            'identities = ["a@x.org", 1]',
            'identities: a bare number is no text; write identities = "…", in quotes',
        ),
        (
            'smtp = "smtp.example.org"',
            "smtp smtp.example.org: this is no server; "
            "write smtps://USER@HOST, or smtp://USER@HOST:587 for STARTTLS",
        ),
        (
            'smtp = "imaps://me@imap.example.org"',
            "smtp …@imap.example.org: this is no server; "
            "write smtps://USER@HOST, or smtp://USER@HOST:587 for STARTTLS",
        ),
        (
            'imap = "smtps://me@example.org"',
            "imap …@example.org: this is no server; "
            "write imaps://USER@HOST, or imap://USER@HOST for STARTTLS",
        ),
        (
            'via = "mx:25"',
            "via: 'mx:25' is no way out; write mx, sendmail, sendmail:PATH, maildir:DIR, lmtp:HOST:PORT, "
            "lmtp:PATH or append:ACCOUNT/FOLDER",
        ),
        ('via = "lmtp:x"', "via: 'lmtp:x' is neither lmtp:HOST:PORT nor lmtp:PATH; try lmtp:localhost:24"),
        ('via = "sendmail:"', "via: 'sendmail:' is no way out; write mx, "),
        ('via = "append:a b"', "via: 'append:a b' is no way out; write mx, "),
        ('tls = "dane"', 'tls: it means nothing without via = "mx"; smtps:// and smtp:// in the URL say how'),
        (
            "allow_private_mx = true",
            'allow_private_mx: it means nothing without via = "mx"; leave it out',
        ),
        ('helo = "a b"', 'helo: \'a b\' is no host name; write it as "host.example.org" or "[192.0.2.1]"'),
        (
            'auth = "oauth2"',
            "auth: 'oauth2' is none of password, oauth, none; did you mean oauth?",
        ),
        (
            "auth = 5",
            "auth: a bare number is none of password, oauth, none; "
            'write auth = "password", or another of these words',
        ),
        (
            'password_command = "pass show $x"',
            "password_command: no shell runs this, so '$x' would mean nothing; "
            'write password_command = ["sh", "-c", "…"] for a shell to run it',
        ),
        ('password_command = "a | b"', "password_command: no shell runs this, so '|' would mean nothing; "),
        (
            'password_command = "cat ~/x"',
            "password_command: no shell runs this, so '~/x' would mean nothing; ",
        ),
        (
            '''password_command = "a 'b"''',
            "password_command: no closing quotation; close the quote, or write a list",
        ),
        (
            "password_command = []",
            'password_command: the command is empty; write password_command = ["PROGRAM", "ARGUMENT"]',
        ),
        (
            'password_command = ["a\\u0000b"]',
            r"password_command: 'a\x00b' holds control characters; write it without them",
        ),
        (
            'token_url = "http://login.x.org/token"',
            "token_url: 'http://login.x.org/token' is no https:// URL; write it as the provider does",
        ),
        (
            'strip = ["X-A", "FR*"]',
            "strip: 'FR*' would leave out From, and no mail goes out without it; leave it out of the list",
        ),
        ('strip = ["Sender:"]', "strip: 'Sender:' is no name of a header field; write strip = "),
        ('stores_sent = "yes"', "stores_sent: 'yes' is neither true nor false; write stores_sent = true or "),
        (
            'login = "me"',
            "login: it means nothing without provider; add provider, or leave it out",
        ),
        (
            'tenant = "x"',
            "tenant: it means nothing without provider; add provider, or leave it out",
        ),
        (
            'via = "sendmail"\nsmtp = "smtps://a@b.org"',
            "via: smtp and via are two ways out; leave one of them out",
        ),
        (
            'password_command = "a"\ntoken_command = "b"',
            "token_command: password_command is another way to log in; "
            'add auth = "oauth" or auth = "password"',
        ),
    ],
)
def test_a_value_that_is_none_is_refused_with_what_to_write(file: Path, line: str, sentence: str) -> None:
    assert wrong(file, *line.split("\n")).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            '[account."my work"]',
            "'my work' cannot be the name of an account; use letters, digits and . _ - only",
        ),
        ('[account.""]', "'' cannot be the name of an account; use letters, digits and . _ - only"),
        ("account = 5", "account: a bare number is no table; write [account.NAME]"),
        ("[[account]]", "account: a list is no table; write [account.NAME]"),
        (
            '[account]\naddress = "a@b.org"',
            "account.address: 'a@b.org' is no table; write [account.NAME] above the keys of an account",
        ),
        ('default = "work"', "default: there is no account 'work'; add [account.work]"),
        ('default = "wrok"\n[account.work]', "default: there is no account 'wrok'; did you mean work?"),
        (
            'default = "x"\n[account.work]\n[account.home]',
            "default: there is no account 'x'; the accounts are work, home",
        ),
        (
            '[account.work]\nvia = "append:hom/INBOX"\n[account.home]',
            "account.work.via: there is no account 'hom'; did you mean home?",
        ),
    ],
)
def test_what_is_no_account_is_refused(file: Path, text: str, sentence: str) -> None:
    assert refusal(write(file, text)) == f"config.toml: {sentence}"


def test_the_secret_of_a_client_is_not_shown(file: Path) -> None:
    found = account(file, 'client_secret = "hunter2"')
    assert found.oauth.client_secret == "hunter2"
    assert "client_secret='***'" in repr(found)
    assert "hunter2" not in repr(found)


def test_nothing_of_accounts_is_read_where_the_file_has_none(file: Path) -> None:
    assert read(file, "journal_subjects = true") == Config(journal_subjects=True, accounts={})


def test_an_error_shows_no_octet_that_a_terminal_would_act_on(file: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        account(file, 'helo = "\\u001b[2J"')
    assert "\x1b" not in str(caught.value)


def test_an_account_may_go_straight_to_the_recipients_mail_hosts(file: Path) -> None:
    found = account(file, 'via = "mx"', 'tls = "mta-sts"', "allow_private_mx = true")
    assert (found.via, found.tls, found.allow_private_mx) == ("mx", Floor.MTA_STS, True)


def test_the_floors_of_an_account_and_of_the_command_line_are_those_of_the_route() -> None:
    assert {each.value for each in Floor} == set(FLOORS) == set(LEVELS)
