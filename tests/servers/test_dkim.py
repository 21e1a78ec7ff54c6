"""A signed message that was redirected through a real server still verifies, with dkimpy as the judge."""

import base64
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization

from tests.lab.postfix import Postfix
from tests.lab.tls import Authority
from tests.servers.command import ccc

MESSAGE = (
    b"From: Ann <ann@a.test>\r\nTo: list@b.test\r\nCc: carol@c.test\r\nSubject: signed\r\n"
    b"Date: Sat, 21 Nov 2026 09:00:00 +0100\r\nMessage-ID: <signed@a.test>\r\n\r\nhello  \r\n.dot\r\n\r\n"
)
SIGNED = [b"from", b"to", b"cc", b"subject", b"date", b"message-id"]
OVER_SIGNED = [*SIGNED, b"resent-date", b"resent-from", b"resent-to", b"resent-message-id", b"sender"]


def record(key: bytes) -> bytes:
    """The TXT record of the public half."""
    public = serialization.load_pem_private_key(key, None).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(der)


@pytest.mark.parametrize("over_signed", [False, True], ids=["plain", "over-signed"])
@pytest.mark.parametrize("form", [b"relaxed", b"simple"], ids=["relaxed", "simple"])
def test_the_author_s_signature_survives_a_redirect(
    postfix: Postfix, authority: Authority, tmp_path: Path, form: bytes, over_signed: bool
) -> None:
    key = authority.rsa_key()
    names = OVER_SIGNED if over_signed else SIGNED
    seal = dkim.sign(MESSAGE, b"lab", b"a.test", key, canonicalize=(form, form), include_headers=names)
    path = tmp_path / "signed.eml"
    path.write_bytes(seal + MESSAGE)
    late = f"{form.decode()}-{over_signed}@late.test".lower()
    url = f"smtp://localhost:{postfix.ports['plain']}"
    done = ccc("redirect", path, "--from", "me@example.org", "--to", late, "--smtp", url)
    assert done.returncode == 0, done.stderr
    (mail,) = postfix.mailbox(late)
    assert (b"\nResent-From: " in mail.octets) is not over_signed
    on_the_wire = mail.octets.replace(b"\n", b"\r\n")
    assert dkim.verify(on_the_wire, dnsfunc=lambda name, timeout=5: record(key))
