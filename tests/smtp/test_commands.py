"""MAIL, RCPT and BDAT: only what is offered, only what was meant."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox, undeliverable
from ccc.delivery import Delivery, Dsn
from ccc.envelope import Envelope
from ccc.errors import CccError, ExtensionMissing, MessageTooBig
from ccc.smtp import commands
from ccc.smtp.extensions import Extensions
from tests.lab.law import law
from tests.smtp.play import Text, to

EIGHT_BIT = Text(b"Subject: hi\r\n\r\n\xe9\r\n")
UTF8 = Text("Subject: é\r\n\r\n".encode(), utf8_header=True)


def server(*lines: str) -> Extensions:
    return Extensions({line.split()[0]: tuple(line.split()[1:]) for line in lines})


ALL = server("SIZE 1000", "8BITMIME", "SMTPUTF8", "DSN", "PIPELINING")


@pytest.mark.parametrize(
    ("delivery", "offers", "line"),
    [
        (to("x"), server(), b"MAIL FROM:<me@a.test>\r\n"),
        (to("x", reverse_path=None), server(), b"MAIL FROM:<>\r\n"),
        (to("x"), ALL, b"MAIL FROM:<me@a.test> SIZE=23\r\n"),
        (to("x", content=EIGHT_BIT), ALL, b"MAIL FROM:<me@a.test> SIZE=18 BODY=8BITMIME\r\n"),
        (to("x", content=UTF8), ALL, b"MAIL FROM:<me@a.test> SIZE=15 BODY=8BITMIME SMTPUTF8\r\n"),
        (to("x", content=UTF8), server("8BITMIME"), b"MAIL FROM:<me@a.test> BODY=8BITMIME\r\n"),
        (to("é"), server("SMTPUTF8", "8BITMIME"), b"MAIL FROM:<me@a.test> SMTPUTF8\r\n"),
        (
            to("x", reverse_path=Mailbox("é", "a.test")),
            server("SMTPUTF8"),
            b"MAIL FROM:<\xc3\xa9@a.test> SMTPUTF8\r\n",
        ),
        (
            to("x", dsn=Dsn(ret="HDRS", envid="a b=c+d")),
            server("DSN"),
            b"MAIL FROM:<me@a.test> RET=HDRS ENVID=a+20b+3Dc+2Bd\r\n",
        ),
        (to("x", dsn=Dsn(("NEVER",))), server("DSN"), b"MAIL FROM:<me@a.test>\r\n"),
        (to("x", envid="k3+9"), server("DSN"), b"MAIL FROM:<me@a.test> ENVID=k3+2B9\r\n"),
        (to("x", envid="k3"), server("SIZE"), b"MAIL FROM:<me@a.test> SIZE=23\r\n"),
        (
            to("x", dsn=Dsn(ret="FULL"), envid="k3"),
            server("DSN"),
            b"MAIL FROM:<me@a.test> RET=FULL ENVID=k3\r\n",
        ),
        (to("x", require_tls=True), server("REQUIRETLS"), b"MAIL FROM:<me@a.test> REQUIRETLS\r\n"),
        (to("x"), server("REQUIRETLS"), b"MAIL FROM:<me@a.test>\r\n"),
        (
            to("x", dsn=Dsn(envid="theirs"), envid="k3"),
            server("DSN"),
            b"MAIL FROM:<me@a.test> ENVID=theirs\r\n",
        ),
    ],
)
def test_mail_has_the_parameters_that_are_needed_and_offered(delivery, offers, line):
    assert commands.mail(delivery, offers) == line


@pytest.mark.parametrize(
    ("mailbox", "dsn", "line"),
    [
        (Mailbox("x", "b.test"), None, b"RCPT TO:<x@b.test>\r\n"),
        (Mailbox("x", "b.test"), Dsn(), b"RCPT TO:<x@b.test> ORCPT=rfc822;x@b.test\r\n"),
        (
            Mailbox("a+b", "b.test"),
            Dsn(("SUCCESS", "DELAY")),
            b"RCPT TO:<a+b@b.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@b.test\r\n",
        ),
        (Mailbox("é", "b.test"), Dsn(("NEVER",)), b"RCPT TO:<\xc3\xa9@b.test> NOTIFY=NEVER\r\n"),
        (Mailbox("a b", "b.test"), None, b'RCPT TO:<"a b"@b.test>\r\n'),
        (Mailbox("x", "[192.0.2.1]"), None, b"RCPT TO:<x@[192.0.2.1]>\r\n"),
    ],
)
def test_rcpt_has_the_parameters_that_are_asked_for(mailbox, dsn, line):
    assert commands.rcpt(mailbox, dsn) == line


def test_bdat_counts():
    assert (commands.bdat(5, last=False), commands.bdat(0, last=True)) == (b"BDAT 5\r\n", b"BDAT 0 LAST\r\n")


def test_a_message_over_the_limit_is_too_big_before_anything_is_said():
    with pytest.raises(MessageTooBig) as caught:
        commands.require(to("x"), server("SIZE 22"))
    assert (caught.value.size, caught.value.limit) == (23, 22)


@pytest.mark.parametrize("line", ["SIZE 23", "SIZE 0", "SIZE"])
def test_a_message_within_the_limit_is_not(line):
    commands.require(to("x"), server(line))


@pytest.mark.parametrize(
    ("delivery", "offers", "extension"),
    [
        (to("é"), server("8BITMIME"), "SMTPUTF8"),
        (to("x", reverse_path=Mailbox("é", "a.test")), server(), "SMTPUTF8"),
        (to("x", content=EIGHT_BIT), server("SMTPUTF8"), "8BITMIME"),
        (to("x", content=UTF8), server(), "8BITMIME"),
        (to("x", dsn=Dsn(("NEVER",))), server(), "DSN"),
        (to("x", require_tls=True), ALL, "REQUIRETLS"),
    ],
)
def test_what_a_message_needs_must_be_offered(delivery, offers, extension):
    with pytest.raises(ExtensionMissing) as caught:
        commands.require(delivery, offers)
    assert caught.value.extension == extension
    assert caught.value.cure


def test_a_message_that_must_stay_under_tls_goes_to_who_sees_to_it():
    commands.require(to("x", require_tls=True), server("REQUIRETLS"))


def test_our_own_name_for_a_message_needs_no_extension():
    commands.require(to("x", envid="k3"), server())


def test_a_utf8_header_goes_to_who_only_offers_8bitmime():
    commands.require(to("x", content=UTF8), server("8BITMIME"))


def test_a_control_octet_cannot_come_from_a_parameter():
    dsn = Dsn(ret="HDRS")
    object.__setattr__(dsn, "ret", "HDRS\r\nRSET")  # which cannot be built
    with pytest.raises(ValueError, match="control octet"):
        commands.mail(to("x", dsn=dsn), Extensions({"DSN": ()}))


@law
@given(st.text(st.characters(max_codepoint=127)))
def test_xtext_holds_nothing_that_ends_a_parameter(text):  # RFC 3461, 4
    assert re.fullmatch(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*", commands.xtext(text))


awkward = st.text(st.one_of(st.characters(), st.sampled_from('\r\n\0<>@ \x1b\x7f\x80\u2028"\\')), max_size=20)


@law
@given(awkward, awkward)
def test_no_mailbox_puts_a_control_octet_into_a_command(local, domain):
    try:
        mailbox = Mailbox(local, domain)
        assert not undeliverable(mailbox)
        delivery = Delivery(Envelope(mailbox, (mailbox,)), Text())
    except (CccError, AssertionError):
        return
    said = commands.mail(delivery, ALL) + commands.rcpt(mailbox, Dsn(("NEVER",)))
    assert not re.search(rb"[\0-\x1f\x7f]", said.replace(b"\r\n", b"", 2))
    assert said.count(b"\r\n") == 2


@law
@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12))
def test_a_path_is_one_path_whatever_the_local_part(local):
    mailbox = Mailbox(local, "b.test")
    line = commands.rcpt(mailbox, None)
    assert re.fullmatch(rb'RCPT TO:<(?:"(?:[^"\\]|\\.)*"|[^"<>\\ ]+)@b\.test>\r\n', line)


@pytest.mark.parametrize("name", ["me.test", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]"])
def test_a_greeting_has_our_name(name):
    assert commands.hello("EHLO", name) == b"EHLO " + name.encode()


@pytest.mark.parametrize("name", ["", "a b", "me\r\nRSET", "me.test\n", "\0", "é.test", "x" * 300])
def test_what_is_no_name_greets_nobody(name):
    assert not commands.greets(name)
    with pytest.raises(ValueError, match="cannot greet"):
        commands.hello("EHLO", name)
