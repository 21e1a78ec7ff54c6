"""A new access token for a refresh token (RFC 6749, 6)."""

from ccc.accounts.oauth.answers import granted, refused
from ccc.accounts.oauth.http import Reached
from ccc.accounts.oauth.tokens import Tokens
from ccc.config.account import Account
from ccc.errors import ConfigurationError


def refreshed(account: Account, tokens: Tokens, now: float, reached: Reached) -> Tokens:
    """The next tokens; NotPermitted if the login has ended, TryLaterError if there is no answer now.

    They may hold another refresh token, and the old one may have ended with the request.
    """
    form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh, **client(account)}
    answer = reached.ask(form)
    if found := granted(answer, account.oauth, now, tokens.refresh):
        return found
    raise refused(answer, account.name, (tokens.refresh, tokens.access, account.oauth.client_secret))


def client(account: Account) -> dict[str, str]:
    """How the client says who it is (RFC 6749, 2.3.1); ConfigurationError if the user has registered none.

    An installed program keeps no secret, yet some providers hand out one and want to see it (RFC 8252, 8.5).
    """
    oauth = account.oauth
    if not oauth.client_id:
        raise ConfigurationError(
            f"account {account.name} has no client_id, and ccc brings none: each user registers a client",
            'use an app password with auth = "password", or a token_command, or register a client with the '
            "provider; docs/oauth.md says where",
        )
    secret = {"client_secret": oauth.client_secret} if oauth.client_secret else {}
    return {"client_id": oauth.client_id, **secret}
