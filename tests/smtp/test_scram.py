"""SCRAM-SHA-256 against the vector of RFC 7677, and against servers that know no password."""

from base64 import b64encode

import pytest

from ccc.errors import NotPermitted, ProtocolError
from ccc.smtp.extensions import Extensions
from ccc.smtp.login import Password, log_in
from ccc.smtp.scram import saslprep, scram_sha_256
from tests.smtp.play import play

NONCE = "rOprNGfwEbeRWgbNEkqO"
SERVER_NONCE = NONCE + "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
SERVER_FIRST = f"r={SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
CLIENT_FINAL = f"c=biws,r={SERVER_NONCE},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
SERVER_FINAL = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def begun(user: str = "user", password: str = "pencil"):
    exchange = scram_sha_256(user, password, NONCE)
    return exchange, next(exchange)


def test_the_vector_of_rfc_7677():
    exchange, first = begun()
    assert first == f"n,,n=user,r={NONCE}".encode()
    assert exchange.send(SERVER_FIRST.encode()) == CLIENT_FINAL.encode()
    assert exchange.send(SERVER_FINAL.encode()) == b""


def test_a_name_is_escaped():
    assert begun("a=b,c")[1] == f"n,,n=a=3Db=2Cc,r={NONCE}".encode()


def test_more_attributes_are_ignored():
    exchange, _ = begun()
    assert exchange.send(f"{SERVER_FIRST},x=later".encode()).startswith(b"c=biws")


@pytest.mark.parametrize(
    "message",
    [
        "",
        "e=other-error",
        "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        f"r={NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",  # the server added nothing
        f"m=ext,{SERVER_FIRST}",
        f"r={SERVER_NONCE},i=4096,s=W22ZaJ0SNY7soEsUEjb6gQ==",
        f"r={SERVER_NONCE},s=,i=4096",
        f"r={SERVER_NONCE},s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096",  # base64 without its end
        f"r={SERVER_NONCE},s=W22Z!!!!,i=4096",
        f"r={SERVER_NONCE},s=W22Z,i=04096",
        f"r={SERVER_NONCE},s=W22Z,i=0",
        f"r={SERVER_NONCE},s=W22Z,i=-1",
        f"r={SERVER_NONCE},s=W22Z,i=1",
        f"r={SERVER_NONCE},s=W22Z,i=4095",
        f"r={SERVER_NONCE},s=W22Z,i=2000001",
        f"r={SERVER_NONCE},s=W22Z,i=99999999999",
        f"r={SERVER_NONCE},s=W22Z,i=\u0664\u0660\u0669\u0666",
        f"r={SERVER_NONCE} x,s=W22Z,i=4096",
        SERVER_FIRST + "\n",
    ],
)
def test_a_malformed_first_message_is_no_login(message):
    exchange, _ = begun()
    with pytest.raises(ProtocolError):
        exchange.send(message.encode())


def test_a_message_that_is_not_utf8_is_none():
    exchange, _ = begun()
    with pytest.raises(ProtocolError):
        exchange.send(b"r=\xff")


@pytest.mark.parametrize(
    "final", ["v=AAAA", "v=", "x", SERVER_FINAL[:-1], "v=" + b64encode(b"x" * 32).decode()]
)
def test_an_impostor_cannot_prove_that_it_knows_the_password(final):
    exchange, _ = begun()
    exchange.send(SERVER_FIRST.encode())
    with pytest.raises(NotPermitted, match="could not prove"):
        exchange.send(final.encode())


def test_a_server_may_say_what_is_wrong_in_its_last_message():
    exchange, _ = begun()
    exchange.send(SERVER_FIRST.encode())
    with pytest.raises(NotPermitted, match="refused the login of user: invalid-proof"):
        exchange.send(b"e=invalid-proof")


def log_in_with(script: str) -> None:
    play(log_in(Extensions({"AUTH": ("SCRAM-SHA-256",)}), Password("user", "pencil"), NONCE), script)


def challenge(message: str) -> str:
    return f"S: 334 {b64encode(message.encode()).decode()}\nC: ***\n"


def test_the_whole_dialogue():
    log_in_with(
        "C: AUTH SCRAM-SHA-256 ***\n" + challenge(SERVER_FIRST) + challenge(SERVER_FINAL) + "S: 235 hi"
    )


def test_a_success_without_a_proof_is_no_login():
    with pytest.raises(NotPermitted, match="without proving"):
        log_in_with("C: AUTH SCRAM-SHA-256 ***\n" + challenge(SERVER_FIRST) + "S: 235 hi")


def test_a_success_at_once_is_no_login():
    with pytest.raises(ProtocolError):
        log_in_with("C: AUTH SCRAM-SHA-256 ***\nS: 235 hi")


def test_a_wrong_password_is_refused_as_such():
    with pytest.raises(NotPermitted, match="535"):
        log_in_with("C: AUTH SCRAM-SHA-256 ***\n" + challenge(SERVER_FIRST) + "S: 535 wrong")


@pytest.mark.parametrize(
    ("text", "prepared"),
    [  # RFC 4013, 3
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("", ""),
    ],
)
def test_names_and_passwords_are_prepared(text, prepared):
    assert saslprep(text) == prepared


@pytest.mark.parametrize(
    "text", ["\u0007", "a\0b", "\ue000", "\ufffd", "\u2ff0", "\u202e", "\U000e0001", "\x7f\u00e9"]
)
def test_what_nobody_can_type_is_not_allowed(text):
    with pytest.raises(NotPermitted):
        saslprep(text)
