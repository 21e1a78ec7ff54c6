"""The envelope holds the mailboxes that were named, and only those."""

import ast
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccc.envelope
from ccc.address import Mailbox, parse_mailbox, parse_recipients
from ccc.envelope import Envelope
from ccc.errors import UsageError
from tests.lab.law import law

ANN = parse_mailbox("Ann <ann@example.org>")
BOB = parse_mailbox("bob@example.org")
people = st.lists(st.sampled_from(parse_recipients("a@x.org, b@x.org, A@x.org, c@y.org, C <c@y.org>")))


def test_it_keeps_the_order_in_which_recipients_were_named():
    assert Envelope(ANN, (BOB, ANN)).forward_paths == (BOB, ANN)


def test_without_a_reverse_path_it_has_the_null_one():
    assert Envelope(None, (BOB,)).reverse_path is None


def test_one_without_recipients_cannot_be_built():
    with pytest.raises(UsageError, match="no recipient"):
        Envelope(ANN, ())
    with pytest.raises(UsageError, match="no recipient"):
        Envelope.to(ANN)


def test_one_that_names_a_recipient_twice_cannot_be_built():
    with pytest.raises(UsageError, match="twice"):
        Envelope(None, (BOB, Mailbox("bob", "example.org", "Robert")))


@pytest.mark.parametrize(
    "stranger", ["ann@example.org", None, b"To: ann@example.org", ("ann", "example.org")]
)
def test_only_mailboxes_can_be_recipients(stranger):
    with pytest.raises(UsageError, match="made of mailboxes"):
        Envelope(None, (stranger,))


def test_only_a_mailbox_can_be_the_reverse_path():
    with pytest.raises(UsageError, match="made of mailboxes"):
        Envelope("ann@example.org", (BOB,))


@pytest.mark.parametrize(
    ("mailbox", "reason"),
    [
        (Mailbox("root", ""), "the domain is missing"),
        (Mailbox("root", "under_score.org"), "letters, digits and hyphens"),
        (Mailbox("root", "example.org."), "a label of the domain is empty"),
        (Mailbox("root", "[IPv6:2001:db8:0:0:0:0:0:1]"), "not in its usual form"),
        (Mailbox("a" * 65, "example.org"), "over 64 octets"),
        (Mailbox("a", ".".join(["b" * 63] * 4)), "over 254 octets"),
        (Mailbox("a\xa0b", "example.org"), "the blank U\\+00A0"),
    ],
)
def test_a_mailbox_from_an_old_header_cannot_be_a_recipient(mailbox, reason):
    with pytest.raises(UsageError, match=reason):
        Envelope(None, (mailbox,))


def test_a_reverse_path_is_held_to_the_same_rules():
    with pytest.raises(UsageError, match="the domain is missing"):
        Envelope(Mailbox("root", ""), (BOB,))


@law
@given(people, people)
def test_all_who_are_named_get_it_once_and_nobody_else(to, cc):
    if not to + cc:
        return
    paths = Envelope.to(ANN, to, cc).forward_paths
    assert {mailbox.key for mailbox in paths} == {mailbox.key for mailbox in to + cc}
    assert len({mailbox.key for mailbox in paths}) == len(paths)


@law
@given(people.filter(bool))
def test_of_two_names_for_one_recipient_the_first_stands(named):
    first = Envelope.to(None, named).forward_paths
    assert [named.index(mailbox) for mailbox in first] == sorted(named.index(mailbox) for mailbox in first)
    assert first[0] is named[0]


def test_it_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        Envelope(None, (BOB,)).forward_paths = (ANN,)


def test_its_module_knows_addresses_and_errors_and_no_message():
    tree = ast.parse(Path(ccc.envelope.__file__).read_text())
    ours = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module for module in ours if module.startswith("ccc")} == {"ccc.address", "ccc.errors"}
