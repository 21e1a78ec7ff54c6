"""Help that teaches: options stand under headings that say what they decide, examples stand as they are."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

import click

FROM = "Where it comes from"
WHO = "Who gets it"
SEEN = "What they see"
SENDER = "Who sends it"
WAY = "How it goes out"
ACCOUNT = "The account"
LOGIN = "Its login"
RUN = "This run"
HELP = "Help"
SECTIONS = (FROM, WHO, SEEN, SENDER, WAY, ACCOUNT, LOGIN, RUN, HELP)


class Option(click.Option):
    """An option that knows its heading in the help."""

    def __init__(self, *args: Any, section: str = HELP, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.section = section


class Command(click.Command):
    """A command whose help groups the options by what they decide, and keeps examples as they stand."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        attributes["help"] = examples_kept(attributes.get("help") or "")
        super().__init__(*args, **attributes)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; an error knows which command it is about."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings."""
        for section, records in sections(self, ctx):
            with formatter.section(section):
                formatter.write_dl(records)


def examples_kept(text: str) -> str:
    """The help with click's mark on each paragraph that holds an example: it is not to be wrapped."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(f"\b\n{each}" if "\n  " in each else each for each in paragraphs)


def sections(command: click.Command, ctx: click.Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The headings of a command's options, each with its (option, help) pairs."""
    found: dict[str, list[tuple[str, str]]] = {section: [] for section in SECTIONS}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record:
            found[getattr(parameter, "section", HELP)].append(record)
    return ((section, records) for section, records in found.items() if records)
