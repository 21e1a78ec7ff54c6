"""A small authorization server: tokens for the device flow, the browser flow and refresh, and introspection.

    with TokenServer() as server:
        account._replace(oauth=server.oauth())

Access tokens are "access-1", "access-2", …; refresh tokens turn over: each is good for one use, as in
RFC 6819, 5.2.2.3. Answers are scripted by path: `script["/token"] = [answer, ...]` is used up one by one
before the usual answers. An answer is (status, members), or octets that are sent as they are. `forms` has
what came in.
"""

import base64
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

from ccc.config.account import OAuth

Members = Mapping[str, object]
Answer = tuple[int, Members] | bytes

PENDING: Answer = (400, {"error": "authorization_pending"})
SLOW_DOWN: Answer = (400, {"error": "slow_down"})


class Form(NamedTuple):
    """A form as it came in."""

    path: str
    fields: dict[str, str]


class TokenServer:
    """See the module. `rotate` is false: a refresh token stays in force, and no other one is given."""

    def __init__(
        self,
        *,
        user: str = "me@example.org",
        client_id: str = "client",
        expires_in: object = 3600,
        rotate: bool = True,
        size: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.user, self.client_id, self.expires_in, self.rotate = user, client_id, expires_in, rotate
        self.size = size  # octets of an access token at least
        self.script: dict[str, list[Answer]] = {}
        self.forms: list[Form] = []
        self.access: list[str] = []
        self.good: set[str] = set()  # access tokens that open a session
        self.refresh: list[str] = []
        self.used: list[str] = []  # refresh tokens that were used
        self.challenge: dict[str, str] = {}  # of each code
        self.lock = threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        if tls is not None:
            self._http.socket = tls.wrap_socket(
                self._http.socket, server_side=True, do_handshake_on_connect=False
            )
        self.base = f"http{'s' * bool(tls)}://localhost:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def oauth(self, *, device: bool = True, **changes: object) -> OAuth:
        """What an account must know of this server."""
        known = OAuth(
            client_id=self.client_id,
            authorize_url=f"{self.base}/authorize?prompt=consent",
            token_url=f"{self.base}/token",
            device_url=f"{self.base}/device" if device else "",
            scopes="mail.send mail.read",
        )
        return known._replace(**changes)

    def browser(self, url: str, **changes: str) -> bool:
        """A user with a browser, who agrees at once and comes back, with `changes` to the query."""
        asked = dict(parse_qsl(urlsplit(url).query))
        code = f"code-{len(self.challenge) + 1}"
        self.challenge[code] = asked["code_challenge"]
        back = {"code": code, "state": asked["state"], **changes}
        query = urlencode({name: value for name, value in back.items() if value})
        self.visitor = threading.Thread(target=_visit, args=(f"{asked['redirect_uri']}?{query}",))
        self.visitor.start()
        return True

    def grant(self) -> Members:
        """A new access token and, if they turn over, a new refresh token."""
        with self.lock:
            self.access.append(f"access-{len(self.access) + 1}".ljust(self.size, "x"))
            self.good = {self.access[-1]}
            given: dict[str, object] = {"access_token": self.access[-1], "token_type": "Bearer"}
            if self.expires_in is not None:
                given["expires_in"] = self.expires_in
            if self.rotate or not self.refresh:
                self.refresh.append(f"refresh-{len(self.access)}")
                given["refresh_token"] = self.refresh[-1]
            return given

    def answer(self, path: str, fields: dict[str, str]) -> Answer:
        """What is said to a form."""
        self.forms.append(Form(path, fields))
        if scripted := self.script.get(path):
            return scripted.pop(0)
        if path == "/introspect":  # RFC 7662, 2.2
            return 200, {"active": fields.get("token") in self.good, "username": self.user}
        if fields.get("client_id") != self.client_id:
            return 401, {"error": "invalid_client", "error_description": "AADSTS700016: no such application"}
        if path == "/device":
            return 200, {
                "device_code": "device-secret",
                "user_code": "WDJB-MJHT",
                "verification_uri": f"{self.base}/activate",
                "expires_in": 900,
                "interval": 5,
            }
        return self._token(fields)

    def _token(self, fields: dict[str, str]) -> Answer:
        match fields.get("grant_type"):
            case "refresh_token":
                token = fields["refresh_token"]
                if token not in self.refresh or (self.rotate and token != self.refresh[-1]):
                    return 400, {"error": "invalid_grant", "error_description": f"{token} is not in force"}
                self.used.append(token)
                return 200, self.grant()
            case "authorization_code":
                digest = hashlib.sha256(fields["code_verifier"].encode()).digest()
                if self.challenge.get(fields["code"]) == base64.urlsafe_b64encode(digest).decode().rstrip(
                    "="
                ):
                    return 200, self.grant()
                return 400, {"error": "invalid_grant", "error_description": "PKCE"}
            case "urn:ietf:params:oauth:grant-type:device_code" if fields["device_code"] == "device-secret":
                return 200, self.grant()
            case _:
                return 400, {"error": "invalid_request"}


class _Server(ThreadingHTTPServer):
    owner: TokenServer
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no fault of the tests."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10

    def do_POST(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        fields = {name: values[0] for name, values in parse_qs(self.rfile.read(size).decode()).items()}
        answer = self.server.owner.answer(self.path, fields)
        if isinstance(answer, bytes):
            self.connection.sendall(answer)
            self.connection.shutdown(socket.SHUT_WR)
            self.close_connection = True
            return
        status, members = answer
        octets = json.dumps(members).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def _visit(url: str) -> None:
    with urlopen(url, timeout=10) as page:
        page.read()
