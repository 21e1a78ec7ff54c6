"""The opening of a session: greeting, EHLO, STARTTLS, login."""

import pytest

from ccc.errors import Kind, LinkError, LinkLost, NotPermitted, ProtocolError, RefusedError, TryLaterError
from ccc.smtp.extensions import Extensions
from ccc.smtp.login import Password
from ccc.smtp.session import Opening, StartTLSPolicy, open_session, quit_session
from tests.smtp.play import Played, play

NEVER, REQUIRED, OPPORTUNISTIC = StartTLSPolicy.NEVER, StartTLSPolicy.REQUIRED, StartTLSPolicy.OPPORTUNISTIC
GREETED = """
    S: 220 mx ESMTP
    C: EHLO me.test
"""
OFFERED = """
    S: 250-mx
    S: 250 STARTTLS
    C: STARTTLS
"""


def opened(script: str, starttls: StartTLSPolicy = NEVER, **options) -> Played:
    return play(open_session(Opening("me.test", starttls, **options)), script)


def test_a_session_knows_what_is_offered():
    played = opened(GREETED + "S: 250-mx\nS: 250-SIZE 5\nS: 250 PIPELINING")
    assert played.result == Extensions({"SIZE": ("5",), "PIPELINING": ()})
    assert (played.turns, played.waits) == (1, ["greeting", "command"])


def test_lmtp_says_lhlo():
    opened("S: 220 mx\nC: LHLO me.test\nS: 250 mx", lmtp=True)


@pytest.mark.parametrize("code", [500, 502, 504])
def test_a_server_that_does_not_know_ehlo_gets_helo(code):
    played = opened(GREETED + f"S: {code} what\nC: HELO me.test\nS: 250 mx PIPELINING")
    assert played.result == Extensions()


def test_there_is_no_helo_in_lmtp():
    with pytest.raises(RefusedError):
        opened("S: 220 mx\nC: LHLO me.test\nS: 500 what", lmtp=True)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("220-hello\nS: 220 there", None),
        ("421 busy", TryLaterError),
        ("450 busy", TryLaterError),
        ("554 no mail here", RefusedError),
        ("521 no mail here", RefusedError),
        ("354 go on", ProtocolError),
        ("334 go on", ProtocolError),
    ],
)
def test_the_greeting_says_whether_there_is_service(reply, error):
    if error is None:
        opened(f"S: {reply}\nC: EHLO me.test\nS: 250 mx")
        return
    with pytest.raises(error) as caught:
        opened(f"S: {reply}")
    assert reply in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("421 busy", TryLaterError),
        ("451 busy", TryLaterError),
        ("550 not you", RefusedError),
        ("530 log in first", NotPermitted),
        ("354 go on", ProtocolError),
    ],
)
def test_ehlo_may_be_refused(reply, error):
    with pytest.raises(error):
        opened(GREETED + f"S: {reply}")


def test_helo_may_be_refused_as_well():
    with pytest.raises(RefusedError):
        opened(GREETED + "S: 502 what\nC: HELO me.test\nS: 550 no")


@pytest.mark.parametrize("script", ["!: lost", GREETED + "!: lost", GREETED + "!: nonsense"])
def test_a_lost_link_is_told_as_such(script):
    with pytest.raises(LinkError):
        opened(script)


@pytest.mark.parametrize("early", ["220 hello again", "250 mx", "354 go on"])
def test_an_answer_to_ehlo_before_it_was_said_breaks_the_protocol(early):
    with pytest.raises(ProtocolError, match="before it was asked"):
        opened(GREETED + f"E: {early}")


def test_a_refusal_may_come_at_any_time():
    with pytest.raises(TryLaterError, match="421 timeout"):
        opened(GREETED + "E: 421 timeout")


# STARTTLS


def test_after_starttls_everything_is_asked_again():
    played = opened(
        GREETED + OFFERED + "S: 220 go\nT: TLS\nC: EHLO me.test\nS: 250-mx\nS: 250 CHUNKING", REQUIRED
    )
    assert played.result == Extensions({"CHUNKING": ()})


@pytest.mark.parametrize("reply", ["250 mx", "500 what\nC: HELO me.test\nS: 250 mx"])
def test_where_starttls_is_required_nothing_is_said_in_clear(reply):
    with pytest.raises(LinkError, match="does not offer STARTTLS") as caught:
        opened(GREETED + f"S: {reply}", REQUIRED)
    assert caught.value.kind is Kind.TRY_LATER


@pytest.mark.parametrize(
    ("reply", "error"), [("454 not now", TryLaterError), ("502 no", RefusedError), ("354 go", ProtocolError)]
)
def test_where_starttls_is_required_it_cannot_be_refused(reply, error):
    with pytest.raises(error):
        opened(GREETED + OFFERED + f"S: {reply}", REQUIRED)


def test_where_it_is_opportunistic_it_can():
    opened(GREETED + OFFERED + "S: 454 not now", OPPORTUNISTIC)


def test_where_it_is_opportunistic_it_need_not_be_offered():
    assert opened(GREETED + "S: 250 mx", OPPORTUNISTIC).result == Extensions()


def test_where_it_is_opportunistic_it_is_used():
    opened(GREETED + OFFERED + "S: 220 go\nT: TLS\nC: EHLO me.test\nS: 250 mx", OPPORTUNISTIC)


def test_under_tls_it_is_not_asked_for():
    opened(GREETED + "S: 250-mx\nS: 250 STARTTLS", NEVER)


def test_what_was_offered_in_clear_counts_for_nothing():
    script = GREETED + OFFERED.replace("250-mx", "250-mx\nS: 250-AUTH PLAIN")
    with pytest.raises(NotPermitted, match="the server offers no login"):
        opened(
            script + "S: 220 go\nT: TLS\nC: EHLO me.test\nS: 250 mx",
            REQUIRED,
            credentials=Password("me", "x"),
        )


def test_the_login_comes_after_tls():
    opened(
        GREETED
        + OFFERED
        + "S: 220 go\nT: TLS\nC: EHLO me.test\nS: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH PLAIN ***\nS: 235 hi",
        REQUIRED,
        credentials=Password("me", "x"),
    )


def test_an_early_go_ahead_starts_no_tls():
    with pytest.raises(ProtocolError):
        opened(GREETED + OFFERED + "E: 220 go", REQUIRED)


def test_a_failed_handshake_is_the_end():
    def dialogue():
        opening = open_session(Opening("me.test", OPPORTUNISTIC))
        step = next(opening)
        while type(step).__name__ != "StartTLS":
            step = opening.send((yield step))
        opening.throw(LinkLost("no TLS"))

    with pytest.raises(LinkLost, match="no TLS"):
        play(dialogue(), GREETED + OFFERED + "S: 220 go")


def test_what_a_transport_owes_is_checked():
    opening = open_session(Opening("me.test", NEVER))
    next(opening)
    with pytest.raises(TypeError):
        opening.send(None)


def test_a_goodbye_waits_for_nothing():
    assert play(quit_session(), "C: QUIT").waits == []
