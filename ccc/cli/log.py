"""`ccc log`: what was sent to whom, what became of it, and what a delivery report changes about that."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING

import click

from ccc.cli import values
from ccc.cli.help import RUN, Command
from ccc.cli.moments import moment
from ccc.cli.options import option, settings
from ccc.cli.terminal import Data, say
from ccc.errors import SourceError, UsageError

if TYPE_CHECKING:
    from ccc.journal.entry import Filter
    from ccc.journal.log import Log

USUAL = 50  # entries that are listed
STATES = (  # those of the journal, as words without a blank
    *("planned", "sending", "committing", "accepted", "deferred"),
    *("refused", "in-doubt", "dropped", "bounced"),
)


@click.command(cls=Command, name="log", short_help="Look up what was sent to whom, and what became of it.")
@click.argument("name", metavar="[ID]", required=False)
@option(
    RUN, "--to", "recipient", metavar="TEXT", callback=values.given, help="A part of the recipient's address."
)
@option(RUN, "--state", type=click.Choice(STATES), help="Only recipients in this state.")
@option(
    RUN,
    "--since",
    metavar="TIME",
    callback=moment(),
    help='From then on: a date (2026-11-20), a time ("2026-11-20 14:03"), or an age (2d).',
)
@option(
    RUN, "--until", metavar="TIME", callback=moment(end=True), help="Up to then; a date counts to its end."
)
@option(RUN, "--message-id", metavar="ID", callback=values.given, help="Only this message.")
@option(
    RUN,
    "--limit",
    metavar="N",
    callback=values.number(int, 1, "number of entries"),
    help=f"The newest N entries; {USUAL} if nothing is said.",
)
@option(RUN, "--all", "everything", is_flag=True, help="All entries.")
@option(RUN, "--json", "as_json", is_flag=True, help="Print one JSON object for each entry.")
@option(RUN, "--bytes", "as_bytes", is_flag=True, help="Write the octets of this entry to standard output.")
@option(
    RUN,
    "--bounce",
    metavar="FILE",
    callback=values.given,
    help="Read a delivery report, and note who did not get it after all.",
)
@settings
def command(
    name: str | None,
    recipient: str | None,
    state: str | None,
    since: float | None,
    until: float | None,
    message_id: str | None,
    limit: int | None,
    bounce: str | None,
    config: str | None,
    *,
    everything: bool,
    as_json: bool,
    as_bytes: bool,
) -> None:
    """Look up what was sent to whom, and what became of it.

    Without an ID it lists the newest entries of the journal, a line for each recipient. With an ID, of which
    the beginning will do, it says everything about that entry, and what can be done next. A report in which
    a server says what it could not deliver is noted with --bounce; FILE may be - for standard input.

    The newest entries:
      ccc log

    What is still open:
      ccc log --state in-doubt
      ccc log --state deferred --since 2d

    Everything about one entry, and the octets that went out:
      ccc log k3f9xq7m
      ccc log k3f9xq7m --bytes > sent.eml

    A server has reported that it could not deliver:
      ccc log --bounce report.eml
    """
    from ccc.journal.entry import Filter, Phase

    phase = Phase(state.replace("-", " ")) if state else None
    wanted = Filter(recipient or "", phase, since, until, message_id or "", limit)
    _refuse_what_excludes_itself(
        {"an ID": name, "--bounce": bounce, "a filter": wanted != Filter() or everything},
        {"--limit": limit, "--all": everything},
        {"--bytes": as_bytes, "--json": as_json},
        {"--bytes": as_bytes, "--bounce": bounce},
    )
    with opened(config) as log:
        if bounce is not None:
            _note(bounce, log, as_json=as_json)
        elif name is not None:
            _tell(name, log, as_json=as_json, as_bytes=as_bytes)
        elif as_bytes:
            raise UsageError("--bytes writes the octets of one entry", "name its ID, which `ccc log` prints")
        else:
            _list(log, wanted._replace(limit=None if everything else limit or USUAL), as_json=as_json)


@contextmanager
def opened(config: str | None) -> Iterator["Log | None"]:
    """The journal as it is; None if there is none yet."""
    import os

    from ccc.config import read_config
    from ccc.journal.log import Log
    from ccc.journal.opening import open_journal

    journal = open_journal(read_config(config, os.environ), os.environ, create=False)
    if journal is None:
        yield None
        return
    with closing(journal):
        yield Log(journal)


def no_entry(name: str) -> SourceError:
    """The journal is empty, and an entry is named."""
    return SourceError(f"the journal has no entry {name!r}", "it is empty")


def _refuse_what_excludes_itself(*choices: Mapping[str, object]) -> None:
    for choice in choices:
        taken = [name for name, value in choice.items() if value]
        if len(taken) > 1:
            raise UsageError(f"{' and '.join(taken[:2])} exclude each other", "leave one of them out")


def _list(log: "Log | None", wanted: "Filter", *, as_json: bool) -> None:
    """The entries that are wanted, and a word if there are more of them."""
    from ccc.cli import entries

    limit = wanted.limit
    listed = log.entries(wanted._replace(limit=limit and limit + 1)) if log else iter(())
    first = next(listed, None)
    if first is None:
        say("the journal has nothing like that" if log and _is_choice(wanted) else "the journal is empty")
        return
    some = islice(chain((first,), listed), limit)
    data = Data()
    if as_json:
        for entry in some:
            data.json(entries.as_json(entry))
    else:
        for line in entries.table(some, wanted):
            data.text(line)
    if next(listed, None):
        say(f"note: this is the newest of it; --limit N lists more than {limit}, --all everything")


def _is_choice(wanted: "Filter") -> bool:
    """Whether some entries are not wanted."""
    return any(value not in (None, "") for value in wanted._replace(limit=None))


def _tell(name: str, log: "Log | None", *, as_json: bool, as_bytes: bool) -> None:
    """One entry: all about it, or its octets."""
    from ccc.cli import entries
    from ccc.cli.words import panel_lines

    if log is None:
        raise no_entry(name)
    entry, data = log.find(name), Data()
    if as_bytes:
        for block in log.octets(entry).blocks():
            data.octets(block)
    elif as_json:
        data.json(entries.as_json(entry))
    else:
        for panel in entries.panels(entry):
            for line in panel_lines(panel):
                data.text(line)


def _note(path: str, log: "Log | None", *, as_json: bool) -> None:
    """A delivery report: who did not get it after all; SourceError if the journal knows nobody of them."""
    from ccc.cli import entries
    from ccc.journal.bounce import read_report
    from ccc.journal.match import matches, note

    report = read_report(_octets_of(path))
    known = tuple(matches(log, report)) if log else ()
    if log is None or not any(match.record for match in known):
        whom = report.recipients[0].address
        raise SourceError(
            f"the journal knows nothing of the mail to {whom} that the report is about",
            "`ccc log` lists what it knows",
        )
    data = Data()
    for match in known:
        note(log, match)
        if as_json:
            data.json(entries.match_json(match))
        else:
            data.text(entries.match_line(match))


def _octets_of(path: str) -> bytes:
    """The octets of a report, or one more than is read of any."""
    from ccc.journal.bounce import LARGEST
    from ccc.message.octets import blocks
    from ccc.sources import open_source

    octets = bytearray()
    for block in blocks(open_source(path)):
        octets += block
        if len(octets) > LARGEST:
            break
    return bytes(octets[: LARGEST + 1])
