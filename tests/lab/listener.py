"""A listening socket on loopback with a thread for each link; base of the sink and the fault server.

No thread outlives `close()`: it ends the links that are still open and waits for their threads.
"""

import contextlib
import os
import select
import socket
import threading
from types import TracebackType
from typing import Self


class Listener:
    """Accepts links until closed; a subclass plays one link in `play`."""

    def __init__(
        self, path: str | os.PathLike[str] | None = None, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        if path is not None:
            self._listening = socket.socket(socket.AF_UNIX)
            self._listening.bind(os.fspath(path))
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._listening = socket.socket(family)
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listening.bind((host, port))
        self._listening.listen(128)
        self.host = host
        self.port: int = port if path is not None else self._listening.getsockname()[1]
        self.links = 0
        self.closing = threading.Event()
        self._wake, self._woken = os.pipe()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def play(self, sock: socket.socket, number: int) -> None:
        """Serve one link; `number` counts from 0."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every link, wait for every thread; a second call does nothing."""
        if self.closing.is_set():
            return
        self.closing.set()
        os.write(self._woken, b".")
        self._acceptor.join()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listening.close()
        os.close(self._wake)
        os.close(self._woken)

    def _accept(self) -> None:
        while not self.closing.is_set():
            ready, _, _ = select.select([self._listening.fileno(), self._wake], [], [])
            if self._listening.fileno() in ready:
                sock, _ = self._listening.accept()
                if sock.family != socket.AF_UNIX:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                number, self.links = self.links, self.links + 1
                thread = threading.Thread(target=self._serve, args=(sock, number), daemon=True)
                with self._lock:
                    self._open.add(sock)
                    self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            self.play(sock, number)
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()
