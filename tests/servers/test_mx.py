"""Straight to the recipients' mail hosts, in a small internet: real DNS, real Postfix at port 25."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccc.cli.main import run
from tests.lab.internet import Internet
from tests.servers.command import ccc, without_trace

MAIL = (
    b"From: Ines Maro <ines@example.org>\nTo: Ann <ann@example.com>\nSubject: Minutes\n"
    b"Date: Tue, 17 Nov 2026 09:30:00 +0000\nMessage-ID: <%s@example.org>\n\nHello\n"
)
DIRECT = ("--from", "me@example.org", "--via", "mx", "--resent", "never")

# who is written to, and which host takes the mail of each
TAKEN = {
    "ann@order.open": "one.test",  # by preference
    "ann@refusing.open": "two.test",  # the first host refuses connections
    "ann@busy.open": "two.test",  # … says 421
    "ann@six.open": "six.test",
    "ann@picky.open": "picky.test",
    "ann@bare.open": "two.test",  # no MX records
    "ann@dane.test": "one.test",
    "ann@sts.open": "one.test",
    "ann@stripped.open": "one.test",  # by way of somebody who takes STARTTLS away
}
REFUSED = {
    "gone@picky.open": "refused",  # by the first host alone, which has the last word
    "ann@null.open": "domain",
    "ann@nowhere.open": "domain",
}
KEPT_BACK = {  # and what is said of it
    "ann@forged.test": "the certificate of wrong.test is none of those in its TLSA records",
    "ann@stripped.test": "the server does not offer STARTTLS",
    "ann@stsname.open": "two.test is none of the hosts in the MTA-STS policy of stsname.open",
    "ann@stscert.open": "the certificate of wrong.test cannot be trusted",
    "ann@stsstripped.open": "the server does not offer STARTTLS",
}
BOGUS = {  # domains that lead where nobody should be led
    "ann@to-lo4.open": "loopback",
    "ann@to-lo6.open": "loopback",
    "ann@to-mapped.open": "loopback",
    "ann@to-zero.open": "unspecified",
    "ann@to-private.open": "private",
    "ann@to-localhost.open": "this host's name for itself",
    "ann@to-literal.open": "an address, where a name belongs",
    "ann@[127.0.0.1]": "loopback",
    "ann@[IPv6:::1]": "loopback",
}
LOOP = "ann@to-loop.open"  # its host is an alias of an alias of itself

Outcomes = dict[str, dict[str, Any]]


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    path = tmp_path / "letter.eml"
    path.write_bytes(MAIL % b"1")
    return path


def options(internet: Internet) -> tuple[str, ...]:
    """Where its DNS is, and whom to trust."""
    return ("--config", str(internet.config), "--tls-ca-file", str(internet.ca_file))


@pytest.fixture
def send(
    internet: Internet, letter: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, Outcomes]]:
    """Redirect a letter in the small internet: the exit status, and what became of each recipient."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(letter.parent / "cache"))

    def redirect(*words: str) -> tuple[int, Outcomes]:
        with internet.inside():
            status = run(["redirect", str(letter), *DIRECT, *options(internet), "--json", *words])
        return status, outcomes_in(capfd.readouterr().out)

    return redirect


def outcomes_in(said: str) -> Outcomes:
    """What became of each recipient."""
    found = (outcome for line in said.splitlines() for outcome in json.loads(line)["outcomes"])
    return {outcome["recipient"]: outcome for outcome in found}


@pytest.fixture(scope="module")
def sent(internet: Internet, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """One run, in a process of its own, to everybody: what became of each."""
    folder = tmp_path_factory.mktemp("sent")
    (folder / "letter.eml").write_bytes(MAIL % b"everybody")
    people = ",".join((*TAKEN, *REFUSED, *KEPT_BACK, *BOGUS, LOOP))
    with internet.inside(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("CCC_STATE_DIR", str(folder / "state"))
        done = ccc("redirect", folder / "letter.eml", *DIRECT, *options(internet), "--json", "--to", people)
    assert done.returncode == 75, done.stderr
    return outcomes_in(done.stdout.decode())


@pytest.mark.parametrize(("address", "host"), TAKEN.items())
def test_the_host_whose_turn_it_is_takes_the_mail(
    address: str, host: str, sent: Outcomes, internet: Internet
) -> None:
    assert sent[address]["state"] == "accepted", sent[address]
    assert internet.hosts.took(address)[0] == host


def test_the_octets_that_arrive_are_those_of_the_mail(sent: Outcomes, internet: Internet) -> None:
    arrived = {without_trace(internet.hosts.mailbox(address)[0].octets) for address in TAKEN}
    assert arrived == {MAIL % b"everybody"}


@pytest.mark.parametrize(("address", "kind"), REFUSED.items())
def test_what_is_refused_for_good_is_asked_of_no_other_host(
    address: str, kind: str, sent: Outcomes, internet: Internet
) -> None:
    assert (sent[address]["state"], sent[address]["kind"]) == ("refused", kind)
    assert internet.hosts.took(address) == []


@pytest.mark.parametrize(("address", "why"), KEPT_BACK.items())
def test_nothing_is_sent_where_what_was_published_does_not_hold(
    address: str, why: str, sent: Outcomes, internet: Internet
) -> None:
    assert sent[address]["state"] == "deferred"
    assert why in sent[address]["reason"]
    assert internet.hosts.took(address) == []


@pytest.mark.parametrize(
    ("address", "protection"),
    [
        ("ann@dane.test", "TLSv1.3, verified by DANE"),
        ("ann@sts.open", "TLSv1.3, verified (MTA-STS)"),
        ("ann@order.open", "TLSv1.3, not verified"),
        ("ann@stripped.open", "in clear"),
    ],
)
def test_the_receipt_says_how_it_was_protected(address: str, protection: str, sent: Outcomes) -> None:
    assert sent[address]["hop"].endswith(f":25, {protection}")


@pytest.mark.parametrize(("address", "why"), BOGUS.items())
def test_a_domain_that_leads_where_it_must_not_is_refused(address: str, why: str, sent: Outcomes) -> None:
    assert sent[address]["state"] == "refused"
    assert why in sent[address]["reason"]


def test_a_host_that_is_an_alias_of_itself_is_an_answer_that_may_come_later(sent: Outcomes) -> None:
    assert (sent[LOOP]["state"], sent[LOOP]["kind"]) == ("deferred", "try later")


def test_no_domain_of_a_stranger_leads_to_this_host(sent: Outcomes, internet: Internet) -> None:
    assert sent
    assert [sink.links for sink in internet.home_alone] == [0, 0]


def test_a_private_network_is_one_for_those_who_ask_for_it(
    send: Callable[..., tuple[int, Outcomes]], internet: Internet
) -> None:
    before = internet.private.links
    assert send("--to", "ann@to-private.open")[0] == 69
    assert internet.private.links == before
    assert send("--to", "ann@to-private.open", "--allow-private-mx", "--again")[0] == 0
    assert internet.private.transactions[-1].forward_paths == ("ann@to-private.open",)


def test_a_null_mx_alone_is_exit_status_68(send: Callable[..., tuple[int, Outcomes]]) -> None:
    assert send("--to", "ann@null.open")[0] == 68


def test_a_greylisted_mail_arrives_when_it_is_tried_again(
    send: Callable[..., tuple[int, Outcomes]], internet: Internet, capfd: pytest.CaptureFixture[str]
) -> None:
    status, outcomes = send("--to", "ann@grey.open")
    assert (status, outcomes["ann@grey.open"]["reason"]) == (75, "450 4.2.0 greylisted")
    assert internet.hosts.took("ann@grey.open") == []  # the second host was not asked
    with internet.inside():
        assert run(["retry", "--all", "--json", "--config", str(internet.config)]) == 0
    again = outcomes_in(capfd.readouterr().out)["ann@grey.open"]
    assert again["hop"].startswith("grey.test [192.0.2.15]:25")


def test_a_retry_looks_up_anew_where_mail_goes(
    send: Callable[..., tuple[int, Outcomes]], internet: Internet, capfd: pytest.CaptureFixture[str]
) -> None:
    before, zone = "later.open. MX 10 refusing.test.", internet.zone
    internet.dns.zone(f"{zone}\n{before}")
    assert send("--to", "ann@later.open")[0] == 75
    internet.dns.zone(f"{zone}\n{before.replace('refusing', 'two')}")
    with internet.inside():
        assert run(["retry", "--all", "--config", str(internet.config), "-q"]) == 0
    assert internet.hosts.took("ann@later.open") == ["two.test"]


def test_a_retry_keeps_the_floor_that_was_asked_for(
    send: Callable[..., tuple[int, Outcomes]], internet: Internet
) -> None:
    assert send("--to", "ann@floor.open", "--tls", "dane")[0] == 68
    assert send("--to", "floor@order.open", "--tls", "dane")[0] == 75
    with internet.inside():
        assert run(["retry", "--all", "--config", str(internet.config), "-q"]) == 75
    assert internet.hosts.took("floor@order.open") == []


def test_a_host_that_does_not_promise_tls_for_the_rest_of_the_way_gets_nothing_that_needs_it(
    send: Callable[..., tuple[int, Outcomes]], internet: Internet
) -> None:
    status, outcomes = send("--to", "promise@dane.test", "--require-tls")
    assert (status, outcomes["promise@dane.test"]["state"]) == (69, "refused")
    assert "REQUIRETLS" in outcomes["promise@dane.test"]["reason"]
    assert internet.hosts.took("promise@dane.test") == []


def test_port_25_that_nobody_answers_at_is_named_with_the_way_out(
    send: Callable[..., tuple[int, Outcomes]],
) -> None:
    status, outcomes = send("--to", "ann@blocked.open", "--timeout", "0.3")
    assert status == 75
    assert "as it is where a network blocks port 25" in outcomes["ann@blocked.open"]["reason"]
    assert "--smtp URL" in outcomes["ann@blocked.open"]["cure"]


def test_an_account_may_go_straight_to_the_mail_hosts(
    internet: Internet, letter: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    account = '[account.direct]\naddress = "me@example.org"\nvia = "mx"\nhelo = "me.test"\ntls = "dane"\n'
    config.write_text(internet.config.read_text() + account)
    with internet.inside():
        status = run(["redirect", str(letter), "--to", "acc@dane.test", "--config", str(config), "-v"])
    assert (status, internet.hosts.took("acc@dane.test")) == (0, ["one.test"])
    assert "EHLO me.test" in capfd.readouterr().err
