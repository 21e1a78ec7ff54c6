"""What providers do with a From that is not the user's, and the ways out that are named."""

import pytest

from ccc.accounts.policy import Outgoing, examine, refusal, verdict
from ccc.config.account import Account, FromPolicy
from ccc.errors import NotPermitted
from ccc.receipt import status_of
from tests.plan.mail import HEADER, mail, redirect, resend, signed, with_lines

OWN, REWRITE, DOMAIN = FromPolicy.OWN, FromPolicy.REWRITE, FromPolicy.DOMAIN
STRICT = (OWN, REWRITE, DOMAIN)


def account(name="work", address="me@example.com", policy=OWN, **more):
    from ccc.address import parse_mailbox

    more.setdefault("smtp", "smtps://me@smtp.example.com")
    return Account(name, parse_mailbox(address) if address else None, from_policy=policy, **more)


def judged(plan, mine, provider="Fastmail"):
    return verdict(Outgoing.of(plan), own=mine.own, policy=mine.from_policy, provider=provider)


def from_(*values):
    return mail(*(f"From: {value}" for value in values), *HEADER[1:])


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (
            OWN,
            "mail from Ann <ann@example.org> is refused: only your own addresses may stand in From",
        ),
        (REWRITE, "the From of Ann <ann@example.org> is replaced by yours without a word"),
        (
            DOMAIN,
            "mail from Ann <ann@example.org> is refused: only your own domains may stand in From",
        ),
    ],
)
def test_a_foreign_from_is_a_warning_that_says_what_the_provider_does(policy, text):
    found = judged(redirect(), account(policy=policy))
    assert (found.code, found.level, found.text) == ("foreign-from", "warning", f"at Fastmail {text}")


@pytest.mark.parametrize("policy", STRICT)
def test_a_resend_of_ones_own_mail_is_not_affected(policy):
    assert (
        judged(resend(account="ann@example.org"), account(address="ANN@example.org", policy=policy)) is None
    )


@pytest.mark.parametrize("policy", STRICT)
def test_an_identity_of_the_account_is_the_users_own(policy):
    mine = account(policy=policy)._replace(identities=(account(address="ann@example.org").address,))
    assert judged(redirect(), mine) is None


def test_a_domain_of_the_users_own_will_do_where_domains_are_verified():
    assert judged(redirect(), account(address="me@example.org", policy=DOMAIN)) is None
    assert judged(redirect(), account(address="me@example.org", policy=OWN)) is not None


def test_a_part_of_the_users_domain_is_another_domain():
    assert judged(redirect(), account(address="me@mail.example.org", policy=DOMAIN)).level == "warning"


def test_a_server_that_takes_every_from_is_no_finding():
    assert judged(redirect(), account(policy=FromPolicy.FREE)) is None


def test_what_is_not_known_of_a_provider_is_a_note():
    assert judged(redirect(), account(policy=FromPolicy.UNKNOWN)).level == "note"


def test_nothing_is_said_of_a_server_of_which_nothing_is_known():
    assert judged(redirect(), account(policy=FromPolicy.UNKNOWN), provider="") is None


def test_a_second_from_field_counts_as_the_first():
    plan = redirect(from_("me@example.com", "ann@example.org"))
    assert "mail from ann@example.org is refused" in judged(plan, account()).text


def test_a_from_that_names_others_too_is_a_note():
    found = judged(redirect(from_("me@example.com, ann@example.org")), account())
    assert (found.level, "ann@example.org beside you" in found.text) == ("note", True)


@pytest.mark.parametrize("lines", [HEADER[1:], ("From: ", *HEADER[1:]), ("From: nobody:;", *HEADER[1:])])
def test_a_from_that_names_nobody_is_not_the_users(lines):
    assert judged(redirect(mail(*lines)), account()).text.startswith(
        "at Fastmail mail from nobody is refused"
    )


def test_a_bare_name_is_of_no_domain():
    assert judged(redirect(from_("root")), account(policy=DOMAIN)).level == "warning"


def test_an_address_that_only_from_names_is_a_note():
    found = judged(redirect(sender="ann@example.org"), account(policy=REWRITE))
    assert (found.level, "list it in the account's identities" in found.text) == ("note", True)


def test_an_alias_beside_a_stranger_does_not_hide_them():
    plan = redirect(from_("me@alias.test", "ann@example.org"), sender="me@alias.test")
    assert "mail from ann@example.org is" in judged(plan, account()).text


def test_nothing_is_said_of_an_alias_where_nothing_is_known():
    assert judged(redirect(sender="ann@example.org"), account(policy=FromPolicy.UNKNOWN)) is None


def test_without_an_account_the_identity_is_the_users_address():
    assert judged(redirect(sender="ann@example.org"), account(address="")) is None
    assert judged(redirect(), account(address="")).level == "warning"


def test_a_replaced_from_breaks_the_signatures_over_it():
    lines = signed("example.org", "from", "to"), signed("list.test", "to"), signed("example.org", "from")
    found = judged(redirect(with_lines(*lines)), account(policy=REWRITE))
    assert found.text.endswith(", which breaks the DKIM signature of example.org")


def test_of_a_thousand_signatures_few_are_named():
    lines = [signed(f"d{number}.test", "from") for number in range(1000)]
    text = judged(redirect(with_lines(*lines)), account(policy=REWRITE)).text
    assert text.endswith("signature of d0.test and d1.test and d2.test")


def refused(plan, mine, **more):
    with pytest.raises(NotPermitted) as caught:
        examine(Outgoing.of(plan), mine, **more)
    return caught.value


def test_a_foreign_from_is_refused_with_77():
    assert status_of(refused(redirect(), account())) == 77


def test_force_sends_it_all_the_same_and_keeps_the_finding():
    assert examine(Outgoing.of(redirect()), account(), force=True).level == "warning"


def test_a_note_refuses_nothing():
    found = examine(Outgoing.of(redirect(from_("me@example.com, ann@example.org"))), account())
    assert found.level == "note"


def test_mail_that_is_taken_has_no_finding():
    assert examine(Outgoing.of(redirect()), account(policy=FromPolicy.FREE)) is None


def test_the_usual_ways_out_are_named():
    assert refused(redirect(), account()).cure == (
        "use another account with -a or --via sendmail for this host's own mail server; "
        "--force sends it all the same"
    )


def test_a_recipient_who_is_the_user_has_append():
    home = account("home", "dora@example.com", imap="imaps://dora@imap.example.com")
    error = refused(redirect(), account(), others=(account(), home))
    assert error.cure.startswith("use --via append:home (that mailbox is yours), ")


@pytest.mark.parametrize("to", ["dora@example.com, bob@example.org", "bob@example.org"])
def test_append_is_for_nobody_else(to):
    home = account("home", "dora@example.com", imap="imaps://dora@imap.example.com")
    assert "append" not in refused(redirect(to=to), account(), others=(home,)).cure


def test_append_needs_an_imap_server():
    home = account("home", "dora@example.com")
    assert "append" not in refused(redirect(), account(), others=(home,)).cure


def test_the_accounts_that_take_such_mail_are_named():
    fine = account("free", policy=FromPolicy.FREE), account("mx", smtp="", via="sendmail")
    not_fine = (
        account("strict"),
        account("imap", smtp="", policy=FromPolicy.FREE),
        account("bad", policy=FromPolicy.FREE, honours_envelope=False),
    )
    cure = refused(redirect(), account(), others=(account(), *not_fine, *fine)).cure
    assert cure.startswith("use -a free, -a mx or --via sendmail")


def test_a_host_without_a_mail_server_is_no_way_out():
    plan = redirect()
    error = refusal(judged(plan, account()), Outgoing.of(plan), sendmail=False)
    assert error.cure == "use another account with -a; --force sends it all the same"


def sendgrid(**more):
    return account(policy=FromPolicy.FREE, refused_fields=("X-SMTPAPI",), **more)


def test_a_field_that_adds_recipients_is_refused_whatever_is_forced():
    message = with_lines('x-smtpapi : {"to": ["spy@evil.test"]}')
    error = refused(redirect(message), sendgrid(), provider="SendGrid", force=True)
    assert "x-smtpapi, by which others would be mailed at SendGrid" in error.what
    assert "--strip x-smtpapi" in error.cure


def test_a_field_that_adds_recipients_is_harmless_once_it_is_left_out():
    message = with_lines('X-SMTPAPI: {"to": ["spy@evil.test"]}')
    assert examine(Outgoing.of(redirect(message, strip=frozenset({"x-smtpapi"}))), sendgrid()) is None


def test_a_server_that_mails_the_header_is_refused_whatever_is_forced():
    error = refused(
        resend(account="me@example.com", identities="ann@example.org"),
        account(honours_envelope=False),
        force=True,
    )
    assert status_of(error) == 77
    assert "another account" in error.cure
