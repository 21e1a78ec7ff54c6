"""The seven laws of ccc, one test each, from outside. What each rests on is tested where it is built."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccc
from ccc.receipt import State
from ccc.routes.submission import Submission
from ccc.transport.server import Security, Server
from tests.lab.law import law
from tests.lab.sink import EVERYTHING, Sink
from tests.servers.command import ccc as command

MAIL = (
    b"From: me@example.org\r\nTo: ann@a.test\r\nCc: bob@b.test\r\nSubject: hi\r\nMessage-ID: <1@x>\r\n"
    b"\r\nhi\r\n"
)
NEW = "late@c.test"
names = st.sampled_from([b"To", b"Cc", b"Bcc", b"Resent-To", b"Resent-Cc", b"X-Forward-To", b"Apparently-To"])
addresses = st.from_regex(rb"[a-z]{1,8}@[a-z]{1,8}\.test", fullmatch=True)
fields = st.lists(st.tuples(names, addresses), max_size=8).map(
    lambda pairs: b"".join(b"%b: %b\r\n" % pair for pair in pairs)
)
bodies = st.binary(max_size=300).map(lambda octets: octets.replace(b"\0", b"0"))


def server(sink: Sink) -> Submission:
    return Submission(Server("127.0.0.1", sink.port, security=Security.NONE))


@law
@given(fields)
def test_1_only_the_people_named_get_it(header: bytes) -> None:
    plan = ccc.plan_redirect(header + MAIL, sender="me@example.org", to=NEW)
    assert [path.addr_spec for path in plan.envelope.forward_paths] == [NEW]


def test_1_the_envelope_has_never_heard_of_messages() -> None:
    tree = ast.parse((Path(ccc.__file__).parent / "envelope.py").read_text("utf-8"))
    ours = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name for name in ours if name and name.startswith("ccc")} == {"ccc.address", "ccc.errors"}


@law
@given(bodies)
def test_2_octets_survive(body: bytes) -> None:
    octets = MAIL + body
    plan = ccc.plan_redirect(octets, sender="me@example.org", to=NEW)
    sent = b"".join(plan.content.blocks())
    top = b"".join(edit.octets for edit in plan.edits)
    on_the_wire = re.sub(rb"\r\n|\r|\n", b"\r\n", octets)
    assert sent == top + on_the_wire + (b"" if on_the_wire.endswith(b"\r\n") else b"\r\n")


def test_3_nothing_is_sent_that_was_not_in_the_plan() -> None:
    plan = ccc.plan_resend(MAIL, to=NEW)
    with Sink(EVERYTHING) as sink:
        list(ccc.deliver(plan, server(sink)))
    (transaction,) = sink.transactions
    assert transaction.content == b"".join(plan.content.blocks())
    assert transaction.forward_paths == tuple(path.addr_spec for path in plan.envelope.forward_paths)
    assert plan.as_json()["envelope"] == {"reverse_path": "me@example.org", "forward_paths": [NEW]}


@pytest.mark.parametrize(
    ("broken", "state", "taken"),
    [("RCPT", State.DEFERRED, 0), ("DATA", State.DEFERRED, 0), (".", State.IN_DOUBT, 1)],
)
def test_4_what_is_unknown_is_called_unknown(broken: str, state: State, taken: int) -> None:
    with Sink(verbs={broken: ""}) as sink:
        (receipt,) = ccc.deliver(ccc.plan_resend(MAIL, to=NEW), server(sink))
    assert [outcome.state for outcome in receipt.outcomes] == [state]
    assert len(sink.transactions) <= taken
    assert receipt.exit_status == 75


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["resend", "none.eml", "--to", NEW], 66),
        (["resend", "empty.eml", "--to", NEW, "--via", "maildir:md"], 65),
        (["resend", "mail.eml", "--to", "no address", "--via", "maildir:md"], 64),
        (["redirect", "mail.eml", "--to", NEW, "--via", "maildir:md"], 64),
        (["resend", "mail.eml", "--to", NEW], 78),
        (["resend", "mail.eml", "--to", NEW, "--smtp", "smtp://127.0.0.1:1"], 75),
        (["resend", "mail.eml", "--to", NEW, "--via", "maildir:/proc/none"], 73),
        (["frobnicate"], 64),
    ],
)
def test_5_a_bad_thing_is_an_error_with_a_cure(words: list[str], status: int, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAIL)
    (tmp_path / "empty.eml").write_bytes(b"")
    via = [] if "--via" in words or "--smtp" in words or status == 78 else ["--via", "maildir:md"]
    done = subprocess.run(
        [sys.executable, "-m", "ccc", *words, *(via if words[0] == "resend" else [])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(ccc.__file__).parents[1])},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    said = done.stderr.decode()
    assert (done.returncode, "Traceback" in said, done.stdout) == (status, False, b"")
    assert re.search(r"^ccc: .+; .+$", said, re.MULTILINE)


def test_6_hostile_octets_stay_harmless(tmp_path: Path) -> None:
    hostile = "550 5.1.1 \x1b]0;pwned\x07\x1b[2J\u202eno"
    path = tmp_path / "mail.eml"
    path.write_bytes(MAIL.replace(b"hi\r\nMess", b"\x1b[2J\xe2\x80\xae hi\r\nMess"))
    with Sink(EVERYTHING, rcpt={NEW: hostile}) as sink:
        done = command("resend", path, "--to", NEW, "--smtp", f"smtp://127.0.0.1:{sink.port}", "-v")
        plan = command("resend", path, "--to", NEW, "-n")
    assert done.returncode == 69
    for text in (done.stderr, plan.stderr):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text.decode())


def test_7_it_is_quick() -> None:
    """What is not used is not imported; tests/test_imports.py has the whole list."""
    probe = "import sys; from ccc.cli.main import run; run(['--version']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert {"ssl", "rich", "sqlite3", "asyncio", "ccc.plan"}.isdisjoint(done.stdout.split())
