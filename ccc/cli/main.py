"""The `ccc` command: its group, and the one place where an error becomes words and an exit status.

A command is imported when it is named, so that `ccc --version` costs no more than click itself.
"""

import importlib
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TextIO

import click

from ccc.cli.help import examples_kept
from ccc.cli.terminal import Data, complain, say_lines
from ccc.errors import CccError, Kind, UsageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

COMMANDS = {
    "resend": "ccc.cli.resend",
    "redirect": "ccc.cli.redirect",
    "pick": "ccc.cli.pick",
    "list": "ccc.cli.listing",
    "retry": "ccc.cli.retry",
    "show": "ccc.cli.show",
    "log": "ccc.cli.log",
    "forget": "ccc.cli.forget",
    "account": "ccc.cli.account",
    "doctor": "ccc.cli.doctor",
    "route": "ccc.cli.route",
    "providers": "ccc.cli.providers",
    "demo": "ccc.cli.demo",
    "completion": "ccc.cli.completion",
}


class Group(click.Group):
    """A group that imports a command when it is named."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        attributes["help"] = examples_kept(attributes.get("help") or "")
        super().__init__(*args, **attributes)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The names of the commands, in the order in which to learn them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(COMMANDS[cmd_name]).command
        return command


def _print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from ccc import __version__

        click.echo(f"ccc {__version__}")
        ctx.exit()


@click.group(
    cls=Group,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
@click.pass_context
def ccc(ctx: click.Context) -> None:
    r"""Deliver an existing mail to people who were left out, and to nobody else.

    The new people read the mail that everybody has, with its author, To and Cc. The envelope decides who
    gets a mail, the header what they read: ccc shows you both before it sends anything.

    Somebody was left out of a mail that you sent:
      ccc resend sent.eml --to late@example.org --smtp smtps://me@smtp.example.org

    Pass on a mail that somebody else wrote, unaltered:
      ccc redirect mail.eml --to friend@example.org --from me@example.org \
          --smtp smtps://me@smtp.example.org

    Set up your account, and none of that need be said again; pick a mail from a table:
      ccc account add me@example.org
      ccc pick

    Look first, send nothing:
      ccc resend sent.eml --to late@example.org --dry-run

    See it work, with no configuration and no network:
      ccc demo

    Exit status: 0 when all who should have it have it, 64 for the command line, 65 for the message, 69
    when somebody was refused, 75 when it is safe and useful to try again; `man ccc` lists them all.
    """
    if ctx.invoked_subcommand is None:
        say_lines(ctx.get_help())
        raise UsageError("no command was named", "begin with `ccc demo`")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run ccc with these arguments, or those of the process; returns the exit status."""
    try:
        _make_streams_safe()
        return _run(arguments)
    except KeyboardInterrupt:
        complain("interrupted")
        return _status_of(Kind.INTERRUPTED)
    except CccError as error:
        complain(str(error))
        return _status(error)
    except Exception as error:  # noqa: BLE001  # a bug of ours: a sentence and a report, no traceback
        from ccc.cli.bug import report

        complain(report(error))
        return _status_of(Kind.BUG)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        status = ccc.main(arguments, prog_name="ccc", standalone_mode=False)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.UsageError as error:
        raise _in_our_words(error) from error
    return status if isinstance(status, int) else 0


def _in_our_words(error: click.UsageError) -> UsageError:
    command = error.ctx.command_path if error.ctx else "ccc"
    if isinstance(error, click.MissingParameter) and error.param and error.param.name == "sources":
        return UsageError("no mail is named", f"name a file, or - for standard input; see `{command} --help`")
    if isinstance(error, click.NoSuchOption):
        return UsageError(f"there is no option {error.option_name}", f"{_near(error)}see `{command} --help`")
    what, _, hint = " ".join(error.format_message().split()).rstrip(".").partition(". ")
    hint = f"{hint.strip('()').replace('Did', 'did')} or " if hint else ""
    return UsageError(what[:1].lower() + what[1:], f"{hint}see `{command} --help`")


def _near(error: click.NoSuchOption) -> str:
    """The options that may have been meant."""
    from difflib import get_close_matches

    near = get_close_matches(error.option_name, error.possibilities or (), 2, 0.5)
    return f"did you mean {' or '.join(near)}? Else " if near else ""


def _status(error: CccError) -> int:
    from ccc.receipt import status_of

    return status_of(error)


def _status_of(kind: Kind) -> int:
    from ccc.receipt import EXIT

    return EXIT[kind]


class _Output(io.FileIO):
    """Standard output for click and rich: what goes wrong with it is said as that, and not by them."""

    def write(self, octets: "ReadableBuffer", /) -> int:
        Data().octets(bytes(octets))
        return memoryview(octets).nbytes


class _Words(io.FileIO):
    """Standard error for them: where it cannot be written, there is nobody to tell."""

    def write(self, octets: "ReadableBuffer", /) -> int:
        rest = memoryview(octets)
        with suppress(OSError):
            while rest:
                rest = rest[os.write(2, rest) :]
        return memoryview(octets).nbytes


def _make_streams_safe() -> None:
    """Keep the numbers 0 to 2 taken, so that no socket of ours is mistaken for a closed stream.

    What is written takes every character, whatever the locale can say, and is written at once.
    """
    while None in (sys.stdin, sys.stdout, sys.stderr):
        if os.open(os.devnull, os.O_RDONLY) > 2:  # 0 to 2 are taken now
            break
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__ and sys.stderr is not None:
        sys.stderr = _text(_Words(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, like: TextIO | None) -> io.TextIOWrapper:
    encoding = like.encoding if like else "utf-8"
    return io.TextIOWrapper(raw, encoding, "backslashreplace", write_through=True)
