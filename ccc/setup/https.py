"""One page over HTTPS, or none: verified, small, and soon.

A provider's settings decide where passwords go, so nothing is fetched in clear, nor led there by a redirect.
"""

from collections.abc import Callable
from typing import NamedTuple

SECONDS = 8.0  # for all of it
LARGEST = 256 << 10  # octets
READ = 16 << 10


class Page(NamedTuple):
    """What became of a page: its octets, else in a few words why there are none."""

    octets: bytes | None
    why: str = ""


Fetch = Callable[[str], Page]


def fetch(url: str, ca_file: str | None = None, seconds: float = SECONDS) -> Page:
    """The page at this https:// URL; whatever goes wrong is in the answer.

    A server that drips, or a name that is long in coming, is left to a thread that ends with the process.
    """
    from threading import Thread

    found: list[Page] = []
    worker = Thread(target=lambda: found.append(_fetched(url, ca_file, seconds)), daemon=True)
    worker.start()
    worker.join(seconds)
    return found[0] if found else _late(seconds)


def _fetched(url: str, ca_file: str | None, seconds: float) -> Page:
    """The page, however long it takes."""
    import ssl
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import (
        HTTPDefaultErrorHandler,
        HTTPErrorProcessor,
        HTTPRedirectHandler,
        HTTPSHandler,
        OpenerDirector,
        ProxyHandler,
        Request,
        UnknownHandler,
    )

    opener = OpenerDirector()  # with a handler for https and for no other scheme
    for handler in (
        ProxyHandler(),
        HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
        UnknownHandler(),
    ):
        opener.add_handler(handler)
    try:
        request = Request(url, headers={"Accept": "text/xml", "User-Agent": "ccc"})  # noqa: S310  # see above
        with opener.open(request, timeout=seconds) as answer:
            return _read(answer.read1)
    except HTTPError as error:
        error.close()
        return Page(None, f"the server answered {error.code}")
    except TimeoutError:
        return _late(seconds)
    except (OSError, HTTPException, ValueError) as error:
        return Page(None, _why(error, seconds))


def _read(read: Callable[[int], bytes]) -> Page:
    """What a server sends, as far as it is small."""
    octets = b""
    while more := read(READ):
        octets += more
        if len(octets) > LARGEST:
            return Page(None, f"it has more than {LARGEST >> 10} KiB")
    return Page(octets)


def _late(seconds: float) -> Page:
    return Page(None, f"no answer within {seconds:g} seconds")


def _why(error: Exception, seconds: float) -> str:
    """The reason in a few words."""
    import socket
    import ssl

    reason = getattr(error, "reason", error)
    match reason:
        case ssl.SSLCertVerificationError():
            return f"its certificate cannot be trusted: {reason.verify_message}"
        case TimeoutError():
            return f"no answer within {seconds:g} seconds"
        case socket.gaierror():
            unknown = reason.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
            return "there is no such host" if unknown else "its name cannot be looked up"
        case str():
            return reason
        case OSError():
            return (reason.strerror or str(reason)).lower()
        case _:
            return "the answer is no HTTP"
