"""TLS: whose certificates are believed, and that nothing is said over less (RFC 8997, RFC 3207)."""

import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from ccc.errors import ConfigurationError, Interrupted, LinkError
from ccc.routes.submission import Manner, Submission
from ccc.transport import tls
from ccc.transport.server import Security, Server
from ccc.transport.timeouts import Timeouts
from ccc.transport.tls import Trust, UnknownIssuer, context_for, put_tls_on, with_roots
from tests.lab.sink import Sink
from tests.smtp.play import HELLO, to, told
from tests.transport.signals import Signals


def submission(port: int, security: Security, host: str = "localhost", **manner) -> Submission:
    timeouts = Timeouts().at_most(5)
    return Submission(Server(host, port, security=security), None, Manner(timeouts=timeouts, **manner))


def sent(route: Submission):
    """The outcome of one message to one person."""
    (settled,) = told(route.deliver([to("x")]))
    return settled.outcomes[0]


@pytest.mark.parametrize("security", [Security.IMPLICIT, Security.STARTTLS])
def test_a_message_goes_out_over_a_verified_connection(authority, security):
    with Sink(tls=authority.server_context(), implicit=security is Security.IMPLICIT) as sink:
        outcome = sent(submission(sink.port, security, ca_file=str(authority.ca_file)))
    assert outcome.state.value == "accepted"
    assert sink.transactions[0].content == HELLO.octets
    assert sink.transactions[0].tls
    assert sink.faults == []


def test_an_address_is_verified_as_a_name_is(authority):
    with Sink(tls=authority.server_context(), implicit=True) as sink:
        route = submission(sink.port, Security.IMPLICIT, "127.0.0.1", ca_file=str(authority.ca_file))
        assert sent(route).state.value == "accepted"


EXPIRED = datetime.now(UTC) - timedelta(days=1)
LATER = datetime.now(UTC) + timedelta(days=1)


def context(*names: str, issuer: trustme.CA, **options) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issuer.issue_cert(*names, **options).configure_cert(made)
    return made


@pytest.fixture(scope="module")
def issuer() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(issuer, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("issuer") / "ca.pem"
    issuer.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.mark.parametrize("security", [Security.IMPLICIT, Security.STARTTLS])
@pytest.mark.parametrize(
    ("names", "options", "reason", "cure"),
    [
        (
            ["elsewhere.test", "b.test"],
            {},
            "Hostname mismatch",
            "it is for elsewhere.test and b.test: name the",
        ),
        (
            ["*.localhost", "127.0.0.2"],
            {},
            "Hostname mismatch",
            "it is for *.localhost and 127.0.0.2: name the",
        ),
        (
            ["localhost"],
            {"not_after": EXPIRED, "not_before": EXPIRED - timedelta(days=9)},
            "has expired",
            "its administrator must renew it, unless the clock of this host is wrong",
        ),
        (
            ["localhost"],
            {"not_after": LATER + timedelta(days=9), "not_before": LATER},
            "not yet valid",
            "the clock of this host may be wrong",
        ),
    ],
)
def test_a_certificate_that_is_not_right_ends_it(issuer, ca_file, security, names, options, reason, cure):
    made = context(*names, issuer=issuer, **options)
    with Sink(tls=made, implicit=security is Security.IMPLICIT, login=("me", "secret")) as sink:
        outcome = sent(submission(sink.port, security, ca_file=ca_file))
    assert outcome.state.value == "deferred"
    assert reason in outcome.reason
    assert outcome.cure.startswith(cure)
    assert not outcome.reason.endswith(".")
    assert "--tls-ca-file" not in outcome.cure
    assert sink.transactions == []


def test_an_unknown_issuer_ends_it(authority, ca_file):
    with Sink(tls=authority.server_context(), implicit=True) as sink:
        outcome = sent(submission(sink.port, Security.IMPLICIT, ca_file=ca_file))
    assert "cannot be trusted" in outcome.reason
    assert "--tls-ca-file" in outcome.cure
    assert "tls_ca_file in the account" in outcome.cure


@pytest.mark.parametrize("security", [Security.IMPLICIT, Security.STARTTLS])
def test_an_issuer_that_is_not_found_by_hash_is_looked_for_among_all_roots(authority, monkeypatch, security):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    with Sink(tls=authority.server_context(), implicit=security is Security.IMPLICIT) as sink:
        assert sent(submission(sink.port, security)).state.value == "accepted"
        assert sink.links == 2


def test_an_issuer_that_is_nowhere_is_not_believed_in_the_end(authority):
    with Sink(tls=authority.server_context(), implicit=True) as sink:
        assert sent(submission(sink.port, Security.IMPLICIT)).state.value == "deferred"
        assert sink.transactions == []


def test_where_nothing_was_promised_an_unverified_connection_is_better_than_none(authority):
    with Sink(tls=authority.server_context("elsewhere.test")) as sink:
        assert sent(submission(sink.port, Security.OPPORTUNISTIC)).state.value == "accepted"
        assert sink.transactions[0].tls


def test_a_host_without_a_folder_of_hashed_roots_reads_them_all(monkeypatch, tmp_path):
    monkeypatch.setattr(tls, "HASHED_ROOTS", tmp_path / "none")
    made = context_for(Trust())
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname


@pytest.mark.parametrize("every_root", [False, True])
def test_verification_is_on_and_old_versions_are_off(every_root):
    made = context_for(Trust(), every_root=every_root)
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert made.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_a_server_that_speaks_nothing_newer_than_tls_1_1_is_refused(authority):
    old = authority.server_context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1_1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with Sink(tls=old, implicit=True) as sink:
        outcome = sent(submission(sink.port, Security.IMPLICIT, ca_file=str(authority.ca_file)))
    assert "handshake" in outcome.reason
    assert outcome.state.value == "deferred"


@pytest.mark.parametrize(
    "text", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificates_is_the_users_mistake(authority, tmp_path, text):
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match="there is no certificate"):
        context_for(Trust(str(path)))
    with Sink(tls=authority.server_context(), implicit=True) as sink:
        outcome = sent(submission(sink.port, Security.IMPLICIT, ca_file=str(path)))
    assert outcome.kind.value == "configuration"


def handshake(act, host: str = "localhost", seconds: float = 5, interrupts=None):
    """Put TLS on a connection whose other end does something else."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    thread = threading.Thread(target=act, args=(theirs,))
    thread.start()
    try:
        return put_tls_on(ours, host, Trust(), time.monotonic() + seconds, interrupts=interrupts)
    finally:
        theirs.close()
        thread.join()
        ours.close()


@pytest.mark.parametrize(
    "octets",
    [b"220 mx ESMTP\r\n", b"\0" * 600, b"\x16\x03\x01\x02\0" + b"x" * 600, b"HTTP/1.1 400 no\r\n\r\n"],
)
def test_what_is_no_tls_fails_with_a_hint(octets):
    with pytest.raises(LinkError, match="465 is TLS from the start"):
        handshake(lambda server: server.sendall(octets))


def test_a_connection_that_ends_in_the_handshake_fails():
    with pytest.raises(LinkError):
        handshake(lambda server: server.shutdown(socket.SHUT_RDWR))


def test_a_silent_server_ends_the_handshake_at_the_deadline():
    begun = time.monotonic()
    with pytest.raises(LinkError, match="took too long"):
        handshake(lambda server: server.recv(1), seconds=0.1)
    assert time.monotonic() - begun < 2


def test_a_deadline_that_has_passed_is_one():
    with pytest.raises(LinkError, match="took too long"):
        handshake(lambda _: None, seconds=-1)


def test_a_signal_ends_the_handshake():
    with Signals(come=True) as signals, pytest.raises(Interrupted):
        handshake(lambda _: None, interrupts=signals)


@pytest.mark.parametrize("host", [""])
def test_what_is_no_host_name_cannot_be_verified(host):
    with pytest.raises(LinkError):
        handshake(lambda _: None, host)


def test_a_connection_that_was_lost_before_the_handshake_fails():
    with socket.socket() as never_connected:
        never_connected.setblocking(False)
        with pytest.raises(LinkError):
            put_tls_on(never_connected, "localhost", Trust(), time.monotonic() + 1)


def test_tls_is_put_on_once(authority):
    with pytest.raises(TypeError):
        put_tls_on(object(), "localhost", Trust(), 0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verify", "verdict"), [(True, "certificate verified"), (False, "certificate not verified")]
)
def test_a_connection_tells_how_it_is_protected(authority, verify, verdict):
    with Sink(tls=authority.server_context(), implicit=True) as sink:
        plain = socket.create_connection(("127.0.0.1", sink.port))
        plain.setblocking(False)
        trust = Trust(str(authority.ca_file), verify)
        made, how = put_tls_on(plain, "localhost", trust, time.monotonic() + 5)
        assert (made.version, made.verdict, how) == ("TLSv1.3", verdict, f"TLSv1.3, {verdict}")
        assert made.cipher.startswith("TLS_")
        assert made.certificate == made.chain[0]
        made.close()


def test_unknown_issuer_is_a_link_error():
    assert issubclass(UnknownIssuer, LinkError)


def test_much_goes_both_ways_under_tls(authority):
    """A large message in chunks, and twenty answers that come in small pieces."""
    from tests.smtp.play import Text

    body = b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 100000
    with Sink(("PIPELINING", "CHUNKING"), tls=authority.server_context(), implicit=True) as sink:
        route = submission(sink.port, Security.IMPLICIT, ca_file=str(authority.ca_file))
        names = [f"p{number}" for number in range(90)]
        (settled,) = told(route.deliver([to(*names, content=Text(body))]))
    assert {outcome.state.value for outcome in settled.outcomes} == {"accepted"}
    assert sink.transactions[0].content == body


def test_where_the_hashed_roots_know_no_issuer_every_root_has_the_last_word():
    tried = []

    def attempt(every_root):
        tried.append(every_root)
        if not every_root:
            raise UnknownIssuer("who is that")
        return "done"

    assert with_roots(attempt) == "done"
    assert tried == [False, True]


def test_any_other_failure_is_not_tried_with_every_root():
    tried = []

    def attempt(every_root):
        tried.append(every_root)
        raise LinkError("no")

    with pytest.raises(LinkError):
        with_roots(attempt)
    assert tried == [False]
