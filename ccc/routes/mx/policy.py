"""What protects the way to a domain's mail hosts: DANE, else MTA-STS, else TLS with anybody who offers it.

The most that the domain published holds, DANE first (RFC 8461, 2). The user may set a floor: a host that
cannot reach it is left out, and the mail deferred as it is when a promise of the domain's own does not hold
(RFC 7672, 2.2; RFC 8461, 5), since what is missing may come or the floor may be lowered.
"""

import time
from collections.abc import Callable
from pathlib import Path

from ccc.errors import RefusedError, TryLaterError
from ccc.resolver import Resolver
from ccc.routes.mx.cache import Cache
from ccc.routes.mx.dane import Dane, State, look_up
from ccc.routes.mx.demand import Demand, Level
from ccc.routes.mx.discovery import Discovery, Standing
from ccc.routes.mx.page import Fetch, Pages
from ccc.routes.mx.sts import Mode
from ccc.routes.mx.target import Host, Target
from ccc.routes.mx.usable import Bounds, flaw
from ccc.smtp.session import StartTLSPolicy

_LOWER = 'wait until the domain has it, or ask for less: tls = "{}" would do now'
_PUBLIC = Bounds()


class Policies:
    """The policies of domains; may be asked from several threads.

    `floor` is the least that every host must offer; `require_tls` asks for what RFC 8689 does. `ca_file` has
    the issuers that are believed instead of the system's. A policy comes from no address out of `bounds`.
    """

    def __init__(
        self,
        resolver: Resolver,
        cache_folder: Path | None = None,
        floor: Level = Level.OPPORTUNISTIC,
        *,
        require_tls: bool = False,
        ca_file: str | None = None,
        bounds: Bounds = _PUBLIC,
        fetch: Fetch | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.resolver = resolver
        self.floor = max(floor, Level.VERIFY) if require_tls else floor
        self.require_tls = require_tls
        self.ca_file = ca_file
        pages = Pages(resolver, lambda address: not flaw(address, bounds), ca_file)
        self.discovery = Discovery(resolver, Cache(cache_folder), fetch or pages.fetch, clock)

    def of(self, target: Target) -> "Rules":
        """What holds for a domain; nothing is looked up before it is asked about a host."""
        return Rules(self, target)


class Rules:
    """What holds for the hosts of one domain."""

    def __init__(self, policies: Policies, target: Target) -> None:
        self._policies = policies
        self._target = target

    def dane(self, host: Host) -> Dane:
        """What DANE asks for at a host; TryLaterError if nobody can say."""
        return look_up(self._policies.resolver, self._target, host)

    def standing(self) -> Standing:
        """How the domain stands with MTA-STS."""
        domain = self._target.domain
        if domain.startswith("["):
            return Standing(why="an address has no MTA-STS", absent=True)
        return self._policies.discovery.of(domain)

    def demand(self, host: Host) -> Demand:
        """The TLS for this host; a CccError says why it must not be used."""
        dane = self.dane(host)
        if dane.state is State.USABLE:
            demand = self._by_dane(dane)
        else:  # MTA-STS never overrides DANE (RFC 8461, 2), nor is it looked for where that is enough
            demand = self._by_sts(host, self.standing(), dane)
        return self._at_the_floor(host, demand, dane)._replace(require_tls=self._policies.require_tls)

    def _by_dane(self, dane: Dane) -> Demand:
        """TLS with a certificate that the records know; nothing less will do (RFC 7672, 2.2)."""
        from ccc.transport.tls import Trust

        trust = Trust(tlsa=dane.records, names=dane.names)
        # RFC 7672, 8.1: the base domain is the name that is asked for
        because = "its domain asks for verified TLS (DANE)"
        return Demand(Level.DANE, StartTLSPolicy.REQUIRED, dane.base, trust, "verified by DANE", because)

    def _by_sts(self, host: Host, standing: Standing, dane: Dane) -> Demand:
        """What the domain's policy asks for, else TLS if the host offers it."""
        policy, domain = standing.policy, self._target.domain
        findings: tuple[str, ...] = ()
        if standing.why and not standing.absent:
            findings = (f"MTA-STS: {standing.why}",)
        named = policy is not None and policy.names(host.name)
        if policy is not None and policy.mode is Mode.ENFORCE:
            if not named:
                raise TryLaterError(
                    f"{host.name} is none of the hosts in the MTA-STS policy of {domain}",
                    "tell the domain's administrator: the MX records are wrong, or somebody forged them",
                )
            because = "its domain asks for verified TLS (MTA-STS)"
            verified = self._verified(host, Level.STS, "verified (MTA-STS)", because)
            return verified._replace(findings=findings)
        if policy is not None and policy.mode is Mode.TESTING:
            findings += (_tested(host.name, domain, named=named),)
        return self._unverified(host, dane, findings)

    def _unverified(self, host: Host, dane: Dane, findings: tuple[str, ...]) -> Demand:
        """Encrypted, with whomever it is; not even in clear where TLSA records promise TLS."""
        from ccc.transport.tls import Trust

        starttls, because = StartTLSPolicy.OPPORTUNISTIC, ""
        if dane.state is State.UNUSABLE:  # RFC 7672, 2.2
            starttls, because = StartTLSPolicy.REQUIRED, "its domain asks for TLS (DANE)"
            findings += (
                f"{host.name} has TLSA records, but none that ccc can use; TLS is required all the same",
            )
        trust = Trust(verify=False)
        return Demand(Level.OPPORTUNISTIC, starttls, _name(host), trust, "not verified", because, findings)

    def _verified(self, host: Host, level: Level, words: str, because: str) -> Demand:
        """TLS with a certificate for this host by an issuer that is believed."""
        from ccc.transport.tls import Trust

        trust = Trust(self._policies.ca_file)
        return Demand(level, StartTLSPolicy.REQUIRED, _name(host), trust, words, because)

    def _at_the_floor(self, host: Host, demand: Demand, dane: Dane) -> Demand:
        """The demand, or more of it where the user wants more; a CccError if the host cannot reach that."""
        floor = self._policies.floor
        if floor is Level.VERIFY and demand.level < floor:
            who = 'tls = "verify"'
            if self._policies.require_tls:
                self._prove_the_mx(host)
                who = "--require-tls"
            verified = self._verified(host, floor, "verified", f"{who} asks for verified TLS")
            return verified._replace(findings=demand.findings)
        if demand.level < floor:
            missing = dane.why or dane.state.value
            if floor is Level.STS:
                missing += f", and {self._without_sts()}"
            raise TryLaterError(
                f'{_name(host)} does not offer what tls = "{floor.word}" asks for: {missing}',
                _LOWER.format(demand.level.word),
            )
        return demand

    def _without_sts(self) -> str:
        """Why no policy of MTA-STS is enforced."""
        policy, why, _, _ = self.standing()
        if policy is None:
            return why
        return f"the MTA-STS policy of {self._target.domain} has mode {policy.mode.value}"

    def _prove_the_mx(self, host: Host) -> None:
        """Raise RefusedError unless DNSSEC or MTA-STS says that the host is the domain's (RFC 8689, 2)."""
        if self._target.secure or self._target.implicit or not host.name:
            return
        policy = self.standing().policy
        if policy is None or not policy.names(host.name):
            raise RefusedError(
                f"neither DNSSEC nor MTA-STS proves {host.name} to be a mail host of {self._target.domain}, "
                "which --require-tls asks for",
                "leave out --require-tls, or reach them in another way",
            )


def _name(host: Host) -> str:
    """Whose certificate it must be: the host's, or that of the address that stands for one."""
    return host.name or host.addresses[0]


def _tested(host: str, domain: str, *, named: bool) -> str:
    """What is to be said of a policy that is only tested (RFC 8461, 5)."""
    if named:
        return f"{domain} tests MTA-STS, and does not ask for it yet"
    return f"{domain} tests MTA-STS, and {host} is none of the hosts in its policy; it is sent all the same"
