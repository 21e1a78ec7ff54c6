"""A password is nowhere but in the login: it is looked for, in every form, in all that ccc writes or starts.

The servers here say it back in their replies, which ccc shows, logs and keeps.
"""

import json
import os
import quopri
import re
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest

import ccc
from tests.lab.fault import FaultServer, Step, send
from tests.lab.sink import CHUNKING, Sink

KNOWN = "c4naryS3cret"  # none of it is changed by percent-encoding or quoted-printable
SECRET = f"pä=+/ {KNOWN}?%"
USER = "me@example.org"
MAIL = b"From: %s\nTo: b@b.test\nSubject: x\nMessage-ID: <%s>\n\nhello\n"
ECHOES = (
    SECRET,
    quote(SECRET, safe=""),
    "".join(f"%{octet:02x}" for octet in SECRET.encode()),
    quopri.encodestring(SECRET.encode(), quotetabs=True).decode(),
    b64encode(SECRET.encode()).decode(),
    b64encode(f"\0{USER}\0{SECRET}".encode()).decode(),
    b64encode(f"user={USER}\x01auth=Bearer {SECRET}\x01\x01".encode()).decode(),
    b64encode(f"n,a={USER},\x01auth=Bearer {SECRET}\x01\x01".encode()).decode(),
)
ECHO = " ".join(("you said", *ECHOES, "did you not"))
TOKEN = f"ya29.{KNOWN}" + 300 * "-xY_9"
TOKEN_ECHO = f"you said {TOKEN} " + b64encode(f"user={USER}\x01auth=Bearer {TOKEN}\x01\x01".encode()).decode()
CRASH = """
import sys

def in_table_b1(char):
    frame = sys._getframe()
    while "password" not in frame.f_locals:
        frame = frame.f_back
    raise RuntimeError(frame.f_locals["password"])
"""
SAMPLE = """
import os, pathlib
for process in pathlib.Path("/proc").glob("[0-9]*"):
    for name in ("cmdline", "environ"):
        try:
            seen = (process / name).read_bytes()
        except OSError:
            continue
        if str(process.name) in (str(os.getpid()), str(os.getppid())) or name == "cmdline":
            with open("sampled", "ab") as file:
                file.write(seen)
print(open("secret").read())
"""


def long(value):
    """A value for `make sweep`."""
    return pytest.param(value, marks=pytest.mark.sweep)


def leaks(octets):
    """The forms of the secret that are in there."""
    cores = [b64encode(bytes(shift) + KNOWN.encode())[shift * 2 : -4] for shift in range(3)]
    octets = octets.replace(b"=\n", b"")
    every = (b"".join(sign % octet for octet in KNOWN.encode()) for sign in (b"%%%02x", b"=%02x", b"%02x"))
    return [form for form in (KNOWN.encode(), *cores, *every) if form in octets or form in octets.lower()]


def mirror(peer):
    """An IMAP server that refuses everything, and says it all back."""
    while True:
        line = peer.wire.line().rstrip(b"\r\n")
        tag, *words = line.split()
        if words[:1] == [b"CAPABILITY"]:
            peer.send(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n%b OK done\r\n" % tag)
        elif words[:1] == [b"LOGOUT"]:
            peer.send(b"* BYE\r\n%b OK bye\r\n" % tag)
        else:
            peer.send(b"* OK %b\r\n%b NO [AUTHENTICATIONFAILED] %b %b\r\n" % (line, tag, line, ECHO.encode()))


class Host:
    """A user's home, in which everything that ccc writes is."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "tmp").mkdir()
        (folder / "secret").write_text(SECRET + "\n")
        (folder / "mail.eml").write_bytes(MAIL % (b"me@example.org", b"1@a.test"))
        self.environ = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join((str(Path(ccc.__file__).parents[1]), str(folder))),
            "CCC_STATE_DIR": str(folder / "state"),
            "TMPDIR": str(folder / "tmp"),
        }
        self.output = b""

    def ccc(self, *words):
        done = subprocess.run(
            [sys.executable, "-m", "ccc", *words],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            check=False,
        )
        self.output += done.stdout
        return done.returncode

    def account(self, name, server, *, imap=False, **keys):
        """Add an account to the configuration: the same user of this server."""
        path = self.folder / ".config" / "ccc" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        keys |= {"address": f"me@example.{name}"}
        keys["imap" if imap else "smtp"] = (
            f"{'imap' if imap else 'smtp'}://{quote(USER)}@127.0.0.1:{server.port}"
        )
        with path.open("a") as file:
            file.write(f"[account.{name}]\n")
            file.writelines(f"{key} = {json.dumps(value)}\n" for key, value in keys.items())

    def sends(self, sink, *words):
        url = f"smtp://{quote(USER)}@127.0.0.1:{sink.port}"
        to = ("resend", "mail.eml", "--to", "late@c.test", "--from", USER, "--smtp", url)
        return self.ccc(*to, "--password-command", "cat secret", *words)

    @property
    def written(self):
        """All that was printed or is in a file now, but for the secret's own."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path.name != "secret"]
        return b"\n".join((self.output, *(path.read_bytes() for path in files)))


@pytest.fixture
def host(tmp_path):
    made = Host(tmp_path)
    yield made
    assert leaks(made.written) == []


def test_the_judge_finds_every_form():
    assert all(leaks(f"535 no: {echo}.".encode()) for echo in ECHOES)
    assert leaks(b"AUTH LOGIN\n" + b64encode(USER.encode())) == []


@pytest.mark.parametrize("mechanism", ["PLAIN", long("LOGIN"), long("SCRAM-SHA-256")])
def test_a_server_that_repeats_it_all_the_time_gets_it_nowhere(host, mechanism):
    with Sink(
        CHUNKING,
        mechanisms=(mechanism,),
        login=(USER, SECRET),
        verbs={"AUTH": f"235 {ECHO}", "MAIL": f"250 {ECHO}", "BDAT": f"250 {ECHO}"},
        rcpt={"late@c.test": f"550 5.1.1 {ECHO}", "later@c.test": f"450 {ECHO}"},
    ) as sink:
        assert host.sends(sink, "-v", "--to", "later@c.test", "--to", "third@c.test") == 75
    host.ccc("log", "--json")
    host.ccc("log")
    assert host.output.count(b"you said *** ") > 4


@pytest.mark.parametrize("words", [("-v",), long(("--json",))])
def test_a_server_that_repeats_it_when_it_is_wrong_gets_it_nowhere(host, words):
    with Sink(mechanisms=("PLAIN",), login=(USER, "other"), verbs={"AUTH": f"535 {ECHO}"}) as sink:
        assert host.sends(sink, *words) == 77
    assert b"you said *** " in host.output


@pytest.mark.parametrize(
    "answer",
    [f"AUTH PLAIN {ECHOES[5]}", long(f"{SECRET}?"), long(f"334 {ECHOES[5]}"), f"334 {SECRET}"],
)
def test_a_server_that_is_a_mirror_gets_it_nowhere(host, answer):
    with Sink(mechanisms=("PLAIN",), login=(USER, "other"), verbs={"AUTH": answer}) as sink:
        assert host.sends(sink, "-v") == 75
    assert b"***" in host.output


def test_a_crash_in_the_middle_of_a_login_writes_it_into_no_report(host):
    (host.folder / "stringprep.py").write_text(CRASH)
    with Sink(mechanisms=("SCRAM-SHA-256",), login=(USER, SECRET)) as sink:
        assert host.sends(sink, "-v") == 70
    (report,) = (host.folder / "tmp").glob("ccc-bug-*")
    assert "saslprep" in report.read_text()


@pytest.mark.parametrize("mechanism", ["XOAUTH2", long("OAUTHBEARER")])
def test_a_token_is_a_secret_too(host, mechanism):
    (host.folder / "secret").write_text(TOKEN + "\n")
    with Sink(mechanisms=(mechanism,), login=(USER, ""), verbs={"AUTH": f"535 {TOKEN_ECHO}"}) as sink:
        host.account("org", sink, auth="oauth", token_command=["cat", "secret"])
        assert host.ccc("resend", "mail.eml", "--to", "late@c.test", "-v") == 77
    assert b"AUTH " + mechanism.encode() in host.output
    assert b"535 you said ***" in host.output


def test_an_imap_server_that_repeats_it_gets_it_nowhere(host):
    with FaultServer([send(b"* OK ready\r\n"), Step("mirror", mirror)]) as server:
        host.account("org", server, password_command=["cat", "secret"], imap=True)
        assert (
            host.ccc("redirect", "--imap-uid", "42", "--to", "me@c.test", "-v", "--via", "maildir:md") == 77
        )
    assert b"you said ***" in host.output


def test_it_is_in_no_process_list_while_another_password_is_looked_for(host):
    (host.folder / "sample.py").write_text(SAMPLE)
    (host.folder / "2.eml").write_bytes(MAIL % (b"me@example.net", b"2@a.test"))
    with Sink(CHUNKING, mechanisms=("PLAIN",), login=(USER, SECRET)) as sink:
        host.account("org", sink, password_command=["cat", "secret"])
        host.account("net", sink, password_command=[sys.executable, "sample.py"])
        assert host.ccc("resend", "mail.eml", "2.eml", "--to", "late@c.test", "-v") == 0
    assert re.search(rb"-m\0ccc\0resend", (host.folder / "sampled").read_bytes())
