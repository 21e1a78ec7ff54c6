import os

import pytest

from ccc.address import Mailbox, parse_mailbox
from ccc.errors import ConfigurationError, UsageError
from ccc.resolver import Resolver
from ccc.setup.discovery import Sources
from ccc.setup.https import Page
from ccc.setup.wizard import Answers, Wizard
from tests.lab.dns import Dns

ME = Mailbox("me", "example.org")
SMTP, IMAP = "smtps://me@smtp.example.org", "imaps://me@imap.example.org"
GIVEN = Answers(ME, name="work", smtp=SMTP, imap=IMAP, password_command=("pass", "work"))
SRV = """
_submissions._tcp.example.org. 60 IN SRV 0 0 465 smtp.host.test.
_imaps._tcp.example.org. 60 IN SRV 0 0 993 imap.example.org.
"""


class Person:
    """Answers each question that begins so; keeps what was asked."""

    def __init__(self, **answers):
        self.answers = {words.replace("_", " "): answer for words, answer in answers.items()}
        self.asked = []

    def line(self, question, usual=""):
        self.asked.append(question)
        found = next((each for words, each in self.answers.items() if question.startswith(words)), "")
        if isinstance(found, list):
            found = found.pop(0)
        return found or usual

    def agreed(self, question):
        return self.line(question) == "y"


def ask(answers, desk=None, sources=None, *, ring=False, taken=()):
    said = []

    def refuse(name):
        if name in taken:
            raise UsageError(f"there is an account {name} already")

    result = Wizard(answers, desk, sources, said.append).ask(refuse, lambda: ring)
    return result, said


def test_what_is_given_is_not_asked():
    person = Person()
    result, _ = ask(GIVEN._replace(redirect_to=(ME,)), person)
    assert person.asked == []
    assert result.draft.smtp == SMTP
    assert result.draft.redirect_to == (ME,)


@pytest.mark.parametrize(
    ("missing", "option"),
    [
        ({"address": None}, "ADDRESS"),
        ({"smtp": None}, "--smtp URL"),
        ({"imap": None}, "--imap URL, or --imap none"),
        ({"password_command": None}, "--password-command COMMAND, --password-file FILE, --keyring"),
        ({"provider": "ses:eu-west-1"}, "--login USER"),
        ({"provider": "outlook", "password_command": None}, "--client-id ID or --token-command COMMAND"),
    ],
)
def test_without_a_terminal_an_answer_that_is_missing_is_an_error_that_names_its_option(missing, option):
    with pytest.raises(UsageError) as caught:
        ask(GIVEN._replace(**missing))
    assert caught.value.cure.startswith(f"add {option}")


BARE = GIVEN._replace(smtp="smtp://localhost:5870", imap="none")


@pytest.mark.parametrize(
    ("more", "smtp", "imap"),
    [
        ({}, "smtp://me@example.org@localhost:5870", ""),
        ({"login": "me 2"}, "smtp://me%202@localhost:5870", ""),
        ({"login": "me", "password_command": None, "no_password": True}, "smtp://me@localhost:5870", ""),
        ({"password_command": None, "no_password": True}, "smtp://localhost:5870", ""),
        (
            {"imap": "imap://localhost"},
            "smtp://me@example.org@localhost:5870",
            "imap://me@example.org@localhost",
        ),
        ({"imap": IMAP}, "smtp://localhost:5870", IMAP),
        ({"imap": IMAP, "login": "you"}, "smtp://you@localhost:5870", IMAP),
    ],
)
def test_a_password_without_a_user_name_is_that_of_the_address(more, smtp, imap):
    draft = ask(BARE._replace(**more))[0].draft
    assert (draft.smtp, draft.imap) == (smtp, imap)


def test_whose_password_it_is_taken_for_is_said():
    said = ask(BARE)[1]
    assert "smtp: the user name is me@example.org, as your address; another goes into --login" in said


def test_a_name_is_found_where_none_is_given():
    assert ask(GIVEN._replace(name=None))[0].draft.name == "example"
    gmail = Answers(Mailbox("me", "gmail.com"), password_command=("x",))
    assert ask(gmail)[0].draft.name == "gmail"


def test_a_name_that_is_taken_is_found_out_before_anything_is_asked():
    person = Person()
    with pytest.raises(UsageError, match="already"):
        ask(Answers(name="work"), person, taken=("work",))
    assert person.asked == []


def test_a_person_is_asked_again_until_the_answer_can_be_used():
    person = Person(
        Your_address=["me", "Me <me@example.org>"],
        A_short_name=["a b", "mine"],
        The_SMTP=["", "smtp.example.org", SMTP],
        The_IMAP=["none"],
        A_command="pass 'mail/my work'",
        Who_gets=["x@", "Ann <ann@b.test>"],
    )
    result, said = ask(Answers(), person)
    assert result.draft.address == parse_mailbox("Me <me@example.org>")
    assert (result.draft.name, result.draft.smtp, result.draft.imap) == ("mine", SMTP, "")
    assert result.draft.password_command == ("pass", "mail/my work")
    assert result.draft.redirect_to == (parse_mailbox("Ann <ann@b.test>"),)
    assert "use letters, digits and . _ - only" in said


def test_a_provider_is_named_and_nothing_of_it_is_copied():
    result, said = ask(Answers(Mailbox("me", "gmail.com"), password_command=("x",)))
    assert (result.draft.provider, result.draft.smtp, result.draft.imap) == ("gmail", "", "")
    assert said == [f"provider: {result.provider.title}, from the preset for addresses in gmail.com"]


def test_an_app_password_is_spoken_of():
    _, said = ask(Answers(Mailbox("me", "gmail.com")), Person())
    assert any("wants an app password, from https://" in line for line in said)


def test_a_provider_that_cannot_be_is_refused_at_once():
    person = Person()
    with pytest.raises(ConfigurationError, match="is not possible"):
        ask(Answers(Mailbox("me", "tuta.com")), person)
    assert person.asked == []


def looking(answers, desk=None, secure=()):
    with Dns(SRV, secure=secure) as dns:
        return ask(
            answers, desk, Sources(Resolver(dns.address), lambda _: Page(None, "there is no such host"))
        )


OPEN = GIVEN._replace(smtp=None, imap=None)


def test_a_server_elsewhere_is_asked_about():
    person = Person(**{"smtp.host.test is not in example.org": "y"})
    result, _ = looking(OPEN, person)
    assert result.draft.smtp == "smtps://me@example.org@smtp.host.test"
    assert result.draft.smtp_origin == "the SRV record _submissions._tcp.example.org (not signed)"
    assert len([question for question in person.asked if "host.test" in question]) == 1


def test_a_server_elsewhere_that_is_not_the_users_is_not_taken():
    person = Person(**{"smtp.host.test is not in example.org": "n"}, The_SMTP=SMTP)
    assert looking(OPEN, person)[0].draft.smtp == SMTP


def test_a_server_elsewhere_needs_a_word_where_nobody_can_be_asked():
    with pytest.raises(UsageError, match="it may have been forged") as caught:
        looking(OPEN)
    assert "--smtp smtps://me@example.org@smtp.host.test" in caught.value.cure
    assert looking(OPEN._replace(yes=True))[0].draft.smtp.endswith("smtp.host.test")
    assert looking(OPEN, secure=("example.org",))[0].draft.smtp.endswith("smtp.host.test")


def test_another_user_name_goes_into_what_was_found():
    draft = looking(OPEN._replace(yes=True, login="u123"))[0].draft
    assert (draft.smtp, draft.imap) == ("smtps://u123@smtp.host.test", "imaps://u123@imap.example.org")


def test_the_password_goes_into_the_keyring_if_there_is_one_and_no_command():
    assert ask(GIVEN._replace(password_command=None), Person(), ring=True)[0].keyring
    result, said = ask(GIVEN._replace(password_command=None), Person(), ring=False)
    assert not result.keyring
    assert (
        "there is no keyring here: unattended, this account needs password_command or password_file" in said
    )


def test_the_password_can_be_in_a_file():
    result, said = ask(GIVEN._replace(password_command=None), Person(A_file="secret"), ring=True)
    assert (result.draft.password_file, result.keyring) == (os.path.abspath("secret"), False)
    assert not any("keyring" in line for line in said)


def test_tokens_are_asked_for_where_the_provider_takes_nothing_else():
    outlook = Answers(Mailbox("me", "outlook.com"))
    client = ask(outlook, Person(The_ID="1234"))[0].draft
    command = ask(outlook, Person(A_command_that_prints_a_token="oama access me"))[0].draft
    assert (client.client_id, client.auth) == ("1234", "")
    assert command.token_command == ("oama", "access", "me")


def test_tokens_for_a_server_that_no_preset_knows_are_said_to_be_tokens():
    draft = ask(GIVEN._replace(password_command=None, client_id="1234"))[0].draft
    assert (draft.client_id, draft.auth) == ("1234", "oauth")


def test_a_server_without_a_login_needs_no_password():
    plain = GIVEN._replace(smtp="smtp://localhost", imap="none", password_command=None)
    assert not ask(plain)[0].keyring


def test_paths_are_the_same_wherever_ccc_is_started():
    answers = GIVEN._replace(password_command=None, password_file="secret", tls_ca_file="~/ca.pem")
    draft = ask(answers)[0].draft
    assert (draft.password_file, draft.tls_ca_file) == (os.path.abspath("secret"), "~/ca.pem")


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"keyring": True}, "--password-command and --keyring are several ways"),
        ({"password_fd": 3}, "nothing says where"),
    ],
)
def test_answers_that_exclude_each_other_are_refused(more, what):
    with pytest.raises(UsageError, match=what):
        ask(GIVEN._replace(**more))


@pytest.mark.parametrize("wrong", [{"smtp": "imaps://x"}, {"imap": "none@x"}, {"smtp": "none"}])
def test_a_url_that_is_none_is_an_error_at_once(wrong):
    with pytest.raises(UsageError, match="this is no server"):
        ask(GIVEN._replace(**wrong))


def test_a_name_that_is_none_is_an_error_at_once():
    with pytest.raises(UsageError, match="--name: 'a b' cannot be the name of an account"):
        ask(GIVEN._replace(name="a b"))


def test_a_password_at_a_provider_of_tokens_is_said_to_be_one():
    draft = ask(Answers(Mailbox("me", "outlook.com"), keyring=True))[0].draft
    assert draft.auth == "password"
