"""The pages name options that exist, and the reference names them all."""

import re
from collections.abc import Iterator

import click
import pytest

from ccc.cli.main import COMMANDS, ccc
from tests.docs.pages import NAMES, ROOT, commands, spans

PROSE = [name for name in NAMES if name != "docs/contributing.md"]  # which names other programs' options
OTHERS = {"--strip-trailing-cr", "--user", "--now"}  # of diff, of systemctl
ALWAYS = {"--help", "-h", "--version"}


def options(command: str) -> Iterator[click.Option]:
    """The options of a command, or of those in a group, that its help shows."""
    group = click.Context(ccc, info_name="ccc", help_option_names=["-h", "--help"])
    found = ccc.get_command(group, command)
    assert found is not None, command
    inside: list[click.Command | None] = []
    if isinstance(found, click.Group):
        inside = [found.get_command(group, name) for name in found.list_commands(group)]
    params = (each for one in (found, *inside) if one for each in one.params)
    return (each for each in params if isinstance(each, click.Option) and not each.hidden)


def names(command: str) -> set[str]:
    found = (name for option in options(command) for name in (*option.opts, *option.secondary_opts))
    return {*found} | ALWAYS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_in_the_reference(command: str) -> None:
    reference = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert {name for name in names(command) if name not in reference} == set()


@pytest.mark.parametrize("name", PROSE)
def test_a_page_names_no_option_that_does_not_exist(name: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", (ROOT / name).read_text("utf-8")))
    assert named - set().union(*map(names, COMMANDS)) - OTHERS == set()


@pytest.mark.parametrize("name", PROSE)
def test_a_command_in_a_sentence_has_the_options_named_with_it(name: str) -> None:
    for command, *rest in commands(spans(ROOT / name)):
        if command in COMMANDS:
            assert {word for word in rest if word.startswith("-") and word != "-"} <= names(command)
