"""Options for mail that goes straight to the recipients' mail hosts: what fits, and what would do nothing."""

import pytest

from ccc.cli.choices import Choices
from ccc.cli.direct import check, gear, of_account
from ccc.cli.ledger import way_of
from ccc.config import Config
from ccc.config.account import Account, Floor
from ccc.errors import UsageError
from ccc.routes.mx.demand import Level
from ccc.routes.submission import Manner
from tests.lab.dns import Dns

DIRECT = Account("direct", via="mx", helo="me.test", tls=Floor.DANE, allow_private_mx=True)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (
            Choices(via="mx", tls="required"),
            "--tls required is for a server that --smtp names; "
            "with --via mx say opportunistic, verify, mta-sts or dane",
        ),
        (Choices(smtp="smtps://a@b.org", tls="dane"), "--tls dane is for --via mx; leave it out, or use"),
        (Choices(via="sendmail", require_tls=True), "--require-tls is for --via mx; leave it out"),
        (Choices(allow_private_mx=True), "--allow-private-mx is for --via mx; leave it out"),
    ],
)
def test_an_option_that_would_mean_nothing_is_refused(choices: Choices, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(choices, None)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "choices", [Choices(via="mx", tls="dane", require_tls=True), Choices(smtp="smtp://b.org", tls="required")]
)
def test_an_option_that_fits_its_way_is_taken(choices: Choices) -> None:
    check(choices, None)


def test_the_options_fit_the_way_of_the_account_too() -> None:
    check(Choices(tls="verify", allow_private_mx=True), DIRECT)
    with pytest.raises(UsageError):
        check(Choices(tls="verify", smtp="smtps://a@b.org"), DIRECT)


def test_an_account_has_the_first_word_and_the_command_line_the_last() -> None:
    taken = of_account(Choices(), DIRECT)
    assert (taken.tls, taken.allow_private_mx) == ("dane", True)
    assert of_account(Choices(tls="verify"), DIRECT).tls == "verify"


def test_what_is_asked_for_reaches_the_policies_and_the_manner() -> None:
    asked = Choices(via="mx", tls="mta-sts", allow_private_mx=True)
    made = gear(asked, Config(), Manner(ca_file="ca.pem"))
    assert (made.policies.floor, made.policies.ca_file) == (Level.STS, "ca.pem")
    assert made.manner.allow_private


def test_the_journal_keeps_what_a_retry_needs() -> None:
    asked = Choices(via="mx", tls="dane", require_tls=True, allow_private_mx=True, helo="me.test")
    assert Choices(**way_of(asked)) == asked


@pytest.mark.parametrize(
    "words",
    [
        ("--via", "mx", "--password-command", "x"),
        ("--via", "mx", "--tls", "required"),
        ("--via", "sendmail", "--tls", "dane"),
        ("--via", "mx:25"),
    ],
)
def test_a_misunderstanding_is_exit_status_64(run, words) -> None:
    done = run("redirect", "sent.eml", "--from", "me@example.org", "--to", "a@b.test", *words)
    assert done.returncode == 64, done.stderr


def test_a_dry_run_asks_no_mail_host_and_no_dns(run, folder) -> None:
    with Dns("b.test. IN MX 10 mx.b.test.") as dns:
        (folder / "config.toml").write_text(f'dns_resolver = "{dns.address}"\n')
        words = ("--to", "a@b.test", "--via", "mx", "--config", "config.toml", "-n")
        done = run("resend", "sent.eml", *words)
    assert (done.returncode, b"the recipients' mail hosts" in done.stderr) == (0, True), done.stderr
    assert dns.asked == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("doctor", "--only", "smtp"), b"it goes straight to the recipients' mail hosts"),
        (("account", "show", "direct"), b"mta-sts"),
    ],
)
def test_an_account_without_a_server_is_shown_as_it_is(run, folder, words, said) -> None:
    lines = '[account.direct]\naddress = "ines@example.org"\nvia = "mx"\ntls = "mta-sts"\n'
    (folder / "config.toml").write_text(lines)
    done = run(*words, "--config", "config.toml")
    assert (done.returncode, said in done.stdout) == (0, True), done
