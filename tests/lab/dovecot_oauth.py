"""A Dovecot that takes access tokens only, which it asks the token server of the tests about (RFC 7662)."""

import contextlib
from collections.abc import Iterator

from tests.lab.daemon import Daemon, folder, free_ports, needed, needs_root
from tests.lab.dovecot import CONF, Dovecot
from tests.lab.tls import Authority
from tests.lab.tokens import TokenServer

MORE = """
auth_mechanisms = oauthbearer xoauth2
passdb {{
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = {home}/oauth2.conf
}}
"""

OAUTH2 = """
introspection_mode = post
introspection_url = {tokens}/introspect
username_attribute = username
active_attribute = active
active_value = true
"""


@contextlib.contextmanager
def dovecot_oauth(authority: Authority, tokens: TokenServer) -> Iterator[Dovecot]:
    """A running Dovecot; nobody has a password."""
    program = needed("dovecot", "dovecot-imapd")
    needs_root("dovecot")
    with folder("dovecot-oauth") as home:
        auth, imap, imaps = free_ports(3)
        mail = home / "mail"
        mail.mkdir(mode=0o777)
        mail.chmod(0o777)
        (home / "oauth2.conf").write_text(OAUTH2.format(tokens=tokens.base.replace("localhost", "127.0.0.1")))
        conf = home / "dovecot.conf"
        conf.write_text(
            (CONF + MORE).format(
                home=home,
                chain=authority.chain_file,
                key=authority.key_file,
                auth_port=auth,
                imap_port=imap,
                imaps_port=imaps,
                password="no-such-password",
            )
        )
        daemon = Daemon([program, "-F", "-c", conf], home / "log")
        try:
            daemon.wait_for(imap, b"* OK")
            daemon.wait_for(auth)
            yield Dovecot(auth, imap, imaps, "", mail)
        finally:
            daemon.stop()
