"""The way out: what --smtp or --via names, or this host's sendmail where somebody can say no."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ccc.cli.choices import Choices
from ccc.cli.terminal import say
from ccc.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from ccc.routes.route import Route
    from ccc.routes.submission import Manner
    from ccc.transport.interrupts import Interrupts


def way_for(choices: Choices, interrupts: "Interrupts", *, terminal: bool) -> "Route | None":
    """The route, not yet logged in; None only in a dry run that names none."""
    if choices.smtp:
        return _server(choices, choices.smtp, interrupts)
    _refuse_idle(choices)
    if choices.via or terminal:
        from ccc.routes.named import find_sendmail, via

        name = choices.via or (find_sendmail() and "sendmail")
        if name:
            route = via(name, _manner(choices, interrupts))
            _refuse_idle_here(choices, route)
            return route
    if choices.dry_run:
        return None
    raise _nowhere()


def logged_in(route: "Route | None", choices: Choices) -> "Route":
    """The route with the password that its login needs; this may ask for it."""
    from ccc.routes.submission import Submission

    if route is None:
        raise _nowhere()
    if not isinstance(route, Submission) or not route.server.user:
        return route
    from ccc.cli.password import password_for
    from ccc.smtp.login import Password

    user = route.server.user
    login = f"{user} at {route.server.host}"
    secret = password_for(login, choices.password_fd, choices.password_command)
    return route._replace(credentials=Password(user, secret))


def _server(choices: Choices, url: str, interrupts: "Interrupts") -> "Route":
    from ccc.routes.submission import Submission
    from ccc.transport.server import from_url

    if choices.tls == "opportunistic" and choices.tls_ca_file:
        raise UsageError(
            "--tls opportunistic verifies nothing, and --tls-ca-file is for that", "leave one out"
        )
    asked = choices.tls or choices.tls_ca_file  # certificates to trust are there to verify with
    opportunistic = choices.tls == "opportunistic" if asked else None
    server = from_url(url, opportunistic=opportunistic)
    if not server.user and (choices.password_command or choices.password_fd is not None):
        raise UsageError("a password is given, and --smtp names no user", "write smtps://USER@HOST")
    return Submission(server, None, _manner(choices, interrupts))


def _manner(choices: Choices, interrupts: "Interrupts") -> "Manner":
    from ccc.routes.submission import Manner
    from ccc.transport.timeouts import Timeouts
    from ccc.transport.transcript import Transcript

    timeouts = Timeouts()
    if choices.tls_ca_file and not os.access(choices.tls_ca_file, os.R_OK):
        raise ConfigurationError(f"--tls-ca-file {choices.tls_ca_file} cannot be read", "check the path")
    return Manner(
        ca_file=choices.tls_ca_file,
        timeouts=timeouts.at_most(choices.timeout) if choices.timeout else timeouts,
        helo=choices.helo,
        window=choices.pipeline_messages,
        transcript=Transcript(say) if choices.verbose else None,
        interrupts=interrupts,
    )


def _nowhere() -> ConfigurationError:
    return ConfigurationError(
        "nothing says how the mail goes out",
        "add --smtp smtps://USER@HOST for a submission server, or --via sendmail for this host's own",
    )


def _refuse_idle(choices: Choices) -> None:
    """An option that would do nothing is a misunderstanding."""
    idle = {
        "--password-fd": choices.password_fd is not None,
        "--password-command": choices.password_command,
        "--tls": choices.tls,
        "--tls-ca-file": choices.tls_ca_file,
    }
    _refuse(idle, "is for a server that --smtp names")


def _refuse_idle_here(choices: Choices, route: "Route") -> None:
    """The same for a route that talks to no server."""
    from ccc.routes.sendmail import Sendmail
    from ccc.routes.submission import Manner, Submission

    if isinstance(route, Submission):
        return
    idle = {
        "--helo": choices.helo,
        "--timeout": choices.timeout,
        "--pipeline-messages": choices.pipeline_messages != Manner().window,
        "--dsn": choices.dsn and not isinstance(route, Sendmail),
    }
    _refuse(idle, f"means nothing to {route.name}")


def _refuse(idle: Mapping[str, object], why: str) -> None:
    for name, given in idle.items():
        if given:
            raise UsageError(f"{name} {why}", "leave it out, or use --smtp")
