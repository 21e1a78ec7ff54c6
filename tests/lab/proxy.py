"""A loopback proxy that makes a round trip take time, and records both directions.

    with Proxy(("127.0.0.1", sink.port), delay=0.010) as proxy:      # 10 ms each way, 20 ms there and back
        ...                                                          # talk to proxy.port
    proxy.links[0].round_trips, proxy.links[0].sent, proxy.links[0].received

Each block is held for `delay` seconds in either direction; the TCP handshake is not delayed. A round trip
is counted, at the client's edge, when the server's octets arrive after the client's (or as the greeting);
read the counts when the context has ended.
Bandwidth is not limited: one thread moves blocks of 256 KiB. For a benchmark use
`Child("tests.lab.proxy", PORT, DELAY)`, which shares no interpreter lock with what it measures.
"""

import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections import deque
from types import TracebackType
from typing import Self

from tests.lab import child

BLOCK = 1 << 18
IN_FLIGHT = 1 << 24  # octets held in one direction before reading stops


class Flow:
    """One direction of one link: blocks with the time at which each is due."""

    def __init__(self, source: socket.socket, sink: socket.socket, delay: float) -> None:
        self.source, self.sink, self.delay = source, sink, delay
        self.blocks: deque[tuple[float, memoryview]] = deque()
        self.held = 0
        self.ended = False  # the source has said all it will say
        self.done = False  # … and the sink has it all

    def take(self) -> bytes:
        """Read one block from the source and hold it; b"" at its end."""
        try:
            data = self.source.recv(BLOCK)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        self.ended = not data
        self.blocks.append((time.monotonic() + self.delay, memoryview(data)))
        self.held += len(data)
        return data

    def due(self, now: float) -> bool:
        """Whether something is ready to go out."""
        return bool(self.blocks) and self.blocks[0][0] <= now

    def give(self, now: float, copy: bytearray | None = None) -> int:
        """Write what is due (and copy what went out); return how many octets that was."""
        given = 0
        while self.due(now):
            when, block = self.blocks[0]
            if not block:
                self._end()
                break
            try:
                count = self.sink.send(block)
            except BlockingIOError:
                break
            except OSError:
                self._end()
                break
            given += count
            if copy is not None:
                copy += block[:count]
            if count < len(block):
                self.blocks[0] = (when, block[count:])
                break
            self.blocks.popleft()
        self.held -= given
        return given

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            self.sink.shutdown(socket.SHUT_WR)
        self.blocks.clear()
        self.held, self.ended, self.done = 0, True, True


class Link:
    """One client's link through the proxy."""

    def __init__(self, client: socket.socket, server: socket.socket, delay: float) -> None:
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
        self.client, self.server = client, server
        self.there = Flow(client, server, delay)
        self.back = Flow(server, client, delay)
        self.sent = bytearray()
        self.received = bytearray()
        self.octets_sent = 0
        self.octets_received = 0
        self.round_trips = 0
        self._waiting = True  # the greeting is a round trip of its own

    def upstream(self, data: bytes, record: bool) -> None:
        """Note what the client sent."""
        self.octets_sent += len(data)
        self._waiting = self._waiting or bool(data)
        if record:
            self.sent += data

    def downstream(self, count: int) -> None:
        """Note that something reached the client."""
        self.octets_received += count
        self.round_trips += self._waiting and count > 0
        self._waiting = self._waiting and not count

    @property
    def over(self) -> bool:
        """Both directions have ended."""
        return self.there.done and self.back.done

    def close(self) -> None:
        """Close both ends."""
        self.client.close()
        self.server.close()


class Proxy:
    """See the module."""

    def __init__(
        self,
        to: tuple[str, int],
        delay: float = 0.010,
        *,
        record: bool = True,
        at: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.to, self.delay, self.record = to, delay, record
        self._listening = socket.create_server(at, backlog=128)
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        self.links: list[Link] = []
        self._wake, self._woken = os.pipe()
        self._thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._thread.join()
        os.close(self._woken)

    @property
    def round_trips(self) -> int:
        """Round trips of all links."""
        return sum(link.round_trips for link in self.links)

    def stop(self) -> None:
        """End `run`, from any thread."""
        os.write(self._woken, b".")

    def run(self) -> None:
        """Pass octets on until stopped."""
        while self._wake not in self._pass_on():
            pass
        for link in self.links:
            link.close()
        self._listening.close()
        os.close(self._wake)

    def _pass_on(self) -> list[int | socket.socket]:
        links = [link for link in self.links if not link.over]
        flows = [flow for link in links for flow in (link.there, link.back) if not flow.done]
        now = time.monotonic()
        readable: list[int | socket.socket] = [self._wake, self._listening]
        readable += [f.source for f in flows if not f.ended and f.held < IN_FLIGHT]
        writable = [f.sink for f in flows if f.due(now)]
        later = [f.blocks[0][0] - now for f in flows if f.blocks and not f.due(now)]
        ready, _, _ = select.select(readable, writable, [], min(later, default=None))
        self._read(links, ready)
        self._write(links)
        if self._listening in ready:
            self._accept()
        return ready

    def _read(self, links: list[Link], ready: list[int | socket.socket]) -> None:
        for link in links:
            if link.client in ready and not link.there.ended:
                link.upstream(link.there.take(), self.record)
            if link.server in ready and not link.back.ended:
                link.back.take()

    def _write(self, links: list[Link]) -> None:
        now = time.monotonic()
        for link in links:
            if link.there.due(now) and not link.there.done:
                link.there.give(now)
            if link.back.due(now) and not link.back.done:
                link.downstream(link.back.give(now, link.received if self.record else None))
            if link.over:
                link.close()

    def _accept(self) -> None:
        client, _ = self._listening.accept()
        server = socket.create_connection(self.to, timeout=5)
        self.links.append(Link(client, server, self.delay))


def main() -> None:
    """`python -m tests.lab.proxy PORT DELAY [HOST AT]`: the proxy alone in a process."""
    port, delay = int(sys.argv[1]), float(sys.argv[2])
    host, at = (*sys.argv[3:5], "127.0.0.1", "0")[:2]
    with Proxy(("127.0.0.1", port), delay, record=False, at=(host, int(at))) as proxy:
        child.ready(proxy.port)
    sums = ("round_trips", "octets_sent", "octets_received")
    report = {name: sum(getattr(link, name) for link in proxy.links) for name in sums}
    child.report({"links": len(proxy.links), **report})


if __name__ == "__main__":
    main()
