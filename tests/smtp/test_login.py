"""Logging in: what is said in each mechanism, and what an answer means (RFC 4954)."""

from base64 import b64decode, b64encode

import pytest

from ccc.errors import NotPermitted, ProtocolError, TryLaterError
from ccc.smtp.extensions import Extensions
from ccc.smtp.login import Held, Password, Token, choose, log_in
from tests.lab import sasl
from tests.smtp.play import Played, play

PASSWORD = Password("user", "pencil")
TOKEN = Token("me@a.test", "tok3n")


def b64(text: bytes | str) -> str:
    return b64encode(text.encode() if isinstance(text, str) else text).decode()


def login(script: str, mechanism: str, credentials=PASSWORD, nonce: str = "nonce") -> Played:
    return play(log_in(Extensions({"AUTH": (mechanism,)}), credentials, nonce), script)


def responses(played: Played) -> list[bytes]:
    """What was said, without base64."""
    lines = played.wire.decode().splitlines()
    words = [line.split()[-1] if line else "" for line in lines]
    return [b64decode(word) for word in words if word != "LOGIN"]


def test_plain_says_everything_at_once():
    played = login("C: AUTH PLAIN ***\nS: 235 welcome", "PLAIN")
    assert responses(played) == [b"\0user\0pencil"]


def test_login_says_the_name_and_then_the_password():
    played = login(
        f"C: AUTH LOGIN\nS: 334 {b64('Username:')}\nC: ***\nS: 334 {b64('Password:')}\nC: ***\nS: 235 hi",
        "LOGIN",
    )
    assert responses(played) == [b"user", b"pencil"]


def test_login_does_not_need_questions_in_base64():
    login("C: AUTH LOGIN\nS: 334 Username:\nC: ***\nS: 334 Password:\nC: ***\nS: 235 hi", "LOGIN")


def test_oauthbearer_says_who_and_the_token():
    played = login("C: AUTH OAUTHBEARER ***\nS: 235 hi", "OAUTHBEARER", Token("a=b,c", "tok"))
    assert responses(played) == [b"n,a=a=3Db=2Cc,\x01auth=Bearer tok\x01\x01"]


def test_xoauth2_says_who_and_the_token():
    played = login("C: AUTH XOAUTH2 ***\nS: 235 hi", "XOAUTH2", TOKEN)
    assert responses(played) == [b"user=me@a.test\x01auth=Bearer tok3n\x01\x01"]


@pytest.mark.parametrize(("mechanism", "answer"), [("OAUTHBEARER", b"\x01"), ("XOAUTH2", b"")])
def test_a_refused_token_is_told_in_a_challenge(mechanism, answer):
    problem = b64('{"status":"invalid_token"}')
    script = f"C: AUTH {mechanism} ***\nS: 334 {problem}\nC: ***\nS: 535 5.7.8 no"
    with pytest.raises(NotPermitted, match="invalid_token"):
        login(script, mechanism, TOKEN)
    dialogue = log_in(Extensions({"AUTH": (mechanism,)}), TOKEN, "")
    said = []

    def listening():
        step = next(dialogue)
        while True:
            said.append(getattr(step, "octets", None))
            step = dialogue.send((yield step))

    with pytest.raises(NotPermitted):
        play(listening(), script)
    assert said[-2] == b64encode(answer) + b"\r\n"


@pytest.mark.parametrize(
    ("mechanism", "credentials"),
    [
        ("PLAIN", PASSWORD),
        ("LOGIN", PASSWORD),
        ("SCRAM-SHA-256", PASSWORD),
        ("XOAUTH2", TOKEN),
        ("OAUTHBEARER", TOKEN),
    ],
)
@pytest.mark.parametrize(("right", "fine"), [(True, True), (False, False)])
def test_each_mechanism_agrees_with_the_server_of_the_lab(mechanism, credentials, right, fine):
    server = sasl.exchange(
        mechanism,
        (credentials.user, credentials.secret if right else "other"),
        credentials.secret if right else "x",
    )
    assert against(server, mechanism, credentials) is fine


def against(server, mechanism: str, credentials) -> bool:
    """Play the lab's server; whether both sides are content."""
    from ccc.smtp.replies import Reply
    from ccc.smtp.steps import Hear, Heard, Say

    dialogue = log_in(Extensions({"AUTH": (mechanism,)}), credentials, "client-nonce")
    challenge, heard, said = next(server), None, b""
    try:
        while True:
            match dialogue.send(heard):
                case Say(octets, _):
                    said, heard = octets.strip(), None
                case Hear():
                    initial = said.split()[-1] if said.startswith(b"AUTH") else said
                    try:
                        if said != b"AUTH LOGIN":
                            challenge = server.send(b64decode(initial))
                        answer = Reply(334, (b64encode(challenge),))
                    except StopIteration as end:
                        answer = Reply(235 if end.value else 535)
                    heard = Heard(answer, 0, 0, 0)
    except StopIteration:
        return True
    except NotPermitted:
        return False


@pytest.mark.parametrize(
    ("offered", "credentials", "chosen"),
    [
        (("PLAIN", "LOGIN", "SCRAM-SHA-256"), PASSWORD, "SCRAM-SHA-256"),
        (("LOGIN", "PLAIN"), PASSWORD, "PLAIN"),
        (("CRAM-MD5", "LOGIN"), PASSWORD, "LOGIN"),
        (("XOAUTH2", "PLAIN", "OAUTHBEARER"), TOKEN, "OAUTHBEARER"),
        (("XOAUTH2", "PLAIN"), TOKEN, "XOAUTH2"),
    ],
)
def test_the_best_mechanism_is_chosen(offered, credentials, chosen):
    assert choose(Extensions({"AUTH": offered}), credentials) == chosen


@pytest.mark.parametrize(
    ("offered", "credentials"),
    [((), PASSWORD), (("CRAM-MD5",), PASSWORD), (("PLAIN",), TOKEN), (("XOAUTH2",), PASSWORD)],
)
def test_without_a_mechanism_nothing_is_said(offered, credentials):
    with pytest.raises(NotPermitted, match="cannot log in"):
        choose(Extensions({"AUTH": offered}), credentials)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("535 5.7.8 wrong", NotPermitted),
        ("534 5.7.9 too weak", NotPermitted),
        ("454 4.7.0 not now", TryLaterError),
        ("421 bye", TryLaterError),
        ("504 unknown", NotPermitted),
        ("354 go", NotPermitted),
    ],
)
def test_a_login_may_be_refused(reply, error):
    with pytest.raises(error) as caught:
        login(f"C: AUTH PLAIN ***\nS: {reply}", "PLAIN")
    assert "pencil" not in str(caught.value)


def test_login_may_be_refused_at_once():
    with pytest.raises(NotPermitted):
        login("C: AUTH LOGIN\nS: 535 no", "LOGIN")


def test_a_server_may_be_content_with_a_name():
    login("C: AUTH LOGIN\nS: 334 \nC: ***\nS: 235 hi", "LOGIN")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_server_cannot_ask_for_ever(mechanism):
    first = (
        "C: AUTH LOGIN\nS: 334 a\nC: ***\nS: 334 b\nC: ***\n"
        if mechanism == "LOGIN"
        else "C: AUTH PLAIN ***\n"
    )
    with pytest.raises(ProtocolError, match="more than its login mechanism has"):
        login(first + "S: 334 c", mechanism)


def test_a_success_before_the_question_is_none():
    with pytest.raises(ProtocolError):
        login("C: AUTH PLAIN ***\nE: 235 welcome", "PLAIN")


def test_a_nul_cannot_shift_what_is_name_and_what_is_password():
    with pytest.raises(NotPermitted):
        login("", "PLAIN", Password("me\0root", "x"))


@pytest.mark.parametrize("credentials", [Password("me", "s3cret"), Token("me", "s3cret")])
def test_a_secret_is_in_no_repr(credentials):
    assert "s3cret" not in repr(credentials)


@pytest.mark.parametrize(
    ("mechanism", "credentials"),
    [("PLAIN", PASSWORD), ("SCRAM-SHA-256", PASSWORD), ("XOAUTH2", TOKEN), ("OAUTHBEARER", TOKEN)],
)
def test_no_secret_is_shown(mechanism, credentials):
    """The script holds what a transcript would show, and stars stand for all that was said."""
    with pytest.raises(NotPermitted):
        login(f"C: AUTH {mechanism} ***\nS: 535 no", mechanism, credentials)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "SCRAM-SHA-256"])
def test_a_password_that_is_not_utf8_is_the_users_to_mend(mechanism):
    dialogue = log_in(Extensions({"AUTH": (mechanism,)}), Password("me", "se\udcffcret"), "nonce")
    with pytest.raises(NotPermitted, match="not UTF-8") as refused:
        next(dialogue)
    assert "cret" not in str(refused.value)


def test_what_is_held_is_the_same_for_every_session():
    held = Password("me", "secret")
    assert [Held(held).credentials() for _ in range(2)] == [held, held]
