"""TLSA records against certificates, and the way through DER (RFC 6698, RFC 7671)."""

import datetime as dt
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from ccc.transport.tlsa import Tlsa, agile, covers, names_one_of, public_key

DAY = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
KEYS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def made(key, serial=1):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), serial, DAY, DAY)
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(key, digest)


def der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def spki(certificate):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(serialization.Encoding.DER, form)


CERTIFICATE = made(KEYS["p256"]())
DER, KEY = der(CERTIFICATE), spki(CERTIFICATE)
FORMS = {
    0: bytes,
    1: lambda part: hashlib.sha256(part).digest(),
    2: lambda part: hashlib.sha512(part).digest(),
}


@pytest.mark.parametrize("kind", KEYS)
def test_the_public_key_of_a_certificate_is_found(kind):
    certificate = made(KEYS[kind](), serial=1 << 140)
    assert public_key(der(certificate)) == spki(certificate)


def test_a_certificate_of_version_one_has_a_public_key_too():
    """Without the version in front: nothing else is optional there."""
    version = bytes.fromhex("a003020102")
    assert DER.count(version) == 1
    short = DER.replace(version, b"")
    for old in (int.from_bytes(DER[2:4]), int.from_bytes(DER[6:8]) if DER[5] == 0x82 else 0):
        short = short.replace(old.to_bytes(2), (old - 5).to_bytes(2), 1) if old else short
    if DER[5] == 0x81:
        short = short[:6] + bytes([DER[6] - 5]) + short[7:]
    assert public_key(short) == KEY


@pytest.mark.parametrize("usage", [2, 3])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", FORMS)
def test_a_record_matches_its_certificate_and_no_other(usage, selector, matching):
    record = Tlsa(usage, selector, matching, FORMS[matching](DER if selector == 0 else KEY))
    assert record.matches(DER)
    assert not record.matches(der(made(KEYS["p256"]())))


@pytest.mark.parametrize(
    "record",
    [
        Tlsa(3, 2, 1, b"x" * 32),
        Tlsa(3, 1, 3, b"x" * 32),
        Tlsa(3, 1, 1, b""),
        Tlsa(3, 1, 1, b"x" * 31),
        Tlsa(3, 1, 2, b"x" * 32),
        Tlsa(3, 0, 0, b""),
        Tlsa(3, 0, 0, KEY),
        Tlsa(3, 1, 0, KEY + b"x"),
        Tlsa(3, 1, 0, b""),
    ],
)
def test_what_nothing_can_match_is_not_well_formed(record):
    assert not record.well_formed
    assert not record.matches(DER)


def test_a_key_as_a_whole_is_well_formed():
    assert Tlsa(3, 1, 0, KEY).well_formed
    assert Tlsa(2, 0, 0, DER).well_formed


def test_the_weaker_digest_of_the_same_thing_does_not_count():
    weak, strong, other = Tlsa(3, 1, 1, b"w" * 32), Tlsa(3, 1, 2, b"s" * 64), Tlsa(3, 0, 1, b"o" * 32)
    whole = Tlsa(3, 1, 0, KEY)
    assert agile([weak, strong, other, whole]) == (strong, other, whole)
    assert agile([weak, other]) == (weak, other)


@given(st.binary(max_size=80))
def test_any_octets_have_a_public_key_or_none(octets):
    assert public_key(octets) is None


@given(st.integers(0, len(DER) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_certificate_has_a_part_of_it_for_a_key_or_none(place, octets):
    damaged = DER[:place] + octets + DER[place + len(octets) :]
    found = public_key(damaged)
    assert found is None or found in damaged


@given(st.integers(0, len(DER) - 1))
def test_a_certificate_that_is_cut_off_has_no_key(length):
    assert public_key(DER[:length]) is None


def test_a_certificate_with_something_behind_it_has_no_key():
    assert public_key(DER + b"\0") is None


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=70))
def test_any_record_matches_or_does_not(usage, selector, matching, data):
    record = Tlsa(usage, selector, matching, data)
    assert not record.matches(DER)
    assert not record.matches(data)


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("mx.example.org", "mx.example.org", True),
        ("mx.example.org", "example.org", False),
        ("*.example.org", "mx.example.org", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "a.mx.example.org", False),
        ("*.example.org", ".example.org", False),
        ("m*.example.org", "mx.example.org", False),
        ("*", "org", False),
    ],
)
def test_a_star_is_one_label_on_the_left(pattern, name, fits):
    assert covers(pattern, name) == fits


def verified(*names, subject="other"):
    """A certificate for these names, as ssl has it."""
    alternative = tuple(("IP Address" if name[0].isdigit() else "DNS", name) for name in names)
    return {"subject": ((("countryName", "XX"),), (("commonName", subject),)), "subjectAltName": alternative}


def test_a_certificate_is_for_the_names_in_it():
    certificate = verified("mx.example.org", "*.example.net")
    assert names_one_of(certificate, ["other.test", "MX.example.org"])
    assert names_one_of(certificate, ["mx.example.net"])
    assert not names_one_of(certificate, ["example.net", "a.b.example.net"])


def test_its_subject_counts_where_it_names_no_domain():
    assert names_one_of(verified("192.0.2.1", subject="mx.test"), ["mx.test"])
    assert not names_one_of(verified("other.test", subject="mx.test"), ["mx.test"])


@pytest.mark.parametrize("nothing", [{}, {"subject": ()}, {"subjectAltName": "x"}, {"subject": (("x",),)}])
def test_a_certificate_without_names_is_for_nobody(nothing):
    assert not names_one_of(nothing, ["mx.test"])
