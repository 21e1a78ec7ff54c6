"""How a run of `resend` or `redirect` begins: what can go wrong with the command line alone, and the way out.

The order is made for speed. Where no question will be asked, the connection is begun before the greater part
of ccc is imported, so that the server's greeting travels meanwhile; nothing is said until there is a plan.
"""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from ccc.cli.choices import Choices
from ccc.cli.signals import Interrupts
from ccc.cli.terminal import has_terminal
from ccc.cli.way import way_for

if TYPE_CHECKING:
    from ccc.routes.route import Route


def set_out(action: str, options: Mapping[str, Any]) -> int:
    """Do what the command line says; returns the exit status."""
    choices, terminal = Choices(**options), has_terminal()
    choices.check(terminal=terminal)
    with Interrupts() as interrupts:
        way = way_for(choices, interrupts, terminal=terminal)
        asks = terminal and not choices.yes
        with _dialling(way, soon=choices.names_somebody and not (asks or choices.dry_run)) as route:
            from ccc.cli.ledger import ledger
            from ccc.cli.sending import Run, send

            gc.freeze()  # see ccc/__main__.py
            gc.enable()
            request = choices.request(action)
            journal = ledger(choices)
            with journal or nullcontext():
                return send(request, Run(choices, interrupts, route, journal, terminal=terminal))


@contextmanager
def _dialling(way: "Route | None", *, soon: bool) -> "Iterator[Route | None]":
    """The way, with its connection begun if it is used soon."""
    from ccc.routes.submission import Submission

    if not soon or not isinstance(way, Submission):
        yield way
        return
    begun = way.dialling()
    try:
        yield begun
    finally:
        begun.hang_up()
