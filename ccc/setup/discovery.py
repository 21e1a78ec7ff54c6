"""Which servers an address has: a preset, then what its domain says in the DNS, then Autoconfig.

Each fact comes with where it is from, so that a user can judge it. What an unsigned zone says may be forged
on its way; a server outside of the user's domain that nothing else vouches for is marked, to be asked about.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from ccc.address import Mailbox
from ccc.errors import TryLaterError
from ccc.resolver import Unanswered
from ccc.setup.autoconfig import NotAutoconfig, settings
from ccc.setup.https import Fetch
from ccc.setup.place import Place, inside, is_host

if TYPE_CHECKING:
    from ccc.config.provider import Provider
    from ccc.resolver import Answer, Resolver, Srv

SERVICES = {  # RFC 8314, 5.1: TLS from the start is preferred
    "smtp": (("_submissions._tcp", True), ("_submission._tcp", False)),
    "imap": (("_imaps._tcp", True), ("_imap._tcp", False)),  # RFC 6186, 3.2
}
ISPDB = "autoconfig.thunderbird.net"

Say = Callable[[str], None]


class Found(NamedTuple):
    """A server, where that is from, and whether the user has to vouch for it."""

    place: Place
    origin: str
    doubtful: bool = False  # RFC 6186, 6


class Discovered(NamedTuple):
    """What is known of the servers of an address; a provider knows all of its own."""

    provider: "Provider | None" = None
    origin: str = ""  # of the provider
    smtp: Found | None = None
    imap: Found | None = None


class Sources(NamedTuple):
    """What is asked: the DNS, and pages over HTTPS."""

    resolver: "Resolver"
    fetch: Fetch


class Report(NamedTuple):
    """Who hears what is worth a word, and what was asked in vain."""

    say: Say
    vain: Say


def preset(address: Mailbox) -> Discovered:
    """What is known without the network: whether a provider has this domain."""
    from ccc.config.provider import provider_of_domain

    found = provider_of_domain(address.domain)
    return Discovered(found, f"the preset for addresses in {address.domain}" if found else "")


def discover(address: Mailbox, sources: Sources, say: Say) -> Discovered:
    """Look for the servers of an address; what was asked in vain is said where something is not found."""
    known = preset(address)
    if known.provider or not is_host(address.domain):  # an address literal is in no DNS
        return known
    vain: list[str] = []
    try:
        found = _published(address, sources, Report(say, vain.append))
    except Unanswered as error:
        say(error.what)
        say("the DNS cannot be asked, so no server was looked for")
        return known
    if not found.provider and not (found.smtp and found.imap):
        for line in vain:
            say(line)
    return found


def _published(address: Mailbox, sources: Sources, report: "Report") -> Discovered:
    """What the domain itself says; Unanswered if there is no DNS to be asked."""
    known = _by_mx(address.domain, sources.resolver, report)
    if known.provider:
        return known
    smtp, imap = (_by_srv(kind, address, sources.resolver, report) for kind in ("smtp", "imap"))
    if smtp is None or imap is None:
        published = _by_autoconfig(address, sources.fetch, report)
        smtp, imap = smtp or published.smtp, imap or published.imap
    return Discovered(smtp=smtp, imap=imap)


def _by_mx(domain: str, resolver: "Resolver", report: Report) -> Discovered:
    """The provider whose hosts take the domain's mail; Unanswered."""
    from ccc.config.provider import provider_of_mx

    try:
        hosts = [record.host for record in resolver.mx(domain).records if record.host]
    except Unanswered:
        raise
    except TryLaterError as error:
        report.say(error.what)
        return Discovered()
    found = provider_of_mx(hosts)
    if found is None:
        report.vain(f"no preset for {domain}" + (f", whose mail host is {hosts[0]}" if hosts else ""))
        return Discovered()
    return Discovered(found, f"the MX record of {domain}, {hosts[0]}")


def _by_srv(kind: str, address: Mailbox, resolver: "Resolver", report: Report) -> Found | None:
    """The server in the SRV records of the domain (RFC 6186, 3; RFC 8314, 5.1)."""
    for service, implicit in SERVICES[kind]:
        name = f"{service}.{address.domain}"
        try:
            answer = resolver.srv(name)
        except TryLaterError as error:
            report.say(error.what)
            continue
        offered = [record for record in answer.records if is_host(record.target) and record.port]
        if offered:
            return _offered(offered[0], answer, address, implicit=implicit)
        closed = any(not record.target for record in answer.records)  # RFC 6186, 3
        if closed:
            report.say(f"{name} is not offered")
        else:
            report.vain(f"there is no SRV record {name}")
    return None


def _offered(record: "Srv", answer: "Answer[Srv]", address: Mailbox, *, implicit: bool) -> Found:
    """The host of a record; its user name is the address, as RFC 6186, 4 tells to try first."""
    place = Place(record.target, record.port, implicit, address.addr_spec)
    proof = "signed" if answer.secure else "not signed"
    doubtful = not answer.secure and not inside(record.target, address.domain)  # RFC 6186, 6
    return Found(place, f"the SRV record {answer.canonical} ({proof})", doubtful)


def _by_autoconfig(address: Mailbox, fetch: Fetch, report: Report) -> Discovered:
    """The servers in the first file of settings that there is."""
    for url in pages(address):
        page = fetch(url)
        where = url.partition("?")[0]
        if page.octets is None:
            report.vain(f"no settings at {where}: {page.why}")
            continue
        try:
            found = settings(page.octets, address)
        except NotAutoconfig as error:
            report.say(f"no settings at {where}: {error}")
            continue
        if found.smtp or found.imap:
            smtp, imap = (Found(place, where) if place else None for place in found)
            return Discovered(smtp=smtp, imap=imap)
        report.say(f"no server at {where} is reached over TLS")
    return Discovered()


def pages(address: Mailbox) -> Iterator[str]:
    """Where settings are published; only the user's own domain comes to know the whole address."""
    domain = address.domain
    who = quote(address.addr_spec, safe="@")
    yield f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={who}"
    yield f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml"
    yield f"https://{ISPDB}/v1.1/{domain}"
