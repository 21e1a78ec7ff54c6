"""What is asked: what can be wrong with it is found before any message is read."""

import pytest

from ccc.address import Mailbox
from ccc.errors import UsageError
from ccc.plan import Action, Request, Resent
from tests.plan.mail import names, request

ANN = Mailbox("ann", "example.org")


@pytest.mark.parametrize("action", list(Action))
def test_a_request_to_nobody_is_an_error_that_names_the_options(action: Action) -> None:
    with pytest.raises(UsageError, match="nobody is named to get it; add --to, --cc or --bcc"):
        request(action, sender="ann@example.org")


def test_showing_somebody_is_not_sending_to_somebody() -> None:
    with pytest.raises(UsageError, match="nobody is named"):
        request(Action.RESEND, show_cc="dora@example.com")


@pytest.mark.parametrize("option", ["to", "cc", "bcc"])
def test_one_recipient_is_enough(option: str) -> None:
    asked = request(Action.RESEND, **{option: "dora@example.com"})
    assert names(asked.people.recipients) == ["dora@example.com"]


@pytest.mark.parametrize("option", ["show_to", "show_cc"])
def test_a_redirect_refuses_the_show_options_of_a_resend(option: str) -> None:
    with pytest.raises(UsageError, match="a redirect leaves To and Cc as they are"):
        request(Action.REDIRECT, to="d@x.org", sender="a@x.org", **{option: "e@x.org"})


@pytest.mark.parametrize("option", ["show_resent_to", "show_resent_cc"])
def test_a_resend_refuses_the_show_options_of_a_redirect(option: str) -> None:
    with pytest.raises(UsageError, match="a resend makes no resent block"):
        request(Action.RESEND, to="d@x.org", **{option: "e@x.org"})


@pytest.mark.parametrize("resent", [Resent.ALWAYS, Resent.NEVER])
def test_a_resend_refuses_the_resent_option(resent: Resent) -> None:
    with pytest.raises(UsageError, match="a resend makes no resent block"):
        request(Action.RESEND, to="d@x.org", resent=resent)


def test_a_block_cannot_be_left_out_and_show_somebody() -> None:
    with pytest.raises(UsageError, match="without a resent block"):
        request(
            Action.REDIRECT,
            to="d@x.org",
            sender="a@x.org",
            show_resent_to="e@x.org",
            resent=Resent.NEVER,
        )


def test_a_redirect_by_nobody_is_an_error_with_a_cure() -> None:
    with pytest.raises(UsageError, match="add --from you@"):
        request(Action.REDIRECT, to="d@x.org")


def test_a_resend_need_not_say_who_sends_it() -> None:
    assert request(Action.RESEND, to="d@x.org").identity is None


def test_a_recipient_that_nobody_can_deliver_to_is_an_error_at_once() -> None:
    with pytest.raises(UsageError):
        Request(Action.REDIRECT, to=(Mailbox("root", ""),), sender=ANN)


# --- identity


def test_the_identity_is_what_from_says_first_of_all() -> None:
    asked = request(
        Action.REDIRECT,
        to="d@x.org",
        sender="sender@x.org",
        account="account@x.org",
        envelope_from="envelope@x.org",
        login="login@x.org",
    )
    assert asked.identity == Mailbox("sender", "x.org")


def test_then_the_account() -> None:
    asked = request(
        Action.REDIRECT,
        to="d@x.org",
        account="account@x.org",
        envelope_from="envelope@x.org",
        login="login@x.org",
    )
    assert asked.identity == Mailbox("account", "x.org")


def test_then_the_envelope_sender() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", envelope_from="envelope@x.org", login="login@x.org")
    assert asked.identity == Mailbox("envelope", "x.org")


def test_then_a_login_that_is_an_address() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", login="login@x.org")
    assert asked.identity == Mailbox("login", "x.org")


@pytest.mark.parametrize("login", ["", "login", "login@", "a@x.org, b@x.org", "DOMAIN\\login"])
def test_a_login_that_is_no_address_is_nobody(login: str) -> None:
    assert request(Action.RESEND, to="d@x.org", login=login).identity is None


def test_the_reverse_path_is_the_identity() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", sender="a@x.org")
    assert asked.envelope is not None
    assert asked.envelope.reverse_path == Mailbox("a", "x.org")


def test_the_reverse_path_is_the_envelope_sender_where_it_differs() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", sender="a@x.org", envelope_from="e@x.org")
    assert asked.envelope is not None
    assert asked.envelope.reverse_path == Mailbox("e", "x.org")


# --- the block


def test_a_show_resent_option_asks_for_the_block() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", sender="a@x.org", show_resent_cc="e@x.org")
    assert asked.block_is_asked_for


def test_always_asks_for_the_block() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", sender="a@x.org", resent=Resent.ALWAYS)
    assert asked.block_is_asked_for


def test_auto_does_not_ask_for_the_block() -> None:
    asked = request(Action.REDIRECT, to="d@x.org", sender="a@x.org")
    assert not asked.block_is_asked_for


# --- names of fields


@pytest.mark.parametrize("option", ["keep", "strip"])
@pytest.mark.parametrize(
    ("written", "name"), [("X-Spam:", "x-spam"), ("BCC", "bcc"), ("X-Mozilla-*", "x-mozilla-*")]
)
def test_a_name_is_taken_in_any_case_and_without_its_colon(option: str, written: str, name: str) -> None:
    asked = request(Action.RESEND, to="d@x.org", **{option: frozenset({written})})
    assert getattr(asked, option) == {name}


@pytest.mark.parametrize("option", ["keep", "strip"])
@pytest.mark.parametrize(
    "name", ["", ":", "X Spam", "X-Spam: yes", "X-Spam::", "B\u00fcro", "\u212aeep", "X\r\nBcc", "X\x1b"]
)
def test_what_is_no_field_name_is_refused(option: str, name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a header field; ") as error:
        request(Action.RESEND, to="d@x.org", **{option: frozenset({name})})
    assert str(error.value).isprintable()


@pytest.mark.parametrize("name", ["*", "From", "from:", "f*", "From*"])
def test_no_message_goes_out_without_its_from(name: str) -> None:
    with pytest.raises(UsageError, match="would leave out From, and no message goes out without it"):
        request(Action.RESEND, to="d@x.org", strip=frozenset({name}))


def test_everything_can_be_kept() -> None:
    assert request(Action.RESEND, to="d@x.org", keep=frozenset({"*"})).keep == {"*"}
