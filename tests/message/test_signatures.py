"""Which signatures an edit breaks: our counting against the real verification of dkimpy."""

import time
from base64 import b64encode
from functools import cache
from hashlib import sha256

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccc.address import Mailbox
from ccc.message.header import Header, parse
from ccc.message.signatures import Signature, aligned, broken_by, parse_tags, signatures

BODY = b"\r\none line\r\n"


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


@cache
def private() -> bytes:
    return key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def in_dns(name: bytes, timeout: int = 5) -> bytes:
    der = key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + b64encode(der)


def signed(header: bytes, names: list[bytes], canon: bytes) -> Header:
    signer = dkim.DKIM(header + BODY)
    signer.should_not_sign = set()
    field = signer.sign(
        b"sel", b"example.org", private(), canonicalize=(canon, b"simple"), include_headers=names
    )
    return Header(parse(field + header))


def verifies(header: Header) -> bool:
    return dkim.verify(header.octets() + BODY, dnsfunc=in_dns)


NAMES = ["To", "Cc", "Subject", "X-Mark", "Resent-To", "Bcc"]
fields = st.tuples(st.sampled_from(NAMES), st.sampled_from("abc")).map(
    lambda made: f"{made[0]}: {made[1]}@x.org,\r\n {made[1]}2@x.org\r\n".encode()
)
headers = st.lists(fields, max_size=7).map(b"".join)
signed_names = st.lists(st.sampled_from([name.lower().encode() for name in NAMES]), max_size=9)
canons = st.sampled_from([b"relaxed", b"simple"])
quickly = settings(suppress_health_check=[HealthCheck.too_slow])  # a mail is signed for each


@st.composite
def mails(draw) -> Header:
    header = b"From: ann@example.org\r\n" + draw(headers)
    return signed(header, [b"from", *draw(signed_names)], draw(canons))


def agree(before: Header, after: Header) -> None:
    assert verifies(before)
    assert verifies(after) == (broken_by(before, after) == ())


@quickly
@given(mails(), st.lists(fields, min_size=1, max_size=3).map(b"".join))
def test_what_is_put_on_top_breaks_what_dkimpy_says(mail, top):
    agree(mail, mail.on_top(top))


@quickly
@given(mails(), st.data())
def test_what_is_left_out_breaks_what_dkimpy_says(mail, data):
    agree(mail, mail.without(data.draw(st.sets(st.sampled_from(mail.fields[1:])))))


@quickly
@given(mails(), st.data())
def test_an_extended_field_breaks_what_dkimpy_says(mail, data):
    field = data.draw(st.sampled_from(mail.fields[1:]))
    agree(mail, mail.extended(field, b",\r\n new@x.org"))


@quickly
@given(mails(), fields, st.data())
def test_a_field_put_lower_down_breaks_what_dkimpy_says(mail, field, data):
    agree(mail, mail.after(data.draw(st.sampled_from([*mail.fields[1:], None])), field))


@quickly
@given(mails(), headers, st.data())
def test_several_edits_break_what_dkimpy_says(mail, top, data):
    gone = data.draw(st.sets(st.sampled_from(mail.fields[1:])))
    longer = data.draw(st.sampled_from(mail.fields[1:]))
    agree(mail, mail.extended(longer, b", d@x.org").without(gone).on_top(top))


RESENT = [b"resent-date", b"resent-from", b"resent-to", b"resent-cc", b"resent-message-id"]
BLOCK = b"Resent-Date: now\r\nResent-From: a@b.org\r\nResent-To: c@d.org\r\nResent-Message-ID: <e@f>\r\n"
MAIL = b"From: ann@example.org\r\nTo: a@x.org\r\nBcc: b@x.org\r\nSubject: s\r\n"


@pytest.mark.parametrize("canon", [b"relaxed", b"simple"])
@pytest.mark.parametrize("older", [b"", BLOCK, BLOCK + BLOCK])
@pytest.mark.parametrize("times", [0, 1, 2, 3])
@pytest.mark.parametrize("to", [[b"to"], [b"to", b"to"]])
def test_a_resent_block_breaks_what_dkimpy_says(canon, older, times, to):
    mail = signed(older + MAIL, [b"from", *to, *RESENT * times], canon)
    agree(mail, mail.on_top(BLOCK))
    assert (broken_by(mail, mail.on_top(BLOCK)) == ()) == (times <= older.count(b"Resent-To"))


@pytest.mark.parametrize("canon", [b"relaxed", b"simple"])
@pytest.mark.parametrize("names", [[b"to"], [b"to", b"cc"], [b"to", b"bcc"], [b"to", b"to", b"bcc"]])
@pytest.mark.parametrize("lost", ["to", "bcc", "subject", "dkim-signature"])
def test_a_left_out_field_breaks_what_dkimpy_says(canon, names, lost):
    mail = signed(MAIL, [b"from", *names], canon)
    agree(mail, mail.without(mail.all(lost)))


SEAL = b"ARC-Seal: i=1; a=rsa-sha256; cv=none; d=mx.org; s=sel; b=AAAA\r\n"
RESULTS = b"ARC-Authentication-Results: i=1; mx.org; arc=none\r\n"


def sealed(names: list[bytes]) -> Header:
    """MAIL under an ARC set in which dkimpy signed the message."""
    signer = dkim.ARC(MAIL + BODY)
    signer.hasher = dkim.HASH_ALGORITHMS[b"rsa-sha256"]
    canon = dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    body_hash = b64encode(sha256(BODY.lstrip()).digest())
    tags = [
        *[(b"i", b"1"), (b"a", b"rsa-sha256"), (b"c", b"relaxed/relaxed"), (b"d", b"mx.org")],
        *[(b"s", b"sel"), (b"h", b":".join(names)), (b"bh", body_hash), (b"b", b"0" * 60)],
    ]
    pem = dkim.parse_pem_private_key(private())
    value = signer.gen_header(tags, names, canon, b"ARC-Message-Signature", pem)
    return Header(parse(SEAL + b"ARC-Message-Signature: " + value + RESULTS + MAIL))


def arc_verifies(header: Header) -> bool:
    verifier = dkim.ARC(header.octets() + BODY)
    result = verifier.verify_instance(verifier.sorted_arc_headers()[1], 1, dnsfunc=in_dns)
    return result["ams-valid"]


@pytest.mark.parametrize("names", [[b"from"], [b"from", b"to"], [b"from", b"cc"], [b"from", *RESENT]])
@pytest.mark.parametrize("edit", ["block", "cc", "to", "bcc"])
def test_an_arc_message_signature_breaks_where_dkimpy_says(names, edit):
    before = sealed(names)
    to, bcc = before.first("to"), before.first("bcc")
    after = {
        "block": before.on_top(BLOCK),
        "cc": before.after(to, b"Cc: c@x.org\r\n"),
        "to": before.extended(to, b", c@x.org"),
        "bcc": before.without([bcc]),
    }[edit]
    assert arc_verifies(before)
    broken = [signature.kind for signature in broken_by(before, after)]
    assert broken == ([] if arc_verifies(after) else ["arc"])


def header(text: bytes) -> Header:
    return Header(parse(text))


def test_signatures_are_read_from_the_top():
    read = header(
        b"ARC-Message-Signature: i=1; d=Arc.Example.; h=From:To\n"
        b"ARC-Seal: i=1; d=arc.example; h=never\n"
        b"DKIM-Signature: v=1; d=\r\n example.org;h=From : To\r\n\t:to; b=a=\n"
    )
    assert signatures(read) == (
        Signature("arc", "arc.example", ("from", "to"), read.fields[0]),
        Signature("dkim", "example.org", ("from", "to", "to"), read.fields[2]),
    )


@pytest.mark.parametrize(
    "value", [b"", b"v=1", b"d=x.org", b"d=x.org; h=", b"d=; h=from", b"h=from", b"\xff"]
)
def test_what_names_no_domain_or_no_field_signs_nothing(value):
    assert signatures(header(b"DKIM-Signature: " + value + b"\n")) == ()


def test_tags_are_read_without_white_space():
    tags = parse_tags(b" a = 1 ;\r\n\tb=2 3;;junk;a=4; c==")
    assert tags == {"a": b"1", "b": b"23", "c": b"="}


SIGNED = b"DKIM-Signature: d=x.org; h=from:dkim-signature:to\n"


def test_a_signature_never_covers_itself():
    before = header(SIGNED + b"From: a\nTo: b\n")
    assert broken_by(before, before) == ()
    other = SIGNED.replace(b"x.org", b"y.org")
    assert broken_by(before, before.on_top(other)) == signatures(before)


def test_a_signature_that_is_gone_is_broken():
    before = header(SIGNED + b"From: a\n")
    assert broken_by(before, before.without(before.fields[:1])) == signatures(before)


def test_an_ended_last_line_breaks_nothing():
    before = header(b"From: a\n" + SIGNED.strip())
    assert broken_by(before, before.after(None, b"X: y\n")) == ()


def test_without_a_signature_nothing_breaks():
    assert broken_by(header(b"To: a\n"), header(b"")) == ()


@pytest.mark.parametrize(
    ("domain", "author", "expected"),
    [
        ("example.org", "example.org", True),
        ("mail.example.org", "example.org", True),
        ("example.org", "mail.example.org", True),
        ("a.example.org", "b.example.org", False),
        ("badexample.org", "example.org", False),
        ("example.org", "example.com", False),
        ("example.org", "", False),
    ],
)
def test_a_domain_speaks_for_itself_and_its_own(domain, author, expected):
    (signature,) = signatures(header(f"DKIM-Signature: d={domain}; h=from\n".encode()))
    authors = [Mailbox("ann", "other.net"), Mailbox("ann", author)]
    assert aligned([signature], authors) == ((signature,) if expected else ())


def test_nobody_has_no_signature():
    (signature,) = signatures(header(b"DKIM-Signature: d=x.org; h=from\n"))
    assert aligned([signature], []) == ()


def test_many_signatures_of_many_authors_take_linear_time():
    authors = [Mailbox("ann", f"a{n}.example.org") for n in range(8_000)]
    fields = "".join(f"DKIM-Signature: d=s{n}.example.org; h=from\n" for n in range(8_000))
    signed_by_many = signatures(header(fields.encode()))
    before = time.process_time()
    assert aligned(signed_by_many, authors) == ()
    assert time.process_time() - before < 1


def test_a_domain_of_a_million_labels_takes_linear_time():
    (signature,) = signatures(header(b"DKIM-Signature: h=from; d=" + b"a." * 1_000_000 + b"x.org\n"))
    before = time.process_time()
    assert aligned([signature], [Mailbox("ann", "x.org")]) == ()
    assert time.process_time() - before < 1


def test_many_signatures_over_a_big_field_take_linear_time():
    signed_by_many = b"DKIM-Signature: d=x.org; h=big:to:to:to:none\n" * 5_000
    mail = header(signed_by_many + b"To: a\n" * 20_000 + b"Big: " + b"x" * 1_000_000)
    before = time.process_time()
    assert len(broken_by(mail, mail.on_top(b"To: b\n"))) == 0
    assert len(broken_by(mail, mail.on_top(b"None: b\n"))) == 5_000
    assert time.process_time() - before < 2
