import pytest

from ccc.accounts.marks import mark, marked, refusal, unmark
from ccc.config.account import Account
from ccc.errors import StateError

WORK = Account("work", smtp="smtps://me@smtp.example.org")


@pytest.fixture
def environ(state_folder):
    return {"CCC_STATE_DIR": str(state_folder)}


def test_an_account_is_not_marked(environ):
    assert not marked(WORK, environ)
    assert not unmark(WORK, environ)


def test_a_mark_stays_until_it_is_taken_away(environ):
    mark(WORK, environ)
    assert marked(WORK, environ)
    assert unmark(WORK, environ)
    assert not marked(WORK, environ)


def test_a_mark_is_for_one_server(environ):
    mark(WORK, environ)
    assert not marked(WORK._replace(smtp="smtps://me@other.example.org"), environ)
    assert marked(WORK._replace(smtp="smtps://else@smtp.example.org:465"), environ)


def test_the_accounts_own_word_is_a_mark(environ):
    assert marked(WORK._replace(honours_envelope=False), environ)


def test_an_account_without_a_submission_server_has_no_mark(environ):
    assert not marked(Account("local", via="sendmail"), environ)


def test_where_there_can_be_no_state_folder_there_is_no_mark(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000_000)
    assert not marked(WORK, {})


def test_a_state_folder_that_is_named_wrongly_is_no_reason_to_see_no_mark():
    with pytest.raises(StateError, match="CCC_STATE_DIR"):
        marked(WORK, {"CCC_STATE_DIR": "state"})


def test_what_cannot_be_read_is_a_mark(environ, state_folder):
    (state_folder / "marks" / "work.mark").mkdir(parents=True)
    assert marked(WORK, environ)


def test_a_folder_that_cannot_be_written_is_an_error_with_the_other_way(environ, state_folder):
    (state_folder / "marks").write_text("in the way")
    with pytest.raises(StateError, match=r"honours_envelope = false") as caught:
        mark(WORK, environ)
    assert caught.value.what.startswith("the mark of account work cannot be written")


def test_the_refusal_by_the_accounts_own_word_says_what_ends_it():
    error = refusal(WORK._replace(honours_envelope=False))
    assert error.cure == (
        "use another server; or, once `ccc doctor work --canary` has seen one copy alone, take "
        "honours_envelope = false out of [account.work]"
    )


def test_the_refusal_names_server_and_cure():
    error = refusal(WORK)
    assert "smtp.example.org:465 mails the people in To and Cc" in error.what
    assert "ccc doctor work --canary" in error.cure
