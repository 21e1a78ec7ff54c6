"""OAuth 2.0 (RFC 6749): access tokens instead of passwords, for SMTP and IMAP.

keys.py is what others use: `oauth_keys` for a login, `log_in` and `forget` for `ccc account`. A user without
a registered client names a `token_command`. Else tokens come by device.py or loopback.py when the user logs
in, from refresh.py afterwards; store.py keeps them, answers.py judges what a server says, http.py carries it.
"""

from ccc.accounts.oauth.keys import forget, log_in, oauth_keys

__all__ = ["forget", "log_in", "oauth_keys"]
