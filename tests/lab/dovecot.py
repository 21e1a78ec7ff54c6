"""Dovecot 2.3: the login service of Postfix, and IMAP; any user, one password."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemon import Daemon, folder, free_ports, needed, needs_root
from tests.lab.tls import Authority

CONF = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
ssl = yes
ssl_cert = <{chain}
ssl_key = <{key}
disable_plaintext_auth = no
auth_failure_delay = 0
auth_mechanisms = plain login scram-sha-256
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={home}/mail/%u
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {auth_port}
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = create
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = create
  }}
  mailbox "All Mail" {{
    special_use = \\All
    auto = create
  }}
  mailbox Drafts {{
    special_use = \\Drafts
    auto = create
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = create
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """Where it listens; every user has `password`."""

    auth_port: int
    imap_port: int
    imaps_port: int
    password: str
    mail: Path


@contextlib.contextmanager
def dovecot(authority: Authority, password: str = "secret") -> Iterator[Dovecot]:
    """A running Dovecot."""
    program = needed("dovecot", "dovecot-imapd")
    needs_root("dovecot")
    with folder("dovecot") as home:
        auth, imap, imaps = free_ports(3)
        mail = home / "mail"
        mail.mkdir(mode=0o777)
        mail.chmod(0o777)
        ports = {"auth_port": auth, "imap_port": imap, "imaps_port": imaps}
        files = {"home": home, "chain": authority.chain_file, "key": authority.key_file}
        conf = home / "dovecot.conf"
        conf.write_text(CONF.format(**files, **ports, password=password))
        daemon = Daemon([program, "-F", "-c", conf], home / "log")
        try:
            daemon.wait_for(imap, b"* OK")
            daemon.wait_for(auth)
            yield Dovecot(auth, imap, imaps, password, mail)
        finally:
            daemon.stop()
