"""The DNS: the one door to dnspython, and the difference between "there is none" and "nobody could say".

A name that does not exist, or has no such record, is an answer. A server that fails, refuses or keeps silent
gives none: TryLaterError, since a delivery must never be decided by it. Whether DNSSEC proved an answer is
believed only of a resolver on this host, or of one that the user named.
"""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from ccc.errors import ConfigurationError, TryLaterError
from ccc.transport.tlsa import Tlsa

if TYPE_CHECKING:
    import dns.message
    import dns.rdata
    import dns.resolver

PORT = 53
MOST_ALIASES = 10  # CNAME records behind one another that are followed
LEAST = 0.01  # seconds that any question may take
TRY = 2.0  # seconds until a question is asked again, or of the next server
PAYLOAD = 1232  # octets of an answer over UDP that no router on the way breaks up: DNS flag day 2020
RESOLV_CONF = "/etc/resolv.conf"

Record = TypeVar("Record")
Made = TypeVar("Made")


class Srv(NamedTuple):
    """Where a service is (RFC 2782); the target is "" where the domain says that it has none."""

    priority: int
    weight: int
    port: int
    target: str


class Mx(NamedTuple):
    """A host that takes a domain's mail; "" is the null MX (RFC 7505, 3)."""

    preference: int
    host: str


class Answer(NamedTuple, Generic[Record]):
    """What the DNS says of a name.

    `exists` is false if there is no such name at all; without `records` it may still exist. `canonical` is
    the name that they stand at once aliases were followed. `secure`: DNSSEC proved all of this, absence too.
    """

    records: tuple[Record, ...] = ()
    exists: bool = False
    secure: bool = False
    canonical: str = ""


class Unanswered(TryLaterError):
    """No DNS server says anything, or none can be reached."""


class Resolver:
    """Asks one server, or those of the system, for a name and all its aliases within `timeout` seconds."""

    def __init__(self, server: str = "", timeout: float = 5.0, resolv_conf: str = RESOLV_CONF) -> None:
        self._server = _address(server) if server else None
        self._timeout = timeout
        self._resolv_conf = resolv_conf
        self._made: dns.resolver.Resolver | None = None

    def srv(self, name: str) -> Answer[Srv]:
        """The hosts of a service such as _imaps._tcp.example.org, the one to try first in front."""

        def read(data: "dns.rdata.Rdata") -> Srv:
            return Srv(data.priority, data.weight, data.port, _text(data.target))  # type: ignore[attr-defined]

        found = self._ask(name, "SRV", read)
        ordered = sorted(found.records, key=lambda each: (each.priority, -each.weight, each.target))
        return found._replace(records=tuple(ordered))

    def mx(self, domain: str) -> Answer[Mx]:
        """The hosts that take mail for a domain, by preference."""

        def read(data: "dns.rdata.Rdata") -> Mx:
            return Mx(data.preference, _text(data.exchange))  # type: ignore[attr-defined]

        found = self._ask(domain, "MX", read)
        return found._replace(records=tuple(sorted(found.records)))

    def txt(self, name: str) -> Answer[bytes]:
        """The texts at a name, each with its pieces joined."""
        return self._ask(name, "TXT", lambda data: b"".join(data.strings))  # type: ignore[attr-defined]

    def alias(self, name: str) -> Answer[str]:
        """What this name itself is an alias of."""
        return self._ask(name, "CNAME", lambda data: _text(data.target))  # type: ignore[attr-defined]

    def tlsa(self, name: str) -> Answer[Tlsa]:
        """The certificates published at a name such as _25._tcp.mx.example.org; of use only if secure."""

        def read(data: "dns.rdata.Rdata") -> Tlsa:
            return Tlsa(data.usage, data.selector, data.mtype, data.cert)  # type: ignore[attr-defined]

        return self._ask(name, "TLSA", read)

    def names(self, address: str) -> Answer[str]:
        """The names that an address has (RFC 1035, 3.5)."""
        from ipaddress import ip_address

        def read(data: "dns.rdata.Rdata") -> str:
            return _text(data.target)  # type: ignore[attr-defined]

        return self._ask(ip_address(address).reverse_pointer, "PTR", read)

    def addresses(self, host: str) -> Answer[str]:
        """The IPv6 and IPv4 addresses of a host.

        Where only one of the two questions is answered, and with addresses, these are the answer; it is as
        secure as they are, lest the other's silence make a signed host look like one that is not.
        """
        found: list[Answer[str]] = []
        failure: TryLaterError | None = None
        for kind in ("AAAA", "A"):
            try:
                found.append(self._ask(host, kind, lambda data: str(data.address)))  # type: ignore[attr-defined]
            except TryLaterError as error:
                failure = error
        records = tuple(record for answer in found for record in answer.records)
        if failure and not records:
            raise failure
        return Answer(
            records,
            any(answer.exists for answer in found),
            all(answer.secure for answer in found),
            next((answer.canonical for answer in found if answer.records), host),
        )

    def _ask(
        self,
        name: str,
        kind: str,
        read: "Callable[[dns.rdata.Rdata], Made]",
        aliases: int = 0,
        deadline: float | None = None,
    ) -> Answer[Made]:
        """The records of one kind at a name, to which so many aliases led; by time.monotonic()."""
        import dns.exception
        import dns.resolver

        until = deadline or time.monotonic() + self._timeout
        try:
            question = _name(name)
        except (dns.exception.DNSException, UnicodeError):
            return Answer(canonical=name)  # what cannot stand in the DNS is not there
        try:
            answer = self._answer(question, kind, until)
        except dns.resolver.NXDOMAIN as none:
            return Answer(secure=self._secure(none.kwargs["responses"].values()), canonical=name)
        except dns.resolver.YXDOMAIN as error:
            raise TryLaterError(f"the DNS name {name} leads to one that is too long") from error
        except (dns.exception.DNSException, OSError) as error:
            raise self._no_answer(name, kind, error) from error
        followed = len(answer.chaining_result.cnames)
        if aliases + followed > MOST_ALIASES:
            raise self._no_answer(name, kind, dns.message.ChainTooLong())  # type: ignore[no-untyped-call]
        if followed and answer.rrset is None:  # there is none, or the server has not followed to the end
            found = self._ask(_text(answer.canonical_name), kind, read, aliases + followed, until)
            return found._replace(secure=found.secure and self._secure((answer.response,)))
        records = tuple(map(read, answer.rrset or ()))
        secure = self._secure((answer.response,))
        return Answer(records, exists=True, secure=secure, canonical=_text(answer.canonical_name))

    def _answer(self, question: "dns.name.Name", kind: str, until: float) -> "dns.resolver.Answer":
        """The answer of the first server that gives one; asked again without EDNS where that is not known."""
        import dns.rcode
        import dns.resolver

        resolver, seconds = self._resolver(), max(until - time.monotonic(), LEAST)
        try:
            return resolver.resolve(question, kind, raise_on_no_answer=False, search=False, lifetime=seconds)
        except dns.resolver.NoNameservers as failed:
            codes = {error[4].rcode() for error in failed.kwargs["errors"] if error[4]}
            if not codes or not codes <= {dns.rcode.FORMERR, dns.rcode.NOTIMP}:  # RFC 6891, 7
                raise
        resolver.use_edns(-1)
        return resolver.resolve(question, kind, raise_on_no_answer=False, search=False, lifetime=seconds)

    def _resolver(self) -> "dns.resolver.Resolver":
        """The resolver of dnspython, as we ask: over UDP with EDNS, over TCP where an answer was cut."""
        if self._made is None:
            import dns.flags
            import dns.resolver

            made = dns.resolver.Resolver(configure=False)
            if self._server is not None:
                made.nameservers, made.port = [self._server[0]], self._server[1]
            else:
                made.nameservers = _of_the_system(self._resolv_conf)
            made.timeout, made.lifetime = min(TRY, self._timeout), self._timeout
            made.flags = dns.flags.RD | dns.flags.AD  # RFC 6840, 5.7
            made.use_edns(0, dns.flags.DO, PAYLOAD)
            self._made = made
        return self._made

    def _secure(self, responses: "Iterable[dns.message.Message]") -> bool:
        """Whether a resolver that can be believed says that DNSSEC proved these."""
        import dns.flags

        if self._server is None and not all(believed(str(each)) for each in self._resolver().nameservers):
            return False
        return all(response.flags & dns.flags.AD for response in responses)  # RFC 6840, 5.8

    def _no_answer(self, name: str, kind: str, error: Exception) -> TryLaterError:
        """Nobody could say; never taken for "there is none" (RFC 5321, 5.1)."""
        import dns.exception
        import dns.rcode
        import dns.resolver

        why = "the server gave no answer that can be used"
        if isinstance(error, dns.exception.Timeout):
            why = f"no answer within {self._timeout:g} seconds"
        elif _goes_round(error):
            why = f"it is an alias of an alias, more than {MOST_ALIASES} times or in a circle"
        elif isinstance(error, dns.resolver.NoNameservers):
            codes = [dns.rcode.to_text(each[4].rcode()) for each in error.kwargs["errors"] if each[4]]
            why = f"the server answered {codes[-1]}" if codes else why
        elif isinstance(error, OSError):
            why = (error.strerror or str(error)).lower()
        what = f"cannot look up the {kind} records of {name}: {why}"
        made = Unanswered if _unanswered(error) else TryLaterError
        return made(what, "check the network's DNS")


def _unanswered(error: Exception) -> bool:
    """Whether no server said anything."""
    import dns.exception
    import dns.resolver

    if isinstance(error, dns.resolver.NoNameservers):
        failures = error.kwargs["errors"]
        return bool(failures) and all(isinstance(each[3], OSError) and not each[4] for each in failures)
    return isinstance(error, dns.exception.Timeout | OSError)


def _goes_round(error: Exception) -> bool:
    """Whether aliases led on for too long, or back to where they began."""
    import dns.message
    import dns.resolver

    causes = (
        [each[3] for each in error.kwargs["errors"]] if isinstance(error, dns.resolver.NoNameservers) else []
    )
    return any(isinstance(each, dns.message.ChainTooLong) for each in (error, *causes))


def believed(address: str) -> bool:
    """Whether nothing can come between this resolver and us."""
    from ipaddress import ip_address

    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _address(server: str) -> tuple[str, int]:
    """The address and port of `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`."""
    from ipaddress import ip_address

    host, port = server, str(PORT)
    if server.startswith("[") or server.count(":") == 1:
        host, _, port = server.rpartition(":") if not server.endswith("]") else (server, "", port)
    try:
        address = str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        address = ""
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not address or not 0 < number < 65536:
        raise ConfigurationError(
            f"{server!r} is no address of a DNS resolver", "write it as 127.0.0.1, or 127.0.0.1:53"
        )
    return address, number


def _of_the_system(resolv_conf: str) -> list[str]:
    """The servers in resolv.conf(5), which is this host where there are none."""
    import dns.resolver

    try:
        return [str(each) for each in dns.resolver.Resolver(resolv_conf).nameservers]
    except dns.resolver.NoResolverConfiguration:
        return ["127.0.0.1"]


def _name(text: str) -> "dns.name.Name":
    """A domain name in A-labels, of which a backslash is no part."""
    import dns.name

    if not text.isascii() or "\\" in text:
        raise UnicodeError(text)
    return dns.name.from_text(text)


def _text(name: "dns.name.Name") -> str:
    """A name without its last dot, in lower case; "" is the root."""
    return name.to_text(omit_final_dot=True).lower().removesuffix(".")
