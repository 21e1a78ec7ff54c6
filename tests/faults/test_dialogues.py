"""Dialogues that go wrong in one particular way each: what becomes of both recipients."""

import socket

import pytest

from ccc.smtp.login import Password, Token
from ccc.transport.server import Security
from tests.faults.play import session
from tests.lab.fault import (
    Step,
    auth,
    bdat,
    commit,
    content,
    cut,
    data,
    drip,
    ehlo,
    expect,
    fin,
    flood,
    greeting,
    mail,
    part_of_content,
    quit_,
    rcpt,
    rst,
    send,
    split,
    stall,
    starttls,
    swap,
    until_gone,
    usual,
)
from tests.smtp.play import Text

BIG = Text(b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 900000)  # more than any socket holds
HALF = 1 << 20
PIPE, CHUNK = [b"PIPELINING"], [b"PIPELINING", b"CHUNKING"]
PLAIN, PIPED, CHUNKED = usual(2), usual(2, PIPE), usual(2, CHUNK)
BOTH = {fate: (fate, fate) for fate in ("accepted", "refused", "deferred", "in doubt")}
OK2 = b"250 ok\r\n" * 2


def replying(step: str, octets: bytes, base=PLAIN, nth: int = 0) -> list:
    """The dialogue in which these octets are the answer to the nth step of this name, and all goes on."""
    silent = {
        "MAIL": mail(None),
        "RCPT": rcpt(None),
        "DATA": data(None),
        "EHLO": expect(rb"EHLO .*"),
        "QUIT": quit_(None),
        "GREETING": greeting(None),
    }
    return swap(base, step, silent[step], send(octets), nth=nth)


HARMLESS = {
    "a greeting of many lines": replying("GREETING", b"220-hello\r\n220-there\r\n220 fault.test\r\n"),
    "a greeting without a text": replying("GREETING", b"220\r\n"),
    "a greeting that ends in LF": replying("GREETING", b"220 fault.test\n"),
    "replies that come octet by octet": swap(PLAIN, "MAIL", mail(None), drip(b"250 2.1.0 ok\r\n", 0.001)),
    "a reply in two writes": swap(PLAIN, "MAIL", mail(None), split(b"250-2.1.0 ok\r\n250 fine\r\n", 2)),
    "a reply of sixty thousand octets": replying(
        "MAIL", b"250-" + b"x" * 4000 + b"\r\n" + (b"250-" + b"y" * 3996 + b"\r\n") * 13 + b"250 z\r\n"
    ),
    "a reply with NULs in its text": replying("MAIL", b"250 \0\0ok\0\r\n"),
    "a reply with escapes in its text": replying("MAIL", b"250 \x1b[2J\x1b]0;owned\x07\x9b31m\r\n"),
    "a reply with bidi controls in its text": replying("MAIL", "250 \u202eevil\u2066 \u200b\r\n".encode()),
    "a reply that is no UTF-8": replying("MAIL", b"250 \xff\xfe\x80\r\n"),
    "a reply with markup in its text": replying("MAIL", b"250 [/bold][link=x]ok\r\n"),
    "an EHLO reply with odd keywords": replying(
        "EHLO", b"250-fault.test\r\n250-\r\n250-=\r\n250-\xff\r\n250-SIZE x\r\n250 \r\n"
    ),
    "an EHLO reply of a thousand keywords": replying(
        "EHLO", b"250-fault.test\r\n" + b"250-X-KEYWORD\r\n" * 1000 + b"250 HELP\r\n"
    ),
    "an EHLO that is not known": [
        greeting(),
        expect(rb"EHLO .*"),
        send(b"502 what\r\n"),
        expect(rb"HELO .*"),
        send(b"250 hi\r\n"),
        *PLAIN[2:],
    ],
    "a go-ahead of another number": replying("DATA", b"399 go\r\n"),
    "a success of another number": swap(PLAIN, "CONTENT", content(b"299 fine")),
    "421 to QUIT": swap(PLAIN, "QUIT", quit_(b"421 no")),
    "500 to QUIT": swap(PLAIN, "QUIT", quit_(b"500 what")),
    "nonsense to QUIT": replying("QUIT", b"\x1b[2J\r\n"),
    "silence to QUIT": swap(PLAIN, "QUIT", quit_(None), stall()),
    "a reset at QUIT": swap(PLAIN, "QUIT", quit_(None), rst()),
    "a reset before QUIT": cut(PLAIN, "QUIT", rst()),
    "more replies after the last one": swap(PLAIN, "CONTENT", content(b"250 queued\r\n250 and again")),
    "an endless reply to QUIT": swap(PLAIN, "QUIT", quit_(None), flood(b"221-on and on\r\n")),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_it_is_accepted_all_the_same(name):
    assert session(HARMLESS[name], measured="endless" in name).fates == {"x": "accepted", "y": "accepted"}


BROKEN = {
    # answers that come before their question
    "greeting and EHLO reply at once": ("deferred", [greeting(b"220 hi\r\n250 fault.test"), until_gone()]),
    "EHLO reply and more at once": (
        "deferred",
        replying("EHLO", b"250 fault.test\r\n" + OK2 * 2 + b"354 go\r\n250 queued\r\n"),
    ),
    "MAIL answered twice": ("deferred", replying("MAIL", OK2)),
    "RCPT answered twice": ("deferred", replying("RCPT", OK2)),
    "DATA answered with go-ahead and success": ("deferred", replying("DATA", b"354 go\r\n250 queued\r\n")),
    "all answered at the first command": (
        "deferred",
        replying("MAIL", OK2 + b"250 ok\r\n354 go\r\n250 queued\r\n"),
    ),
    "everything said at the start": (
        "deferred",
        [greeting(b"220 hi\r\n250 hi\r\n" + OK2 + b"250 ok\r\n354 go\r\n250 queued"), until_gone()],
    ),
    "a refusal before the content is there": ("refused", replying("DATA", b"354 go\r\n550 no\r\n")),
    # answers to another question
    "354 to MAIL": ("deferred", replying("MAIL", b"354 go\r\n")),
    "354 to RCPT": ("deferred", replying("RCPT", b"354 go\r\n", nth=1)),
    "250 to DATA": ("deferred", replying("DATA", b"250 ok\r\n")),
    "220 to DATA": ("deferred", replying("DATA", b"220 ok\r\n")),
    "354 to the content": ("in doubt", swap(PLAIN, "CONTENT", content(b"354 more"))),
    "334 to the content": ("in doubt", swap(PLAIN, "CONTENT", content(b"334 more"))),
    "354 to MAIL, pipelined": ("deferred", replying("MAIL", b"354 go\r\n", PIPED)),
    "250 to DATA, pipelined": ("deferred", replying("DATA", b"250 ok\r\n", PIPED)),
    "one answer too few, pipelined": ("deferred", swap(PIPED, "RCPT", rcpt(None))),
    "one answer too many, pipelined": ("deferred", replying("RCPT", OK2, PIPED)),
    "354 to a chunk": ("in doubt", swap(CHUNKED, "BDAT", bdat(b"354 go"))),
    "one answer too few, in one breath": ("in doubt", swap(CHUNKED, "MAIL", mail(None))),
    "a greeting that asks for more": ("deferred", [greeting(b"354 go"), until_gone()]),
    "an EHLO reply that asks for more": ("deferred", replying("EHLO", b"354 go\r\n")),
    # the end of the link
    "closes before the greeting": ("deferred", [fin()]),
    "resets before the greeting": ("deferred", [rst()]),
    "closes in the middle of a big content": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), fin()],
    ),
    "resets in the middle of a big content": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), rst()],
    ),
    "stops reading in the middle of a big content": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), stall()],
    ),
    "never reads a big content": ("deferred", [*cut(PLAIN, "CONTENT"), stall()]),
    "stops reading in the middle of big chunks": (
        "deferred",
        [*cut(CHUNKED, "BDAT"), part_of_content(HALF), stall()],
    ),
    "resets in the middle of big chunks": ("deferred", [*cut(CHUNKED, "BDAT"), part_of_content(HALF), rst()]),
    "talks without end in the middle of a big content": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), flood(b"250 ok\r\n")],
    ),
    "sends one endless reply in the middle of a big content": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), flood(b"250-ok\r\n")],
    ),
    "says nonsense in the middle of a big content": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), send(b"\x1b[2J\r\n"), stall()],
    ),
    "accepts a big content in its middle": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), send(b"250 queued\r\n"), stall()],
    ),
    "refuses a big content in its middle": (
        "refused",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), send(b"552 5.3.4 too big\r\n"), stall()],
    ),
    "defers a big content in its middle": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), send(b"452 4.3.1 disk\r\n"), stall()],
    ),
    "refuses a big content in its middle and closes": (
        "refused",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), send(b"552 too big\r\n"), fin()],
    ),
    "refuses a big content in its middle and resets": (
        "refused",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), send(b"552 too big\r\n"), rst()],
    ),
    "closes the service in the middle of a big content": (
        "deferred",
        [*cut(PLAIN, "CONTENT"), part_of_content(HALF), send(b"421 bye\r\n"), fin()],
    ),
    "refuses big chunks in their middle": (
        "refused",
        [*cut(CHUNKED, "BDAT"), part_of_content(HALF), send(b"552 5.3.4 too big\r\n"), stall()],
    ),
    # what was taken, and not said
    "takes it and falls silent": ("in doubt", [*swap(PLAIN, "CONTENT", content(None), commit(), stall())]),
    "takes it and resets": ("in doubt", [*swap(PLAIN, "CONTENT", content(None), commit(), rst())]),
    "takes it and cuts its reply": (
        "in doubt",
        [*swap(PLAIN, "CONTENT", content(None), commit(), send(b"250 queued\r"), fin())],
    ),
    "takes it and says nonsense": (
        "in doubt",
        [*swap(PLAIN, "CONTENT", content(None), commit(), send(b"yes\r\n"), stall())],
    ),
    "takes it and drips": (
        "in doubt",
        [*swap(PLAIN, "CONTENT", content(None), commit(), drip(b"250 queued at last\r\n", 0.02))],
    ),
    "takes the chunk and resets": ("in doubt", [*swap(CHUNKED, "BDAT", bdat(None), commit(), rst())]),
    "takes the chunk and falls silent": ("in doubt", [*swap(CHUNKED, "BDAT", bdat(None), commit(), stall())]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_it_fails_as_it_must(name):
    fate, dialogue = BROKEN[name]
    big = {"content": BIG} if "big" in name else {}
    got = session(dialogue, measured="endless" in name or "without end" in name, **big)
    assert got.fates == {"x": fate, "y": fate}


LMTP = [greeting(), ehlo(), mail(), rcpt(), rcpt(), data()]
SPLIT = {
    "link lost after the first answer": ([content(b"250 x", None), fin()], "accepted", "in doubt"),
    "reset after the first answer": ([content(b"450 x", None), rst()], "deferred", "in doubt"),
    "silence after the first answer": ([content(b"250 x", None), stall()], "accepted", "in doubt"),
    "nonsense after the first answer": (
        [content(b"250 x", None), send(b"nonsense\r\n"), stall()],
        "accepted",
        "in doubt",
    ),
    "421 after the first answer": ([content(b"250 x", b"421 bye"), fin()], "accepted", "deferred"),
    "a cut second answer": ([content(b"550 x", None), send(b"250 o"), fin()], "refused", "in doubt"),
    "one answer too many": ([content(b"250 x", b"550 y\r\n250 z"), until_gone()], "accepted", "refused"),
    "a go-ahead for the second": ([content(b"250 x", b"354 y"), until_gone()], "accepted", "in doubt"),
}


@pytest.mark.parametrize("name", SPLIT)
def test_in_lmtp_each_recipient_has_a_fate_of_its_own(name):
    acts, *fates = SPLIT[name]
    assert list(session([*LMTP, *acts], lmtp=True).fates.values()) == fates


# STARTTLS


def raw(octets: bytes) -> Step:
    """Octets past the TLS that is on the connection."""
    return Step("raw", lambda peer: socket.socket.sendall(peer.sock, octets))


REST = usual(2)[2:]
SECURED = [greeting(), ehlo(b"STARTTLS"), starttls(), ehlo(), *REST]
IN_CONTENT = [*SECURED[:4], *cut(REST, "CONTENT")]
TLS = {
    "goes well": ("accepted", SECURED),
    "not offered": ("deferred", [greeting(), ehlo(), until_gone()]),
    "not offered, and EHLO not known": (
        "deferred",
        [
            greeting(),
            expect(rb"EHLO .*"),
            send(b"500 what\r\n"),
            expect(rb"HELO .*"),
            send(b"250 hi\r\n"),
            until_gone(),
        ],
    ),
    "offered and refused for now": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), expect(rb"STARTTLS"), send(b"454 no\r\n"), until_gone()],
    ),
    "offered and refused for good": (
        "refused",
        [greeting(), ehlo(b"STARTTLS"), expect(rb"STARTTLS"), send(b"554 no\r\n"), until_gone()],
    ),
    "answered with a go-ahead": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), expect(rb"STARTTLS"), send(b"354 go\r\n"), until_gone()],
    ),
    "agreed to before it was asked for": (
        "deferred",
        [greeting(), ehlo(reply=b"250-hi\r\n250 STARTTLS\r\n220 go"), until_gone()],
    ),
    "a reply injected before the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), starttls(before=b"250 injected\r\n")],
    ),
    "an EHLO reply injected before the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), starttls(before=b"250-hi\r\n250 AUTH PLAIN\r\n")],
    ),
    "half a reply injected before the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), starttls(before=b"25")],
    ),
    "one octet injected before the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), starttls(before=b"\0")],
    ),
    "a reply said unasked after the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), starttls(after=b"250 hi\r\n"), until_gone()],
    ),
    "a second greeting after the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), starttls(after=b"220 hi again\r\n"), until_gone()],
    ),
    "closes instead of the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), expect(rb"STARTTLS"), send(b"220 go\r\n"), fin()],
    ),
    "resets instead of the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), expect(rb"STARTTLS"), send(b"220 go\r\n"), rst()],
    ),
    "falls silent instead of the handshake": (
        "deferred",
        [greeting(), ehlo(b"STARTTLS"), expect(rb"STARTTLS"), send(b"220 go\r\n"), stall()],
    ),
    "goes on in clear instead of the handshake": (
        "deferred",
        [
            greeting(),
            ehlo(b"STARTTLS"),
            expect(rb"STARTTLS"),
            send(b"220 go\r\n"),
            part_of_content(100),
            send(b"250 fault.test\r\n"),
            stall(),
        ],
    ),
    "drips instead of the handshake": (
        "deferred",
        [
            greeting(),
            ehlo(b"STARTTLS"),
            expect(rb"STARTTLS"),
            send(b"220 go\r\n"),
            part_of_content(100),
            drip(b"\x16\x03\x03\x40\0" + b"x" * 200, 0.02),
        ],
    ),
    "421 under TLS": ("deferred", [*SECURED[:3], expect(rb"EHLO .*"), send(b"421 bye\r\n"), fin()]),
    "reset under TLS": ("deferred", [*SECURED[:3], expect(rb"EHLO .*"), rst()]),
    "closed without a goodbye under TLS": (
        "in doubt",
        [*SECURED[:4], *cut(REST, "CONTENT"), content(None), fin()],
    ),
    "a cut reply under TLS": (
        "in doubt",
        [*SECURED[:4], *cut(REST, "CONTENT"), content(None), commit(), send(b"250 ok"), fin()],
    ),
    "no TLS any more under TLS": (
        "deferred",
        [*SECURED[:3], expect(rb"EHLO .*"), raw(b"250 hi\r\n" * 99), stall()],
    ),
    "reads nothing of a big content under TLS": ("deferred", [*IN_CONTENT, stall(0.5)]),
    "resets in the middle of a big content under TLS": (
        "deferred",
        [*IN_CONTENT, part_of_content(HALF), rst()],
    ),
    "refuses a big content in its middle under TLS": (
        "refused",
        [*IN_CONTENT, part_of_content(HALF), send(b"552 no\r\n"), stall(0.5)],
    ),
    "an endless reply under TLS": (
        "deferred",
        [*SECURED[:3], expect(rb"EHLO .*"), flood(b"250-on and on\r\n")],
    ),
}


@pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")  # wrap_socket() may meet a reset
@pytest.mark.parametrize("name", TLS)
def test_where_tls_is_required_nothing_is_said_without_it(name, authority):
    fate, dialogue = TLS[name]
    options = {
        "security": Security.STARTTLS,
        "tls": authority.server_context(),
        "ca_file": str(authority.ca_file),
    }
    if "big" in name:
        options["content"] = BIG
    seconds = 1.9 if fate == "accepted" else 0.3
    got = session(dialogue, measured="endless" in name, seconds=seconds, **options)
    assert got.fates == {"x": fate, "y": fate}
    if not any(line.startswith("=== TLS") for line in got.transcript):
        assert b"MAIL" not in got.server.raw[0]


@pytest.mark.parametrize("octets", [b"220 plain.test ESMTP\r\n", b"", b"\x15\x03\x01\0\x02\x02\x46"])
def test_a_port_that_speaks_no_tls_is_deferred_with_a_hint(octets, authority):
    got = session([send(octets), stall()], security=Security.IMPLICIT, ca_file=str(authority.ca_file))
    assert got.fates == {"x": "deferred", "y": "deferred"}


# AUTH

HERE = Password("user", "S3cr3t")
LOGINS = {
    "refused": ("PLAIN", [auth(b"535 5.7.8 no")], "permission"),
    "refused for now": ("PLAIN", [auth(b"454 4.7.0 later")], "try later"),
    "421": ("PLAIN", [auth(b"421 bye")], "try later"),
    "asked on and on": ("PLAIN", [auth(b"334 more"), until_gone()], "try later"),
    "an endless challenge": ("PLAIN", [auth(None), flood(b"334 xxxxxxxxxxxx")], "try later"),
    "silence": ("PLAIN", [auth(None), stall()], "try later"),
    "reset": ("PLAIN", [auth(None), rst()], "try later"),
    "a success in the EHLO reply": ("PLAIN\r\n235 welcome", [until_gone()], "try later"),
    "an impostor without a proof": ("SCRAM-SHA-256", [auth(b"235 welcome"), until_gone()], "try later"),
    "an impostor with a short nonce": (
        "SCRAM-SHA-256",
        [auth(b"334 cj14LHM9QUFBQSxpPTQwOTY="), until_gone()],
        "try later",
    ),
    "a challenge that is not base64": ("SCRAM-SHA-256", [auth(b"334 \x1b[2J"), until_gone()], "try later"),
    "no mechanism that is known": ("NTLM", [until_gone()], "permission"),
    "a mechanism with escapes": ("\x1b[2JPLAIN", [until_gone()], "permission"),
}


@pytest.mark.parametrize("name", LOGINS)
def test_without_a_login_nothing_is_sent(name):
    offered, acts, kind = LOGINS[name]
    reply = b"250-fault.test\r\n250 AUTH " + offered.encode()
    got = session([greeting(), ehlo(reply=reply), *acts], credentials=HERE)
    assert {outcome.kind.value for outcome in got.outcomes.values()} == {kind}
    assert set(got.fates.values()) == {"deferred"}
    assert b"MAIL" not in got.server.raw[0]
    assert "S3cr3t" not in "".join(got.transcript)
    assert not any("S3cr3t" in outcome.reason for outcome in got.outcomes.values())


def test_a_refused_token_is_told_with_what_the_server_says_of_it():
    acts = [auth(b"334 eyJzdGF0dXMiOiI0MDEifQ=="), expect(rb""), send(b"535 5.7.8 no\r\n"), until_gone()]
    got = session([greeting(), ehlo(b"AUTH XOAUTH2"), *acts], credentials=Token("me", "t0ken"))
    assert all('{"status":"401"}' in outcome.reason for outcome in got.outcomes.values())


def test_there_are_more_than_sixty_of_them():
    assert sum(map(len, (HARMLESS, BROKEN, SPLIT, TLS, LOGINS))) > 100
