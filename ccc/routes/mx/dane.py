"""DANE for SMTP (RFC 7672): what a mail host's domain says of its certificate in signed DNS.

Only what DNSSEC proved counts: the MX records, the host's addresses, the TLSA records. Where all of that is
signed nobody can take it away, so an answer that does not come is no answer: TryLaterError, never less TLS.
"""

import sys
from enum import Enum
from typing import NamedTuple

from ccc.resolver import Resolver
from ccc.routes.mx.target import Host, Target
from ccc.transport.tlsa import END_ENTITY, TRUST_ANCHOR, Tlsa, agile

PORT = 25  # the name of the records has it, wherever a test connects to


class State(Enum):
    """What DANE asks for."""

    ABSENT = "no DANE"
    UNUSABLE = "TLS, since there are TLSA records, though none that ccc can use"  # RFC 7672, 2.2
    USABLE = "TLS with a certificate that a TLSA record knows"


class Dane(NamedTuple):
    """What was found for one host.

    `base` is the name that the usable `records` stand for, and `names` those that a certificate below one of
    their trust anchors, if they have any, may have; `why` says, if there is no DANE, at what it ended.
    """

    state: State
    base: str = ""
    records: tuple[Tlsa, ...] = ()
    names: tuple[str, ...] = ()
    why: str = ""


def look_up(resolver: Resolver, target: Target, host: Host) -> Dane:
    """What DANE asks for at this host; TryLaterError if nobody can say."""
    if not host.name:
        return Dane(State.ABSENT, why="an address has no TLSA records")
    if not target.secure:
        return Dane(State.ABSENT, why=f"the MX records of {target.domain} are not proved by DNSSEC")
    bases = _bases(resolver, host)
    if not bases:
        return Dane(State.ABSENT, why=f"the addresses of {host.name} are not proved by DNSSEC")
    for base in bases:
        found = resolver.tlsa(f"_{PORT}._tcp.{base}")
        if found.secure and found.records:  # RFC 7672, 2.2: what is not secure is as good as absent
            usable = agile(each for each in found.records if is_usable(each))
            state = State.USABLE if usable else State.UNUSABLE
            return Dane(state, base, usable, _names(usable, base, target, host))
    return Dane(State.ABSENT, why=f"{host.name} has no TLSA records")


def _bases(resolver: Resolver, host: Host) -> tuple[str, ...]:
    """The names below which there may be records, in order (RFC 7672, 2.2.2); none where no zone is signed.

    An alias may be signed although what it stands for is not: its own records count then.
    """
    if host.secure:
        return tuple(dict.fromkeys((host.canonical or host.name, host.name)))
    aliased = host.canonical not in ("", host.name)
    return (host.name,) if aliased and resolver.alias(host.name).secure else ()


def is_usable(record: Tlsa) -> bool:
    """Whether ccc can judge a certificate by this record."""
    if record.usage == TRUST_ANCHOR and sys.version_info < (3, 13):
        return False  # Python does not show the issuers that a server sends
    # RFC 7672, 3.1.3: PKIX-TA(0) and PKIX-EE(1) are not for SMTP
    return record.usage in (TRUST_ANCHOR, END_ENTITY) and record.well_formed


def _names(records: tuple[Tlsa, ...], base: str, target: Target, host: Host) -> tuple[str, ...]:
    """The names that a certificate may have; the domain is one since its MX records are secure."""
    if all(each.usage == END_ENTITY for each in records):
        return ()  # RFC 7672, 3.1.1: none is asked for
    return tuple(dict.fromkeys((base, host.name, target.domain)))  # RFC 7672, 3.2.2
