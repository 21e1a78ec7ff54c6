"""`ccc show`: an x-ray of a message, before anything is done with it."""

import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from ccc.cli import options, values
from ccc.cli.help import FROM, RUN, Command
from ccc.cli.options import option
from ccc.cli.terminal import Data
from ccc.errors import SourceError, UsageError

if TYPE_CHECKING:
    from ccc.cli.choices import Choices
    from ccc.cli.panels import Panel
    from ccc.message import Message


@click.command(cls=Command, name="show", short_help="Look at a mail: who saw it, what is signed.")
@click.argument("source", type=click.Path())
@option(
    FROM,
    "-a",
    "--account",
    metavar="NAME",
    callback=values.given,
    help="The account of the configuration whose mailbox it is, else the default one.",
)
@option(
    FROM,
    "--folder",
    metavar="NAME",
    callback=values.given,
    help="The folder of the mailbox, such as Archive/2026. Without this option it is INBOX.",
)
@options.settings
@option(RUN, "--json", "as_json", is_flag=True, help="Print one JSON object.")
@option(RUN, "-v", "--verbose", is_flag=True, help="Show the dialogue with the server.")
@option(
    RUN,
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    show_default=True,
    help="Colours at a terminal. NO_COLOR is respected.",
)
def command(source: str, **given: Any) -> None:
    """Show what a mail says about itself: who saw it, how it came, what is signed.

    SOURCE is a file that holds one mail (.eml, .emlx), mbox:PATH#1, imap:42 or mid:<ID> for a mail of your
    mailbox, or - for standard input. Nothing is sent, and nothing is marked as read. It also says what a
    redirect would leave out, and which signatures a resend or a redirect would break.

    Look at a mail:
      ccc show mail.eml

    At one of your mailbox, as `ccc list` calls it:
      ccc show imap:2

    For a program:
      ccc show mail.eml --json
    """
    from ccc.cli import xray
    from ccc.cli.choices import Choices

    choices = Choices((source,), **given)
    message = _message(choices)
    data = Data()
    if choices.as_json:
        data.json(xray.as_json(message))
        return
    _print(xray.panels(message), data, choices.color)


def _message(choices: "Choices") -> "Message":
    """The one message that is named."""
    if choices.from_imap:
        return _fetched(choices)
    if choices.account:
        raise UsageError("--account is for mail of your mailbox, and none is named", "leave it out")
    choices.check()
    from ccc.sources import read_source

    return read_source(choices.sources[0])


def _fetched(choices: "Choices") -> "Message":
    """The same from an IMAP server."""
    from ccc.cli.signals import Interrupts
    from ccc.cli.stores import Stores
    from ccc.cli.taken import Taken
    from ccc.cli.terminal import has_terminal
    from ccc.config import read_config
    from ccc.journal.opening import open_journal

    config, (name,) = read_config(choices.config, os.environ), choices.sources
    with (
        Interrupts() as interrupts,
        Stores(choices, interrupts, terminal=has_terminal()) as stores,
        open_journal(config, os.environ, create=False) or nullcontext() as journal,
    ):
        taken = Taken("redirect", choices, config, stores, journal)
        taken.look(lambda _: (), terminal=True)  # whatever became of it, it is shown
        found = tuple(islice(taken, 2))
        if not found:
            raise SourceError(f"{name!r} names no message that is there", "see `ccc list` for what is there")
        if len(found) > 1:
            raise UsageError(f"{name!r} holds several messages", f"name one of them, such as {found[0].name}")
        return found[0].read()


def _print(panels: Iterator["Panel"], data: Data, color: str) -> None:
    if color == "always" or (sys.stdout and sys.stdout.isatty()):
        from ccc.cli.render import box, console

        screen = console(color, stdout=True)
        for panel in panels:
            screen.print(box(panel))
        return
    from ccc.cli.words import panel_lines

    for panel in panels:
        for line in panel_lines(panel):
            data.text(line)
