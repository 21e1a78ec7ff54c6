"""Before and while somebody logs in: TLS, greetings, capabilities, secrets."""

import io
import os
import ssl
import traceback
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from ccc.errors import (
    CccError,
    ConfigurationError,
    Interrupted,
    LinkError,
    LinkLost,
    NotPermitted,
    ProtocolError,
    TryLaterError,
)
from ccc.imap import Manner, connect
from ccc.imap.opening import PORTS
from ccc.smtp.login import Credentials, Held, Password, Token
from ccc.transport.server import Security, Server
from ccc.transport.transcript import Transcript
from tests.imap.talking import HASTY, PATIENT, USER, at, session
from tests.lab.daemon import until
from tests.lab.fault import Step, fin, rst, send, stall
from tests.lab.imap_fault import Answer, HostileImap
from tests.lab.tls import Authority

SECRET = 'hunter2 "\\ \u00e4\u20ac'


def starttls(server: HostileImap, user: str = USER) -> Server:
    return Server("localhost", server.port, security=Security.STARTTLS, user=user)


def trusting(authority: Authority) -> Manner:
    return PATIENT._replace(ca_file=str(authority.ca_file))


def refused(
    server: HostileImap, where: Server | None = None, manner: Manner = PATIENT, secret: str = "x"
) -> CccError:
    """What comes of connecting."""
    with pytest.raises(CccError) as caught:
        connect(where or at(server), Held(Password(USER, secret)), manner)
    assert caught.value.cure
    return caught.value


def test_tls_is_put_on_after_starttls_and_nothing_from_before_counts(authority: Authority) -> None:
    greeting = b"* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN EVIL] hi\r\n"
    with HostileImap(greeting=greeting, tls=authority.server_context()) as server:
        with connect(starttls(server), Held(Password(USER, "x")), trusting(authority)) as opened:
            assert "EVIL" not in opened.capabilities
        assert server.commands[:2] == [b"STARTTLS", b"CAPABILITY"]


def test_tls_from_the_start(authority: Authority) -> None:
    with HostileImap(tls=authority.server_context(), implicit=True) as server:
        where = Server("localhost", server.port, security=Security.IMPLICIT, user=USER)
        with connect(where, Held(Password(USER, "x")), trusting(authority)) as opened:
            assert opened.name == f"localhost:{server.port}"
        error = refused(server, where)
    assert "certificate of localhost cannot be trusted" in error.what


def test_a_certificate_for_another_name_is_not_believed(authority: Authority) -> None:
    with HostileImap(tls=authority.server_context("elsewhere.test"), implicit=True) as server:
        where = Server("localhost", server.port, security=Security.IMPLICIT, user=USER)
        assert "Hostname mismatch" in refused(server, where, trusting(authority)).what


def test_an_expired_certificate_is_not_believed(tmp_path: Path) -> None:
    authority, ca_file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    past = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_before=past[0], not_after=past[1]).configure_cert(context)
    with HostileImap(tls=context, implicit=True) as server:
        where = Server("localhost", server.port, security=Security.IMPLICIT, user=USER)
        error = refused(server, where, PATIENT._replace(ca_file=str(ca_file)))
    assert error.what == "the certificate of localhost cannot be trusted: certificate has expired"


@pytest.mark.parametrize("sneaked", [b"* CAPABILITY EVIL\r\n", b"* OK [ALERT] call us\r\n", b"x"])
def test_what_is_said_in_clear_after_starttls_is_an_attack(authority: Authority, sneaked: bytes) -> None:
    answers = {rb"STARTTLS": b"TAG OK go\r\n" + sneaked}
    with HostileImap(answers, offered=b"IMAP4rev1 STARTTLS", tls=authority.server_context()) as server:
        error = refused(server, starttls(server), trusting(authority))
        assert isinstance(error, ProtocolError)
        assert error.what == "the IMAP server went on in clear after it agreed to STARTTLS"
        assert server.secrets == []


def test_no_starttls_or_a_refused_one_ends_it_before_the_login(authority: Authority) -> None:
    with HostileImap() as server:
        assert "does not offer STARTTLS" in refused(server, starttls(server)).what
    with HostileImap({rb"STARTTLS": b"TAG NO not today\r\n"}, offered=b"IMAP4rev1 STARTTLS") as server:
        error = refused(server, starttls(server))
        assert error.what == "the IMAP server offers STARTTLS and refuses it: NO not today"
        assert server.secrets == []


def test_a_greeting_that_needs_no_login_is_refused_before_tls() -> None:
    with HostileImap(greeting=b"* PREAUTH come in\r\n") as server:
        error = refused(server, starttls(server))
        assert error.what == "the IMAP server says before TLS that no login is needed"
        assert isinstance(refused(server), ConfigurationError)
        with connect(at(server, ""), None, PATIENT) as opened:
            assert opened.examine("INBOX").exists == 0


@pytest.mark.parametrize(
    ("greeting", "kind", "said"),
    [
        (b"", LinkLost, "did not answer within 0.3 seconds"),
        (b"* BYE too many of you\r\n", LinkLost, "the IMAP server ended the session: too many of you"),
        (
            b"220 mail.test ESMTP\r\n",
            ProtocolError,
            "this is no IMAP server, by its greeting: unexpected response: b'220 mail",
        ),
        (b"x" * 100_000, ProtocolError, "a line of more than 65536 octets"),
        (b"* NO never\r\n", ProtocolError, "this is no IMAP server, by its greeting"),
    ],
)
def test_another_greeting_says_what_it_is(greeting: bytes, kind: type[CccError], said: str) -> None:
    with HostileImap(greeting=[greeting] if greeting else [stall()]) as server:
        error = refused(server, manner=PATIENT if greeting else HASTY)
    assert isinstance(error, kind)
    assert said in error.what
    assert error.cure == PORTS or b"BYE" in greeting or b"xx" in greeting


def test_a_server_that_is_not_there_or_goes_at_once() -> None:
    with HostileImap() as server:
        where = at(server)
    with pytest.raises(LinkError, match="connection refused"):
        connect(where, None, PATIENT)
    with HostileImap(greeting=[fin()]) as server:
        assert "closed the connection" in refused(server).what


def test_a_login_is_wanted_and_nobody_is_named() -> None:
    with HostileImap() as server, pytest.raises(ConfigurationError, match="there is no user name"):
        connect(at(server, ""), None, PATIENT)


def test_a_login_is_wanted_and_the_account_forbids_it() -> None:
    with HostileImap() as server, pytest.raises(ConfigurationError, match="wants a login of me@") as caught:
        connect(at(server), None, PATIENT)
    assert caught.value.cure == 'take auth = "none" out of the account'


def test_a_token_for_a_server_of_passwords_is_told_what_the_server_takes() -> None:
    with HostileImap() as server, pytest.raises(NotPermitted, match="not OAUTHBEARER or XOAUTH2") as caught:
        connect(at(server), Held(Token(USER, "tok")), PATIENT)
    assert (
        caught.value.cure == 'it takes no tokens: leave auth = "oauth" and token_command out of the account'
    )


@pytest.mark.parametrize(
    ("offered", "cure"),
    [
        (b"AUTH=XOAUTH2", 'it takes tokens: set auth = "oauth" in the account'),
        (b"AUTH=GSSAPI", "use imaps://, or ask its administrator how programs log in"),
    ],
)
def test_a_password_that_cannot_be_said_has_a_cure(offered: bytes, cure: str) -> None:
    with HostileImap(offered=b"IMAP4rev1 LOGINDISABLED " + offered) as server:
        assert refused(server).cure.startswith(cure)


@pytest.mark.parametrize("offered", [b"IMAP4rev1 AUTH=PLAIN SASL-IR", b"IMAP4rev1 AUTH=PLAIN"])
def test_plain_says_everything_at_once(offered: bytes) -> None:
    with HostileImap(offered=offered) as server, session(server, password=SECRET, folder=None):
        assert server.secrets == [f"\0{USER}\0{SECRET}".encode()]


def test_login_quotes_what_can_be_quoted_and_sends_the_rest_as_literals() -> None:
    with HostileImap(offered=b"IMAP4rev1") as server, session(server, password='a "\\b', folder=None):
        assert server.secrets == [b'LOGIN "me@example.org" "a \\"\\\\b"']
    with HostileImap(offered=b"IMAP4rev1 LITERAL+") as server, session(server, password=SECRET, folder=None):
        octets = SECRET.encode()
        assert server.secrets == [b'LOGIN "me@example.org" {%d+}\r\n%b' % (len(octets), octets)]


def test_a_server_that_wants_no_login_in_clear_gets_none() -> None:
    with HostileImap(offered=b"IMAP4rev1 LOGINDISABLED AUTH=GSSAPI") as server:
        error = refused(server)
        assert isinstance(error, NotPermitted)
        assert "offers GSSAPI and no LOGIN, not SCRAM-SHA-256 or PLAIN" in error.what
        assert server.secrets == []


@pytest.mark.parametrize(
    ("offered", "said"),
    [
        (b"AUTH=OAUTHBEARER AUTH=XOAUTH2", b"n,a=me@example.org,\x01auth=Bearer tok\x01\x01"),
        (b"AUTH=XOAUTH2", b"user=me@example.org\x01auth=Bearer tok\x01\x01"),
    ],
)
def test_tokens_go_as_the_server_offers(offered: bytes, said: bytes) -> None:
    with HostileImap(offered=b"IMAP4rev1 SASL-IR " + offered) as server:
        connect(at(server), Held(Token(USER, "tok")), PATIENT).close()
        assert server.secrets == [said]


def test_challenges_that_no_mechanism_has_are_refused() -> None:
    with HostileImap({rb"AUTHENTICATE .*": b"+ !\r\n" * 9}) as server:
        error = refused(server)
    assert isinstance(error, ProtocolError)
    assert error.what == "the IMAP server asks for more than its login mechanism has"


@pytest.mark.parametrize("offered", [b"IMAP4rev1", b"IMAP4rev1 AUTH=PLAIN"])
@pytest.mark.parametrize("secret", ["a\0b", "a\udc80b"])
def test_a_password_that_cannot_be_said_is_not_said(offered: bytes, secret: str) -> None:
    with HostileImap(offered=offered) as server:
        with pytest.raises(NotPermitted) as caught:
            connect(at(server), Held(Password(USER, secret)), PATIENT)
        assert secret not in str(caught.value)
        assert server.secrets == []


class Renewing:
    """Keys whose first credentials have expired."""

    def credentials(self) -> Credentials:
        return Token(USER, "old-token")

    def renewed(self) -> Credentials | None:
        return Token(USER, "new-token")


def test_a_refused_token_is_renewed_once() -> None:
    old = b64encode(b"user=me@example.org\x01auth=Bearer old-token\x01\x01")
    challenge = b"+ %b\r\n" % b64encode(b'{"status":"401"}')
    refusal: Answer = [challenge, send(b""), b"", b"TAG NO [AUTHENTICATIONFAILED] expired\r\n"]
    answers = {rb"AUTHENTICATE XOAUTH2 " + old.replace(b"+", rb"\+"): refusal}
    with HostileImap(answers, offered=b"IMAP4rev1 AUTH=XOAUTH2 SASL-IR") as server:
        with connect(at(server), Renewing(), PATIENT):
            assert b"new-token" in server.secrets[-1]
        assert server.links == 2
        with pytest.raises(NotPermitted) as caught:
            connect(at(server), Held(Token(USER, "old-token")), PATIENT)
    assert '{"status":"401"}' in caught.value.what
    assert "get a new token" in caught.value.cure


def test_a_wrong_password_has_a_cure_and_a_busy_server_is_not_a_wrong_password() -> None:
    with HostileImap({rb"AUTHENTICATE .*": b"TAG NO [AUTHENTICATIONFAILED] no\r\n"}) as server:
        error = refused(server)
        assert isinstance(error, NotPermitted)
        assert error.what == f"the IMAP server refused the login of {USER}: NO [AUTHENTICATIONFAILED] no"
        assert "app password" in error.cure
    with HostileImap({rb"AUTHENTICATE .*": b"TAG NO [UNAVAILABLE] later\r\n"}) as server:
        assert isinstance(refused(server), TryLaterError)


def test_a_refusal_that_is_known_by_its_words_has_its_own_cure() -> None:
    said = b"TAG NO [ALERT] Application-specific password required: https://x.test (Failure)\r\n"
    with HostileImap({rb"AUTHENTICATE .*": said}) as server:
        error = refused(server)
        assert "; make an app password for ccc" in error.cure
        with pytest.raises(NotPermitted) as caught:
            connect(at(server), Held(Token(USER, "token")), PATIENT)
        assert "password" not in caught.value.cure
    said = b"TAG NO [UNAVAILABLE] too many login attempts\r\n"
    with HostileImap({rb"AUTHENTICATE .*": said}) as server:
        assert "quarter of an hour" in refused(server).cure


@pytest.mark.parametrize("offered", [b"IMAP4rev1 AUTH=PLAIN SASL-IR", b"IMAP4rev1 AUTH=PLAIN", b"IMAP4rev1"])
@pytest.mark.parametrize("status", [b"NO", b"BAD", b"BYE"])
def test_no_secret_is_in_an_error_or_a_transcript_even_if_the_server_says_it(
    offered: bytes, status: bytes
) -> None:
    secret, lines = "hunter2-canary", io.StringIO()
    told = b"%b %b " % (secret.encode(), b64encode(f"\0{USER}\0{secret}".encode()))
    answer = (
        b"* OK %b\r\n* %b %b\r\n" % (told, status, told)
        if status == b"BYE"
        else b"TAG %b %b\r\n" % (status, told)
    )
    manner = PATIENT._replace(transcript=Transcript(lambda line: print(line, file=lines)))
    with HostileImap({rb"(AUTHENTICATE|LOGIN) .*": answer}, offered=offered) as server:
        error = refused(server, manner=manner, secret=secret)
    said = "".join(traceback.format_exception(error)) + lines.getvalue() + repr(error)
    assert "AUTHENTICATE PLAIN" in said or "LOGIN ***" in said
    assert secret not in said
    assert b64encode(f"\0{USER}\0{secret}".encode()).decode() not in said


def test_nothing_keeps_the_commands_of_the_login() -> None:
    with HostileImap() as server, session(server, password="hunter2-canary", folder=None) as opened:
        kept = repr(vars(opened._client)) + repr(opened)
        assert "hunter2-canary" not in kept


class Signal:
    """A signal that has come, or comes later."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()

    def come(self) -> None:
        os.write(self._write, b".")

    def fileno(self) -> int:
        return self._read

    def drain(self) -> None:
        os.read(self._read, 1)

    def as_error(self) -> Interrupted:
        return Interrupted("interrupted by SIGINT", 2)

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


def test_a_signal_ends_a_wait() -> None:
    signal = Signal()
    come = Step("signal", lambda _: signal.come())
    manner = PATIENT._replace(interrupts=signal)
    with HostileImap({rb"NOOP": [come, stall()]}) as server, session(server, manner) as opened:
        with pytest.raises(Interrupted):
            opened.noop()
        assert opened.lost
    signal.close()


def test_a_lost_session_says_so_each_time() -> None:
    with HostileImap({rb"NOOP": [rst()]}) as server, session(server) as opened:
        for _ in range(2):
            with pytest.raises(LinkLost):
                opened.noop()
        assert opened.lost


def test_a_session_that_the_server_has_ended_is_known_to_be_lost() -> None:
    answers = {rb"NOOP": [b"TAG OK done\r\n* BYE idle for too long\r\n", fin()]}
    with HostileImap(answers) as server, session(server) as opened:
        assert not opened.lost
        opened.noop()
        until(lambda: opened.lost, lambda: "not lost")
