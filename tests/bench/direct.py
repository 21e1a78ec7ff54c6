"""Straight to the mail hosts of many domains, where each answer of a host or of the DNS takes a round trip.

All of it is in a network namespace: a DNS server, and one sink that is the mail host of every domain, at an
address for each, behind a proxy that makes its answers take their time.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.lab.child import Child
from tests.lab.dns import Dns
from tests.lab.namespace import namespace

ROUND_TRIP = 0.040  # seconds
DOMAINS = 50
PEOPLE = 4  # in each of them
ALONE = (0, 17, 33, 49)  # the domains that are timed alone


class FarDns(Dns):
    """A DNS server whose answers take a round trip, many at the same time."""

    def _datagrams(self) -> None:
        while True:
            octets, client = self._udp.recvfrom(65535)
            if not octets:
                return
            threading.Timer(ROUND_TRIP, self._send, (octets, client)).start()

    def _send(self, octets: bytes, client: "tuple[str, int]") -> None:
        self._udp.sendto(self._answer(octets, tcp=False), client)


def zone() -> str:
    """A host and an address for each domain."""
    lines = (
        f"d{number}.test. IN MX 10 mx.d{number}.test.\nmx.d{number}.test. IN A 192.0.2.{number + 100}"
        for number in range(DOMAINS)
    )
    return "\n".join(lines)


def people(domains: Sequence[int]) -> str:
    """Everybody in these domains."""
    return ",".join(f"p{person}@d{number}.test" for number in domains for person in range(PEOPLE))


@contextmanager
def world() -> Iterator[Path]:
    """It, with this thread inside; a configuration file that names the DNS server."""
    with ExitStack() as stack:
        stack.enter_context(stack.enter_context(namespace()).inside())
        dns = stack.enter_context(FarDns(zone()))
        sink = stack.enter_context(Child("tests.lab.sink", "PIPELINING", "CHUNKING"))
        stack.enter_context(Child("tests.lab.proxy", sink.port, ROUND_TRIP / 2, "0.0.0.0", 25))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "config.toml"
        config.write_text(f'dns_resolver = "{dns.address}"\n')
        yield config


def timed(mail: Path, config: Path, domains: Sequence[int], rounds: int) -> float:
    """The median of the seconds that one run to all in these domains takes."""
    words = ("--from", "me@example.org", "--via", "mx", "--helo", "me.test", "--quiet")
    command = [sys.executable, "-m", "ccc", "redirect", str(mail), *words, "--config", str(config)]
    seconds = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as state:
            environment = {**os.environ, "CCC_STATE_DIR": state, "XDG_CACHE_HOME": state}
            begun = time.perf_counter()
            subprocess.run([*command, "--to", people(domains)], check=True, env=environment)
            seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)
