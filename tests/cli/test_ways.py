"""By which account a mail goes out, who gets it then, and what a provider's rules say about it."""

import json

import pytest

from ccc.accounts.marks import mark, unmark
from ccc.config.account import Account
from tests.cli.conftest import MAIL
from tests.lab.sink import EVERYTHING, Sink

OURS = MAIL
ALSO_OURS = MAIL.replace(b"Ines Maro <ines@example.org>", b"ines@other.test").replace(b"<1@", b"<2@")
THEIRS = MAIL.replace(b"ines@example.org", b"boss@b.test").replace(b"<1@", b"<3@")
CONFIG = """
default = "home"
[account.home]
address = "Ines <ines@example.org>"
smtp = "smtp://127.0.0.1:{one}"
redirect_to = ["me@home.test"]
[account.work]
address = "ines@work.test"
identities = ["ines@other.test"]
smtp = "smtp://127.0.0.1:{other}"
from_policy = "own"
"""


@pytest.fixture
def sinks(folder, monkeypatch):
    """Two submission servers, of the accounts home and work."""
    for name, mail in (("ours.eml", OURS), ("also.eml", ALSO_OURS), ("theirs.eml", THEIRS)):
        (folder / name).write_bytes(mail)
    with Sink(EVERYTHING) as one, Sink(EVERYTHING) as other:
        path = folder / "config.toml"
        path.write_text(CONFIG.format(one=one.port, other=other.port))
        path.chmod(0o600)
        yield one, other


@pytest.fixture
def ccc(run, sinks):
    """Run ccc with these accounts; what both servers got, and how it ended."""

    def ccc(*words, **more):
        done = run(*words, "--config", "config.toml", **more)
        assert b"Traceback" not in done.stderr
        return done

    return ccc


def senders(sinks):
    """The reverse-paths and forward-paths that came to each of the servers."""
    return [[(each.reverse_path, each.forward_paths) for each in sink.transactions] for sink in sinks]


DAN = ("--to", "dan@example.org")


def test_a_resend_goes_by_the_account_that_from_names(ccc, sinks):
    assert ccc("resend", "ours.eml", "also.eml", *DAN).returncode == 0
    assert senders(sinks) == [
        [("ines@example.org", ("dan@example.org",))],
        [("ines@work.test", ("dan@example.org",))],
    ]


def test_an_account_that_is_named_is_taken(ccc, sinks):
    assert ccc("redirect", "ours.eml", *DAN, "-a", "work", "--force").returncode == 0
    assert senders(sinks) == [[], [("ines@work.test", ("dan@example.org",))]]


def test_a_redirect_goes_by_the_default_to_those_it_names(ccc, sinks):
    assert ccc("redirect", "theirs.eml").returncode == 0
    assert senders(sinks) == [[("ines@example.org", ("me@home.test",))], []]


def test_whoever_is_named_takes_the_place_of_redirect_to(ccc, sinks):
    assert ccc("redirect", "theirs.eml", "--bcc", "dan@example.org").returncode == 0
    assert senders(sinks)[0] == [("ines@example.org", ("dan@example.org",))]


def test_without_redirect_to_somebody_must_be_named(ccc):
    done = ccc("redirect", "theirs.eml", "-a", "work")
    assert done.returncode == 64
    assert b"add --to, --cc or --bcc; or redirect_to to the account" in done.stderr


def test_at_a_terminal_it_asks_who_gets_it(at_terminal, sinks):
    screen = at_terminal("ccc redirect theirs.eml -a work --force --config config.toml")
    screen.until("Who shall get it?")
    screen.answer("no address at all")
    screen.until("Who shall get it?")
    screen.answer("dan@example.org")
    screen.until("[y/n]")
    screen.answer("y")
    assert screen.end()[1] == 0
    assert senders(sinks)[1] == [("ines@work.test", ("dan@example.org",))]


def test_a_resend_of_somebody_elses_mail_is_refused(ccc, sinks):
    done = ccc("resend", "theirs.eml", *DAN)
    assert (done.returncode, senders(sinks)) == (64, [[], []])
    assert b"ccc redirect" in done.stderr


def test_what_the_provider_would_refuse_is_not_sent_without_force(ccc, sinks):
    done = ccc("redirect", "theirs.eml", *DAN, "-a", "work")
    assert (done.returncode, senders(sinks)) == (77, [[], []])
    assert b"--force" in done.stderr


def test_a_dry_run_shows_what_the_provider_would_do(ccc):
    done = ccc("redirect", "theirs.eml", *DAN, "-a", "work", "-n", "--json")
    assert "foreign-from" in [each["code"] for each in json.loads(done.stdout)["findings"]]


def test_a_server_that_is_named_takes_the_place_of_all_accounts(ccc, sinks):
    with Sink(EVERYTHING) as third:
        done = ccc("resend", "ours.eml", *DAN, "--smtp", f"smtp://127.0.0.1:{third.port}")
    assert done.returncode == 0
    assert (len(third.transactions), senders(sinks)) == (1, [[], []])


def test_what_was_deferred_goes_by_the_same_account_later(run, folder):
    (folder / "theirs.eml").write_bytes(THEIRS)
    path = folder / "config.toml"
    path.touch(mode=0o600)
    with Sink(EVERYTHING, rcpt={"me@home.test": "451 later"}) as sink:
        path.write_text(CONFIG.format(one=sink.port, other=1))
        assert run("redirect", "theirs.eml", "--config", "config.toml").returncode == 75
    with Sink(EVERYTHING) as sink:
        path.write_text(CONFIG.format(one=sink.port, other=1))
        done = run("retry", "--all", "--config", "config.toml")
    assert (done.returncode, len(sink.transactions)) == (0, 1), done.stderr


@pytest.mark.parametrize(
    ("words", "status", "cure"),
    [
        (("-a", "wrok"), 64, b"did you mean work?"),
        (("--fcc", "Sent"), 64, b"needs an account with IMAP"),
        (("--via", "append:home"), 78, b"imap"),
        (("--via", "append:nobody"), 64, b"home, work"),
        (("--imap-uid", "42"), 78, b"imap"),
    ],
)
def test_what_an_account_lacks_is_said(ccc, words, status, cure):
    done = ccc("redirect", "theirs.eml", *words)
    assert done.returncode == status, done.stderr
    assert cure in done.stderr


def test_fifty_messages_are_as_many_as_go_without_a_word(run, folder, sinks):
    for number in range(51):
        (folder / f"{number}.eml").write_bytes(THEIRS.replace(b"<3@", b"<%d@x." % number))
    mails = [f"{number}.eml" for number in range(51)]
    done = run("redirect", *mails, "--config", "config.toml")
    assert (done.returncode, senders(sinks)) == (64, [[], []])
    assert run("redirect", *mails, "--config", "config.toml", "--yes", "-q").returncode == 0
    assert len(senders(sinks)[0]) == 51


def test_an_account_whose_server_mails_header_addresses_sends_nothing(ccc, sinks, folder, state_folder):
    account = Account("home", smtp=f"smtp://127.0.0.1:{sinks[0].port}")
    mark(account, {"CCC_STATE_DIR": str(state_folder)})
    done = ccc("redirect", "theirs.eml", "--force")
    assert (done.returncode, senders(sinks)) == (77, [[], []])
    assert b"ccc doctor home --canary" in done.stderr
    unmark(account, {"CCC_STATE_DIR": str(state_folder)})
    assert ccc("redirect", "theirs.eml").returncode == 0


def test_what_was_deferred_waits_while_its_account_is_marked(run, folder, state_folder):
    (folder / "theirs.eml").write_bytes(THEIRS)
    path = folder / "config.toml"
    path.touch(mode=0o600)
    with Sink(EVERYTHING, rcpt={"me@home.test": ["451 later", "250 ok"]}) as sink:
        path.write_text(CONFIG.format(one=sink.port, other=1))
        assert run("redirect", "theirs.eml", "--config", "config.toml").returncode == 75
        mark(Account("home", smtp=f"smtp://127.0.0.1:{sink.port}"), {"CCC_STATE_DIR": str(state_folder)})
        done = run("retry", "--all", "--config", "config.toml")
        assert (done.returncode, sink.messages) == (77, 0), done.stderr


def test_another_account_that_cannot_log_in_stops_its_own_mails_only(ccc, sinks, folder):
    path = folder / "config.toml"
    locked = f'[account.locked]\naddress = "ines@third.test"\nsmtp = "smtp://u@127.0.0.1:{sinks[1].port}"\n'
    path.write_text(path.read_text() + locked + 'password_file = "gone"\n')
    third = MAIL.replace(b"ines@example.org", b"ines@third.test").replace(b"<1@", b"<4@")
    (folder / "third.eml").write_bytes(third)
    (folder / "again.eml").write_bytes(OURS.replace(b"<1@", b"<5@"))
    done = ccc("resend", "ours.eml", "third.eml", "again.eml", *DAN, "--json")
    assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == [
        "ours.eml",
        "third.eml",
        "again.eml",
    ]
    assert (done.returncode, len(senders(sinks)[0])) == (78, 2), done.stderr


def test_what_a_provider_would_change_is_not_sent_later_either(run, folder, sinks):
    path = folder / "config.toml"
    (folder / "theirs.eml").write_bytes(THEIRS)
    with Sink(EVERYTHING, rcpt={"me@home.test": ["451 later", "250 ok"]}) as sink:
        path.write_text(CONFIG.format(one=sink.port, other=1))
        assert run("redirect", "theirs.eml", "--config", "config.toml").returncode == 75
        path.write_text(
            CONFIG.format(one=sink.port, other=1).replace("redirect_to", 'from_policy = "own"\nredirect_to')
        )
        done = run("retry", "--all", "--config", "config.toml")
        assert (done.returncode, sink.messages, b"--force" in done.stderr) == (77, 0, True)
        assert run("retry", "--all", "--config", "config.toml", "--force").returncode == 0


def test_options_for_the_mailbox_mean_nothing_to_a_file(ccc):
    for words in (("--folder", "Work"), ("--max-size", "1"), ("--no-mark",)):
        done = ccc("redirect", "theirs.eml", *words)
        assert (done.returncode, words[0].encode() in done.stderr) == (64, True)


def test_what_was_deferred_waits_when_its_account_is_gone(run, folder):
    (folder / "theirs.eml").write_bytes(THEIRS)
    path = folder / "config.toml"
    path.touch(mode=0o600)
    with Sink(EVERYTHING, rcpt={"me@home.test": ["451 later", "250 ok"]}) as sink:
        path.write_text(CONFIG.format(one=sink.port, other=sink.port))
        assert run("redirect", "theirs.eml", "--config", "config.toml").returncode == 75
        path.write_text(
            CONFIG.format(one=1, other=sink.port).replace("home]", "house]").replace('"home"', '"work"')
        )
        done = run("retry", "--all", "--config", "config.toml")
        assert (done.returncode, b"-a NAME" in done.stderr) == (78, True)
        assert run("retry", "--all", "-a", "work", "--force", "--config", "config.toml").returncode == 0
