"""Where a server is, how it is reached and who logs in there: what discovery looks for."""

import re
from typing import NamedTuple

_HOST = re.compile(
    r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


class Place(NamedTuple):
    """A submission or IMAP server; `implicit`: TLS from the start, else STARTTLS."""

    host: str
    port: int
    implicit: bool
    user: str = ""
    oauth_only: bool = False

    def url(self, kind: str) -> str:
        """The URL as the configuration has it; `kind` is smtp or imap."""
        usual = {"smtp": (587, 465), "imap": (143, 993)}[kind][self.implicit]  # RFC 8314, 3.2 and 3.3
        port = "" if self.port == usual else f":{self.port}"
        user = f"{quoted(self.user)}@" if self.user else ""
        return f"{kind}{'s' * self.implicit}://{user}{self.host}{port}"


def quoted(user: str) -> str:
    """A user name in a URL (RFC 3986, 2.1); an @ in it is no harm, since the last one counts."""
    from urllib.parse import quote

    return quote(user, safe="@+!$&'()*,;=")


def is_host(text: str) -> bool:
    """Whether this is the name of a host in lower-case A-labels, with a dot in it or on this host itself."""
    return _HOST.fullmatch(text) is not None


def inside(host: str, domain: str) -> bool:
    """Whether a host belongs to a domain by its name."""
    return f".{host}".endswith(f".{domain}")
