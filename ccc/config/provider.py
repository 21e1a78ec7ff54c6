"""What is known of mail providers: where their servers are, how to log in, and what they do with mail.

The facts stand in providers.toml, each with its source and the date of that. A run needs one of them at most,
so only its section is read; a hundred would cost more than the rest of the start.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import NamedTuple

from ccc.config.account import Auth, FromPolicy, OAuth
from ccc.config.values import near
from ccc.errors import ConfigurationError
from ccc.transport.server import Server, from_url, imap_from_url

REGION = "REGION"  # in a host name: what stands after the colon of ses:eu-west-1
TENANT = "TENANT"  # in the URLs for Microsoft's tokens
FILE = os.path.join(os.path.dirname(__file__), "providers.toml")

_HEADING = re.compile(r"^\[([a-z0-9-]+)\]$", re.MULTILINE)
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")

Table = Mapping[str, object]


class Login(Enum):
    """What the user name for a provider's servers is."""

    ADDRESS = "address"  # the whole address
    LOCAL = "local part"  # of the address
    OWN = "own"  # one that the provider makes for each user
    FIXED = "fixed"  # the same for everybody
    NONE = "none"  # nobody logs in


class Provider(NamedTuple):
    """A preset; what is None or unknown is not known."""

    name: str
    title: str
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()  # how the names of the MX hosts end of the domains that it serves
    smtp: Server | None = None
    imap: Server | None = None
    hosts: tuple[str, ...] = ()  # further names of the submission server
    ports: tuple[int, ...] = ()  # further ports of it
    login: Login = Login.ADDRESS
    imap_login: Login = Login.ADDRESS
    user: str = ""  # the fixed user name
    auth: Auth = Auth.PASSWORD
    oauth: OAuth = OAuth()
    from_policy: FromPolicy = FromPolicy.UNKNOWN
    stores_sent: bool | None = None
    strip: tuple[str, ...] = ()
    refused_fields: tuple[str, ...] = ()
    canary: bool = False  # nobody knows whether it honours the envelope, so one should be sent first
    app_password_url: str = ""
    impossible: str = ""  # why nothing can be sent by it
    note: str = ""
    source: tuple[str, ...] = ()
    checked: str = ""  # the date of the source: YYYY-MM-DD


def providers() -> tuple[Provider, ...]:
    """Every preset, in the order of the file."""
    return tuple(map(_provider, _sections()))


def provider(name: str) -> Provider:
    """The preset of that name, such as gmail or ses:eu-west-1; ConfigurationError if there is none."""
    family, colon, region = name.partition(":")
    found = _provider(family) if family in _sections() else None
    if found is None:
        raise ConfigurationError(
            f"there is no provider {name!r}", near(family, list(_sections()), "`ccc providers` lists them")
        )
    if not colon:
        return found
    if found.smtp is None or REGION not in found.smtp.host:
        raise ConfigurationError(f"there is no provider {name!r}", f"`ccc providers {family}` shows it")
    if not _REGION.fullmatch(region):
        raise ConfigurationError(
            f"{region!r} is no region of {family}",
            f"write {family}:eu-west-1, with your region as the address of its console shows it",
        )
    return found._replace(name=name, smtp=found.smtp._replace(host=found.smtp.host.replace(REGION, region)))


def provider_of_domain(domain: str) -> Provider | None:
    """The preset of the mail addresses in a domain."""
    wanted = domain.lower()
    return _first(f'"{wanted}"', lambda preset: wanted in preset.domains)


def provider_of_host(host: str) -> Provider | None:
    """The preset of a submission server; none for a server on this host."""
    wanted = host.lower().removesuffix(".")  # the root, which a host name may end in
    if found := _first(wanted, lambda preset: wanted in _hosts(preset)):
        return None if found.smtp and found.smtp.loopback else found
    for template in (name for name, text in _sections().items() if REGION in text):
        preset = _provider(template)
        before, _, after = preset.smtp.host.partition(REGION) if preset.smtp else ("", "", "")
        region = wanted.removeprefix(before).removesuffix(after)
        if wanted == f"{before}{region}{after}" and _REGION.fullmatch(region):
            return provider(f"{template}:{region}")
    return None


def provider_of_mx(hosts: Sequence[str]) -> Provider | None:
    """The preset of a domain whose mail these MX hosts take."""
    names = [f".{host.rstrip('.').lower()}" for host in hosts]
    if not names:
        return None
    for preset in providers():
        if preset.mx and all(any(name.endswith(f".{end}") for end in preset.mx) for name in names):
            return preset
    return None


@cache
def _sections() -> dict[str, str]:
    """The text of each section of the file by its name."""
    with open(FILE, encoding="utf-8") as file:
        _, *pieces = _HEADING.split(file.read())
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def _hosts(preset: Provider) -> tuple[str, ...]:
    """Every name of its submission server."""
    return (preset.smtp.host, *preset.hosts) if preset.smtp else ()


def _first(part: str, fits: Callable[[Provider], bool]) -> Provider | None:
    """The first preset that fits, of those in whose section this part stands."""
    found = (_provider(name) for name, text in _sections().items() if part in text)
    return next(filter(fits, found), None)


@cache
def _provider(name: str) -> Provider:
    return _preset(name, _table(name))


def _table(name: str) -> Table:
    """What the file says of a provider, with what it says of one that this is like."""
    import tomllib

    table: dict[str, object] = tomllib.loads(_sections()[name])
    like = table.pop("like", "")
    return {**_table(str(like)), **table} if like else table


def _preset(name: str, table: Table) -> Provider:
    smtp, imap = _text(table, "smtp"), _text(table, "imap")
    login, _, user = _text(table, "login").partition(":")
    stores_sent = table.get("stores_sent")
    ports = table.get("ports", ())
    return Provider(
        name=name,
        title=_text(table, "title"),
        domains=_texts(table, "domains"),
        mx=_texts(table, "mx"),
        smtp=from_url(smtp) if smtp else None,
        imap=imap_from_url(imap) if imap else None,
        hosts=_texts(table, "hosts"),
        ports=tuple(map(int, ports)) if isinstance(ports, list) else (),
        login=Login(login or Login.ADDRESS.value),
        imap_login=Login(_text(table, "imap_login") or login or Login.ADDRESS.value),
        user=user,
        auth=Auth(_text(table, "auth") or Auth.PASSWORD.value),
        oauth=OAuth(
            authorize_url=_text(table, "authorize_url"),
            token_url=_text(table, "token_url"),
            device_url=_text(table, "device_url"),
            scopes=_text(table, "scopes"),
        ),
        from_policy=FromPolicy(_text(table, "from_policy") or FromPolicy.UNKNOWN.value),
        stores_sent=stores_sent if isinstance(stores_sent, bool) else None,
        strip=_texts(table, "strip"),
        refused_fields=_texts(table, "refused_fields"),
        canary=table.get("canary") is True,
        app_password_url=_text(table, "app_password_url"),
        impossible=_text(table, "impossible"),
        note=_text(table, "note"),
        source=_texts(table, "source"),
        checked=_text(table, "checked"),
    )


def _text(table: Table, key: str) -> str:
    return str(table.get(key, ""))


def _texts(table: Table, key: str) -> tuple[str, ...]:
    value = table.get(key, ())
    return tuple(map(str, value)) if isinstance(value, list) else ()
