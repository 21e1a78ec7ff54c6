"""The server's side of each login: generators that yield challenges and are sent responses.

`exchange(mechanism, login, token)` yields octets (before base64) and returns the user, or None.
The first response is None when the client gave no initial response.
"""

import base64
import hashlib
import hmac
from collections.abc import Generator

Exchange = Generator[bytes, bytes, str | None]
ITERATIONS = 4096
SALT = b"salt of the lab"
NONCE = b"server-nonce"


def exchange(mechanism: str, login: tuple[str, str], token: str = "") -> Exchange:
    """Play the server of one mechanism for one user."""
    user, password = (part.encode() for part in login)
    match mechanism:
        case "PLAIN":
            return _plain(user, password)
        case "LOGIN":
            return _login(user, password)
        case "SCRAM-SHA-256":
            return _scram(user, password)
        case "XOAUTH2":
            return _bearer(b"user=" + user + b"\x01auth=Bearer " + token.encode() + b"\x01\x01", user)
        case "OAUTHBEARER":
            return _oauthbearer(user, token.encode())
    raise ValueError(mechanism)


def _plain(user: bytes, password: bytes) -> Exchange:
    response = yield b""  # RFC 4616
    authzid, _, rest = response.partition(b"\0")
    return user.decode() if rest == user + b"\0" + password and authzid in (b"", user) else None


def _login(user: bytes, password: bytes) -> Exchange:
    name = yield b"Username:"
    secret = yield b"Password:"
    return user.decode() if (name, secret) == (user, password) else None


def _bearer(wanted: bytes, user: bytes) -> Exchange:
    response = yield b""
    if response == wanted:
        return user.decode()
    yield b'{"status":"401","schemes":"bearer","scope":"https://mail.example/"}'
    return None


def _oauthbearer(user: bytes, token: bytes) -> Exchange:
    response = yield b""  # RFC 7628, 3.1
    head, *pairs = response.split(b"\x01")
    if head == b"n,a=" + user + b"," and b"auth=Bearer " + token in pairs and pairs[-2:] == [b"", b""]:
        return user.decode()
    yield b'{"status":"invalid_token"}'
    return None


def _scram(user: bytes, password: bytes) -> Exchange:
    first = yield b""  # RFC 5802, 5
    gs2, bare = first[:3], first[3:]
    attributes = dict(part.split(b"=", 1) for part in bare.split(b","))
    nonce = attributes[b"r"] + NONCE
    challenge = b"r=%b,s=%b,i=%d" % (nonce, base64.b64encode(SALT), ITERATIONS)
    final = yield challenge
    without_proof, _, proof = final.rpartition(b",p=")
    salted = hashlib.pbkdf2_hmac("sha256", password, SALT, ITERATIONS)
    signed = b",".join((bare, challenge, without_proof))
    stored = hashlib.sha256(_mac(salted, b"Client Key")).digest()
    key = _xor(base64.b64decode(proof), _mac(stored, signed))
    expected = b"c=" + base64.b64encode(gs2) + b",r=" + nonce
    unescaped = attributes[b"n"].replace(b"=2C", b",").replace(b"=3D", b"=")
    if hashlib.sha256(key).digest() != stored or without_proof != expected or unescaped != user:
        return None
    yield b"v=" + base64.b64encode(_mac(_mac(salted, b"Server Key"), signed))
    return user.decode()


def _mac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
