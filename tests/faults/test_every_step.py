"""Every fault at every step of a session, with a server of each kind: the state of each recipient.

Before the last octet of the content is handed over a lost link defers, after it it leaves in doubt; where
envelope and content are one breath (CHUNKING), that is from the first answer on. A refusal is a refusal.
"""

import pytest

from tests.faults.play import session
from tests.lab.fault import (
    Step,
    content,
    cut,
    data,
    drip,
    ehlo,
    expect,
    fin,
    flood,
    greeting,
    mail,
    quit_,
    rcpt,
    rst,
    send,
    stall,
)
from tests.lab.fault import bdat as chunk

KINDS = {"plain": (), "pipelining": (b"PIPELINING",), "chunking": (b"PIPELINING", b"CHUNKING")}
STEPS = ("GREETING", "EHLO", "MAIL", "RCPT 1", "RCPT 2", "DATA", "CONTENT")

# what the server does instead of answering: each of them ends the session
BREAKS = {
    "closes": (fin(),),
    "resets": (rst(),),
    "falls silent": (stall(),),
    "sends a code and no line end, and closes": (send(b"250"), fin()),
    "sends a reply and no line end, and closes": (send(b"250 2.0.0 ok"), fin()),
    "sends all but LF, and closes": (send(b"250 ok\r"), fin()),
    "sends a reply without its last line, and closes": (send(b"250-ok\r\n"), fin()),
    "drips": (drip(b"250-" + b"x" * 200, 0.02),),
    "sends an endless line": (flood(b"250 xxxxxxxxxxxx"),),
    "sends an endless reply": (flood(b"250-on and on\r\n"),),
    "sends a line of five thousand octets": (send(b"250 " + b"x" * 5000 + b"\r\n"), stall()),
    "speaks another protocol": (send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), stall()),
    "sends escapes": (send(b"\x1b[2J\x1b]0;owned\x07\r\n"), stall()),
    "sends NULs": (send(b"\0\0\0\0\0\0\r\n"), stall()),
    "sends an empty line": (send(b"\r\n"), stall()),
    "sends 199": (send(b"199 ok\r\n"), stall()),
    "sends 600": (send(b"600 ok\r\n"), stall()),
    "sends 999": (send(b"999 ok\r\n"), stall()),
    "sends 0250": (send(b"0250 ok\r\n"), stall()),
    "sends digits that are not ASCII": (send("\u0662\u0665\u0660 ok\r\n".encode()), stall()),
    "changes its code in a reply": (send(b"250-ok\r\n550 no\r\n"), stall()),
}
ENDLESS = {"sends an endless line", "sends an endless reply"}


def step(name: str, kind: str, *, reply: bytes | None) -> Step:
    """A step of the session that ends in this reply, or in none."""
    last = chunk if kind == "chunking" else content
    steps = {
        "GREETING": greeting,
        "MAIL": mail,
        "RCPT 1": rcpt,
        "RCPT 2": rcpt,
        "DATA": data,
        "CONTENT": last,
    }
    return steps[name](reply)


def dialogue(name: str, kind: str, *acts: Step) -> list[Step]:
    """The session up to the answer of a step, and then other acts."""
    made: list[Step] = []
    for each in STEPS:
        if each == "DATA" and kind == "chunking":
            continue
        asked = ehlo(*KINDS[kind]) if each == "EHLO" else None
        if each == name:
            silent = expect(rb"EHLO .+") if asked else step(each, kind, reply=None)
            return [*made, silent, *acts]
        made.append(asked or step(each, kind, reply=b"354 go" if each == "DATA" else b"250 ok"))
    raise AssertionError(name)


def at_each_step() -> list:
    return [
        pytest.param(name, kind, id=f"{kind}-{name}")
        for kind in KINDS
        for name in STEPS
        if not (kind == "chunking" and name == "DATA")
    ]


@pytest.mark.parametrize(("name", "kind"), at_each_step())
@pytest.mark.parametrize("fault", BREAKS)
def test_a_broken_session_is_deferred_or_in_doubt(fault, name, kind):
    got = session(dialogue(name, kind, *BREAKS[fault]), measured=fault in ENDLESS)
    over = name == "CONTENT" or (kind == "chunking" and name not in ("GREETING", "EHLO"))
    assert set(got.fates.values()) == {"in doubt" if over else "deferred"}
    assert {outcome.kind.value for outcome in got.outcomes.values()} == {"try later"}


@pytest.mark.parametrize(("name", "kind"), at_each_step())
@pytest.mark.parametrize(
    "more", [(fin(),), (stall(),), (send(b"250 ok\r\n250 ok\r\n"), stall())], ids=["fin", "stall", "talk"]
)
def test_421_defers_both_whatever_comes_after_it(name, kind, more):
    got = session(dialogue(name, kind, send(b"421 4.3.2 going down\r\n"), *more))
    assert got.fates == {"x": "deferred", "y": "deferred"}
    assert all("421" in outcome.reason for outcome in got.outcomes.values())


def whole(name: str, kind: str, reply: bytes) -> list[Step]:
    """The whole session with another reply at a step, and whatever a server says after that."""
    made: list[Step] = []
    dead = False
    for each in STEPS:
        if each == "EHLO":
            made.append(ehlo(*KINDS[kind], reply=reply if each == name else None))
        elif each == "DATA" and kind == "chunking":
            continue
        else:
            usual = b"503 no" if dead else b"354 go" if each == "DATA" else b"250 ok"
            made.append(step(each, kind, reply=reply if each == name else usual))
        dead = dead or (each == name and each in ("MAIL", "DATA"))
        if each == name and (each in ("GREETING", "EHLO", "CONTENT") or (kind == "plain" and dead)):
            break
        if dead and each == "DATA":  # nobody sends content after this
            break
    return [*made, quit_()]


@pytest.mark.parametrize(("name", "kind"), at_each_step())
@pytest.mark.parametrize(
    ("code", "state"),
    [(400, "deferred"), (451, "deferred"), (499, "deferred"), (550, "refused"), (599, "refused")],
)
def test_a_refusal_is_one_at_every_step(name, kind, code, state):
    got = session(whole(name, kind, b"%d no" % code))
    refused = {"RCPT 1": {"x"}, "RCPT 2": {"y"}}.get(name, {"x", "y"})
    assert got.fates == {each: state if each in refused else "accepted" for each in ("x", "y")}
    assert got.server.unexpected == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("code", [200, 250, 251, 299])
def test_every_2yz_at_every_step_is_a_success(kind, code):
    good = b"%d good" % code
    steps = [greeting(good), ehlo(*KINDS[kind])]
    steps += [
        step(each, kind, reply=b"354 go" if each == "DATA" else good)
        for each in STEPS[2:]
        if not (each == "DATA" and kind == "chunking")
    ]
    got = session([*steps, quit_(good)])
    assert got.fates == {"x": "accepted", "y": "accepted"}
    assert cut(steps, "MAIL") == steps[:2]
