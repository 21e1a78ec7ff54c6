"""Exim 4.96 on loopback: takes mail for everybody into one Maildir, and shows the envelope in each file.

Its Debian package conflicts with Postfix, so it is unpacked beside the system: CCC_EXIM names the binary,
else `build/lab/exim` in the checkout (where .ci/run puts it) or the system's own is taken. It wants the user
that its package makes. Mail for onward.test goes on to `onward`, DKIM-signed as real Exim sites do: the
default list of fields over-signs the Resent ones.
"""

import contextlib
import os
import pwd
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab.child import ROOT
from tests.lab.daemon import PATH, Daemon, folder, free_ports, lacking, needs_root, until
from tests.lab.records import Delivered
from tests.lab.tls import Authority

CONF = """
exim_path = {program}
exim_user = nobody
exim_group = nogroup
spool_directory = {home}/spool
log_file_path = {home}/log/%slog
pid_file_path = {home}/exim.pid
primary_hostname = exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {plain} : {submissions}
tls_on_connect_ports = {submissions}
tls_advertise_hosts = *
tls_certificate = {chain}
tls_privatekey = {key}
smtp_banner = exim.test ESMTP
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
chunking_advertise_hosts = *
message_size_limit = 100M
rfc1413_query_timeout = 0s
host_lookup =
never_users =
keep_environment =
retry_interval_max = 1h
acl_smtp_rcpt = accept
acl_smtp_data = accept

begin routers
onward:
  driver = manualroute
  domains = onward.test
  route_list = * 127.0.0.1
  self = send
  transport = onward
everybody:
  driver = accept
  transport = maildir

begin transports
onward:
  driver = smtp
  port = {onward}
  allow_localhost
  hosts_avoid_tls = *
  hosts_try_fastopen =
  dkim_domain = {domain}
  dkim_selector = {selector}
  dkim_private_key = {signing}
maildir:
  driver = appendfile
  directory = {home}/mail
  maildir_format
  user = nobody
  group = nogroup
  envelope_to_add
  return_path_add

begin retry
*  *  F,4d,1h

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""


@dataclass(frozen=True, slots=True)
class Signing:
    """How mail for onward.test is signed, and the port of 127.0.0.1 that it goes to."""

    onward: int
    domain: str
    selector: str
    key: bytes  # PEM


@dataclass(frozen=True, slots=True)
class Exim:
    """A running Exim: `plain` (STARTTLS is offered, a login is possible) and `submissions`."""

    home: Path
    plain: int
    submissions: int
    ca_file: Path
    user: str
    password: str
    host: str = "localhost"

    def mailbox(self, address: str) -> list[Delivered]:
        """What was delivered to this address, in order; waits until the queue is empty."""
        self.settle()
        files = sorted((self.home / "mail" / "new").glob("*"), key=lambda p: p.stat().st_mtime_ns)
        return [mail for mail in map(_read, files) if mail.recipient == address]

    def settle(self) -> None:
        """Wait until everything accepted so far is delivered."""
        queue = self.home / "spool" / "input"
        until(lambda: not any(queue.glob("*")), lambda: self.log()[-4000:])

    def log(self) -> str:
        """What Exim wrote to its logs."""
        files = (self.home / "start.log", self.home / "log" / "mainlog")
        return "".join(file.read_text(errors="replace") for file in files)


def _read(path: Path) -> Delivered:
    top, _, rest = path.read_bytes().partition(b"\nReceived:")
    fields = dict(line.decode().split(": ", 1) for line in top.split(b"\n"))
    return Delivered(fields["Return-path"].strip("<>"), fields["Envelope-to"], b"Received:" + rest)


def _program() -> str:
    unpacked = ROOT / "build" / "lab" / "exim" / "usr" / "sbin" / "exim4"
    found = os.environ.get("CCC_EXIM") or shutil.which(unpacked) or shutil.which("exim4", path=PATH)
    try:
        pwd.getpwnam("Debian-exim")
    except KeyError:
        found = None
    if not found:
        lacking("needs the Debian package exim4-daemon-light, or its files in build/lab/exim and its user")
    assert found
    return found


def _configure(home: Path, authority: Authority, **settings: object) -> Path:
    for made in ("spool", "log", "mail"):
        (home / made).mkdir()
        shutil.chown(home / made, "nobody", "nogroup")
    files = {"chain": authority.chain_file, "key": authority.key_file}
    for name, file in files.items():
        files[name] = Path(shutil.copy(file, home))
        shutil.chown(files[name], "nobody")
    conf = home / "exim.conf"
    conf.write_text(CONF.format(home=home, **files, **settings))
    return conf


def _signed(home: Path, signing: Signing | None) -> dict[str, object]:
    if signing is None:
        return {"onward": 9, "domain": "", "selector": "", "signing": ""}
    key = home / "signing.pem"
    key.write_bytes(signing.key)
    names = {"domain": signing.domain, "selector": signing.selector}
    return {"onward": signing.onward, "signing": key, **names}


@contextlib.contextmanager
def exim(
    authority: Authority,
    user: str = "me@example.org",
    password: str = "secret",
    signing: Signing | None = None,
) -> Iterator[Exim]:
    """A running Exim."""
    program = _program()
    needs_root("exim")
    with folder("exim") as home:
        plain, submissions = free_ports(2)
        ports = {"plain": plain, "submissions": submissions}
        login = {"user": user, "password": password}
        settings = {"program": program, **ports, **login, **_signed(home, signing)}
        conf = _configure(home, authority, **settings)
        daemon = Daemon([program, "-C", conf, "-bdf"], home / "start.log")
        try:
            daemon.wait_for(plain, b"220")
            yield Exim(home, plain, submissions, authority.ca_file, user, password)
        finally:
            daemon.stop()
