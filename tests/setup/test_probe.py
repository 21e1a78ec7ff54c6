import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from ccc.config.account import Account, FromPolicy
from ccc.errors import CccError, Kind
from ccc.routes.submission import Manner
from ccc.setup.doctor import Patient, mailstore, policy, secrets, submission
from ccc.smtp.login import Held, Password
from ccc.transport.timeouts import Timeouts
from tests.lab.daemon import free_ports
from tests.lab.sink import EVERYTHING, Sink


class Purse:
    """Everybody has this password."""

    def __init__(self, secret="secret"):
        self.secret = secret

    def keys(self, account, server, /):
        return Held(Password(server.user, self.secret)) if server.user else None


def patient(authority=None, purse=None, **account):
    ca_file = str(authority.ca_file) if authority else ""
    manner = Manner(ca_file or None, Timeouts().at_most(5))
    who = Account("work", tls_ca_file=ca_file, **account)
    return Patient(who, purse or Purse(), purse or Purse(), manner, {"CCC_STATE_DIR": "/nonexistent"})


def lines(checks):
    return {check.name: check for check in checks}


def test_each_step_to_a_login_is_a_line(authority):
    with Sink(EVERYTHING, tls=authority.server_context(), mechanisms=("PLAIN",)) as sink:
        seen = lines(submission(patient(authority, smtp=f"smtp://user@localhost:{sink.port}")))
    assert list(seen) == ["smtp dns", "smtp port", "smtp certificate", "smtp offers", "smtp login"]
    assert {check.level.value for check in seen.values()} == {"ok"}
    assert "SIZE 104857600" in seen["smtp offers"].text
    assert "certificate verified; it is good for" in seen["smtp certificate"].text
    assert seen["smtp login"].text == "logged in as user"
    assert sink.transactions == []
    assert sink.faults == []
    assert [session.commands[-1] for session in sink.sessions] == [b"QUIT"]


def last(checks):
    return list(checks)[-1]


def test_a_login_that_is_offered_and_not_tried_is_a_warning():
    with Sink(EVERYTHING, mechanisms=("PLAIN",)) as sink:
        check = last(submission(patient(smtp=f"smtp://localhost:{sink.port}")))
    assert (check.name, check.level.value, check.exit_status) == ("smtp login", "warn", 0)
    assert check.text == "not tried: the server offers one, and there is no user name"
    assert check.cure == "write smtp://USER@HOST, unless it takes your mail without a login"


def test_a_refused_login_is_the_last_line_with_its_cure(authority):
    with Sink(EVERYTHING, tls=authority.server_context(), implicit=True, mechanisms=("PLAIN",)) as sink:
        check = last(
            submission(patient(authority, Purse("wrong"), smtp=f"smtps://user@localhost:{sink.port}"))
        )
    assert (check.name, check.level.value, check.exit_status) == ("smtp login", "fail", 77)
    assert "app password" in check.cure


class Renewing:
    """Somebody who types, and how often."""

    def __init__(self):
        self.asked = 0

    def credentials(self):
        return Password("user", "wrong")

    def renewed(self):
        self.asked += 1
        return self.credentials()


def test_where_no_login_is_offered_no_other_password_is_asked_for():
    somebody, purse = Renewing(), Purse()
    purse.keys = lambda account, server, /: somebody
    with Sink(EVERYTHING, mechanisms=("CRAM-MD5",)) as sink:
        check = last(submission(patient(None, purse, smtp=f"smtp://user@127.0.0.1:{sink.port}")))
    assert "the server offers CRAM-MD5" in check.text
    assert somebody.asked == 0


def test_a_port_that_nobody_listens_on_is_named():
    check = last(submission(patient(smtp=f"smtps://localhost:{free_ports(1)[0]}")))
    assert (check.name, check.exit_status) == ("smtp port", 75)


def test_a_name_that_is_none_is_named():
    check = last(submission(patient(smtp="smtps://no..such.host")))
    assert (check.name, check.exit_status) == ("smtp dns", 75)


def certified(authority, **more):
    """A server whose certificate is special."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority._authority.issue_cert("localhost", **more).configure_cert(context)
    return context


def days(count):
    return datetime.now(UTC) + timedelta(days=count)


def test_an_expired_certificate_is_called_that(authority):
    expired = certified(authority, not_before=days(-9), not_after=days(-1))
    with Sink(tls=expired, implicit=True) as sink:
        check = last(submission(patient(authority, smtp=f"smtps://localhost:{sink.port}")))
    assert (check.name, check.exit_status) == ("smtp certificate", 75)
    assert "certificate has expired" in check.text


def test_a_certificate_that_ends_soon_is_a_warning(authority):
    with Sink(tls=certified(authority, not_after=days(3.5)), implicit=True) as sink:
        seen = lines(submission(patient(authority, smtp=f"smtps://localhost:{sink.port}")))
    assert seen["smtp certificate"].level.value == "warn"
    assert "it is good for 3 days more" in seen["smtp certificate"].text
    assert seen["smtp certificate"].exit_status == 0


def test_a_certificate_of_another_issuer_and_for_another_name_are_not_trusted(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    for wrong in (context, authority.server_context("elsewhere.test")):
        with Sink(tls=wrong, implicit=True) as sink:
            check = last(submission(patient(authority, smtp=f"smtps://localhost:{sink.port}")))
        assert (check.name, check.level.value) == ("smtp certificate", "fail")


def test_a_server_that_refuses_to_greet_is_not_blamed_for_its_certificate():
    with Sink(verbs={"GREETING": "554 no service"}) as sink:
        check = last(submission(patient(smtp=f"smtp://localhost:{sink.port}")))
    assert (check.name, check.exit_status) == ("smtp offers", 69)


def test_a_server_on_this_host_may_speak_in_clear():
    with Sink() as sink:
        seen = lines(submission(patient(smtp=f"smtp://localhost:{sink.port}")))
    assert seen["smtp certificate"].text == "nothing is encrypted; it does not leave this host"


@pytest.mark.parametrize("scheme", ["imap", "imaps"])
def test_a_mail_store_is_asked_up_to_its_folders(authority, dovecot, scheme):
    port = dovecot.imaps_port if scheme == "imaps" else dovecot.imap_port
    seen = lines(mailstore(patient(authority, imap=f"{scheme}://probe@localhost:{port}")))
    assert list(seen) == [
        "imap dns",
        "imap port",
        "imap certificate",
        "imap offers",
        "imap login",
        "imap folders",
    ]
    assert {check.level.value for check in seen.values()} == {"ok"}
    assert "it is good for" in seen["imap certificate"].text
    assert "Sent (\\Sent)" in seen["imap folders"].text


@pytest.mark.sweep  # Dovecot thinks about it for half a second
def test_a_refused_login_to_the_mail_store_is_named(authority, dovecot):
    wrong = patient(authority, Purse("wrong"), imap=f"imaps://probe@localhost:{dovecot.imaps_port}")
    check = last(mailstore(wrong))
    assert (check.name, check.exit_status) == ("imap login", 77)


def test_an_account_without_a_mail_store_has_no_line_of_it():
    assert list(mailstore(patient())) == []


class Empty:
    def keys(self, account, server, /):
        raise_later = CccError("there is none", "get one")
        raise_later.kind = Kind.PERMISSION

        class Missing:
            def credentials(self):
                raise raise_later

        return Missing()


def test_a_secret_that_is_missing_is_named_once_for_each_user():
    one = patient(purse=Empty(), smtp="smtps://me@a.test", imap="imaps://me@b.test")
    two = patient(purse=Empty(), smtp="smtps://me@a.test", imap="imaps://else@b.test")
    assert [check.exit_status for check in secrets(one)] == [77]
    assert [check.exit_status for check in secrets(two)] == [77, 77]


def test_where_nobody_logs_in_no_secret_is_needed():
    (check,) = secrets(patient(purse=Empty(), smtp="smtp://localhost"))
    assert (check.level.value, check.text) == ("ok", "no login, so none is needed")


def test_a_way_without_a_server_is_looked_at_too():
    assert last(submission(patient(via="sendmail:/nonexistent"))).exit_status == 78
    assert last(submission(patient(via="maildir:/tmp/x"))).level.value == "ok"


def test_an_account_without_a_way_out_fails():
    assert last(submission(patient())).exit_status == 78


def test_a_policy_that_nobody_knows_is_a_warning():
    known = patient(smtp="smtps://a.test", from_policy=FromPolicy.OWN)
    unknown = patient(smtp="smtps://a.test")
    assert [check.level.value for check in policy(known)] == ["ok"]
    assert [check.level.value for check in policy(unknown)] == ["warn"]
