"""Who the user is: only a message of one's own is resent, and a report stays a report."""

import pytest

from ccc.address import Mailbox
from ccc.errors import UsageError
from tests.plan.mail import HEADER, codes, levels, mail, redirect, resend, texts, with_lines

ANN = "ann@example.org"


# --- whose message it is


def test_a_resend_without_a_word_takes_the_messages_own_from() -> None:
    assert resend().identity == Mailbox("ann", "example.org", "Ann")


def test_it_says_so() -> None:
    plan = resend()
    assert levels(plan, "identity-from-message") == ["note"]
    assert "ann@example.org, as the message's From says" in texts(plan, "identity-from-message")[0]


def test_it_says_nothing_when_the_user_did() -> None:
    assert codes(resend(sender=ANN)) == []


@pytest.mark.parametrize("option", ["sender", "account", "envelope_from"])
def test_a_message_is_mine_if_its_from_is_me(option: str) -> None:
    assert resend(**{option: ANN}).identity == Mailbox("ann", "example.org")


def test_a_message_is_mine_if_its_from_is_my_login() -> None:
    assert resend(login=ANN).identity == Mailbox("ann", "example.org")


def test_capitals_do_not_make_me_somebody_else() -> None:
    assert resend(sender="ANN@Example.ORG").identity.local == "ANN"


def test_a_message_is_mine_if_its_from_is_one_of_my_identities() -> None:
    plan = resend(account="me@example.com", identities=f"other@example.com, {ANN}")
    assert plan.identity == Mailbox("me", "example.com")


def test_a_message_is_mine_if_its_from_is_my_account_though_i_say_otherwise() -> None:
    assert resend(account=ANN, sender="me@example.com").identity == Mailbox("me", "example.com")


def test_somebody_elses_message_is_not_resent() -> None:
    with pytest.raises(UsageError, match=r"from Ann <ann@example.org>, and you are me@example.com"):
        resend(sender="me@example.com")


def test_the_cure_names_redirect() -> None:
    with pytest.raises(UsageError, match="use `ccc redirect`"):
        resend(sender="me@example.com")


def test_an_envelope_sender_does_not_make_a_message_mine_beside_a_from() -> None:
    with pytest.raises(UsageError):
        resend(sender="me@example.com", envelope_from=ANN)


def test_a_message_of_several_authors_is_mine_if_i_am_one() -> None:
    message = mail("From: Bob <bob@example.org>, Ann <ann@example.org>", *HEADER[1:])
    assert resend(message, sender=ANN).identity.local == "ann"


def test_a_message_with_two_from_fields_must_be_mine_in_both() -> None:
    with pytest.raises(UsageError, match=r"the message is from eve@example\.org"):
        resend(with_lines("From: eve@example.org"), sender=ANN)


def test_a_message_with_two_from_fields_that_both_name_me_is_mine() -> None:
    assert resend(with_lines(f"From: {ANN}"), sender=ANN).identity.local == "ann"


def test_a_message_with_two_from_fields_that_differ_is_nobodys() -> None:
    with pytest.raises(UsageError, match=r"and you are eve@example\.org"):
        resend(with_lines("From: eve@example.org"))


@pytest.mark.parametrize("line", [(), ("From: ",), ("From: :;",)])
def test_a_message_from_nobody_is_not_resent(line: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r"From names nobody, so it cannot be yours; use `ccc red"):
        resend(mail(*line, *HEADER[1:]), sender=ANN)


def test_a_message_with_one_empty_from_of_two_is_not_resent() -> None:
    with pytest.raises(UsageError, match="names nobody"):
        resend(with_lines("From: "), sender=ANN)


def test_a_from_without_a_domain_cannot_be_the_identity() -> None:
    with pytest.raises(UsageError, match="root, has no domain; add --from"):
        resend(mail("From: root", *HEADER[1:]))


def test_sender_does_not_make_a_message_mine() -> None:
    with pytest.raises(UsageError):
        resend(with_lines("Sender: me@example.com"), sender="me@example.com")


def test_anybodys_message_is_redirected() -> None:
    assert redirect(mail(*HEADER[1:])).identity == Mailbox("me", "example.com", "Me")


# --- the reverse-path


def test_the_reverse_path_is_the_identity() -> None:
    assert redirect().envelope.reverse_path == Mailbox("me", "example.com", "Me")


def test_the_reverse_path_of_a_resend_is_the_identity_it_found() -> None:
    assert resend().envelope.reverse_path == Mailbox("ann", "example.org", "Ann")


def test_the_envelope_sender_is_the_reverse_path_and_nothing_else() -> None:
    plan = redirect(envelope_from="bounces@example.com")
    assert plan.envelope.reverse_path == Mailbox("bounces", "example.com")
    assert plan.identity == Mailbox("me", "example.com", "Me")


@pytest.mark.parametrize("path", ["<>", " <> ", "< >", "\r\n <>"])
def test_a_redirected_bounce_keeps_the_null_reverse_path(path: str) -> None:
    assert redirect(with_lines(f"Return-Path:{path}")).envelope.reverse_path is None


def test_the_null_reverse_path_wins_over_the_envelope_sender_and_says_so() -> None:
    plan = redirect(with_lines("Return-Path: <>"), envelope_from="bounces@example.com")
    assert plan.envelope.reverse_path is None
    assert codes(plan) == ["null-reverse-path"]


def test_the_null_reverse_path_needs_no_word_otherwise() -> None:
    assert codes(redirect(with_lines("Return-Path: <>"))) == []


def test_only_the_top_return_path_counts() -> None:
    message = with_lines("Return-Path: <ann@example.org>", "Return-Path: <>")
    assert redirect(message).envelope.reverse_path is not None


def test_a_return_path_is_never_the_reverse_path() -> None:
    plan = redirect(with_lines("Return-Path: <eve@example.org>"))
    assert plan.envelope.reverse_path == Mailbox("me", "example.com", "Me")


def test_a_resend_is_no_bounce_whatever_its_return_path_says() -> None:
    assert resend(with_lines("Return-Path: <>")).envelope.reverse_path is not None


def test_a_resend_that_is_not_mine_names_both_ways_out() -> None:
    with pytest.raises(UsageError) as refused:
        resend(sender="someone@example.com")
    assert "if that is you too, use --from ann@example.org; else use `ccc redirect`" in str(refused.value)
