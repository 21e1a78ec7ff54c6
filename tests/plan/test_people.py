"""The people named: each once in the envelope, each person once where they are seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox, parse_recipients
from ccc.plan import Action
from ccc.plan.people import People, oddities, unique, without
from tests.plan.mail import names, request

MAILBOXES = st.lists(
    st.builds(Mailbox, st.sampled_from(["ann", "Ann", "bob"]), st.sampled_from(["x.org", "y.org"]))
)


def people(**options: str) -> People:
    return request(Action.RESEND, **options).people


def redirected(**options: str) -> People:
    return request(Action.REDIRECT, sender="me@x.org", **options).people


def found(text: str) -> list[str]:
    return [finding.code for finding in oddities(parse_recipients(text))]


# --- the envelope


def test_the_recipients_are_those_of_to_cc_and_bcc_in_this_order() -> None:
    named = people(bcc="c@x.org", to="a@x.org", cc="b@x.org")
    assert names(named.recipients) == ["a@x.org", "b@x.org", "c@x.org"]


def test_a_recipient_who_is_named_twice_gets_it_once() -> None:
    named = people(to="a@x.org, b@x.org", bcc="a@x.org")
    assert names(named.recipients) == ["a@x.org", "b@x.org"]


def test_a_local_part_in_capitals_is_another_recipient() -> None:
    assert len(people(to="a@x.org, A@x.org").recipients) == 2  # RFC 5321, 2.4


def test_those_who_are_only_shown_are_no_recipients() -> None:
    assert names(people(to="a@x.org", show_to="b@x.org").recipients) == ["a@x.org"]


# --- a resend


def test_a_resend_shows_the_new_people_in_cc() -> None:
    named = people(to="a@x.org", cc="b@x.org", show_cc="c@x.org")
    assert (names(named.to), names(named.cc)) == ([], ["a@x.org", "b@x.org", "c@x.org"])


def test_a_resend_shows_in_to_whom_show_to_names() -> None:
    named = people(to="a@x.org", show_to="b@x.org")
    assert (names(named.to), names(named.cc)) == (["b@x.org"], ["a@x.org"])


def test_somebody_who_gets_it_and_is_shown_in_to_is_shown_there_only() -> None:
    named = people(to="a@x.org", show_to="a@x.org")
    assert (names(named.to), names(named.cc)) == (["a@x.org"], [])


def test_somebody_who_gets_it_and_is_shown_in_cc_is_shown_once() -> None:
    assert names(people(to="a@x.org", show_cc="A@x.org").cc) == ["a@x.org"]


def test_blind_recipients_are_shown_nowhere() -> None:
    named = people(bcc="a@x.org")
    assert (named.to, named.cc) == ((), ())


def test_somebody_named_in_to_and_bcc_is_shown() -> None:
    assert names(people(to="a@x.org", bcc="a@x.org").cc) == ["a@x.org"]


# --- a redirect


def test_a_redirect_shows_to_and_cc_in_their_own_lists() -> None:
    named = redirected(to="a@x.org", cc="b@x.org")
    assert (names(named.to), names(named.cc)) == (["a@x.org"], ["b@x.org"])


def test_a_redirect_shows_whom_the_show_options_name_behind_them() -> None:
    named = redirected(to="a@x.org", cc="b@x.org", show_resent_to="c@x.org", show_resent_cc="d@x.org")
    assert (names(named.to), names(named.cc)) == (["a@x.org", "c@x.org"], ["b@x.org", "d@x.org"])


def test_a_redirect_shows_nobody_in_both_lists() -> None:
    named = redirected(to="a@x.org", cc="A@x.org, b@x.org")
    assert (names(named.to), names(named.cc)) == (["a@x.org"], ["b@x.org"])


# --- persons


def test_a_person_named_twice_keeps_the_name_given_first() -> None:
    assert unique(parse_recipients("Ann <ann@x.org>, A. <Ann@x.org>"))[0].name == "Ann"


@given(MAILBOXES)
def test_unique_people_are_all_the_people(mailboxes: list[Mailbox]) -> None:
    assert {each.person for each in unique(mailboxes)} == {each.person for each in mailboxes}


@given(MAILBOXES)
def test_no_two_unique_people_are_one_person(mailboxes: list[Mailbox]) -> None:
    once = unique(mailboxes)
    assert len({each.person for each in once}) == len(once)


@given(MAILBOXES, MAILBOXES)
def test_without_leaves_nobody_of_the_others(some: list[Mailbox], others: list[Mailbox]) -> None:
    left = without(tuple(some), tuple(others))
    assert not {each.person for each in left} & {each.person for each in others}


# --- what is odd


def test_an_ordinary_address_is_not_odd() -> None:
    assert found("Ann <ann@example.org>") == []


def test_a_name_that_is_another_address_is_odd() -> None:
    assert found('"boss@example.org" <evil@example.net>') == ["address-in-name"]


def test_the_finding_names_the_real_address() -> None:
    (finding,) = oddities(parse_recipients('"boss@example.org" <evil@example.net>'))
    assert finding.level == "warning"
    assert "the address is evil@example.net" in finding.text


@pytest.mark.parametrize("name", ["ann@example.org", "'Ann@Example.org'", "<ann@example.org>"])
def test_a_name_that_is_the_same_address_is_not_odd(name: str) -> None:
    assert [each.code for each in oddities((Mailbox("ann", "example.org", name),))] == []


def test_an_international_domain_is_shown_in_both_forms() -> None:
    (finding,) = oddities(parse_recipients("ann@straße.example"))
    assert finding.level == "note"
    assert "straße.example (xn--strae-oqa.example on the wire)" in finding.text


def test_a_domain_that_mixes_scripts_is_a_warning() -> None:
    (finding,) = oddities(parse_recipients("ann@pаypal.example"))  # the first "a" is Cyrillic
    assert (finding.code, finding.level) == ("mixed-scripts", "warning")


@pytest.mark.parametrize("domain", ["東京abc.example", "らーめん々カタ.example", "россия.example"])
def test_scripts_that_belong_together_are_no_mixture(domain: str) -> None:
    assert found(f"ann@{domain}") == ["international-domain"]


def test_a_script_of_its_own_for_each_label_is_no_mixture() -> None:
    assert found("ann@россия.example") == ["international-domain"]


def test_a_local_part_in_normal_form_is_not_odd() -> None:
    assert found("j\u00f6rg@example.org") == []


def test_a_local_part_that_is_not_in_normal_form_is_odd() -> None:
    assert found("jo\u0308rg@example.org") == ["not-normalized"]


def test_what_is_odd_about_a_recipient_is_known_before_any_message() -> None:
    assert [each.code for each in people(to="ann@straße.example").findings] == ["international-domain"]


# --- capitals


def test_recipients_who_differ_only_in_capitals_are_a_warning() -> None:
    (finding,) = people(to="Bob@b.com, ann@b.com", bcc="bob@b.com").findings
    assert (finding.code, finding.level) == ("differs-in-case", "warning")
    assert finding.text == "Bob@b.com and bob@b.com differ only in capitals and may be one person"


def test_each_further_spelling_is_named_beside_the_first() -> None:
    texts = [each.text for each in people(to="bob@b.com, Bob@b.com, BOB@b.com").findings]
    assert [text.partition(" differ")[0] for text in texts] == [
        "bob@b.com and Bob@b.com",
        "bob@b.com and BOB@b.com",
    ]


@pytest.mark.parametrize(
    "to", ["bob@b.com, bob@B.COM", "bob@b.com, Bob@c.com", "stra\u00dfe@b.com, strasse@b.com"]
)
def test_other_recipients_are_no_warning(to: str) -> None:
    assert people(to=to).findings == ()


def test_both_of_two_people_with_and_without_a_sharp_s_are_shown() -> None:
    named = people(to="stra\u00dfe@b.com, strasse@b.com")
    assert names(named.cc) == ["stra\u00dfe@b.com", "strasse@b.com"]
