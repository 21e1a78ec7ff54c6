"""Refusals that are known by their words."""

import pytest

from ccc.address import Mailbox
from ccc.errors import NotPermitted, TryLaterError
from ccc.receipt import State, advice
from ccc.smtp.extensions import Extensions
from ccc.smtp.login import Password, Token, log_in
from ccc.smtp.refusals import cure, cure_of_login, explain
from ccc.smtp.replies import REPLY_LIMIT, Reply
from ccc.smtp.transaction import judge
from tests.smtp.play import play, reply

X = Mailbox("x", "b.test")


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("550 5.7.60 SMTP; Client does not have permissions to send as this sender", "no From but those"),
        ("550 5.7.1 Client does not have permissions to send as this sender", "no From but those"),
        ("554 5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExc", "no From but those"),
        ("554 5.2.252 SendAsDenied; me@a.test not allowed to send as y@b.test", "no From but those"),
        ("550 5.7.30 Basic authentication is not supported for Client Submission", "takes no passwords"),
        ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled", "takes no passwords"),
        ("535 5.7.139 SmtpClientAuthentication is disabled for the Tenant", "switched off"),
        ("550 5.7.0 From address is not one of your addresses", "no From but those"),
        ("551 5.7.1 Not authorised to send from this header address", "no From but those"),
        ("553 From: address not verified; see https://help.test", "no From but those"),
        ("550 Request failed; Mailbox unavailable", "no From but those"),
        (
            "554 Message rejected: Email address is not verified. The following identities failed the check",
            "Amazon SES",
        ),
        ("554 Transaction failed: Duplicate header 'Delivered-To'", "stands there twice"),
        ("550 The from address does not match a verified Sender Identity. Mail cannot", "no From but those"),
        ("553 5.7.1 Sender address rejected: not owned by auth user", "no From but those"),
        ("553 5.7.1 <y@b.test>: Sender address rejected: not owned by user me", "no From but those"),
        (
            "550 Your FROM address (y@b.test) must match your authenticated email user (me). "
            "Spoofing not allowed!",
            "no From but those",
        ),
        ("550 5.1.0 Sender is not allowed to send from gmail.com", "no From but those"),
        ("501 mail from address must be same as authorization user", "no From but those"),
        ("553 Relaying disallowed as y@b.test", "no From but those"),
        (
            "550-5.7.26 Unauthenticated email from b.test is not accepted due to\n"
            "550-5.7.26 domain's DMARC policy. Please contact\n550 5.7.26 the administrator",
            "DMARC",
        ),
        ("554 5.7.1 <x[192.0.2.1]>: Client host rejected: Access denied", "wants a login first"),
        ("554 5.7.1 Your message was rejected due to b.test's DMARC policy", "DMARC"),
        ("550 5.7.26 This mail has been blocked because the sender is unauthenticated", "SPF and DKIM"),
        ("521 5.5.2 mx.test Error: bare <LF> received", "line end"),
        ("550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal", "line end"),
        ("552 5.2.0 message with bare CR", "line end"),
        ("451 See http://pobox.com/~djb/docs/smtplf.html.", "line end"),
        ("534 5.7.9 Application-specific password required. Learn more at", "made for one program"),
        ("534-5.7.14 <https://x.test> Please log in via your web browser", "made for one program"),
        ("535-5.7.8 Username and Password not accepted. For more information", "wrong password"),
        ("550 5.4.5 Daily user sending limit exceeded", "limit for mail"),
        ("454 Throttling failure: Daily message quota exceeded", "limit for mail"),
        ("452 4.5.3 Error: too many recipients", "too many recipients"),
        ("550 5.5.3 RESOLVER.ADR.RecipLimit", "too many recipients"),
        ("530 5.7.0 Must issue a STARTTLS command first", "wants STARTTLS"),
        ("530 5.7.0 no", "wants a login"),
        ("550 5.7.1 authentication required", "wants a login"),
        ("554 5.7.1 <x@b.test>: Relay access denied", "wants a login"),
        ("454 4.7.0 Too many login attempts, please try again later", "too many logins"),
    ],
)
def test_a_known_refusal_is_explained_with_a_cure(said, sentence):
    explained = explain(reply(said))
    assert explained is not None
    assert explained[0].startswith("this looks like ")
    assert sentence in explained[0]
    assert explained[1]


@pytest.mark.parametrize(
    "said",
    ["550 5.1.1 no such user", "554", "550 5.7.30 REQUIRETLS support required", "451 4.7.1 greylisted"],
)
def test_nothing_is_said_of_what_is_not_known(said):
    assert explain(reply(said)) is None
    assert cure(reply(said), "ask") == "ask"


def test_words_that_a_server_breaks_over_lines_are_found():
    said = "550-5.7.1 Your FROM address must\n550-5.7.1   match your\n550 5.7.1 authenticated email user"
    assert "no From but those" in str(explain(reply(said)))


def test_capitals_do_not_matter():
    assert explain(reply("550 BARE LF")) == explain(reply("550 bare lf"))


def test_the_longest_reply_is_looked_at_in_no_time_and_only_where_it_begins():
    line = b"5.7.1 " * 600
    hostile = Reply(550, (line,) * (REPLY_LIMIT // len(line)))
    assert explain(hostile) is None
    assert explain(hostile._replace(lines=(*hostile.lines, b"bare lf"))) is None


def test_octets_that_are_no_text_do_no_harm():
    assert "line end" in str(explain(Reply(550, (b"\xff\x00\x1b bare\tlf \xfe",))))


def test_nothing_is_said_of_passwords_where_a_token_was_refused():
    said = reply("535 5.7.8 Username and Password not accepted")
    assert explain(said, token=True) is None
    assert explain(said) is not None


def test_the_outcome_of_a_refused_recipient_has_the_cure():
    outcome = judge(X, reply("551 5.7.1 Not authorised to send from this header address"))
    assert outcome.state is State.REFUSED
    assert "--via append:ACCOUNT" in outcome.cure


def test_what_is_deferred_says_what_to_do_before_it_is_tried_again():
    outcome = judge(X, reply("454 Throttling failure: Daily message quota exceeded"))
    assert advice(outcome).endswith("wait until it lets more through, then try again")


def test_a_refusal_that_nobody_knows_has_no_cure():
    assert judge(X, reply("550 5.1.1 no such user")).cure == ""


def refused_login(credentials, mechanism, answer, error):
    server = Extensions({"AUTH": (mechanism,)})
    with pytest.raises(error) as caught:
        play(log_in(server, credentials, "nonce"), f"C: AUTH {mechanism} ***\nS: {answer}")
    return caught.value


def test_a_refused_password_is_explained():
    answer = "534 5.7.9 Application-specific password required"
    assert "ccc providers" in refused_login(Password("me", "x"), "PLAIN", answer, NotPermitted).cure


def test_a_login_that_is_refused_without_known_words_has_the_usual_cure():
    error = refused_login(Password("me", "x"), "PLAIN", "535 5.7.8 no", NotPermitted)
    assert error.cure.startswith("check the user name and the password")


def test_a_refused_token_asks_for_a_new_one():
    answer = "535 5.7.8 Username and Password not accepted"
    error = refused_login(Token("me", "x"), "XOAUTH2", answer, NotPermitted)
    assert error.cure.startswith("get a new token")


def test_a_login_that_is_put_off_says_for_how_long():
    error = refused_login(Password("me", "x"), "PLAIN", "454 4.7.0 Too many login attempts", TryLaterError)
    assert "wait a quarter of an hour" in error.cure


def test_what_a_server_without_codes_says_to_a_login_is_known_by_its_words_alone():
    assert cure_of_login("NO Invalid credentials (Failure)", "check it") == "check it"
    assert "app password" in cure_of_login("NO Application-specific password required", "check it")
    assert cure_of_login("NO Application-specific password required", "check it", token=True) == "check it"
    assert cure_of_login("NO use STARTTLS first; 530 5.7.60", "check it") == "check it"
