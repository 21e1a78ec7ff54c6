"""`ccc list`: the newest mails of a folder, for scripts and for eyes."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import click

from ccc.cli import options, values
from ccc.cli.help import FROM, RUN, Command
from ccc.cli.options import Function, option
from ccc.cli.terminal import Data, has_terminal, say

if TYPE_CHECKING:
    from ccc.cli.shelf import Row, Shelf
    from ccc.imap import Summary

USUAL = 20  # mails
WIDEST = 40  # columns for a person; a longer one moves the rest of its line


def folder(usual: str) -> Callable[[Function], Function]:
    """--folder, which is usually this one."""
    return option(
        FROM,
        "--folder",
        metavar="NAME",
        callback=values.given,
        help=f"The folder of the mailbox, such as Archive/2026. Without this option it is {usual}.",
    )


@click.command(cls=Command, name="list", short_help="List the newest mails of your mailbox.")
@click.argument("query", metavar="[QUERY]...", nargs=-1)
@option(
    FROM,
    "-a",
    "--account",
    metavar="NAME",
    callback=values.given,
    help="The account of the configuration whose mailbox it is, else the default one.",
)
@folder("INBOX")
@option(
    RUN,
    "--limit",
    metavar="N",
    callback=values.number(int, 1, "number of mails"),
    help=f"List so many mails.  [default: {USUAL}]",
)
@options.settings
@option(RUN, "--json", "as_json", is_flag=True, help="Print one JSON object for each mail.")
@options.quiet
def command(
    query: tuple[str, ...],
    account: str | None,
    folder: str | None,
    limit: int | None,
    config: str | None,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
) -> None:
    """List the newest mails of a folder of your mailbox, the newest first.

    Each line has a SOURCE for `ccc redirect`, the date, the flags (N not read, A answered, F flagged, P
    passed on, T draft, D deleted), the size, the author (in the folder for sent mail: to whom it went) and
    the subject. Nothing is marked as read.

    QUERY is words, of which each stands in From, To or Subject; or a search as IMAP has it, which begins with
    one of its keys in capitals, such as FROM, SUBJECT, TEXT, SINCE, UNSEEN, OR or NOT. The server does it.

    What came in last:
      ccc list

    Mails that are about something, and what the boss sent since the first of November:
      ccc list annual report
      ccc list FROM boss SINCE 2026-11-01

    For a script; `source` is what `ccc redirect` takes:
      ccc list UNSEEN --limit 100 --json
    """
    from ccc.cli.choices import Choices
    from ccc.cli.shelf import Shelf, search_of, store_of
    from ccc.cli.signals import Interrupts
    from ccc.cli.stores import Stores
    from ccc.config import read_config

    search = search_of(query)
    choices = Choices(account=account, folder=folder, config=config, verbose=verbose)
    store = store_of(read_config(config, os.environ), account)
    with Interrupts() as interrupts, Stores(choices, interrupts, terminal=has_terminal()) as stores:
        shelf = Shelf(stores.session(store), store.name, folder or "INBOX")
        mails, more = shelf.find(search, limit or USUAL)
        _print(mails, shelf, as_json=as_json)
        if not quiet:
            say(f"note: {_about(shelf, mails, more=more)}")


def _print(mails: "Iterable[Summary]", shelf: "Shelf", *, as_json: bool) -> None:
    from ccc.cli.shelf import as_json as json
    from ccc.cli.shelf import row

    data = Data()
    if as_json:
        for mail in mails:
            data.json(json(mail, shelf))
    else:
        rows = [(shelf.source(mail.uid), row(mail, sent=shelf.sent)) for mail in mails]
        for line in table(rows, "to " if shelf.sent else ""):
            data.text(line)


def table(rows: "list[tuple[str, Row]]", before: str = "") -> Iterator[str]:
    """A line for each mail, after what it is called; no line begins with a digit.

    `before` stands before people.
    """
    sources = max((len(source) for source, _ in rows), default=0)
    letters = max((len(row.flags) for _, row in rows), default=0)
    people = min(WIDEST, max((len(row.who) for _, row in rows), default=0))
    for source, row in rows:
        flags, who = f"{row.flags:<{letters}}", f"{before}{row.who:<{people}}"
        yield f"{source:<{sources}}  {row.when:<16}  {flags}  {row.size:>6}  {who}  {row.subject}".rstrip()


def _about(shelf: "Shelf", mails: "tuple[Summary, ...]", *, more: bool) -> str:
    """Where the mails are, and how many of them are listed."""
    if not mails:
        return f"nothing was found in {shelf.name}"
    these = f"the newest {len(mails)}; --limit N lists more" if more else "all of it"
    return f"{shelf.name}: {these}"
