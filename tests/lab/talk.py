"""A client that says exactly what it is told: for tests of the lab's own servers."""

import socket
import ssl

TIMEOUT = 10.0


class Talk:
    """A link on which the greeting has been read."""

    def __init__(self, port: int) -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self._stream = self.sock.makefile("rb")
        self.greeting = self.reply()

    def reply(self) -> list[bytes]:
        """The lines of one reply; as far as they came, if the link ends."""
        lines = []
        while True:
            line = self._stream.readline()
            lines.append(line)
            if line[3:4] != b"-":
                return lines

    def send(self, octets: bytes) -> None:
        """Say something and wait for nothing."""
        self.sock.sendall(octets)

    def say(self, octets: bytes, replies: int = 1) -> list[bytes]:
        """Say something; the last line of each reply."""
        self.send(octets)
        return [self.reply()[-1] for _ in range(replies)]

    def starttls(self, context: ssl.SSLContext) -> None:
        """Go on in TLS."""
        self._stream.close()
        self.sock = context.wrap_socket(self.sock, server_hostname="localhost")
        self._stream = self.sock.makefile("rb")

    def close(self) -> None:
        """End the link without a word."""
        self._stream.close()
        self.sock.close()
