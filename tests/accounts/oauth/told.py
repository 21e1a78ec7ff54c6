"""A user who logs in, a clock, and a pause that takes no time."""

from ccc.accounts.oauth.store import Store
from ccc.accounts.oauth.tokens import Tokens


class Clock:
    """Seconds that pass when somebody sleeps, or when a test says so."""

    def __init__(self, now=1_000_000.0):
        self.now = now
        self.naps = []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.naps.append(seconds)
        self.now += seconds


def keep(account, environ, access="access-0", *, expires=0.0, refresh="refresh-0", store=None):
    """Put tokens into the account's file, as a login would."""
    store = store or Store(account, environ)
    oauth = account.oauth
    with store.locked() as draft:
        store.keep(Tokens(access, expires, refresh, oauth.client_id, oauth.token_url), draft, in_file=True)
    return store.file


def kept(account, environ):
    return Store(account, environ).load()
