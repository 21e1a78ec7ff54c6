"""`ccc providers`, and what the configuration file says to somebody at a shell."""

import json
import re

import pytest

from ccc.config.provider import providers
from tests.docs.pages import ROOT, spans


def test_it_lists_every_provider(run):
    lines = run("providers").stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == [it.name for it in providers()]


def test_the_list_says_what_becomes_of_the_from_of_others(run):
    listed = run("providers").stdout.decode()
    assert re.search(
        r"(?m)^gmail +Gmail and Google Workspace +smtp\.gmail\.com:465 +replaces the From of others$", listed
    )
    assert re.search(r"(?m)^tuta +Tuta Mail +not possible$", listed)


def test_one_is_told_in_full_with_its_source_and_date(run):
    done = run("providers", "gmail")
    told = done.stdout.decode()
    assert told.startswith("Gmail and Google Workspace (gmail)\n")
    for words in (
        "SMTP            smtp.gmail.com:465, TLS from the start",
        "IMAP            imap.gmail.com:993, TLS from the start",
        "Login           a password, or an access token (OAuth 2.0)",
        "App password    https://myaccount.google.com/apppasswords",
        "From of others  it is replaced by yours",
        "Sent copy       kept by the provider itself",
        "Source          https://",
        "Checked         2026-",
    ):
        assert f"\n  {words}" in told
    assert done.returncode == 0


def test_a_region_is_filled_in(run):
    told = run("providers", "ses:eu-west-1").stdout.decode()
    assert "email-smtp.eu-west-1.amazonaws.com:465" in told
    assert "Left out        Delivered-To, Return-Path, DKIM-Signature" in told


def test_what_is_not_possible_says_why(run):
    told = run("providers", "gmail-api").stdout.decode()
    assert "Not possible  it takes the recipients from the header" in told
    assert "User name" not in told


def test_each_can_be_told(run):
    from ccc.cli.providers import panel
    from ccc.cli.words import panel_lines

    for it in providers():
        lines = list(panel_lines(panel(it)))
        assert not any(line.startswith(tuple("0123456789")) for line in lines)


def test_json_has_an_object_for_each(run):
    objects = [json.loads(line) for line in run("providers", "--json").stdout.splitlines()]
    assert [each["name"] for each in objects] == [it.name for it in providers()]
    assert {each["schema"] for each in objects} == {1}
    gmail = json.loads(run("providers", "gmail", "--json").stdout)
    assert gmail in objects
    assert gmail["smtp"] == {"host": "smtp.gmail.com", "port": 465, "security": "implicit"}


def test_every_key_of_the_json_is_explained(run):
    page = re.findall(r"`([^`]+)`", spans(ROOT / "docs" / "providers.md"))
    keys = set(json.loads(run("providers", "gmail", "--json").stdout))
    assert keys - {"schema"} - set(page) == set()


@pytest.mark.parametrize(
    ("name", "words"),
    [("gmial", "there is no provider 'gmial'; did you mean gmail?"), ("", "there is no provider ''; ")],
)
def test_one_that_is_not_known_is_a_usage_error(run, name, words):
    done = run("providers", name)
    assert done.returncode == 64
    assert done.stderr.decode().startswith(f"ccc: {words}")
    assert done.stdout == b""


def test_a_reader_who_goes_away_is_no_error(at_terminal):
    screen = at_terminal("ccc providers | head -1; echo ended")
    rest, _ = screen.end()
    assert rest.splitlines() == ["gmail " + rest.splitlines()[0][6:], "ended"]


# the configuration file, as the command says it


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[account.work", "config.toml, end of document: expected ']'"),
        (
            '[account.work]\nsmpt = "x"',
            "config.toml: there is no key 'account.work.smpt'; did you mean smtp?",
        ),
        ('[account.work]\npassword = "hunter2"', "config.toml: account.work.password: a password does not "),
        (
            "[account.work]\nstores_sent = 1",
            "config.toml: account.work.stores_sent: a bare number is neither ",
        ),
        ('[account.work]\nprovider = "\\u001b]0;"', r"config.toml: account.work.provider: '\x1b]0;' holds "),
    ],
)
def test_a_file_that_is_wrong_is_said_with_its_key_and_a_cure(run, folder, text, words):
    (folder / "config.toml").write_text(text)
    (folder / "config.toml").chmod(0o600)
    done = run("resend", "sent.eml", "--to", "a@b.test", "--dry-run", "--config", "config.toml")
    assert done.returncode == 78
    assert done.stderr.decode().startswith(f"ccc: {words}")
    assert b"hunter2" not in done.stderr + done.stdout
    assert b"\x1b" not in done.stderr
