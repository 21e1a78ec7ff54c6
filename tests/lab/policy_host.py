"""A web server with the MTA-STS policies of domains (RFC 8461, 3.3).

with PolicyHost(authority, {"b.test": policy("enforce", "mx.b.test")}, host="192.0.2.30", port=443): ...
"""

import contextlib
import socket
from collections.abc import Mapping

from tests.lab.listener import Listener
from tests.lab.tls import Authority

PATH = "/.well-known/mta-sts.txt"


def policy(mode: str, *hosts: str, max_age: int = 86400) -> str:
    """The text of a policy."""
    lines = ("version: STSv1", f"mode: {mode}", *(f"mx: {host}" for host in hosts), f"max_age: {max_age}")
    return "".join(f"{line}\r\n" for line in lines)


class PolicyHost(Listener):
    """See the module; `asked` has the hosts whose policy was asked for."""

    def __init__(
        self, authority: Authority, policies: Mapping[str, str], host: str = "127.0.0.1", port: int = 0
    ) -> None:
        super().__init__(host=host, port=port)
        self.policies = {f"mta-sts.{domain}": text for domain, text in policies.items()}
        self.asked: list[str] = []
        self._context = authority.server_context(*self.policies)

    def play(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), self._context.wrap_socket(sock, server_side=True) as tls:
            with tls.makefile("rb") as stream:
                path = stream.readline().split()[1].decode()
                lines = iter(lambda: stream.readline().strip(), b"")
                fields = dict(line.lower().split(b": ", 1) for line in lines)
            host = fields[b"host"].decode()
            self.asked.append(host)
            text = self.policies.get(host) if path == PATH else None
            status = "200 OK" if text is not None else "404 Not Found"
            body = (text or "").encode()
            head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
            tls.sendall(head.encode() + body)
