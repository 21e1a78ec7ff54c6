"""The help is documentation: its examples run, and what is generated from it is up to date."""

import importlib.util
import shlex
from pathlib import Path

import click
import pytest

from ccc.cli.main import COMMANDS, ccc
from tests.cli.conftest import MAIL
from tests.cli.inbox import inbox
from tests.journal.sent import report, send
from tests.lab.dns import Dns
from tests.lab.sink import EVERYTHING, Sink

ROOT = Path(__file__).parents[2]
# A command keeps the help option of the first context it meets: this must be the real one's.
GROUP = click.Context(ccc, info_name="ccc", help_option_names=["-h", "--help"])


def examples(text):
    """The commands in a help text, continued lines joined."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("  ccc "):
            while line.endswith("\\"):
                line = line[:-1] + next(lines)
            yield line.strip()


def every_example():
    commands = [ccc, *(ccc.get_command(GROUP, name) for name in COMMANDS)]
    for each in list(commands[1:]):
        if isinstance(each, click.Group):
            commands += (each.get_command(GROUP, name) for name in each.list_commands(GROUP))
    return list(dict.fromkeys(example for each in commands for example in examples(each.help or "")))


def test_every_command_has_an_example():
    for name in COMMANDS:
        if name != "completion":
            assert any(example.startswith(f"ccc {name}") for example in every_example())


@pytest.fixture
def desk(folder):
    """What the examples speak of: mails, a list of people, a sendmail program, a password store."""
    (folder / "mail.eml").write_bytes(MAIL)
    (folder / "people.txt").write_text("ann@example.org\nbob@example.org\n")
    for name, script in (("pass", "echo secret"), ("sendmail", "cat > /dev/null")):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o700)
    return folder


@pytest.fixture
def kept(desk, state_folder):
    """The ID of what the journal has: a delivery that was deferred, and a report about it."""
    entry = send(state_folder, "later@b.test")
    (desk / "report.eml").write_bytes(report("later@b.test", envid=entry.name))
    return entry.name


@pytest.fixture
def world(desk, dovecot, postfix, authority, tmp_path):
    """The account that the examples speak of: work, with mails in its mailbox."""
    made = inbox(
        dovecot,
        authority,
        desk,
        (
            f'smtp = "smtp://me%40example.org@localhost:{postfix.ports["submission"]}"',
            'redirect_to = ["me@home.test"]',
        ),
    )
    made.put("annual report", "budget")
    made.put("budget", folder="Sent", author="Me <me@example.org>")
    place = desk / ".config" / "ccc" / "config.toml"
    place.parent.mkdir(parents=True)
    made.config.rename(place)
    return {"HOME": str(desk)}


def needs_account(example):
    """Whether it is about a mailbox or an account."""
    words = shlex.split(example)
    return words[1] in ("list", "pick", "account", "doctor") or any("imap" in word for word in words)


EXAMPLES = every_example()
SET_UP = [each for each in EXAMPLES if each.startswith(("ccc account add", "ccc account login"))]
SET_UP += [each for each in EXAMPLES if "--canary" in each]  # tests/setup has them
PICKED = [each for each in EXAMPLES if each.startswith("ccc pick")]
WITH_ACCOUNT = [each for each in EXAMPLES if needs_account(each) and each not in SET_UP + PICKED]
STRAIGHT = [each for each in EXAMPLES if each.startswith("ccc route")]
PLAIN = [each for each in EXAMPLES if not needs_account(each) and each not in STRAIGHT]


@pytest.mark.parametrize("example", SET_UP)
def test_an_example_of_setting_up_is_understood(example):
    context, words = GROUP, shlex.split(example)[1:]
    while isinstance(context.command, click.Group):
        command = context.command.get_command(context, words[0])
        context = command.make_context(
            words[0], words[1:] if not isinstance(command, click.Group) else [], context
        )
        words = words[1:]


@pytest.mark.parametrize("example", PICKED)
def test_the_example_of_picking_shows_the_table(example, at_terminal, world):
    screen = at_terminal(example, **world)
    screen.until("budget")
    screen.child.send("q")
    assert screen.end()[1] == 1


@pytest.mark.parametrize("example", WITH_ACCOUNT)
def test_the_example_works_with_an_account(example, run, desk, world, tmp_path):
    words = shlex.split(example.partition(" > ")[0])[1:]
    done = run(*words, env={"PATH": f"{desk}:/usr/bin:/bin", "TMPDIR": str(tmp_path), **world})
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("example", STRAIGHT)
def test_the_example_works_where_the_world_is_small(example, run, folder, internet):
    zone = "example.net. IN MX 10 mx.example.net.\nmx.example.net. IN A 192.0.2.12"
    with internet.inside(), Dns(zone) as dns:
        (folder / "config.toml").write_text(f'dns_resolver = "{dns.address}"\n')
        done = run(*shlex.split(example)[1:], env={"CCC_CONFIG": str(folder / "config.toml")})
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("example", PLAIN)
def test_the_example_works(example, run, desk, kept, authority, tmp_path):
    with Sink(EVERYTHING, tls=authority.server_context(), implicit=True, mechanisms=("PLAIN",)) as sink:
        sink.login = ("me", "secret")
        words = [
            word.replace("me@smtp.example.org", f"me@localhost:{sink.port}")
            for word in shlex.split(example.partition(" > ")[0])[1:]
        ]
        words = [{"*.eml": "sent.eml", "k3f9xq7m": kept}.get(word, word) for word in words]
        if words[0] == "retry":  # it knows the way from before, which is gone
            words += ["--smtp", f"smtps://me@localhost:{sink.port}"]
        if "--smtp" in words:
            words += ["--tls-ca-file", str(authority.ca_file)]
            if "--password-command" not in words:
                words += ["--password-command", "echo secret"]
        words = [f"sendmail:{desk}/sendmail" if word == "sendmail" else word for word in words]
        path = f"{desk}:/usr/bin:/bin"
        done = run(*words, stdin=MAIL, env={"PATH": path, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr.decode()
    assert sink.messages == ("--smtp" in words)


def generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_generated_is_up_to_date():
    stale = [str(path.relative_to(ROOT)) for path in generate().outdated()]
    assert stale == [], "run: make docs"


def test_the_manual_names_every_option():
    manual = generate().man().replace("\\-", "-")
    for name in COMMANDS:
        for parameter in ccc.get_command(GROUP, name).params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[0] in manual


def test_the_exit_statuses_of_the_manual_are_those_of_the_program():
    from ccc.receipt import EXIT

    assert set(generate().EXIT_MEANINGS) == {0, *EXIT.values()} - {76}


def test_the_picture_shows_the_panels_and_stays_the_same():
    module = generate()
    words = " ".join(" ".join(module.texts_in(module.picture())).split())
    assert "Envelope: who gets it" in words
    assert "new, gets it" in words
    assert module.picture() == module.picture()
