"""`ccc pick`: choose mails of your mailbox at a terminal, then go on as `redirect` or `resend` does."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from ccc.cli import options, values
from ccc.cli.help import FROM, RUN, SEEN, WHO, Command
from ccc.cli.listing import folder
from ccc.cli.options import every, option, people
from ccc.cli.terminal import has_terminal
from ccc.errors import SourceError, UsageError

if TYPE_CHECKING:
    from ccc.cli.choices import Choices
    from ccc.cli.stores import Stores
    from ccc.config import Config

PAGE = 50  # mails that are looked at first

_REDIRECTS_OWN = {"show_resent_to": (), "show_resent_cc": (), "resent": "auto"}
_RESENDS_OWN = {"show_to": (), "show_cc": ()}

people_of_both = every(
    people(WHO, "--to", help="Gets it, and is shown in Resent-To; with --resend in Cc."),
    people(WHO, "--cc", help="Gets it, and is shown in Resent-Cc; with --resend in Cc."),
    people(WHO, "--bcc", help="Gets it, and is shown nowhere."),
    people(SEEN, "--show-resent-to", help="Does not get it, and is shown in Resent-To."),
    people(SEEN, "--show-resent-cc", help="Does not get it, and is shown in Resent-Cc."),
    people(SEEN, "--show-to", help="With --resend: does not get it, and is shown in To."),
    people(SEEN, "--show-cc", "--ccc", help="With --resend: does not get it, and is shown in Cc."),
    option(
        SEEN,
        "--resent",
        type=click.Choice(("auto", "always", "never")),
        default="auto",
        show_default=True,
        help="Whether a resent block says who passed it on, as in `ccc redirect`.",
    ),
    options.leftout,
)


@click.command(
    cls=Command, name="pick", short_help="Pick mails of your mailbox at a terminal, then send them."
)
@click.argument("query", metavar="[QUERY]...", nargs=-1)
@option(RUN, "--resend", "as_resend", is_flag=True, help="Do what `ccc resend` does, with sent mail.")
@option(RUN, "--plain", is_flag=True, help="Ask for numbers instead of keys; so it is where TERM is dumb.")
@folder("INBOX, or with --resend the one for sent mail")
@option(
    FROM,
    "--max-size",
    metavar="OCTETS",
    callback=values.number(int, 1, "number of octets"),
    help="Refuse a mail in the mailbox that is larger.  [default: 157286400]",
)
@people_of_both
@options.sender
@options.way
@options.reports
@options.run
def command(query: tuple[str, ...], *, as_resend: bool, plain: bool, **choices: Any) -> int:
    """Pick mails from a table of the newest ones, then see both panels and the question of `ccc redirect`.

    Arrows or j and k move, space marks a mail, / searches on the server, enter goes on with the marked mails
    or with the one under the cursor, q leaves. N not read, A answered, F flagged, P passed on, T draft, D
    deleted. QUERY is what `ccc list` takes, --limit how many mails are looked at first. Nothing is marked as
    read.

    Pass one of the newest mails on:
      ccc pick --to friend@example.net

    Somebody was left out of a mail about the budget that you sent:
      ccc pick --resend budget --to late@example.org
    """
    from ccc.cli.shelf import search_of

    _refuse_the_others(_REDIRECTS_OWN if as_resend else _RESENDS_OWN, choices, as_resend=as_resend)
    if not has_terminal():
        raise UsageError(
            "there is no terminal to pick at",
            "`ccc list` prints the same table, and `ccc redirect --imap-uid UIDS` takes mails from it",
        )
    from ccc.cli.outset import set_out

    action = "resend" if as_resend else "redirect"
    choices["imap_search"] = search_of(query)
    return set_out(action, choices, partial(pick, sent=as_resend, plain=plain))


def pick(choices: "Choices", config: "Config", stores: "Stores", *, sent: bool, plain: bool) -> "Choices":
    """The same choices with the mails that the user picks among those of the search, bound to UIDVALIDITY."""
    from ccc.cli import picking
    from ccc.cli.shelf import ALL, Shelf, folder_of, store_of

    store = store_of(config, choices.account)
    session = stores.session(store)
    shelf = Shelf(session, store.name, folder_of(session, choices.folder, sent=sent))
    search, limit = choices.imap_search or ALL, choices.limit or PAGE
    found = shelf.find(search, limit)
    if not found.mails:
        cure = "look for other words, or in another folder with --folder"
        raise SourceError(f"nothing was found in {shelf.name}", cure)
    if plain or choices.verbose or not picking.takes_keys():  # a dialogue would spoil the drawing
        uids = picking.by_number(shelf, found, limit)
    else:
        uids = picking.by_key(shelf, search, found, limit, choices.color)
    first, *others = uids
    bound = f"{shelf.uidvalidity}:{first}:{first}"  # three numbers cannot be mistaken, two can
    picked = ",".join((bound, *map(str, others)))
    return choices._replace(imap_uid=picked, imap_search=None, folder=shelf.folder, limit=None)


def _refuse_the_others(own: Mapping[str, object], given: Mapping[str, Any], *, as_resend: bool) -> None:
    """Options of the other command are said to be that before anybody picks anything."""
    for name, usual in own.items():
        if given[name] != usual:
            option = f"--{name.replace('_', '-')}"
            what = "does not go with --resend" if as_resend else "goes with --resend alone"
            raise UsageError(f"{option} {what}", "see `ccc pick --help`")
