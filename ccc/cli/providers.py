"""`ccc providers`: what is known of mail providers, and where it comes from."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from ccc.cli.help import RUN, Command
from ccc.cli.options import option
from ccc.cli.panels import Panel, Row
from ccc.cli.terminal import Data
from ccc.cli.words import panel_lines
from ccc.config.account import Auth, FromPolicy
from ccc.config.provider import Login, Provider, provider, providers
from ccc.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from ccc.transport.server import Server

POLICIES = {  # what becomes of mail whose From is somebody else's
    FromPolicy.OWN: "it is refused",
    FromPolicy.REWRITE: "it is replaced by yours",
    FromPolicy.DOMAIN: "it is refused, unless you have verified its address or domain there",
    FromPolicy.FREE: "it stays",
    FromPolicy.UNKNOWN: "unknown",
}
SHORT = {
    FromPolicy.OWN: "refuses the From of others",
    FromPolicy.REWRITE: "replaces the From of others",
    FromPolicy.DOMAIN: "wants a verified From",
    FromPolicy.FREE: "takes any From",
    FromPolicy.UNKNOWN: "",
}
LOGINS = {
    Login.ADDRESS: "your address",
    Login.LOCAL: "your address, up to the @",
    Login.OWN: "one that you get there",
    Login.NONE: "none",
}


@click.command(cls=Command, name="providers", short_help="Look up what is known of mail providers.")
@click.argument("name", metavar="[NAME]", required=False)
@option(RUN, "--json", "as_json", is_flag=True, help="Print one JSON object for each provider.")
def command(name: str | None, *, as_json: bool) -> None:
    """Look up what is known of mail providers: servers, logins, and what they do with mail.

    Without a NAME it lists them; with one it says all that is known, where one makes a password for
    programs, where the facts come from and how old they are. The name is what `provider` in the
    configuration file takes.

    Every provider:
      ccc providers

    One of them:
      ccc providers gmail
      ccc providers ses:eu-west-1
    """
    data = Data()
    found = providers() if name is None else (_named(name),)
    if as_json:
        for each in found:
            data.json(provider_json(each))
    elif name is None:
        for line in table(found):
            data.text(line)
    else:
        for line in panel_lines(panel(found[0])):
            data.text(line)


def _named(name: str) -> Provider:
    try:
        return provider(name)
    except ConfigurationError as error:  # here it is the command line that named it
        raise UsageError(error.what, error.cure) from error


def table(listed: tuple[Provider, ...]) -> Iterator[str]:
    """A line for each: name, title, submission server, and what becomes of the From of others."""
    rows = [
        (each.name, each.title, each.smtp.name if each.smtp else "not possible", SHORT[each.from_policy])
        for each in listed
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, title, server, policy in rows:
        yield f"{name:<{widths[0]}}  {title:<{widths[1]}}  {server:<{widths[2]}}  {policy}".rstrip()


def panel(it: Provider) -> Panel:
    """Everything about one; what is not known says so where it matters."""
    rows = (
        Row("Domains", ", ".join(it.domains)),
        Row("MX hosts", ", ".join(f"*.{end}" for end in it.mx)),
        Row("Not possible", it.impossible),
        Row("SMTP", _server(it.smtp)),
        Row("Other names", ", ".join(it.hosts)),
        Row("Other ports", ", ".join(map(str, it.ports))),
        Row("IMAP", _server(it.imap) or ("" if it.impossible else "unknown, or none")),
        Row("User name", _login(it)),
        Row("Login", _auth(it)),
        Row("App password", it.app_password_url),
        Row("From of others", _policy(it)),
        Row("Sent copy", _sent_copy(it)),
        Row("Left out", ", ".join(it.strip)),
        Row("Not sent with", ", ".join(it.refused_fields)),
        Row("Envelope", "unknown whether it is honoured" if it.canary else ""),
        Row("Note", it.note),
        *(Row("Source", source) for source in it.source),
        Row("Checked", it.checked),
    )
    return Panel(f"{it.title} ({it.name})", tuple(row for row in rows if row.what))


def provider_json(it: Provider) -> dict[str, object]:
    """The same for `--json`, schema 1; null is what is not known."""
    from ccc.receipt import SCHEMA

    return {
        "schema": SCHEMA,
        "name": it.name,
        "title": it.title,
        "domains": list(it.domains),
        "mx": list(it.mx),
        "smtp": _server_json(it.smtp),
        "hosts": list(it.hosts),
        "ports": list(it.ports),
        "imap": _server_json(it.imap),
        "login": it.login.value,
        "imap_login": it.imap_login.value,
        "user": it.user,
        "auth": it.auth.value,
        "oauth": {
            "authorize_url": it.oauth.authorize_url,
            "token_url": it.oauth.token_url,
            "device_url": it.oauth.device_url,
            "scopes": it.oauth.scopes,
        },
        "from_policy": it.from_policy.value,
        "stores_sent": it.stores_sent,
        "strip": list(it.strip),
        "refused_fields": list(it.refused_fields),
        "canary": it.canary,
        "app_password_url": it.app_password_url,
        "impossible": it.impossible,
        "note": it.note,
        "source": list(it.source),
        "checked": it.checked,
    }


def _server_json(server: "Server | None") -> dict[str, object] | None:
    if server is None:
        return None
    return {"host": server.host, "port": server.port, "security": server.security.name.lower()}


def _server(server: "Server | None") -> str:
    return f"{server.name}, {server.security.value}" if server else ""


def _login(it: Provider) -> str:
    if it.impossible:
        return ""
    smtp = it.user or LOGINS[it.login]
    imap = it.user or LOGINS[it.imap_login]
    return smtp if imap == smtp or it.imap is None else f"{smtp}; for IMAP {imap}"


def _auth(it: Provider) -> str:
    if it.impossible or it.auth is Auth.NONE:
        return ""
    tokens = "an access token (OAuth 2.0)"
    if it.auth is Auth.OAUTH:
        return tokens
    return f"a password, or {tokens}" if it.oauth.token_url else "a password"


def _policy(it: Provider) -> str:
    return "" if it.impossible else POLICIES[it.from_policy]


def _sent_copy(it: Provider) -> str:
    if it.impossible or it.imap is None:
        return ""
    known = {True: "kept by the provider itself", False: "not kept by the provider", None: "unknown"}
    return known[it.stores_sent]
