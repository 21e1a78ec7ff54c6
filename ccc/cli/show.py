"""`ccc show`: an x-ray of a message, before anything is done with it."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ccc.cli.help import RUN, Command, Option
from ccc.cli.terminal import Data

if TYPE_CHECKING:
    from ccc.cli.panels import Panel


@click.command(cls=Command, name="show", short_help="Look at a mail: who saw it, what is signed.")
@click.argument("source", type=click.Path())
@click.option("--json", "as_json", is_flag=True, cls=Option, section=RUN, help="Print one JSON object.")
@click.option(
    "--color",
    type=click.Choice(("auto", "always", "never")),
    default="auto",
    cls=Option,
    section=RUN,
    show_default=True,
    help="Colours at a terminal. NO_COLOR is respected.",
)
def command(source: str, *, as_json: bool, color: str) -> None:
    """Show what a mail says about itself: who saw it, how it came, what is signed.

    SOURCE is a file that holds one mail (.eml, .emlx), or - for standard input. Nothing is sent. It also
    says what a redirect would leave out, and which signatures a resend or a redirect would break.

    Look at a mail:
      ccc show mail.eml

    For a program:
      ccc show mail.eml --json
    """
    from ccc.cli import xray
    from ccc.sources import read_source

    message = read_source(source)
    data = Data()
    if as_json:
        data.json(xray.as_json(message))
        return
    _print(xray.panels(message), data, color)


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
