"""The commands of a transaction: MAIL, RCPT, DATA and BDAT, with the parameters that a server offers."""

import re

from ccc.address import Mailbox
from ccc.delivery import Delivery, Dsn
from ccc.errors import ExtensionMissing, MessageTooBig
from ccc.smtp.extensions import Extensions

RSET = b"RSET\r\n"
QUIT = b"QUIT\r\n"
DATA = b"DATA\r\n"

# RFC 5321, 4.1.2: a Domain, or an address-literal
_HELO = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Za-z.:]+\]", re.ASCII)
_CONTROL = re.compile(rb"[\0-\x1f\x7f]")


def greets(name: str) -> bool:
    """Whether this is a name to greet a server with."""
    return len(name) <= 255 and _HELO.fullmatch(name) is not None  # RFC 5321, 4.5.3.1.2


def hello(verb: str, name: str) -> bytes:
    """EHLO, HELO or LHLO with our name (RFC 5321, 4.1.1.1), without its CRLF."""
    if not greets(name):
        raise ValueError(f"{name!r} cannot greet a server")
    return f"{verb} {name}".encode()


def require(delivery: Delivery, server: Extensions) -> None:
    """Raise MessageTooBig or ExtensionMissing if this server cannot carry this delivery as it is."""
    limit = server.size_limit
    if limit is not None and delivery.content.size > limit:  # RFC 1870, 6.1
        raise MessageTooBig(delivery.content.size, limit)
    if not server.smtputf8 and not _ascii(delivery):  # RFC 6531, 3.2
        raise ExtensionMissing(
            "SMTPUTF8",
            "an address of the envelope is not ASCII",
            "use an ASCII address of the same person, or another server",
        )
    if not server.eight_bit_mime and delivery.content.eight_bit:  # RFC 6152, 3
        raise ExtensionMissing(
            "8BITMIME", "the message has 8-bit octets", "use another server; ccc never re-encodes a message"
        )
    if not server.dsn and delivery.dsn is not None:
        raise ExtensionMissing("DSN", "--dsn was asked for", "leave out --dsn, or use another server")
    if not server.require_tls and delivery.require_tls:  # RFC 8689, 4.2.1: 5.7.30
        raise ExtensionMissing(
            "REQUIRETLS",
            "--require-tls was asked for",
            "leave out --require-tls, or use another server",
        )


def mail(delivery: Delivery, server: Extensions) -> bytes:
    """MAIL FROM with its parameters (RFC 5321, 4.1.1.2)."""
    reverse_path = delivery.envelope.reverse_path
    words = [f"MAIL FROM:<{reverse_path.addr_spec if reverse_path else ''}>"]
    if server.size:
        words.append(f"SIZE={delivery.content.size}")  # RFC 1870, 5
    if delivery.content.eight_bit:
        words.append("BODY=8BITMIME")  # RFC 6152, 3
    if server.smtputf8 and (delivery.content.utf8_header or not _ascii(delivery)):
        words.append("SMTPUTF8")  # RFC 6531, 3.4
    if delivery.require_tls:
        words.append("REQUIRETLS")  # RFC 8689, 4.2.1
    words += _mail_dsn(delivery.dsn, delivery.envid if server.dsn else "")
    return _line(words)


def rcpt(mailbox: Mailbox, dsn: Dsn | None) -> bytes:
    """RCPT TO with its parameters (RFC 5321, 4.1.1.3)."""
    words = [f"RCPT TO:<{mailbox.addr_spec}>"]
    if dsn is not None:
        if dsn.notify:
            words.append(f"NOTIFY={','.join(dsn.notify)}")  # RFC 3461, 4.1
        if mailbox.ascii:
            words.append(f"ORCPT=rfc822;{xtext(mailbox.addr_spec)}")  # RFC 3461, 4.2
    return _line(words)


def bdat(size: int, *, last: bool) -> bytes:
    """BDAT for a chunk of `size` octets (RFC 3030, 2)."""
    return b"BDAT %d LAST\r\n" % size if last else b"BDAT %d\r\n" % size


def xtext(text: str) -> str:
    """The ASCII text with "+", "=" and what is not printable in hexadecimal (RFC 3461, 4)."""
    return "".join(char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in text)


def _ascii(delivery: Delivery) -> bool:
    """Every address of the envelope is ASCII."""
    envelope = delivery.envelope
    return all(path.ascii for path in (*envelope.forward_paths, envelope.reverse_path) if path is not None)


def _mail_dsn(dsn: Dsn | None, envid: str) -> list[str]:
    """RET and ENVID (RFC 3461, 4.3 and 4.4); what the user asked for comes before our own `envid`."""
    asked = dsn or Dsn()
    words = [f"RET={asked.ret}"] if asked.ret else []
    envid = asked.envid or envid
    return [*words, f"ENVID={xtext(envid)}"] if envid else words


def _line(words: list[str]) -> bytes:
    """The words as one command line; nothing that is given here can begin a second one."""
    line = " ".join(words).encode()
    if _CONTROL.search(line):
        raise ValueError("a control octet in a command")
    return line + b"\r\n"
