"""Real DNS with DNSSEC: Knot serves zones, and Unbound, which validates, stands in front of it.

    knot.zone('''
        example.test.           MX 10 mx.example.test.
        mx.example.test.        A 127.0.0.2
        _25._tcp.mx.example.test. TLSA 3 1 1 0123...
        plain.open.             MX 10 mx.plain.open.
        nobody.test.            MX 0 .
    ''')
    Resolver(knot.address).mx("example.test").secure

A name's last label is its zone: `test` is signed, so that answers have the AD bit; `open` is not; `bogus` is
signed with a key that Unbound does not believe, so that it answers SERVFAIL. Each call of `zone` replaces all
three (nothing is cached). A record is one line with an absolute name, without a TTL.
"""

import contextlib
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.lab.daemon import Daemon, folder, free_ports, needed, needs_root, until

SIGNED, PLAIN, BOGUS = "test", "open", "bogus"
ZONES = (SIGNED, PLAIN, BOGUS)
NOT_THE_KEY = "12345 13 2 " + "00" * 32

KNOT = """
server:
    rundir: "{home}/run"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{home}/db"
log:
  - target: stderr
    any: info
policy:
  - id: one
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: "{home}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
zone:
  - domain: test.
    dnssec-signing: on
    dnssec-policy: one
  - domain: open.
  - domain: bogus.
    dnssec-signing: on
    dnssec-policy: one
"""

UNBOUND = """
server:
    interface: 127.0.0.1@{port}
    directory: "{home}"
    pidfile: "{home}/unbound.pid"
    chroot: ""
    username: ""
    use-syslog: no
    logfile: ""
    verbosity: 1
    num-threads: 1
    do-not-query-localhost: no
    cache-max-ttl: 0
    cache-max-negative-ttl: 0
    aggressive-nsec: no
    module-config: "validator iterator"
    local-zone: "test." nodefault
    trust-anchor: "{anchor}"
    trust-anchor: "bogus. DS {wrong}"
    domain-insecure: "open."
remote-control:
    control-enable: no
"""

STUB = """
stub-zone:
    name: "{zone}."
    stub-addr: 127.0.0.1@{port}
"""

BEGIN = """$TTL 0
{zone}. SOA ns.{zone}. hostmaster.{zone}. {serial} 60 60 60 0
{zone}. NS ns.{zone}.
ns.{zone}. A 127.0.0.1
"""


class Knot:
    """Both servers; `address` is that of the resolver, as `dns_resolver` takes it."""

    def __init__(self, home: Path, port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self._home = home
        self._knotc = [needed("knotc", "knot"), "--config", str(home / "knot.conf")]
        self._serials = itertools.count(1)

    def zone(self, records: str = "") -> str:
        """Serve these records and no others; the resolver's address."""
        self.write(records)
        subprocess.run([*self._knotc, "--blocking", "zone-reload"], check=True, capture_output=True)
        return self.address

    def write(self, records: str) -> None:
        """The files of the zones."""
        texts = dict.fromkeys(ZONES, "")
        serial = next(self._serials)
        for line in filter(None, map(str.strip, records.splitlines())):
            owner = line.split()[0]
            assert owner.endswith("."), f"{owner} is no absolute name"
            texts[owner.rstrip(".").rpartition(".")[2]] += f"{line}\n"
        for zone, text in texts.items():
            begin = BEGIN.format(zone=zone, serial=serial)
            (self._home / f"{zone}.zone").write_text(begin + text)


@contextlib.contextmanager
def knot() -> Iterator[Knot]:
    """Running servers, with empty zones."""
    knotd, keymgr = needed("knotd", "knot"), needed("keymgr", "knot")
    unbound = needed("unbound", "unbound")
    needs_root("knot")
    with folder("knot") as home, contextlib.ExitStack() as running:
        for made in ("run", "db"):
            (home / made).mkdir()
        knot_port, port = free_ports(2)
        conf = home / "knot.conf"
        conf.write_text(KNOT.format(home=home, port=knot_port))
        servers = Knot(home, port)
        servers.write("")
        _start(running, [knotd, "--config", conf], home / "knot.log", "control, binding to")
        found = subprocess.run(
            [keymgr, "--config", conf, "test.", "ds"], check=True, capture_output=True, text=True
        )
        anchor = found.stdout.splitlines()[0]
        text = UNBOUND.format(home=home, port=port, anchor=anchor, wrong=NOT_THE_KEY)
        stubs = "".join(STUB.format(zone=zone, port=knot_port) for zone in ZONES)
        (home / "unbound.conf").write_text(text + stubs)
        command = [unbound, "-d", "-c", home / "unbound.conf"]
        _start(running, command, home / "unbound.log", "start of service")
        yield servers


def _start(running: contextlib.ExitStack, command: list[str | Path], log: Path, words: str) -> None:
    """Start a server that says these words when it is ready."""
    daemon = Daemon(command, log)
    running.callback(daemon.stop)
    until(lambda: words in log.read_text(errors="replace"), lambda: log.read_text(errors="replace"))
