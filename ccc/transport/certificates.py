"""What to do about a certificate that is not believed: who has to mend what.

OpenSSL checks the issuers first, then the dates, then the name; so a certificate that is for another name has
issuers that are known and dates that are right.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence

SOON = (9, 13)  # X509_V_ERR_CERT_NOT_YET_VALID, …_ERROR_IN_CERT_NOT_BEFORE_FIELD
LATE = (10, 14)  # X509_V_ERR_CERT_HAS_EXPIRED, …_ERROR_IN_CERT_NOT_AFTER_FIELD
ELSEWHERE = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, …_IP_ADDRESS_MISMATCH
ISSUER = (2, 18, 19, 20, 21, 27)  # nobody is known who vouches for it, or it vouches for itself
MOST = 4  # names that are shown


def cure(code: int, names: tuple[str, ...]) -> str:
    """The next step after a verification that ended with this code; `names` are those in the certificate."""
    if code in LATE:
        return "its administrator must renew it, unless the clock of this host is wrong: `date` shows it"
    if code in SOON:
        return "the clock of this host may be wrong: `date` shows it; else ask the server's administrator"
    if code in ELSEWHERE:
        more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
        known = f"it is for {_listed(names[:MOST], more)}: " if names else ""
        return f"{known}name the server as its certificate does, or ask its administrator"
    if code in ISSUER:
        return (
            "check the host name; if its issuer is your own, give that one's certificate with --tls-ca-file, "
            "or as tls_ca_file in the account"
        )
    return "ask the server's administrator for another certificate"


def names_in(shown: ssl.SSLSocket) -> tuple[str, ...]:
    """The hosts that the other end's certificate is for, as it says; none where Python does not tell.

    Before the end of a handshake ssl keeps them to itself, and after one that failed there is no end.
    """
    inside = getattr(shown, "_sslobj", None)
    ask: Callable[[], Sequence[object] | None] = getattr(inside, "get_unverified_chain", tuple)
    chain = ask() or ()
    read: Callable[[], Mapping[str, object]] = getattr(chain[0] if chain else None, "get_info", dict)
    return tuple(dict.fromkeys(_hosts(read().get("subjectAltName"))))


def _hosts(pairs: object) -> Iterator[str]:
    """The names and addresses among the pairs of strings that ssl makes of them."""
    for kind, value in pairs if isinstance(pairs, tuple) else ():
        if kind in ("DNS", "IP Address"):
            yield str(value)


def _listed(names: tuple[str, ...], more: str) -> str:
    if more or len(names) == 1:
        return f"{', '.join(names)}{more}"
    return f"{', '.join(names[:-1])} and {names[-1]}"
