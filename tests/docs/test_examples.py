"""Every example in the pages does what the page says."""

import json
from pathlib import Path

import click
import pytest

from ccc.cli.main import COMMANDS, ccc
from ccc.errors import CccError
from tests.docs.pages import NAMES, ROOT, Block, Shown, blocks, commands, same, shown
from tests.docs.shell import PORT, Shell


def play(block: Block, shell: Shell, page: str) -> None:
    """Run one block, or write its file."""
    if block.file:
        path = shell.home / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text.replace(PORT, shell.port))
        path.chmod(0o755)
    if "elsewhere" in block.info:
        return
    match block.info:
        case ("sh", "background"):
            shell.start(block.text)
        case ("sh",):
            output = shell.run(block.text)
            assert shell.status == 0, f"{page}:{block.line}: status {shell.status}\n{output}"
        case ("python",) if not block.file:
            (shell.home / ".example.py").write_text(block.text.replace(PORT, shell.port))
            output = shell.run("python .example.py")
            assert shell.status == 0, f"{page}:{block.line}: {output}"
        case ("console", *_):
            compare(block, shell, page)
        case ("json",):
            json.loads(block.text)


def compare(block: Block, shell: Shell, page: str) -> None:
    for it in shown(block):
        got = output_of(it, block, shell)
        assert same(it.output, got), f"{page}:{it.line}: $ {it.command}\n{got}"


def output_of(it: Shown, block: Block, shell: Shell) -> str:
    """What an example prints."""
    if block.is_a("console", "unattended"):
        return shell.run(it.command)
    return shell.at_terminal(it.command, it.answers)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_can_be_followed_from_its_top_to_its_end(name: str, tmp_path: Path) -> None:
    with Shell(tmp_path) as shell:
        for block in blocks(ROOT / name):
            play(block, shell, name)


@pytest.mark.parametrize("name", NAMES)
def test_each_command_that_is_not_run_is_one_that_ccc_understands(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("people.txt").write_text("late@example.org\n")
    for block in blocks(ROOT / name):
        if "elsewhere" in block.info or block.is_a("text"):
            for arguments in commands(block.text):
                understand(arguments)


def understand(arguments: list[str]) -> None:
    """Have the command line read: its options, its addresses, its numbers."""
    # A command keeps the help option of the first context it meets: this must be the real one's.
    group = click.Context(ccc, info_name="ccc", help_option_names=["-h", "--help"])
    if arguments[0] not in COMMANDS:
        assert arguments[0] in ("--version", "--help", "-h"), arguments
        return
    command = ccc.get_command(group, arguments[0])
    if isinstance(command, click.Group) and arguments[1:]:
        group, arguments = click.Context(command, parent=group, info_name=arguments[0]), arguments[1:]
        command = command.get_command(group, arguments[0])
        assert command is not None, arguments
    if command is None or not arguments[1:]:  # only spoken of
        return
    try:
        command.make_context(arguments[0], arguments[1:], parent=group)
    except (click.ClickException, CccError) as error:
        pytest.fail(f"ccc {' '.join(arguments)}: {error}")
