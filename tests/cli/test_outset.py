"""What a command line alone can have wrong, and the way out that it names."""

import pytest

from tests.cli.conftest import MAIL, another
from tests.lab.sink import EVERYTHING, Sink

DAN = ("--to", "dan@example.org", "--from", "ines@example.org")
HERE = ("--via", "maildir:md")


@pytest.mark.parametrize("option", ["--smtp", "--via", "--save-bytes", "--tls-ca-file"])
def test_an_unset_shell_variable_is_not_taken_for_an_option_left_out(run, option):
    done = run("resend", "sent.eml", *DAN, "--dry-run", option, "")
    assert done.returncode == 64
    assert f"ccc: {option}: its value is empty" in done.stderr.decode()


def test_a_file_descriptor_has_a_largest_number(run):
    done = run("resend", "sent.eml", *DAN, "--smtp", "smtps://me@localhost:1", "--password-fd", "9" * 20)
    assert done.returncode == 64
    assert "is no file descriptor" in done.stderr.decode()


@pytest.mark.parametrize("sources", [("sent.eml",), ("other.eml", "link.eml", "--limit", "1")])
def test_the_octets_never_go_over_a_message_that_is_named(run, folder, sources):
    (folder / "other.eml").write_bytes(another(2))
    (folder / "link.eml").hardlink_to(folder / "sent.eml")
    done = run("resend", *sources, *DAN, *HERE, "--save-bytes", "./sent.eml")
    assert done.returncode == 64
    assert "--save-bytes names the message itself" in done.stderr.decode()
    assert (folder / "sent.eml").read_bytes() == MAIL


def test_the_octets_never_go_over_standard_input(at_terminal, folder):
    command = "ccc resend - --to dan@example.org --yes --via maildir:md --save-bytes sent.eml < sent.eml"
    rest, status = at_terminal(command).end()
    assert status == 64, rest
    assert (folder / "sent.eml").read_bytes() == MAIL


@pytest.mark.parametrize("tls", [(), ("--tls", "required")])
def test_certificates_to_trust_are_verified_with_on_this_host_too(run, authority, tmp_path, tls):
    with Sink(EVERYTHING, tls=authority.server_context("localhost")) as sink:
        url = ("--smtp", f"smtp://localhost:{sink.port}")
        assert run("resend", "sent.eml", *DAN, *url, "--tls-ca-file", authority.ca_file).returncode == 0
    with Sink(EVERYTHING) as bare:
        url = ("--smtp", f"smtp://localhost:{bare.port}")
        done = run("resend", "sent.eml", *DAN, *url, *tls, "--tls-ca-file", authority.ca_file, "--again")
    assert done.returncode == 75, done.stderr
    assert b"STARTTLS" in done.stderr
    assert bare.transactions == []


def test_certificates_to_trust_are_of_no_use_where_nothing_is_verified(run, authority):
    url = ("--smtp", "smtp://localhost:1", "--tls", "opportunistic")
    done = run("resend", "sent.eml", *DAN, *url, "--tls-ca-file", authority.ca_file)
    assert done.returncode == 64
    assert b"--tls opportunistic verifies nothing" in done.stderr
