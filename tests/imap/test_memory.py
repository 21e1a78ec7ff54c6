"""A message that is larger than memory should be: fetched and appended in little of it."""

import subprocess
import sys

import pytest

from tests.imap.talking import USER
from tests.lab.dovecot import Dovecot
from tests.lab.imap_fault import HostileImap
from tests.lab.tls import Authority

MIB = 1 << 20
LIMIT = 50  # MiB for the whole process, which begins with 25

RUN = """
import sys
from ccc.imap import Manner, connect
from ccc.message.message import read
from ccc.smtp.login import Held, Password
from ccc.transport.server import imap_from_url

url, ca_file, size = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])

class Large:
    eight_bit = utf8_header = False
    size = size

    def blocks(self, end=b"\\r\\n"):
        yield b"Subject: x\\r\\n\\r\\n"
        left = size - 14
        while left:
            block = (b"x" * 76 + b"\\r\\n") * 3300
            yield block[:left]
            left -= len(block[:left])

with connect(imap_from_url(url), Held(Password("me@example.org", "secret")), Manner(ca_file)) as session:
    if ca_file:
        session.append("INBOX", Large())
    session.examine("INBOX")
    ((brief, octets),) = session.fetch(session.briefs(session.search("ALL")))
    assert octets.size == brief.size == size, octets
    assert read(octets, "it").body.size == size - 14
# Not getrusage(): that begins with what the parent had.
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM")))
"""


def peak(url: str, ca_file: str, size: int) -> int:
    """The most memory that it took, in MiB."""
    command = [sys.executable, "-c", RUN, url, ca_file, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_large_message_is_never_held() -> None:
    octets = b"Subject: x\r\n\r\n" + (b"y" * 76 + b"\r\n") * (32 * MIB // 78)
    with HostileImap(mails={42: octets}) as server:
        assert peak(f"imap://{USER}@127.0.0.1:{server.port}", "", len(octets)) <= LIMIT


@pytest.mark.sweep
def test_a_hundred_megabytes_go_into_a_real_folder_and_out_again(
    dovecot: Dovecot, authority: Authority
) -> None:
    url = f"imaps://{USER}@localhost:{dovecot.imaps_port}"
    assert peak(url, str(authority.ca_file), 100 * MIB) <= LIMIT
