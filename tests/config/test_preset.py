"""What a provider's preset adds to an account, and what it leaves as the file has it."""

from pathlib import Path

import pytest

from ccc.config.account import Auth, FromPolicy
from ccc.transport.server import Security, from_url, imap_from_url
from tests.config.test_account import account, wrong


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


# how one logs in


@pytest.mark.parametrize(
    ("lines", "auth"),
    [
        ((), Auth.PASSWORD),
        (('token_command = "a"',), Auth.OAUTH),
        (('client_id = "a"',), Auth.OAUTH),
        (('password_file = "a"', 'token_command = "a"', 'auth = "password"'), Auth.PASSWORD),
        (('provider = "outlook"',), Auth.OAUTH),
        (('provider = "outlook"', 'password_command = "a"'), Auth.PASSWORD),
        (('provider = "gmail"',), Auth.PASSWORD),
        (('provider = "gmail"', 'client_id = "a"'), Auth.OAUTH),
        (('provider = "localhost"',), Auth.NONE),
    ],
)
def test_how_one_logs_in_follows_from_what_is_there(file: Path, lines: tuple[str, ...], auth: Auth) -> None:
    assert account(file, *lines).auth is auth


# what a provider fills in


def test_a_provider_fills_in_what_is_not_said(file: Path) -> None:
    found = account(file, 'provider = "gmail"', 'address = "Me <me@gmail.com>"')
    assert found.smtp == "smtps://me%40gmail.com@smtp.gmail.com:465"
    assert found.imap == "imaps://me%40gmail.com@imap.gmail.com:993"
    assert (found.from_policy, found.stores_sent) == (FromPolicy.REWRITE, True)
    assert found.oauth.token_url == "https://oauth2.googleapis.com/token"


def test_what_is_said_stands_before_what_is_known(file: Path) -> None:
    mine = (
        'provider = "gmail"',
        'address = "me@gmail.com"',
        'smtp = "smtps://x@smtp.x.org"',
        'from_policy = "free"',
        "stores_sent = false",
        'strip = ["Sender"]',
        'token_url = "https://x.org/"',
    )
    found = account(file, *mine)
    assert found.smtp == "smtps://x@smtp.x.org"
    assert found.imap == "imaps://me%40gmail.com@imap.gmail.com:993"
    assert (found.from_policy, found.stores_sent, found.strip) == (FromPolicy.FREE, False, ("Sender",))
    assert found.oauth.token_url == "https://x.org/"
    assert found.oauth.authorize_url == "https://accounts.google.com/o/oauth2/v2/auth"


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("me@icloud.com", "me@icloud.com"),
        ('\\"a b\\"@icloud.com', '"a b"@icloud.com'),
        ("a%b/c?d+e@icloud.com", "a%b/c?d+e@icloud.com"),
        ("süß@icloud.com", "süß@icloud.com"),
    ],
)
def test_any_address_is_the_user_of_a_url(file: Path, address: str, user: str) -> None:
    found = account(file, 'provider = "icloud"', f'address = "{address}"')
    assert from_url(found.smtp).user == user
    assert imap_from_url(found.imap).user == user.rpartition("@")[0]


@pytest.mark.parametrize(
    ("lines", "smtp", "imap"),
    [
        (('provider = "webde"', 'address = "me@web.de"'), "me", "me"),
        (('provider = "webde"', 'address = "me@web.de"', 'login = "x"'), "x", "x"),
        (('provider = "icloud"', 'address = "me@x.org"', 'login = "y@icloud.com"'), "y@icloud.com", "y"),
    ],
)
def test_a_user_name_has_the_form_that_the_provider_wants(
    file: Path, lines: tuple[str, ...], smtp: str, imap: str
) -> None:
    found = account(file, *lines)
    assert (from_url(found.smtp).user, imap_from_url(found.imap).user) == (smtp, imap)


def test_a_user_name_of_everybody_is_filled_in(file: Path) -> None:
    found = account(file, 'provider = "sendgrid"')
    assert from_url(found.smtp).user == "apikey"
    assert found.refused_fields == ("X-SMTPAPI",)


def test_a_server_of_this_host_has_no_user(file: Path) -> None:
    assert account(file, 'provider = "localhost"', 'address = "me@x.org"').smtp == "smtp://127.0.0.1:25"


@pytest.mark.parametrize("lines", [('provider = "gmail"',), ('provider = "mailgun"', 'address = "a@b.org"')])
def test_a_server_is_left_open_where_nothing_says_who_logs_in(file: Path, lines: tuple[str, ...]) -> None:
    assert account(file, *lines).smtp == ""


def test_a_user_name_that_a_provider_made_is_said_by_login(file: Path) -> None:
    found = account(file, 'provider = "ses:eu-west-1"', 'login = "AKIA"', 'address = "a@b.org"')
    assert found.smtp == "smtps://AKIA@email-smtp.eu-west-1.amazonaws.com:465"
    assert "DKIM-Signature" in found.strip


def test_starttls_stays_starttls(file: Path) -> None:
    found = account(file, 'provider = "outlook"', 'address = "me@outlook.com"')
    assert from_url(found.smtp).security is Security.STARTTLS


@pytest.mark.parametrize(
    ("line", "tenant"), [("", "common"), ('tenant = "x.onmicrosoft.com"', "x.onmicrosoft.com")]
)
def test_a_tenant_stands_in_the_urls_for_tokens(file: Path, line: str, tenant: str) -> None:
    oauth = account(file, 'provider = "outlook365"', line).oauth
    assert oauth.device_url == f"https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode"
    assert f"/{tenant}/" in oauth.authorize_url
    assert f"/{tenant}/" in oauth.token_url


def test_what_a_server_does_is_known_without_its_provider_being_named(file: Path) -> None:
    found = account(file, 'smtp = "smtps://me@smtp.gmail.com"')
    assert (found.provider, found.from_policy, found.stores_sent) == ("gmail", FromPolicy.REWRITE, True)
    assert (found.smtp, found.imap) == ("smtps://me@smtp.gmail.com", "")


def test_what_a_submission_server_does_says_nothing_of_another_way_out(file: Path) -> None:
    found = account(file, 'provider = "gmail"', 'address = "me@gmail.com"', 'via = "sendmail"')
    assert (found.smtp, found.via, found.from_policy) == ("", "sendmail", FromPolicy.UNKNOWN)
    assert found.imap == "imaps://me%40gmail.com@imap.gmail.com:993"


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (('provider = "gmial"',), "provider: there is no provider 'gmial'; did you mean gmail?"),
        (('provider = "x"',), "provider: there is no provider 'x'; `ccc providers` lists them"),
        (('provider = "ses"',), "provider: 'ses' lacks its region; write provider = \"ses:eu-west-1\""),
        (
            ('provider = "ses:moon"',),
            "provider: 'moon' is no region of ses; write ses:eu-west-1, with your region as the address of "
            "its console shows it",
        ),
        (('provider = "gmail:eu-west-1"',), "provider: there is no provider 'gmail:eu-west-1'; "),
        (
            ('provider = "tuta"',),
            "provider: tuta is not possible: its mail is encrypted end to end by its own programs, and it "
            "has neither IMAP nor a submission server for others; use another provider",
        ),
        (('provider = "gmail"', 'tenant = "x"'), "tenant: gmail has no tenants; leave it out"),
        (('provider = "outlook365"', 'tenant = "a/b"'), "tenant: 'a/b' is no tenant; write its ID, or its "),
        (
            ('provider = "gmail"', 'login = "a"', 'smtp = "smtps://a@b.org"', 'imap = "imaps://a@b.org"'),
            "login: smtp and imap name the user already; leave it out",
        ),
    ],
)
def test_a_provider_that_cannot_be_filled_in_is_refused(
    file: Path, lines: tuple[str, ...], sentence: str
) -> None:
    assert wrong(file, *lines).startswith(sentence)
