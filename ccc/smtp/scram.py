"""SCRAM-SHA-256 (RFC 7677, RFC 5802): the password is never sent, and the server proves that it knows it."""

import re
from base64 import b64decode, b64encode
from collections.abc import Generator

from ccc.errors import NotPermitted, ProtocolError

LEAST_ITERATIONS, MOST_ITERATIONS = 4096, 2_000_000  # RFC 7677, 4; more would be a way to hang the client

_FIRST = re.compile(r"r=([!-+\--~]+),s=([A-Za-z0-9+/]+=*),i=([1-9]\d{0,9})(?:,.*)?", re.ASCII)  # RFC 5802, 7


def scram_sha_256(user: str, password: str, nonce: str) -> Generator[bytes, bytes, None]:
    """The client's messages, each sent the server's answer; NotPermitted if the server is an impostor."""
    name = saslprep(user).replace("=", "=3D").replace(",", "=2C")  # RFC 5802, 5.1
    first_bare = f"n={name},r={nonce}"
    server_first = _text((yield f"n,,{first_bare}".encode()))  # "n": no channel binding (RFC 5802, 7)
    server_nonce, salt, iterations = _parse(server_first, nonce)
    final_bare = f"c=biws,r={server_nonce}"
    signed = f"{first_bare},{server_first},{final_bare}".encode()
    proof, verifier = _keys(saslprep(password), salt, iterations, signed)
    server_final = _text((yield f"{final_bare},p={b64encode(proof).decode()}".encode()))
    if not server_final:  # accepted without its last message: the proof came in no challenge
        raise NotPermitted("the server accepted the login without proving that it knows the password")
    if server_final.startswith("e="):  # RFC 5802, 7: server-error
        raise NotPermitted(
            f"the server refused the login of {user}: {server_final[2:]}",
            "check the user name and the password",
        )
    if server_final.split(",")[0] != f"v={b64encode(verifier).decode()}":  # RFC 5802, 3
        raise NotPermitted("the server could not prove that it knows the password", "it may be an impostor")
    yield b""


def saslprep(text: str) -> str:
    """Prepare a name or a password (RFC 4013); NotPermitted if it holds what no one can type."""
    if text.isascii() and text.isprintable():
        return text
    import stringprep
    import unicodedata

    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if not stringprep.in_table_b1(char)  # RFC 4013, 2.1
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)  # RFC 4013, 2.2
    forbidden = (
        stringprep.in_table_c21_c22,
        stringprep.in_table_c3,
        stringprep.in_table_c4,
        stringprep.in_table_c5,
        stringprep.in_table_c6,
        stringprep.in_table_c7,
        stringprep.in_table_c8,
        stringprep.in_table_c9,
    )
    if any(table(char) for table in forbidden for char in prepared):  # RFC 4013, 2.3
        raise NotPermitted("the user name or the password holds a character that SASL does not allow")
    return prepared


def _text(message: bytes) -> str:
    """A server's message as text."""
    try:
        return message.decode("utf-8")
    except UnicodeDecodeError:
        raise ProtocolError("the server's SCRAM message is not UTF-8") from None


def _parse(server_first: str, nonce: str) -> tuple[str, bytes, int]:
    """Nonce, salt and iteration count of the server's first message."""
    match = _FIRST.fullmatch(server_first)
    if match is None or not match[1].startswith(nonce) or match[1] == nonce:  # RFC 5802, 5.1
        raise ProtocolError("the server's first SCRAM message is malformed")
    iterations = int(match[3])
    if not LEAST_ITERATIONS <= iterations <= MOST_ITERATIONS:
        raise ProtocolError(f"the server wants {iterations} SCRAM iterations, which is out of bounds")
    try:
        return match[1], b64decode(match[2], validate=True), iterations
    except ValueError:
        raise ProtocolError("the server's SCRAM salt is not base64") from None


def _keys(password: str, salt: bytes, iterations: int, signed: bytes) -> tuple[bytes, bytes]:
    """The client's proof and the server's signature (RFC 5802, 3)."""
    from hashlib import pbkdf2_hmac, sha256
    from hmac import digest

    salted = pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = digest(salted, b"Client Key", "sha256")
    signature = digest(sha256(client_key).digest(), signed, "sha256")
    proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
    return proof, digest(digest(salted, b"Server Key", "sha256"), signed, "sha256")
