"""How a run of `resend` or `redirect` begins: what can go wrong with the command line alone, and the way out.

The order is made for speed. Where no question will be asked, the connection is begun before the greater part
of ccc is imported, so that the server's greeting travels meanwhile; nothing is said until there is a plan.
"""

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from ccc.cli.choices import Choices
from ccc.cli.signals import Interrupts
from ccc.cli.stores import Stores
from ccc.cli.terminal import has_terminal
from ccc.cli.way import begun
from ccc.config import Config, read_config

if TYPE_CHECKING:
    from ccc.routes.submission import Submission

Pick = Callable[[Choices, Config, Stores], Choices]


def set_out(action: str, options: Mapping[str, Any], pick: Pick | None = None) -> int:
    """Do what the command line says; returns the exit status. `pick` may choose the messages first."""
    choices, terminal = Choices(**options), has_terminal()
    choices.check()
    config = read_config(choices.config, os.environ)
    with Interrupts() as interrupts, Stores(choices, interrupts, terminal=terminal) as stores:
        choices = pick(choices, config, stores) if pick else choices
        asks = terminal and not choices.yes
        soon = not (asks or choices.dry_run)
        with _dialling(begun(action, choices, config, interrupts) if soon else None) as dialled:
            from ccc.cli.after import Aftermath
            from ccc.cli.ledger import ledger
            from ccc.cli.sending import Run, Tools, send
            from ccc.cli.taken import Taken
            from ccc.cli.ways import Ways

            gc.freeze()  # see ccc/__main__.py
            gc.enable()
            ways = Ways(action, choices, config, stores, interrupts, terminal=terminal, begun=dialled)
            ways.only()  # what is wrong with the command line alone is said before anything else
            journal = ledger(choices, config)
            with journal or nullcontext():
                taken = Taken(action, choices, config, stores, journal)
                taken.look(ways.recipients, terminal=terminal)
                tools = Tools(ways, taken, Aftermath(choices, config, stores), journal)
                return send(Run(choices, interrupts, tools, terminal=terminal))


@contextmanager
def _dialling(dialled: "Submission | None") -> "Iterator[Submission | None]":
    """With a connection that was begun; it is ended if nobody has used it."""
    try:
        yield dialled
    finally:
        if dialled is not None:
            dialled.hang_up()
