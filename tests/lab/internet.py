"""A small internet in a network namespace: domains of every kind, in real DNS, with real mail hosts.

    with internet(authority) as world, world.inside():
        ccc("redirect", …, "--to", "ann@order.open", "--via", "mx", "--config", world.config)

Names below `test` are signed (DNSSEC), those below `open` are not. `ZONE` says which domains there are;
`HOSTS`, which hosts. Everything is at port 25 of an address for documentation, the policies of MTA-STS at
port 443. `world.home_alone` is a server on loopback, which no domain of a stranger may lead to.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemon import folder
from tests.lab.knot import Knot, knot
from tests.lab.mail_hosts import Host, MailHosts, mail_hosts
from tests.lab.namespace import PRIVATE, Namespace, namespace, silent
from tests.lab.policy_host import PolicyHost, policy
from tests.lab.sink import Sink
from tests.lab.stripper import Stripper
from tests.lab.tls import Authority

ONE, TWO, WRONG, PICKY = "192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.14"
GREY, BUSY, BETWEEN, NOBODY, MUTE = "192.0.2.15", "192.0.2.16", "192.0.2.17", "192.0.2.18", "192.0.2.19"
WEB, SIX = "192.0.2.30", "2001:db8::1"

PICKS = "smtpd_recipient_restrictions=check_recipient_access,inline:{gone@picky.open=REJECT},permit"

ZONE = f"""
one.test. A {ONE}
two.test. A {TWO}
six.test. AAAA {SIX}
wrong.test. A {WRONG}
picky.test. A {PICKY}
grey.test. A {GREY}
busy.test. A {BUSY}
between.test. A {BETWEEN}
refusing.test. A {NOBODY}
mute.test. A {MUTE}
_25._tcp.one.test. TLSA 3 1 1 {{one}}
_25._tcp.wrong.test. TLSA 3 1 1 {{one}}
_25._tcp.between.test. TLSA 3 1 1 {{one}}

order.open. MX 20 two.test.
order.open. MX 10 one.test.
refusing.open. MX 10 refusing.test.
refusing.open. MX 20 two.test.
busy.open. MX 10 busy.test.
busy.open. MX 20 two.test.
six.open. MX 10 six.test.
blocked.open. MX 10 mute.test.
picky.open. MX 10 picky.test.
picky.open. MX 20 two.test.
grey.open. MX 10 grey.test.
grey.open. MX 20 two.test.
bare.open. A {TWO}
null.open. MX 0 .

dane.test. MX 10 one.test.
forged.test. MX 10 wrong.test.
stripped.test. MX 10 between.test.
stripped.open. MX 10 between.test.
sts.open. MX 10 one.test.
stsname.open. MX 10 two.test.
stscert.open. MX 10 wrong.test.
stsstripped.open. MX 10 between.test.
_mta-sts.sts.open. TXT "v=STSv1; id=1;"
_mta-sts.stsname.open. TXT "v=STSv1; id=1;"
_mta-sts.stscert.open. TXT "v=STSv1; id=1;"
_mta-sts.stsstripped.open. TXT "v=STSv1; id=1;"
mta-sts.sts.open. A {WEB}
mta-sts.stsname.open. A {WEB}
mta-sts.stscert.open. A {WEB}
mta-sts.stsstripped.open. A {WEB}

lo4.open. A 127.0.0.1
zero.open. A 0.0.0.0
lo6.open. AAAA ::1
mapped.open. AAAA ::ffff:127.0.0.1
private.open. A {PRIVATE}
loop-a.open. CNAME loop-b.open.
loop-b.open. CNAME loop-a.open.
to-lo4.open. MX 10 lo4.open.
to-lo4.open. A {TWO}
to-zero.open. MX 10 zero.open.
to-lo6.open. MX 10 lo6.open.
to-mapped.open. MX 10 mapped.open.
to-private.open. MX 10 private.open.
to-localhost.open. MX 10 localhost.
to-literal.open. MX 10 127.0.0.1.
to-loop.open. MX 10 loop-a.open.
"""

POLICIES = {
    "sts.open": policy("enforce", "one.test"),
    "stsname.open": policy("enforce", "another.test"),
    "stscert.open": policy("enforce", "wrong.test"),
    "stsstripped.open": policy("enforce", "between.test"),
}


@dataclass(frozen=True, slots=True)
class Internet:
    """It, while it runs; `config` is a configuration file that names its resolver."""

    net: Namespace
    dns: Knot
    zone: str
    hosts: MailHosts
    web: PolicyHost
    grey: Sink
    between: Stripper
    home_alone: tuple[Sink, ...]
    private: Sink
    config: Path
    ca_file: Path

    def inside(self) -> "contextlib.AbstractContextManager[None]":
        """Let this thread be in it."""
        return self.net.inside()


@contextlib.contextmanager
def internet(authority: Authority) -> Iterator[Internet]:
    """A running one."""
    with namespace() as net, folder("internet") as home, contextlib.ExitStack() as up:
        with net.inside():
            made = _begin(net, authority, home, up)
        yield made


def _begin(net: Namespace, authority: Authority, home: Path, up: contextlib.ExitStack) -> Internet:
    """Start everything."""
    one, two = (authority.files(home, *names) for names in (("one.test", "between.test"), ("two.test",)))
    hosts = {
        "one.test": Host(ONE, *one),
        "two.test": Host(TWO, *two),
        "six.test": Host(f"[{SIX}]", *two),
        "wrong.test": Host(WRONG, *authority.files(home, "elsewhere.test")),
        "picky.test": Host(PICKY, *two, (PICKS,)),
    }
    dns = up.enter_context(knot())
    zone = ZONE.format(one=_key_digest(one[0]))
    dns.zone(zone)
    config = home / "config.toml"
    config.write_text(f'dns_resolver = "{dns.address}"\n')
    config.chmod(0o644)
    grey = Sink(host=GREY, port=25, rcpt={"ann@grey.open": ["450 4.2.0 greylisted", "250 2.1.5 ok"]})
    up.enter_context(Sink(host=BUSY, port=25, verbs={"GREETING": "421 4.3.2 not now"}))
    up.enter_context(silent(MUTE))
    return Internet(
        net,
        dns,
        zone,
        up.enter_context(mail_hosts(hosts)),
        up.enter_context(PolicyHost(authority, POLICIES, host=WEB, port=443)),
        up.enter_context(grey),
        up.enter_context(Stripper((ONE, 25), host=BETWEEN, port=25)),
        tuple(up.enter_context(Sink(host=host, port=25)) for host in ("127.0.0.1", "::1")),
        up.enter_context(Sink(host=PRIVATE, port=25)),
        config,
        authority.ca_file,
    )


def _key_digest(chain: Path) -> str:
    """What a TLSA record 3 1 1 says of the first certificate in a file (RFC 6698, 2.1)."""
    from cryptography import x509  # it takes a while, and most tests need no internet
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    certificate = x509.load_pem_x509_certificate(chain.read_bytes())
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()
