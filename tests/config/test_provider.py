"""What is known of mail providers: the file, and how one of them is found."""

import re
import tomllib
from collections import Counter
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from ccc.address.domain import a_labels
from ccc.config import provider as module
from ccc.config.account import Auth, FromPolicy
from ccc.config.provider import (
    FILE,
    REGION,
    Login,
    provider,
    provider_of_domain,
    provider_of_host,
    provider_of_mx,
    providers,
)
from ccc.errors import ConfigurationError
from ccc.transport.server import Security

TABLES = tomllib.loads(Path(FILE).read_text("utf-8"))
KEYS = {
    *("title", "domains", "mx", "smtp", "imap", "ports", "login", "imap_login", "auth", "authorize_url"),
    *("token_url", "device_url", "scopes", "from_policy", "stores_sent", "strip", "refused_fields", "canary"),
    *("app_password_url", "impossible", "note", "source", "checked", "like", "hosts"),
}
NAMED = {
    *("gmail", "gmail-relay", "outlook", "outlook365", "icloud", "yahoo", "aol", "fastmail", "zoho", "gmx"),
    *("webde", "posteo", "ionos", "t-online", "gandi", "ovh", "yandex", "mailru", "qq", "netease", "naver"),
    *("runbox", "disroot", "infomaniak", "kolabnow", "proton-bridge", "proton-smtp", "tuta", "ses"),
    *("sendgrid", "mailgun", "mailgun-eu", "postmark", "brevo", "mailjet", "mandrill", "resend", "sparkpost"),
    *("smtp2go", "mailersend", "elastic", "localhost", "mailpit", "graph", "gmail-api", "sparkpost-eu"),
    "sendgrid-eu",
}
ALL = providers()


# the file


def test_it_has_every_provider_that_one_would_look_for() -> None:
    assert set(TABLES) >= NAMED


def test_it_has_no_key_that_nothing_reads() -> None:
    assert set().union(*TABLES.values()) == KEYS


def test_no_name_begins_with_a_digit_as_no_line_of_output_may() -> None:
    assert [name for name in TABLES if not re.fullmatch(r"[a-z][a-z0-9-]*", name)] == []


def test_its_head_explains_every_key() -> None:
    head = Path(FILE).read_text("utf-8").partition("\n[")[0]
    assert [key for key in KEYS if not re.search(rf"(?m)^# [^.]*\b{key}\b", head)] == []


def test_each_section_by_itself_says_what_the_whole_file_says() -> None:
    """A run reads the section of one provider only."""
    assert [it.name for it in ALL] == list(TABLES)
    for it in ALL:
        table = TABLES[it.name]
        like = TABLES.get(table.get("like", ""), {})
        assert "like" not in like
        assert it == module._preset(it.name, {**like, **table})


@pytest.mark.parametrize("field", ["domains", "mx", "hosts"])
def test_a_domain_has_one_provider(field: str) -> None:
    found = Counter(domain for it in ALL for domain in getattr(it, field))
    assert [domain for domain, count in found.items() if count > 1] == []
    assert [domain for domain in found if a_labels(domain) != domain] == []


def test_a_connection_is_private_unless_it_stays_on_this_host() -> None:
    servers = [server for it in ALL for server in (it.smtp, it.imap) if server]
    private = (Security.IMPLICIT, Security.STARTTLS)
    assert [server.name for server in servers if server.security not in private and not server.loopback] == []
    assert [server.name for server in servers if server.user] == []


def test_each_fact_has_a_source_and_a_date() -> None:
    assert [it.name for it in ALL if not (it.title and it.source)] == []
    assert {urlsplit(source).scheme for it in ALL for source in it.source} == {"https"}
    assert min(date.fromisoformat(it.checked) for it in ALL) >= date(2026, 3, 12)


def test_mail_can_be_sent_by_each_or_it_says_why_not() -> None:
    assert [it.name for it in ALL if (it.smtp is None) != bool(it.impossible)] == []
    assert {it.name for it in ALL if it.impossible} == {"tuta", "graph", "gmail-api"}


def test_each_login_is_whole() -> None:
    for it in ALL:
        assert bool(it.user) == (it.login is Login.FIXED), it.name
        assert (it.auth is Auth.NONE) == (it.login is Login.NONE), it.name
        oauth = it.oauth
        assert bool(oauth.token_url) == bool(oauth.authorize_url) == bool(oauth.scopes), it.name
        assert it.auth is not Auth.OAUTH or oauth.token_url, it.name


def test_each_url_that_is_opened_is_https() -> None:
    urls = [
        (it.app_password_url, it.oauth.authorize_url, it.oauth.token_url, it.oauth.device_url) for it in ALL
    ]
    assert {urlsplit(url).scheme for each in urls for url in each if url} == {"https"}


def test_what_it_says_in_words_are_sentences() -> None:
    assert [it.name for it in ALL if it.note and not it.note.endswith(".")] == []
    assert [it.name for it in ALL if it.impossible.endswith(".") or "  " in it.note + it.impossible] == []


def test_a_provider_like_another_differs_in_what_it_says() -> None:
    us, eu = provider("mailgun"), provider("mailgun-eu")
    assert eu.smtp is not None
    assert eu.smtp.host == "smtp.eu.mailgun.org"
    assert (eu.login, eu.from_policy, eu.source) == (us.login, FromPolicy.DOMAIN, us.source)


@pytest.mark.parametrize(
    ("host", "field"),
    [
        ("smtp.sendgrid.net", "X-SMTPAPI"),
        ("smtp.eu.sendgrid.net", "X-SMTPAPI"),
        ("smtp.sparkpostmail.com", "X-MSYS-API"),
        ("smtp.eu.sparkpostmail.com", "X-MSYS-API"),
        ("smtp.mandrillapp.com", "X-MC-BccAddress"),
        ("in.mailjet.com", "X-MJ-TemplateErrorReporting"),
        ("in-v3.mailjet.com", "X-MJ-TemplateErrorReporting"),
    ],
)
def test_a_mail_with_a_field_that_adds_recipients_is_not_for_that_server(host: str, field: str) -> None:
    found = provider_of_host(host)
    assert found is not None
    assert found.refused_fields == (field,)


def test_what_nobody_knows_is_not_claimed() -> None:
    assert provider("icloud").stores_sent is None
    assert provider("posteo").from_policy is FromPolicy.UNKNOWN
    assert provider("mailjet").canary


# how it is found


def test_one_is_found_by_its_name() -> None:
    found = provider("icloud")
    assert (found.title, found.login, found.imap_login) == ("iCloud Mail", Login.ADDRESS, Login.LOCAL)


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "ap-southeast-2"])
def test_amazon_has_a_server_in_every_region(region: str) -> None:
    found = provider(f"ses:{region}")
    assert found.smtp is not None
    assert (found.name, found.smtp.host) == (f"ses:{region}", f"email-smtp.{region}.amazonaws.com")
    assert provider_of_host(found.smtp.host) == found


def test_a_family_shows_where_the_region_goes() -> None:
    found = provider("ses")
    assert found.smtp is not None
    assert REGION in found.smtp.host


@pytest.mark.parametrize("region", ["", "eu", "us-weast", "eu-west-1.evil.test/", "EU-WEST-1"])
def test_what_is_no_region_is_refused(region: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider(f"ses:{region}")
    assert caught.value.what == f"{region!r} is no region of ses"
    assert caught.value.cure == "write ses:eu-west-1, with your region as the address of its console shows it"


@pytest.mark.parametrize("name", ["gmail:x", ""])
def test_what_is_no_provider_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="there is no provider ") as caught:
        provider(name)
    assert caught.value.cure


def test_what_was_meant_is_said() -> None:
    with pytest.raises(ConfigurationError, match="did you mean fastmail"):
        provider("fastmial")


@pytest.mark.parametrize(
    ("domain", "name"),
    [("gmail.com", "gmail"), ("Hotmail.CO.UK", "outlook"), ("gmx.de", "gmx"), ("gmx.com", "gmx-com")],
)
def test_one_is_found_by_the_domain_of_an_address(domain: str, name: str) -> None:
    found = provider_of_domain(domain)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("domain", ["example.org", "mail.com", "com", "", '"', "google.com", "notgmail.com"])
def test_most_domains_have_none(domain: str) -> None:
    assert provider_of_domain(domain) is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("smtp.gmail.com", "gmail"),
        ("SMTP.Office365.com", "outlook365"),
        ("smtp.sendgrid.net.", "sendgrid"),
        ("email-smtp.eu-west-1.amazonaws.com.", "ses:eu-west-1"),
        ("mail-eu.smtp2go.com", "smtp2go"),
        ("smtp-broadcasts.postmarkapp.com", "postmark"),
    ],
)
def test_one_is_found_by_its_submission_server(host: str, name: str) -> None:
    found = provider_of_host(host)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "host",
    [
        *(
            "smtp.example.org",
            "smtp.sendgrid.net..",
            ".",
            "a",
            "sendgrid.net",
            "127.0.0.1",
            "localhost",
            "",
            "smtp",
            "posteo.dev",
            "imap.gmail.com",
        ),
        *(
            "email-smtp.REGION.amazonaws.com",
            "email-smtp.eu-west-1.amazonaws.com.evil.test",
            "email-smtp..amazonaws.com",
        ),
    ],
)
def test_most_servers_are_of_none(host: str) -> None:
    assert provider_of_host(host) is None


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        (["ASPMX.L.GOOGLE.COM.", "alt1.aspmx.l.google.com"], "gmail"),
        (["smtp.google.com"], "gmail"),
        (["example-org.mail.protection.outlook.com"], "outlook365"),
        (["eur.olc.protection.outlook.com"], "outlook"),
        (["in1-smtp.messagingengine.com"], "fastmail"),
    ],
)
def test_one_is_found_by_the_mx_hosts_of_a_domain(hosts: list[str], name: str) -> None:
    found = provider_of_mx(hosts)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "hosts", [[], ["mx.example.org"], ["aspmx.l.google.com", "mx.example.org"], ["evilgoogle.com"], [""]]
)
def test_most_mx_hosts_are_of_none(hosts: list[str]) -> None:
    assert provider_of_mx(hosts) is None
