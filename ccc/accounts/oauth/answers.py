"""What the answer of an authorization server means: tokens, or why there are none.

Its words are strangers' text: they are shortened, made harmless for eyes, and what is secret in them (a
server may repeat what it was sent) is replaced by stars.
"""

from collections.abc import Sequence

from ccc.accounts.oauth.http import Answer
from ccc.accounts.oauth.tokens import Tokens
from ccc.config.account import OAuth
from ccc.config.values import heading
from ccc.errors import CccError, ConfigurationError, NotPermitted, TryLaterError
from ccc.visible import visible

MOST_SHOWN = 300  # characters of what a server says about an error

_LATER = frozenset({"temporarily_unavailable", "server_error", "slow_down"})  # RFC 6749, 4.1.2.1
_CLIENT = frozenset({"invalid_client", "unauthorized_client"})  # RFC 6749, 5.2
_REQUEST = frozenset(
    {"invalid_request", "invalid_scope", "unsupported_grant_type", "unsupported_response_type"}
)
_TOO_MANY = 429  # RFC 6585, 4
_REQUEST_TIMEOUT = 408
_USUAL = 3600.0  # seconds that a token is good for where the server does not say
_LONGEST = 366 * 86400.0


def granted(answer: Answer, oauth: OAuth, now: float, refresh: str = "") -> Tokens | None:
    """The tokens in an answer (RFC 6749, 5.1); None if there are none.

    `now` is the time of the request; `refresh` is the refresh token that stays in force if no other one came.
    """
    access = answer.text("access_token")
    if answer.status != 200 or not usable(access):
        return None
    if answer.text("token_type").lower() != "bearer":  # RFC 6749, 7.1
        return None
    newer = answer.text("refresh_token")
    expires = now + lifetime(answer.members.get("expires_in"))
    return Tokens(access, expires, newer if usable(newer) else refresh, oauth.client_id, oauth.token_url)


def usable(token: str) -> bool:
    """Whether it is a token: nothing in it would end it in a login (RFC 6749, A.12; RFC 7628, 3.1)."""
    return bool(token) and token.isascii() and token.isprintable() and " " not in token


def lifetime(value: object, unknown: float = _USUAL) -> float:
    """`expires_in` in seconds; some servers put it in quotes."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:  # or NaN
        return unknown
    return float(min(value, _LONGEST))


def refused(answer: Answer, name: str, secrets: Sequence[str]) -> CccError:
    """Why an answer holds no tokens, for account `name`."""
    host, status, code = answer.host, answer.status, answer.text("error")
    if not code:
        return _no_answer(answer)
    said = described(code, answer.text("error_description"), secrets)
    if code in _LATER or status >= 500 or status == _TOO_MANY:
        return TryLaterError(f"{host} gives no token now: {said}", "wait some minutes, then run it again")
    if code in _CLIENT:
        return ConfigurationError(
            f"{host} does not know the client of account {name}: {said}",
            f"check client_id and client_secret in {heading(name)} against what the provider shows",
        )
    if code in _REQUEST:
        return ConfigurationError(
            f"{host} does not take the request for account {name}: {said}",
            f"check scopes and the URLs in {heading(name)}, and what kind of client is registered",
        )
    return NotPermitted(f"{host} gives account {name} no token: {said}", f"run: ccc account login {name}")


def _no_answer(answer: Answer) -> CccError:
    """It is not the answer of a token server at all."""
    host, status = answer.host, answer.status
    if 300 <= status < 400:
        return ConfigurationError(
            f"{host} sends the request on to another place, and tokens go to no other place",
            "ask its administrator for the right URL, and write that into the account",
        )
    if 400 <= status < 500 and status not in (_TOO_MANY, _REQUEST_TIMEOUT):
        return ConfigurationError(
            f"{host} is no token server: HTTP status {status}",
            "check token_url and device_url in the account",
        )
    if status == 200:
        return TryLaterError(
            f"{host} answered with nothing that ccc can use", "check token_url and device_url in the account"
        )
    return TryLaterError(
        f"{host} gives no token now: HTTP status {status}", "wait some minutes, then run it again"
    )


def described(code: str, description: str, secrets: Sequence[str]) -> str:
    """An error and its description on one line, harmless and without secrets."""
    said = f"{code}: {' '.join(description.split())}" if description else code
    for secret in filter(None, secrets):
        said = said.replace(secret, "***")
    return visible(said, MOST_SHOWN)
