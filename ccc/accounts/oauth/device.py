"""The device flow (RFC 8628): the user types a code at the provider's page, on any device that has a browser.

Nothing listens here, so it works over ssh and in a container.
"""

from collections.abc import Callable
from typing import NamedTuple

from ccc.accounts.oauth.answers import described, granted, lifetime, refused, usable
from ccc.accounts.oauth.http import Answer, endpoint, post
from ccc.accounts.oauth.refresh import client
from ccc.accounts.oauth.store import login_of
from ccc.accounts.oauth.tokens import Tokens
from ccc.config.account import Account
from ccc.errors import CccError, NotPermitted, TryLaterError
from ccc.visible import visible

GRANT = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628, 3.4
INTERVAL = 5.0  # seconds between two questions where the server does not say (RFC 8628, 3.2)
SLOWER = 5.0  # seconds more after slow_down (RFC 8628, 3.5)
MOST = 600.0  # seconds between two questions at most, and half an hour for all of it
LONGEST = 1800.0
MOST_SHOWN = 200  # characters of a URL or a code


class Code(NamedTuple):
    """What the server gave for a start (RFC 8628, 3.2)."""

    device: str  # a secret
    user: str
    url: str
    until: float  # by the clock of the caller
    interval: float


def by_device(
    account: Account, say: Callable[[str], None], clock: Callable[[], float], sleep: Callable[[float], None]
) -> Tokens:
    """Show a code and wait until the user has agreed; NotPermitted if not, or not in time."""
    code = _begin(account, clock())
    say(f"open {visible(code.url, MOST_SHOWN)} in a browser, on this or on another device,")
    say(f"type the code {visible(code.user, MOST_SHOWN)} there, and log in as {login_of(account)}")
    say(f"this code is good for {max(1, round((code.until - clock()) / 60))} minutes; ccc waits")
    return _poll(account, code, clock, sleep)


def _begin(account: Account, now: float) -> Code:
    """Ask for a code (RFC 8628, 3.1)."""
    oauth = account.oauth
    place = endpoint(account, "device_url")
    answer = post(place, {**client(account), "scope": oauth.scopes}, account.tls_ca_file)
    device, user = answer.text("device_code"), answer.text("user_code")
    url = answer.text("verification_uri") or answer.text("verification_url")  # as Google calls it
    if answer.status != 200 or not usable(device) or not user or not url.startswith(("https://", "http://")):
        raise refused(answer, account.name, (oauth.client_secret, device))
    until = now + min(lifetime(answer.members.get("expires_in"), LONGEST), LONGEST)
    return Code(device, user, url, until, min(lifetime(answer.members.get("interval"), INTERVAL), MOST))


def _poll(account: Account, code: Code, clock: Callable[[], float], sleep: Callable[[float], None]) -> Tokens:
    """Ask from time to time whether the user has agreed (RFC 8628, 3.4)."""
    place = endpoint(account, "token_url")
    form = {"grant_type": GRANT, "device_code": code.device, **client(account)}
    interval = code.interval
    while clock() + interval < code.until:
        sleep(interval)
        try:
            answer = post(place, form, account.tls_ca_file)
        except TryLaterError:
            interval = min(interval * 2, MOST)  # RFC 8628, 3.5: exponential backoff
            continue
        if found := granted(answer, account.oauth, clock()):
            return found
        match answer.text("error"):
            case "authorization_pending":
                pass
            case "slow_down":
                interval += SLOWER  # RFC 8628, 3.5
            case _:
                error = _over(answer, account, code)
                if not isinstance(error, TryLaterError):
                    raise error
                interval = min(interval * 2, MOST)
    raise _too_late(account)


def _over(answer: Answer, account: Account, code: Code) -> CccError:
    """Why no token will come for this code."""
    secrets = (code.device, account.oauth.client_secret)
    match answer.text("error"):
        case "access_denied":
            said = described("access_denied", answer.text("error_description"), secrets)
            return NotPermitted(
                f"the login to account {account.name} was refused at {answer.host}: {said}",
                f"agree there, or ask whoever runs the mail of your organization; then: ccc account login "
                f"{account.name}",
            )
        case "expired_token":
            return _too_late(account)
        case _:
            return refused(answer, account.name, secrets)


def _too_late(account: Account) -> CccError:
    return NotPermitted(
        f"the code for account {account.name} was not typed in time", f"run: ccc account login {account.name}"
    )
