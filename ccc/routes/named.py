"""Routes by name: what `--via` says."""

import os

from ccc.errors import ConfigurationError, UsageError
from ccc.routes.route import Route
from ccc.routes.submission import Manner, Submission
from ccc.transport.server import lmtp_from, without_user

WAYS = "mx, sendmail, sendmail:PATH, append:ACCOUNT/FOLDER, maildir:DIR, lmtp:HOST:PORT or lmtp:PATH"


def via(name: str, manner: Manner) -> Route:
    """The route that `--via NAME` names; UsageError if there is none of that name."""
    way, colon, place = name.partition(":")
    match way, bool(place):
        case "sendmail", _ if bool(place) == bool(colon):
            return _sendmail(place, manner)
        case "maildir", True:
            from ccc.routes.maildir import Maildirs

            return Maildirs(place)
        case "lmtp", True:
            return Submission(lmtp_from(place), None, manner)
        case _:
            raise UsageError(f"--via {without_user(name)}: there is no such way", f"use {WAYS}")


def is_rehearsal(name: str | None) -> bool:
    """Whether what goes that way leaves this machine for nobody."""
    return (name or "").startswith("maildir:")


def find_sendmail() -> str | None:
    """The path of this host's sendmail program."""
    from ccc.routes.sendmail import SENDMAIL

    return next((path for path in SENDMAIL if os.access(path, os.X_OK)), None)


def _sendmail(path: str, manner: Manner) -> Route:
    from ccc.routes.sendmail import Sendmail

    program = path or find_sendmail()
    if program is None:
        raise ConfigurationError(
            "this host has no sendmail program", "use --smtp URL, or --via sendmail:PATH"
        )
    if not os.path.isfile(program):
        raise ConfigurationError(f"--via sendmail:{program}: there is no such program", "check the path")
    return Sendmail(program, manner.interrupts)
