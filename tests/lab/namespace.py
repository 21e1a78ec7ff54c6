"""A network of the tests' own: a Linux network namespace, where port 25 and all hosts of the world are ours.

    with namespace() as net, net.inside(), Sink(host="192.0.2.1", port=25) as sink:
        ccc("redirect", …, "--via", "mx")

What is begun inside stays there: sockets, and processes with all that they start. It is the calling thread
that goes inside, and nobody else. Every IPv4 address for documentation (RFC 5737) is one of this host there,
and so are 2001:db8::1 to 9 (RFC 3849) and a private address: mail hosts have addresses like those of the
world, and ccc needs no switch to take them. Nobody outside can be reached from inside, nor anybody inside
from outside.
"""

import contextlib
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Iterator

from tests.lab.daemon import lacking, needed, needs_root

CLONE_NEWNET = 0x40000000
NETWORKS = ("192.0.2.1/24", "198.51.100.1/24", "203.0.113.1/24")
PRIVATE = "10.0.0.1"
HOSTS_6 = tuple(f"2001:db8::{number}/128" for number in range(1, 10))

_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """One that exists; it ends with the last process in it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Let this thread be in it."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _checked(_libc.setns(self._descriptor, CLONE_NEWNET))
            try:
                yield
            finally:
                _checked(_libc.setns(home, CLONE_NEWNET))
        finally:
            os.close(home)


@contextlib.contextmanager
def namespace() -> Iterator[Namespace]:
    """A new one, with loopback and the hosts of the world."""
    ip = needed("ip", "iproute2")
    needs_root("a network namespace")
    made: list[int] = []
    maker = threading.Thread(target=_unshare, args=(made,))
    maker.start()
    maker.join()
    if not made:
        lacking("no network namespace can be made here")
    try:
        net = Namespace(made[0])
        orders = ["link set lo up", *(f"addr add {each} dev lo" for each in (*NETWORKS, f"{PRIVATE}/32"))]
        if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
            orders += [f"addr add {each} dev lo" for each in HOSTS_6]
        with net.inside():
            subprocess.run([ip, "-batch", "-"], input="\n".join(orders).encode(), check=True)
        yield net
    finally:
        os.close(made[0])


@contextlib.contextmanager
def silent(host: str, port: int = 25) -> Iterator[None]:
    """Nothing that is sent to this port is answered, as if a network on the way let none of it pass."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket(family))
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((host, port))
        full.listen(0)  # room for one; while it is taken, the kernel drops what asks for another
        for _ in range(2):
            caller = stack.enter_context(socket.socket(family))
            caller.setblocking(False)
            caller.connect_ex((host, port))
        yield


def _unshare(made: list[int]) -> None:
    """Make one, in a thread that ends with it."""
    if _libc.unshare(CLONE_NEWNET) == 0:
        made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))


def _checked(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
