"""Whether a domain has an MTA-STS policy (RFC 8461, 3): the DNS is asked, the cache, and only then the web.

Whoever keeps us from the DNS or the web cannot take back what the domain promised before: a policy in the
cache holds until its time is over. Where there never was one, mail goes as if the domain knew no MTA-STS.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from ccc.errors import TryLaterError
from ccc.resolver import Resolver
from ccc.routes.mx.cache import Cache, Kept
from ccc.routes.mx.page import Fetch
from ccc.routes.mx.sts import NotAPolicy, Policy, read_policy, read_record

REFRESH: Final = (
    86400.0  # seconds after which a policy is fetched again though its id is the same: RFC 8461, 3.3
)
PAUSE: Final = 300.0  # seconds without another try after a fetch that failed: RFC 8461, 3.3


class Standing(NamedTuple):
    """How a domain stands: the policy that holds, and why there is none or why it is an older one.

    `absent`: the DNS says that there is none. `kept`: it comes from the cache.
    """

    policy: Policy | None = None
    why: str = ""
    absent: bool = False
    kept: bool = False


class Discovery:
    """Finds policies; each domain is asked once in a run."""

    def __init__(
        self, resolver: Resolver, cache: Cache, fetch: Fetch, clock: Callable[[], float] = time.time
    ) -> None:
        self._resolver = resolver
        self._cache = cache
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, Standing] = {}

    def of(self, domain: str) -> Standing:
        """How this domain stands."""
        if domain not in self._known:
            self._known[domain] = self._find(domain)
        return self._known[domain]

    def _find(self, domain: str) -> Standing:
        now, kept = self._clock(), self._cache.read(domain)
        valid = kept.policy if now < kept.ends else None
        try:
            version = read_record(self._resolver.txt(f"_mta-sts.{domain}").records)
        except TryLaterError as error:
            return Standing(valid, error.what, kept=valid is not None)
        if version is None:
            return Standing(valid, f"{domain} has no MTA-STS record", absent=True, kept=valid is not None)
        if valid and kept.version == version and _fresh(valid, now - kept.fetched):
            return Standing(valid, kept=True)
        if kept.failed_version == version and 0 <= now - kept.failed < PAUSE:
            why = f"the policy of {domain} could not be fetched a moment ago"
            return Standing(valid, why, kept=valid is not None)
        return self._renew(domain, version, kept, valid)

    def _renew(self, domain: str, version: str, kept: Kept, valid: Policy | None) -> Standing:
        """The policy as the domain has it now, else the one that is known."""
        octets, why = self._fetch(domain)
        try:
            if octets is not None:
                policy = read_policy(octets)
                self._cache.write(domain, Kept(policy, octets, version, self._clock()))
                return Standing(policy)
        except NotAPolicy as error:
            why = str(error)
        self._cache.write(domain, kept._replace(failed=self._clock(), failed_version=version))
        why = f"the policy of {domain} cannot be fetched: {why}"
        return Standing(valid, why, kept=valid is not None)


def _fresh(policy: Policy, age: float) -> bool:
    """Whether a policy whose id is unchanged need not be fetched again."""
    return 0 <= age < min(REFRESH, policy.max_age / 2)
