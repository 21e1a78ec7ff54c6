"""Somebody in between who takes the offer of STARTTLS out of what a server says, and passes on all else.

with Stripper(("192.0.2.11", 25), host="192.0.2.17", port=25) as stripper: ...
"""

import contextlib
import re
import socket
import threading

from tests.lab.listener import Listener

OFFER = re.compile(rb"^(250[- ])STARTTLS\r$", re.MULTILINE)  # RFC 3207, 4
INSTEAD = rb"\1XXXXXXXA\r"  # as some firewalls do


class Stripper(Listener):
    """See the module; `stripped` counts the offers that were taken out."""

    def __init__(self, to: tuple[str, int], host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(host=host, port=port)
        self._to = to
        self.stripped = 0

    def play(self, sock: socket.socket, number: int) -> None:
        with socket.create_connection(self._to) as server:
            there = threading.Thread(target=self._there, args=(sock, server), daemon=True)
            there.start()
            while octets := _some(server):
                octets, count = OFFER.subn(INSTEAD, octets)  # Postfix writes a reply at once
                self.stripped += count
                with contextlib.suppress(OSError):
                    sock.sendall(octets)
            _end(sock)
            there.join()

    @staticmethod
    def _there(client: socket.socket, server: socket.socket) -> None:
        while octets := _some(client):
            with contextlib.suppress(OSError):
                server.sendall(octets)
        _end(server)


def _some(sock: socket.socket) -> bytes:
    try:
        return sock.recv(1 << 16)
    except OSError:
        return b""


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
