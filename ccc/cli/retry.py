"""`ccc retry`: what was deferred is tried again, with the very same octets; what is in doubt is decided."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from itertools import groupby
from typing import Any

import click

from ccc.accounts.choose import account_named
from ccc.cli import options
from ccc.cli.choices import Choices
from ccc.cli.help import RUN, Command
from ccc.cli.judging import judge, knows_rules, outgoing
from ccc.cli.ledger import remind
from ccc.cli.log import no_entry
from ccc.cli.moments import shown
from ccc.cli.options import option
from ccc.cli.report import Report
from ccc.cli.signals import Interrupts
from ccc.cli.stores import Stores
from ccc.cli.terminal import has_terminal, say
from ccc.cli.way import nowhere, owner_of, refuse_strangers, route_of
from ccc.cli.ways import logged_in
from ccc.config import Config, read_config
from ccc.config.account import Account
from ccc.dispatch import deliver_again
from ccc.errors import CccError, ConfigurationError, Kind, StateError, UsageError
from ccc.journal.entry import Phase, Record
from ccc.journal.journal import Journal
from ccc.journal.log import Log
from ccc.journal.opening import open_journal
from ccc.journal.retry import Due, drop, due, waiting
from ccc.journal.verdict import in_doubt_cure
from ccc.receipt import EXIT, worst
from ccc.routes.closed import Closed
from ccc.routes.named import is_rehearsal
from ccc.routes.route import Route


@click.command(cls=Command, name="retry", short_help="Try again what was deferred.")
@click.argument("name", metavar="[ID]", required=False)
@option(RUN, "--all", "everything", is_flag=True, help="Try everything that was deferred, due or not.")
@option(
    RUN,
    "--in-doubt",
    "in_doubt",
    type=click.Choice(("resend", "drop")),
    help="What is in doubt may have arrived. resend: send the same octets again, which may make a second "
    "copy. drop: do not send it again, and close it.",
)
@options.account
@options.way
@options.force
@options.settings
@option(
    RUN, "--json", "as_json", is_flag=True, help="Print one JSON object, the receipt, for each entry tried."
)
@options.quiet
def command(name: str | None, *, everything: bool, in_doubt: str | None, **given: Any) -> int:
    """Try again what was deferred, with the very same octets, in the way it was sent before.

    Without an ID it takes what is due: soon after the first attempt, then ever later, for five days or as
    long as `retry_for` in the configuration says. With an ID, of which the beginning will do, it takes that
    delivery at once. What is in doubt is left alone unless --in-doubt says what to do about it.

    In cron, every five minutes:
      */5 * * * * ccc retry -q

    Send again what may have arrived, although it may make a second copy:
      ccc retry k3f9xq7m --in-doubt resend

    The options under "How it goes out" are needed only where it shall go another way than before.
    """
    if name is not None and everything:
        raise UsageError("--all and an ID say two things", "leave out one of them")
    if is_rehearsal(given["via"]):
        raise UsageError(
            "--via maildir is a rehearsal, and what `ccc retry` delivers counts as delivered",
            "`ccc log ID --bytes` writes the octets",
        )
    config = read_config(given["config"], os.environ)
    journal = open_journal(config, os.environ, create=False)
    if journal is None:
        if name is not None:
            raise no_entry(name)
        if not given["quiet"]:
            say("nothing is to be done: the journal is empty")
        return 0
    with journal, Interrupts() as interrupts:
        return _Retry(journal, config, interrupts, given).run(name, in_doubt, everything=everything)


class _Retry:
    """One run of `ccc retry`."""

    def __init__(
        self, journal: Journal, config: Config, interrupts: Interrupts, given: Mapping[str, Any]
    ) -> None:
        self._journal = journal
        self._config = config
        self._interrupts = interrupts
        self._given = given
        self._quiet: bool = given["quiet"]
        self._told = 0  # recipients in doubt about whom it has spoken besides the report
        self._report = Report(interrupts, as_json=given["as_json"], quiet=self._quiet, batch=True)

    def run(self, name: str | None, in_doubt: str | None, *, everything: bool) -> int:
        """Do it; returns the exit status."""
        entry = None if name is None else Log(self._journal).number(name)
        if in_doubt == "drop":
            self._drop(name, entry)
            return 0
        taken = due(self._journal, entry, all_=everything, resend=in_doubt == "resend")
        for _, some in groupby(sorted(taken, key=_way_of), key=_way_of):
            self._deliver(tuple(some))
        if not self._quiet:
            if not taken:
                self._say_why_nothing(name)
            self._say_what_waits()
        held = name is not None and any(each.phase is Phase.IN_DOUBT for each in self._records(name))
        return worst((self._report.status, EXIT[Kind.TRY_LATER] if held else 0))

    def _records(self, name: str) -> tuple[Record, ...]:
        return Log(self._journal).find(name).records

    def _drop(self, name: str | None, entry: int | None) -> None:
        """Close what is in doubt."""
        dropped = drop(self._journal, entry)
        if self._quiet:
            return
        for known in dropped:
            say(f"dropped {known.name}: {known.address} is not sent to again")
        if not dropped:
            say("nothing is in doubt" if name is None else f"nothing of {name} is in doubt")

    def _say_why_nothing(self, name: str | None) -> None:
        """Nothing is due; of what is named, nothing is to be sent, and what is in doubt needs a decision."""
        if name is None:
            say("nothing is due")
            return
        entry = Log(self._journal).find(name)
        doubts = [each.mailbox.addr_spec for each in entry.records if each.phase is Phase.IN_DOUBT]
        self._told += len(doubts)
        others = f" and {len(doubts) - 1} more" if len(doubts) > 1 else ""
        why = f": {doubts[0]}{others} is in doubt; {in_doubt_cure(entry.name)}" if doubts else ""
        if any(each.busy for each in entry.records):
            why = ": another ccc has it at this moment"
        say(f"nothing of {entry.name} is to be sent{why}")

    def _deliver(self, some: tuple[Due, ...]) -> None:
        """Try those that go the same way; those that must not go it wait."""
        with ExitStack() as opened:
            way = _Way(self._choices(some[0].way), self._config, named=bool(self._given["account"]))
            route = self._route(way, opened)
            self._interrupts.begin_sending()
            self._report.data.begin_sending()
            for error, group in groupby(some, key=way.refusal):
                for receipt in deliver_again(group, Closed(error) if error else route, self._journal):
                    self._report.record(receipt)

    def _choices(self, way: Mapping[str, object]) -> Choices:
        """The way they went before, as far as the command line does not say otherwise."""
        other = bool(self._given["smtp"] or self._given["via"] or self._given["account"])
        given = {name: value for name, value in self._given.items() if name in Choices._fields and value}
        return Choices(**{**({} if other else way), **given})  # as way_of() wrote it

    def _route(self, way: "_Way", opened: ExitStack) -> Route:
        choices = way.choices
        stores = opened.enter_context(Stores(choices, self._interrupts, terminal=has_terminal()))
        try:
            way.find(stores, self._interrupts)
            if way.route is None:
                raise nowhere(self._config)
            return logged_in(way.route, way.account, choices, stores)
        except CccError as error:
            return Closed(error)

    def _say_what_waits(self) -> None:
        """What is left after this run, and when it is due."""
        try:
            waits = waiting(self._journal)
        except StateError:  # whatever that means for what was sent has been said
            return
        if waits.next_attempt is not None:
            count = "1 delivery" if waits.deferred == 1 else f"{waits.deferred} deliveries"
            say(f"waiting: {count} for a later attempt, the next one at {shown(waits.next_attempt)}")
        remind(self._journal, self._report.in_doubt + self._told)


class _Way:
    """How some deliveries go out, and which of them must not."""

    def __init__(self, choices: Choices, config: Config, *, named: bool) -> None:
        self.choices = choices
        self._named = named  # by this command line
        self.account: Account | None = None
        self.route: Route | None = None
        self._config = config
        self._owner: Account | None = None  # of the mailbox that it leads to

    def find(self, stores: Stores, interrupts: Interrupts) -> None:
        """Find account and route; raises CccError."""
        name = self.choices.account
        if name and name not in self._config.accounts and not self._named:
            raise ConfigurationError(
                f"the account {name!r}, by which it went at first, is gone", "name another one with -a NAME"
            )
        if name:
            self.account = account_named(self._config, name)
        self.route = route_of(self.choices, self.account, self._config, stores, interrupts, terminal=False)
        self._owner = owner_of(self.choices, self.account, self._config)

    def refusal(self, due: Due) -> CccError | None:
        """Why this one must not go that way, if it must not."""
        delivery = due.delivery
        if delivery is None:
            return None
        try:
            if self._owner is not None:
                refuse_strangers(self.choices.via or "", delivery.envelope.forward_paths, self._owner)
            if knows_rules(self.route, self.account):
                judge(outgoing(delivery), self.route, self.account, self.choices, self._config)
        except CccError as error:
            return error
        return None


def _way_of(due: Due) -> str:
    return repr(sorted(due.way.items()))
