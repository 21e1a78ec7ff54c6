"""An HTTPS server on loopback that says the same octets to everybody, such as an MTA-STS policy.

    with Web(authority.server_context("mta-sts.example.test"), page(b"version: STSv1...")) as web:
        ...                                   # talk to 127.0.0.1, web.port
    web.asked                                 # the first line of each request

An answer of None is silence. A client that does not trust the certificate is no news.
"""

import contextlib
import socket
import ssl

from tests.lab.listener import Listener


def page(
    octets: bytes, *, status: bytes = b"200 OK", kind: bytes = b"text/plain", more: bytes = b""
) -> bytes:
    """An answer with these octets."""
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n"
    return head % (status, kind, len(octets), more) + octets


class Web(Listener):
    """See the module; `answer` may be changed."""

    def __init__(self, context: ssl.SSLContext, answer: bytes | None = b"") -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[str] = []
        self.names: list[str | None] = []
        self._context = context
        context.sni_callback = lambda _socket, name, _context: self.names.append(name)

    def play(self, sock: socket.socket, number: int) -> None:
        """Hear one request, and answer."""
        with contextlib.suppress(OSError), self._context.wrap_socket(sock, server_side=True) as tls:
            head = b""
            while b"\r\n\r\n" not in head and (octets := tls.recv(4096)):
                head += octets
            self.asked.append(head.partition(b"\r\n")[0].decode())
            if self.answer is None:
                self.closing.wait(10)
                return
            tls.sendall(self.answer)
            tls.unwrap()
