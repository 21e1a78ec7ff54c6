"""Mail hosts of the world: one real Postfix that is several hosts, each at port 25 of an address of its own.

    with namespace() as net, net.inside(), mail_hosts({"mx.b.test": Host("192.0.2.11", chain, key)}) as hosts:
        hosts.mailbox("bob@b.test")

Each has a name, a certificate or none, and restrictions as main.cf has them; all deliver into the same
mailboxes, where the first Received field says which host took a message.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemon import Daemon, folder, needed, needs_root
from tests.lab.postfix import MAIN, SERVICES, Delivering, make_old, queue_folders
from tests.lab.records import Delivered

PORT = 25
BY = re.compile(rb"\bby ([a-z0-9.-]+) \(Postfix\)")


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its address, the files of its certificate, and what smtpd is told besides (-o NAME=VALUE)."""

    address: str
    chain_file: Path | None = None
    key_file: Path | None = None
    options: tuple[str, ...] = ()

    def service(self, name: str) -> str:
        """Its line of master.cf."""
        options = [f"myhostname={name}", "smtpd_relay_restrictions=reject_unauth_destination", *self.options]
        if self.chain_file:
            options += [f"smtpd_tls_cert_file={self.chain_file}", f"smtpd_tls_key_file={self.key_file}"]
        else:
            options.append("smtpd_tls_security_level=none")
        words = " ".join(f"-o {option}" for option in options)
        return f"{self.address}:{PORT} inet n - n - - smtpd {words}\n"


@dataclass(frozen=True, slots=True)
class MailHosts(Delivering):
    """The hosts, and the mailboxes of everybody."""

    def took(self, address: str) -> list[str]:
        """The names of the hosts that took mail for this address, in order."""
        return [_by(mail) for mail in self.mailbox(address)]


def _by(mail: Delivered) -> str:
    found = BY.search(mail.octets)
    return found[1].decode() if found else ""


@contextlib.contextmanager
def mail_hosts(hosts: Mapping[str, Host]) -> Iterator[MailHosts]:
    """Running ones, by their names."""
    program = needed("master", "postfix")
    needs_root("postfix")
    with folder("mx") as home:
        conf = home / "conf"
        queue_folders(home / "queue", home / "data")
        for made, mode in ((conf, 0o755), (home / "mail", 0o777)):
            made.mkdir()
            made.chmod(mode)
        lines = MAIN.format(home=home, chain="", key="", auth_port=1, user="nobody@postfix.test")
        (conf / "main.cf").write_text(lines.replace("inet_protocols = ipv4", "inet_protocols = all"))
        services = "".join(host.service(name) for name, host in hosts.items())
        (conf / "master.cf").write_text(services + SERVICES.format(mounts=home))
        make_old(conf)
        daemon = Daemon([program, "-c", conf, "-d"], home / "start.log")
        try:
            for host in hosts.values():
                daemon.wait_for(PORT, host=host.address.strip("[]"))
            yield MailHosts(home)
        finally:
            daemon.stop()
