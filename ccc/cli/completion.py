"""`ccc completion`: the script that makes a shell complete ccc's commands and options."""

import click

from ccc.cli.help import Command
from ccc.cli.terminal import Data
from ccc.errors import UsageError

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command, name="completion", short_help="Complete commands and options in your shell.")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes ccc's commands and options in your shell.

    bash, in ~/.bashrc:
      eval "$(ccc completion bash)"

    zsh, in ~/.zshrc:
      eval "$(ccc completion zsh)"

    fish, once:
      ccc completion fish > ~/.config/fish/completions/ccc.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise UsageError(f"this version of click knows no {shell}", "update click")
    script = kind(ctx.find_root().command, {}, "ccc", "_CCC_COMPLETE").source()
    Data().octets(script.encode())
