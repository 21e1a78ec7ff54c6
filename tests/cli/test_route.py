"""`ccc route`: where a mail would go and how well it would be protected, in words, as JSON, as a status."""

import json

import pytest

from ccc.cli.main import run
from tests.lab.dns import Dns
from tests.lab.internet import Internet


@pytest.fixture
def route(internet: Internet, capfd, tmp_path, monkeypatch):
    """Run `ccc route` in the small internet: its exit status, and what it says."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def ask(*words):
        trust = ("--config", str(internet.config), "--tls-ca-file", str(internet.ca_file), "--timeout", "5")
        with internet.inside():
            status = run(["route", *words, *trust])
        return status, capfd.readouterr()

    return ask


def lines(said):
    return [line.strip() for line in said.out.splitlines()]


def domains(said):
    return {each["domain"]: each for each in map(json.loads, said.out.splitlines())}


def test_the_hosts_stand_in_the_order_of_their_preference(route):
    status, said = route("ann@order.open")
    assert (status, lines(said)[:2]) == (
        0,
        ["domain order.open, for ann@order.open", "host one.test (preference 10) at 192.0.2.11"],
    )
    assert lines(said)[3] == "host two.test (preference 20) at 192.0.2.12"


def test_what_protects_a_domain_is_said(route):
    _, said = route("a@dane.test", "a@sts.open", "a@stsname.open", "a@bare.open", "--json")
    hosts = {domain: found["hosts"][0] for domain, found in domains(said).items()}
    assert {domain: (host["level"], host["tls"], host["dane"]) for domain, host in hosts.items()} == {
        "dane.test": ("dane", "required", "usable"),
        "sts.open": ("mta-sts", "required", "absent"),
        "stsname.open": (None, None, "absent"),
        "bare.open": ("opportunistic", "opportunistic", "absent"),
    }


def test_each_domain_that_takes_no_mail_is_a_status_of_its_own(route):
    _, said = route("a@null.open", "a@nowhere.open", "a@to-localhost.open", "a@stsname.open", "--json")
    assert {domain: found["exit_status"] for domain, found in domains(said).items()} == {
        "null.open": 68,
        "nowhere.open": 68,
        "to-localhost.open": 69,
        "stsname.open": 75,
    }


def test_nothing_is_said_to_any_host_without_being_asked_for(route, internet):
    before = internet.between.links, internet.grey.links
    route("a@stripped.open", "a@grey.open")
    assert (internet.between.links, internet.grey.links) == before


def test_the_hosts_say_whom_they_would_take_and_nothing_is_sent(route, internet):
    status, said = route(
        "asked@picky.open", "gone@picky.open", "b@dane.test", "--connect", "--from", "me@x.org"
    )
    assert status == 69
    assert "at 192.0.2.14: TLSv1.3, not verified" in lines(said)
    assert "at 192.0.2.11: TLSv1.3, verified by DANE" in lines(said)
    assert "asked@picky.open would be taken: 250 2.1.5 Ok" in lines(said)
    refused = "554 5.7.1 <gone@picky.open>: Recipient address rejected: Access denied"
    assert f"gone@picky.open would be refused: {refused}" in lines(said)
    assert internet.hosts.mailbox("asked@picky.open") == []


def test_a_host_that_cannot_show_what_was_published_is_not_told_who_writes_to_whom(route):
    status, said = route(
        "a@forged.test", "a@stripped.test", "a@stscert.open", "--connect", "--from", "me@x.org"
    )
    assert status == 75
    assert "would be taken" not in said.out
    assert "the certificate of wrong.test is none of those in its TLSA records" in said.out


def test_a_host_that_does_not_promise_tls_for_the_rest_of_the_way_is_not_one_to_require_it_of(route):
    status, said = route("a@dane.test", "--require-tls", "--connect", "--from", "me@x.org")
    assert (status, "does not offer REQUIRETLS" in said.out) == (69, True)


def test_a_floor_passes_over_what_offers_less(route):
    status, said = route("ann@order.open", "--tls", "dane")
    assert status == 75
    assert said.out.count("would be passed over") == 2


def test_no_line_begins_with_a_digit(capfd, tmp_path):
    config = tmp_path / "config.toml"
    with Dns("163.test. IN MX 10 mx.163.test.\nmx.163.test. IN A 192.0.2.1") as dns:
        config.write_text(f'dns_resolver = "{dns.address}"\n')
        assert run(["route", "a@163.test", "--config", str(config)]) == 0
    assert not any(line[:1].isdigit() for line in capfd.readouterr().out.splitlines())
