"""`ccc forget`: take out of the journal an entry with what it prevents, or what is only kept to be read."""

import time
from typing import TYPE_CHECKING

import click

from ccc.cli.help import RUN, Command
from ccc.cli.log import no_entry, opened
from ccc.cli.options import option, settings
from ccc.cli.terminal import ask, has_terminal, say
from ccc.errors import Declined, UsageError

if TYPE_CHECKING:
    from ccc.journal.entry import Entry

MEANS = "afterwards the same mail can be sent again to the same people"


def _age(_ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A length of time, in seconds."""
    if value is None:
        return None
    from ccc.duration import FORMS, duration

    try:
        return duration(value)
    except ValueError as error:
        raise UsageError(f"{param.opts[0]}: {value!r} {error}", FORMS) from error


@click.command(cls=Command, name="forget", short_help="Take something out of the journal.")
@click.argument("names", metavar="[ID]...", nargs=-1)
@option(
    RUN,
    "--keep-for",
    metavar="AGE",
    callback=_age,
    help="Drop the sources, subjects and replies of what is settled and older than this, such as 90d.",
)
@option(RUN, "--yes", is_flag=True, help="Answer the question with yes.")
@settings
@option(RUN, "-q", "--quiet", is_flag=True, help="Say nothing when all went well.")
def command(
    names: tuple[str, ...], keep_for: float | None, config: str | None, *, yes: bool, quiet: bool
) -> None:
    """Take something out of the journal.

    An entry that is forgotten is gone with what it prevents: afterwards the same mail can be sent again to
    the same people. So ccc asks first, and without a terminal it needs --yes.

    With --keep-for nothing of that kind happens. What was sent to whom is still known, and is not sent again;
    dropped are the sources, the subjects and the replies of what is settled and older. What is still to be
    sent, or in doubt, stays whole.

    Forget an entry:
      ccc forget k3f9xq7m --yes

    Once a day, from cron:
      ccc forget --keep-for 90d -q
    """
    if names and keep_for is not None:
        raise UsageError("an ID and --keep-for exclude each other", "leave one of them out")
    if not names and keep_for is None:
        raise UsageError(
            "name what to forget: the ID of an entry, or --keep-for AGE", "`ccc log` lists the entries"
        )
    if keep_for is not None:
        _clean(time.time() - keep_for, config, quiet=quiet)
    else:
        _forget(names, config, yes=yes, quiet=quiet)


def _clean(before: float, config: str | None, *, quiet: bool) -> None:
    with opened(config) as log:
        count = log.clean(before) if log else 0
    if not quiet:
        say(f"the details of {_counted(count)} are dropped" if count else "nothing is that old")


def _forget(names: tuple[str, ...], config: str | None, *, yes: bool, quiet: bool) -> None:
    """Find all of them, ask once, then forget them."""
    from ccc.cli.entries import table
    from ccc.journal.entry import Filter

    with opened(config) as log:
        if log is None:
            raise no_entry(names[0])
        entries = {entry.name: entry for entry in map(log.find, names)}
        if not yes:
            if not has_terminal():
                raise UsageError(
                    f"nobody can be asked here, and {MEANS}", "add --yes if that is what you want"
                )
            for line in table(entries.values(), Filter()):
                say(line)
            _ask(f"Forget {_counted(len(entries))}? {MEANS[0].upper()}{MEANS[1:]}.")
        for entry in entries.values():
            log.forget(entry)
            if not quiet:
                say(f"forgot {entry.name}: the mail can be sent again to {_people(entry)}")


def _people(entry: "Entry") -> str:
    """Some of the recipients of an entry, and how many more there are."""
    some = ", ".join(record.mailbox.addr_spec for record in entry.records[:3])
    return some + (f" and {len(entry.records) - 3} more" if len(entry.records) > 3 else "")


def _ask(question: str) -> None:
    try:
        ask(question)
    except Declined:
        raise Declined("nothing was forgotten") from None


def _counted(count: int) -> str:
    return "an entry" if count == 1 else f"{count} entries"
