"""The browser flow of an installed program (RFC 8252): the browser comes back to a port of this host.

PKCE (RFC 7636) makes the code worthless to whoever else sees it, and `state` makes the answer ours. Only
127.0.0.1 listens, until the one request with our state is answered. What a browser opens besides, or another
program sends, is answered with nothing of interest, and keeps nobody waiting.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from selectors import EVENT_READ, DefaultSelector
from socket import socket
from typing import NamedTuple, Self

from ccc.accounts.oauth.answers import described, granted, refused
from ccc.accounts.oauth.http import endpoint, post
from ccc.accounts.oauth.refresh import client
from ccc.accounts.oauth.store import login_of
from ccc.accounts.oauth.tokens import Tokens
from ccc.config.account import Account
from ccc.errors import NotPermitted

PATIENCE = 600.0  # seconds for the user to log in
MOST = 1 << 14  # octets of a request
CALLERS = 32  # connections that may be open at once; the oldest gives way

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>ccc</title>'
    "<style>body{font:1.2em sans-serif;margin:4em}</style><p>%s</p></html>\n"
)
_DONE = "ccc has its answer. You can close this page."
_REFUSED = "The login was refused. What to do is in the terminal where ccc runs."
_OTHER = "There is nothing here."


class Proof(NamedTuple):
    """The secrets of one login: PKCE's verifier, and what the answer must repeat."""

    verifier: str
    state: str

    @property
    def challenge(self) -> str:
        """What the provider sees first of the verifier (RFC 7636, 4.2: S256)."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def by_browser(
    account: Account,
    say: Callable[[str], None],
    open_browser: Callable[[str], bool] | None,
    clock: Callable[[], float],
    *,
    seconds: float = PATIENCE,
) -> Tokens:
    """Send the user to the provider's page and take what comes back; NotPermitted if that is a refusal."""
    import secrets

    proof = Proof(secrets.token_urlsafe(48), secrets.token_urlsafe(24))  # RFC 7636, 4.1: 43 to 128 characters
    with Returns() as returns:
        url = _page_of(account, proof, returns.uri)
        _show(url, returns.port, say, open_browser)
        given = returns.wait(proof.state, seconds)
    if given is None:
        raise NotPermitted(
            f"nobody logged in to account {account.name} within {seconds / 60:g} minutes",
            f"run: ccc account login {account.name}",
        )
    if error := given.get("error"):
        said = described(
            error, given.get("error_description", ""), (proof.verifier, account.oauth.client_secret)
        )
        raise NotPermitted(
            f"the provider refused the login to account {account.name}: {said}",
            "agree on its page, check client_id and scopes, or ask whoever runs your organization's mail",
        )
    return _exchanged(account, proof, given["code"], returns.uri, clock())


def _page_of(account: Account, proof: Proof, back: str) -> str:
    """The page where the user agrees (RFC 6749, 4.1.1); what its URL says already, stays (3.1)."""
    from urllib.parse import parse_qs, urlencode, urlsplit

    url = endpoint(account, "authorize_url").url
    asked = {
        "response_type": "code",
        "client_id": account.oauth.client_id,
        "redirect_uri": back,
        "scope": account.oauth.scopes,
        "state": proof.state,
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
        "login_hint": login_of(account),
        "access_type": "offline",  # without these two, Google gives a refresh token once and never again
        "prompt": "consent",
    }
    there = parse_qs(urlsplit(url).query)
    query = urlencode({name: value for name, value in asked.items() if value and name not in there})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _show(
    url: str, port: int, say: Callable[[str], None], open_browser: Callable[[str], bool] | None
) -> None:
    """Open the page in a browser, or tell where it is."""
    if open_browser is not None and open_browser(url):
        say("your browser shows the provider's page; log in and agree there. If it does not, open this URL:")
        say(url)
        return
    say("open this URL in a browser on this host, log in and agree:")
    say(url)
    say(f"from another host, let its port {port} lead here first: ssh -L {port}:127.0.0.1:{port} THIS-HOST")


def _exchanged(account: Account, proof: Proof, code: str, back: str, now: float) -> Tokens:
    """The tokens for the code (RFC 6749, 4.1.3; RFC 7636, 4.5)."""
    place = endpoint(account, "token_url")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": proof.verifier,
        **client(account),
    }
    answer = post(place, form, account.tls_ca_file)
    if found := granted(answer, account.oauth, now):
        return found
    raise refused(answer, account.name, (code, proof.verifier, account.oauth.client_secret))


class Returns:
    """The port of this host to which the browser comes back; a context manager."""

    def __init__(self) -> None:
        self._listening = socket()
        self._selector = DefaultSelector()
        self._callers: dict[socket, bytes] = {}
        try:
            self._listening.bind(("127.0.0.1", 0))  # RFC 8252, 7.3 and 8.3: no name, any port
            self._listening.listen(CALLERS)
            self._listening.setblocking(False)
        except OSError:
            self.close()
            raise
        self.port: int = self._listening.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}/"
        self._selector.register(self._listening, EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nobody comes back any more."""
        for each in (*self._callers, self._listening):
            each.close()
        self._selector.close()

    def wait(self, state: str, seconds: float) -> Mapping[str, str] | None:
        """What the request with this state says; None if none came in time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                caller = key.fileobj
                if caller is self._listening:
                    self._accept()
                elif isinstance(caller, socket) and (found := self._read(caller, state)) is not None:
                    return found
        return None

    def _accept(self) -> None:
        try:
            caller, _ = self._listening.accept()
        except OSError:  # it has gone again
            return
        caller.setblocking(False)
        if len(self._callers) >= CALLERS:
            self._let_go(next(iter(self._callers)))
        self._callers[caller] = b""
        self._selector.register(caller, EVENT_READ)

    def _read(self, caller: socket, state: str) -> Mapping[str, str] | None:
        """Hear more of one request; what it says, if it is whole and the one that is waited for."""
        try:
            more = caller.recv(4096)
        except OSError:
            more = b""
        octets = self._callers[caller] = self._callers[caller] + more
        if not more or len(octets) > MOST:
            self._let_go(caller)
        elif b"\r\n\r\n" in octets or b"\n\n" in octets:
            found = said_in(octets, state)
            self._answer(caller, found)
            return found
        return None

    def _answer(self, caller: socket, found: Mapping[str, str] | None) -> None:
        """A page without a word of what was asked."""
        status, words = ("404 Not Found", _OTHER) if found is None else ("200 OK", _DONE)
        page = (_PAGE % (_REFUSED if found and "error" in found else words)).encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n"
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
            "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        with suppress(OSError):  # the browser has gone; what it said counts
            caller.send(head.encode() + page)  # it fits into any buffer
        self._let_go(caller)

    def _let_go(self, caller: socket) -> None:
        self._selector.unregister(caller)
        del self._callers[caller]
        caller.close()


def said_in(request: bytes, state: str) -> Mapping[str, str] | None:
    """The code or the error that a request for / brings with our state; None for any other request."""
    from hmac import compare_digest
    from urllib.parse import parse_qsl, urlsplit

    words = request.split(b"\n", 1)[0].decode("ascii", "replace").split()
    if len(words) != 3 or words[0] != "GET":
        return None
    try:
        parts = urlsplit(words[1])
        pairs = parse_qsl(parts.query, max_num_fields=32)
    except ValueError:
        return None
    found = dict(pairs)
    if parts.path != "/" or len(found) < len(pairs):  # RFC 6749, 3.1: no parameter twice
        return None
    if not compare_digest(found.get("state", "").encode(), state.encode()):  # RFC 6749, 10.12
        return None
    return found if "code" in found or "error" in found else None
