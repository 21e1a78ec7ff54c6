"""Postfix 3.7 on loopback: every address of every domain has a mailbox; any extension can be hidden.

Of its ports, `submission` wants STARTTLS and a login, `submissions` is the same with TLS at once, `strict`
also wants the reverse-path to be the user's. `plain` offers everything to anybody, `pipelining` all but
CHUNKING, `bare` nothing at all. A command can be mounted on an address (`mount`) as a pipe transport or a
.forward file would.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.lab.bridge import Bridge
from tests.lab.daemon import Daemon, folder, free_ports, needed, needs_root, until
from tests.lab.dovecot import Dovecot
from tests.lab.records import Delivered
from tests.lab.tls import Authority

MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/maillog
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.test
mydomain = postfix.test
mydestination =
mynetworks = 127.0.0.0/8
biff = no
append_dot_mydomain = no
local_header_rewrite_clients =
smtpd_banner = postfix.test ESMTP
smtputf8_enable = yes
virtual_mailbox_domains = static:all
virtual_mailbox_base = {home}/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
virtual_mailbox_limit = 0
message_size_limit = 104857600
transport_maps = inline:{{ {{ pipe.test = mount: }} }}
mount_destination_recipient_limit = 1
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth_port}
smtpd_sender_login_maps = inline:{{ {{ {user} = {user} }} }}
smtpd_relay_restrictions = permit_sasl_authenticated, permit_mynetworks, reject
smtpd_forbid_bare_newline = reject
smtpd_forbid_bare_newline_exclusions =
smtpd_forbid_unauth_pipelining = yes
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtpd_error_sleep_time = 0
minimal_backoff_time = 1h
maximal_backoff_time = 1h
"""

LOGIN = "-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject"
PORTS = {
    "submission": f"-o smtpd_tls_security_level=encrypt {LOGIN}",
    "submissions": f"-o smtpd_tls_wrappermode=yes {LOGIN}",
    "strict": f"-o smtpd_tls_security_level=encrypt {LOGIN} "
    "-o smtpd_sender_restrictions=reject_sender_login_mismatch",
    "plain": "",
    "pipelining": "-o smtpd_discard_ehlo_keywords=chunking,silent-discard",
    "bare": "-o smtpd_discard_ehlo_keywords=pipelining,size,vrfy,etrn,starttls,enhancedstatuscodes,8bitmime,"
    "dsn,smtputf8,chunking,silent-discard",
}

SERVICES = """
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  300  1  qmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
verify    unix  -  -  n  -  1  verify
proxymap  unix  -  -  n  -  -  proxymap
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
discard   unix  -  -  n  -  -  discard
virtual   unix  -  n  n  -  -  virtual
anvil     unix  -  -  n  -  1  anvil
tlsmgr    unix  -  -  n  1000?  1  tlsmgr
showq     unix  n  -  n  -  -  showq
postlog   unix-dgram n - n  -  1  postlogd
mount     unix  -  n  n  -  -  pipe flags=q user=nobody argv={mounts}/${{user}} ${{sender}} ${{recipient}}
"""

QUEUE = (
    *("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop"),
    *("private", "public", "saved", "trace"),
)
ENVELOPE = (b"return-path", b"x-original-to", b"delivered-to")  # what virtual(8) puts on top


@dataclass(frozen=True, slots=True)
class Delivering:
    """What any Postfix delivers, all in one Maildir, and when it is done."""

    home: Path

    def mailbox(self, address: str) -> list[Delivered]:
        """What was delivered to this address, in order; waits until the queue is empty."""
        self.settle()
        files = sorted((self.home / "mail" / "all" / "new").glob("*"), key=lambda p: p.stat().st_mtime_ns)
        return [mail for mail in map(_read, files) if mail.recipient == address]

    def settle(self) -> None:
        """Wait until everything accepted so far was delivered, bounced or deferred."""
        # looks twice: a bounce is born before its message ends
        until(lambda: not (self._busy() or self._busy()), lambda: self.log()[-4000:])

    def log(self) -> str:
        """What Postfix wrote to its log."""
        return (self.home / "maillog").read_text(errors="replace")

    def _busy(self) -> bool:
        queue = self.home / "queue"
        return any(any((queue / part).iterdir()) for part in ("maildrop", "incoming", "active"))


@dataclass(frozen=True, slots=True)
class Postfix(Delivering):
    """A running Postfix; every user is `user` with `password`."""

    ports: Mapping[str, int]
    ca_file: Path
    user: str
    password: str
    bridge: Bridge
    host: str = "localhost"

    def mount(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
        """Run a command for each message to the address that is returned, as a pipe: see Bridge."""
        script = self.home / "mounts" / name
        self.bridge.write(script, command, environment or {})
        return f"{name}@pipe.test"


def _read(path: Path) -> Delivered:
    rest, found = path.read_bytes(), dict.fromkeys(ENVELOPE, b"")
    while (line := rest.partition(b"\n")[0]).partition(b":")[0].lower() in ENVELOPE:
        name, _, value = line.partition(b":")
        found[name.lower()] = found[name.lower()] or value.strip()
        rest = rest[len(line) + 1 :]
    reverse_path, original, _ = (value.decode() for value in found.values())
    return Delivered(reverse_path.strip("<>"), original, rest)


def queue_folders(queue: Path, data: Path) -> None:
    """Make the folders; Postfix's own start script does, but takes two seconds for it."""
    queue.mkdir(mode=0o755)
    queue.chmod(0o755)
    for made in (data, *(queue / name for name in QUEUE)):
        made.mkdir(mode=0o700)
        shutil.chown(made, "postfix")
    for name, mode in (("maildrop", 0o1730), ("public", 0o710)):
        shutil.chown(queue / name, group="postdrop")
        (queue / name).chmod(mode)
    (queue / "pid").mkdir(mode=0o755)


def _configure(home: Path, authority: Authority, login: Dovecot, user: str, ports: Mapping[str, int]) -> Path:
    conf, mail, mounts = (home / part for part in ("conf", "mail", "mounts"))
    queue_folders(home / "queue", home / "data")
    for made, mode in ((conf, 0o755), (mail, 0o777), (mounts, 0o755)):
        made.mkdir()
        made.chmod(mode)
    files = {"home": home, "chain": authority.chain_file, "key": authority.key_file}
    (conf / "main.cf").write_text(MAIN.format(**files, auth_port=login.auth_port, user=user))
    smtpd = (f"127.0.0.1:{ports[name]} inet n - n - - smtpd {PORTS[name]}\n" for name in PORTS)
    (conf / "master.cf").write_text("".join(smtpd) + SERVICES.format(mounts=mounts))
    make_old(conf)
    return conf


def make_old(conf: Path) -> None:
    """Let no file look new: Postfix reads one that is younger than two seconds again and again."""
    for made in conf.iterdir():
        os.utime(made, (0, 0))


@contextlib.contextmanager
def postfix(authority: Authority, login: Dovecot, user: str = "me@example.org") -> Iterator[Postfix]:
    """A running Postfix with logins served by Dovecot."""
    program = needed("master", "postfix")
    needs_root("postfix")
    with folder("postfix") as home, Bridge(home) as bridge:
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        conf = _configure(home, authority, login, user, ports)
        daemon = Daemon([program, "-c", conf, "-d"], home / "start.log")
        try:
            for port in ports.values():
                daemon.wait_for(port)
            yield Postfix(home, ports, authority.ca_file, user, login.password, bridge)
        finally:
            daemon.stop()
