"""Autoconfig: the settings that a provider publishes for mail programs, in XML (config-v1.1.xml).

It is Thunderbird's format, which many providers serve. A file from the network is read without a document
type, so that nothing in it can be expanded, opened or fetched; what is in clear is passed over.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from ccc.address import Mailbox
from ccc.setup.place import Place, is_host

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_PORT = re.compile(r"[0-9]{1,5}")
SOCKETS = {"SSL": True, "STARTTLS": False}  # "plain" is left out


class Settings(NamedTuple):
    """The first servers of a file that are reached over TLS."""

    smtp: Place | None
    imap: Place | None


class NotAutoconfig(ValueError):
    """These octets are no such file: why not."""


def settings(octets: bytes, address: Mailbox) -> Settings:
    """The servers in a file for this address; NotAutoconfig if it cannot be read."""
    root = _tree(octets)
    if root.tag != "clientConfig":
        raise NotAutoconfig("it is no file of settings for mail programs")
    return Settings(
        next(_places(root, "outgoingServer", "smtp", address), None),
        next(_places(root, "incomingServer", "imap", address), None),
    )


def _places(root: "Element", tag: str, kind: str, address: Mailbox) -> Iterator[Place]:
    """The servers of one kind that can be used, in the order of the file: its provider's preference."""
    for server in root.iterfind(f"emailProvider/{tag}"):
        implicit = SOCKETS.get(_text(server, "socketType"))
        host, port = _filled(_text(server, "hostname"), address).lower(), _text(server, "port")
        user = _filled(_text(server, "username"), address)
        usable = is_host(host) and _PORT.fullmatch(port) and 0 < int(port) < 65536
        if server.get("type") == kind and implicit is not None and usable and "%" not in user + host:
            methods = {method.text for method in server.iterfind("authentication")}
            yield Place(host, int(port), implicit, user, oauth_only=methods == {"OAuth2"})


def _text(element: "Element", tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _filled(text: str, address: Mailbox) -> str:
    """The text with what it leaves open for the user."""
    if not text.isprintable():
        return "%"
    for mark, value in (
        ("%EMAILADDRESS%", address.addr_spec),
        ("%EMAILLOCALPART%", address.local),
        ("%EMAILDOMAIN%", address.domain),
    ):
        text = text.replace(mark, value)
    return text


def _tree(octets: bytes) -> "Element":
    """The elements of an XML file; NotAutoconfig where it has a document type, or is none."""
    from xml.etree.ElementTree import TreeBuilder  # a tree; nothing is parsed by it
    from xml.parsers import expat  # no document type: there are no entities to expand

    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(octets, True)
    except NotAutoconfig:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: of the encoding it names
        raise NotAutoconfig("it is no XML") from error
    return builder.close()


def _refuse_doctype(*_: object) -> None:
    raise NotAutoconfig("it declares a document type, which could hide anything")
