"""The tokens of one login: the access token that opens a session, the refresh token that gets the next one.

They are kept as JSON, with the client and the server that they are for: a refresh token is never sent to
another one (RFC 6749, 10.4).
"""

from dataclasses import dataclass, field

from ccc.config.account import OAuth

EARLY = 60.0  # seconds before its end a token is not used any more


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an authorization server gave; `expires` is Unix time."""

    access: str = field(repr=False)
    expires: float
    refresh: str = field(repr=False)  # "" if there is none
    client_id: str
    token_url: str

    def fresh(self, now: float) -> bool:
        """Whether the access token can open a session now."""
        return now < self.expires - EARLY

    def is_for(self, oauth: OAuth) -> bool:
        """Whether they came from this server, and for this client."""
        return (self.client_id, self.token_url) == (oauth.client_id, oauth.token_url)

    def written(self) -> str:
        """The text that `read` reads."""
        import json

        return json.dumps(
            {
                "schema": 1,
                "access_token": self.access,
                "expires": self.expires,
                "refresh_token": self.refresh,
                "client_id": self.client_id,
                "token_url": self.token_url,
            }
        )


def read(text: str) -> Tokens | None:
    """The tokens that `written` wrote; None for anything else."""
    import json

    try:
        found = json.loads(text)
        if found["schema"] != 1:
            return None
        words = [found[name] for name in ("access_token", "refresh_token", "client_id", "token_url")]
        expires = float(found["expires"])
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return None
    if not all(isinstance(word, str) for word in words):
        return None
    access, refresh, client_id, token_url = words
    return Tokens(access, expires, refresh, client_id, token_url)
