"""`ccc log`, on journals of real deliveries."""

import json
import re

import pytest

from ccc import plan_resend
from ccc.cli.log import STATES
from ccc.journal.entry import Phase
from tests.journal.sent import MAIL, NO_ANSWER, phases, report, send, send_by
from tests.lab.exim import Signing
from tests.lab.exim import exim as running_exim
from tests.lab.sink import Sink

OURS = MAIL.replace(b"Ann <ann@a.test>", b"me@a.test")


@pytest.fixture
def state(state_folder):
    return state_folder


@pytest.fixture
def ccc(run):
    """Run ccc; what it printed, as lines."""

    def call(*arguments, status=0, **more):
        done = run(*arguments, **more)
        assert done.returncode == status, done.stderr.decode()
        assert not any(line[:1].isdigit() for line in (done.stdout + done.stderr).decode().splitlines())
        return done.stdout.decode().splitlines() if done.stdout else done.stderr.decode().splitlines()

    return call


def listed(lines):
    """State and recipient of each line of the table."""
    return [(line[:10].strip(), line.split()[line.split().index("redirect") + 1]) for line in lines]


def field(lines, name):
    """What stands beside this label."""
    return [line.split(name)[1].strip() for line in lines if line.strip().startswith(name)]


def test_no_journal_is_an_empty_one(ccc, state):
    assert ccc("log") == ["the journal is empty"]
    assert list(state.iterdir()) == []


def test_the_states_are_those_of_the_journal():
    assert [state.replace("-", " ") for state in STATES] == [phase.value for phase in Phase]


def test_each_recipient_has_a_line(ccc, state):
    entry = send(state, "yes@b.test", "gone@b.test", "later@b.test")
    lines = ccc("log")
    assert listed(lines) == [
        ("accepted", "yes@b.test"),
        ("refused", "gone@b.test"),
        ("deferred", "later@b.test"),
    ]
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d"
    assert re.fullmatch(rf"accepted    {when}  redirect  yes@b\.test    {entry.name}  Minutes", lines[0])


def test_columns_stand_under_each_other(ccc, state):
    entry = send(state, "a@b.test", "somebody-with-a-long-name@b.test")
    assert len({line.index(entry.name) for line in ccc("log")}) == 1


def test_the_newest_is_the_first(ccc, state):
    send(state, "first@b.test")
    send(state, "second@b.test")
    assert listed(ccc("log")) == [("accepted", "second@b.test"), ("accepted", "first@b.test")]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--to", "YES"), ["yes@b.test"]),
        (("--to", "b.test", "--state", "refused"), ["gone@b.test"]),
        (("--state", "deferred"), ["later@b.test"]),
        (("--to", "yes", "--state", "deferred"), []),
        (("--since", "2020-01-01"), ["yes@b.test", "gone@b.test", "later@b.test"]),
        (("--since", "1h"), ["yes@b.test", "gone@b.test", "later@b.test"]),
        (("--until", "1h"), []),
        (("--until", "2020-01-01 12:30"), []),
        (("--message-id", "<1@a.test>", "--to", "yes"), ["yes@b.test"]),
        (("--message-id", "2@a.test"), []),
        (("--limit", "1", "--to", "yes"), ["yes@b.test"]),
        (("--all", "--to", "yes"), ["yes@b.test"]),
    ],
)
def test_a_filter_leaves_those_of_whom_all_is_true(ccc, state, arguments, wanted):
    send(state, "yes@b.test", "gone@b.test", "later@b.test")
    lines = ccc("log", *arguments)
    assert ([who for _, who in listed(lines)] if wanted else lines) == (
        wanted or ["the journal has nothing like that"]
    )


def test_what_is_left_out_is_said(run, state):
    for number in range(3):
        send(state, "yes@b.test", text=MAIL.replace(b"<1", b"<%d" % number))
    two, all_ = (run("log", *arguments) for arguments in (("--limit", "2"), ("--all",)))
    assert (len(two.stdout.splitlines()), b"--limit N lists more than 2" in two.stderr) == (2, True)
    assert (len(all_.stdout.splitlines()), all_.stderr) == (3, b"")


def test_json_has_an_object_for_each_entry(ccc, state):
    send(state, "yes@b.test")
    entry = send(state, "gone@b.test", "later@b.test", text=OURS, plan=plan_resend)
    newest, oldest = map(json.loads, ccc("log", "--json"))
    assert (newest["schema"], newest["id"], newest["action"], newest["kept"]) == (
        1,
        entry.name,
        "resend",
        True,
    )
    assert (newest["message_id"], newest["resent_message_id"]) == ("<1@a.test>", "")
    assert [each["state"] for each in newest["recipients"]] == ["refused", "deferred"]
    assert newest["recipients"][0]["reply"] == {
        "code": 550,
        "enhanced": "5.1.1",
        "text": "550 5.1.1 no such user",
    }
    assert newest["recipients"][1]["next_attempt"] > newest["planned"]
    assert (oldest["kept"], oldest["recipients"][0]["reply"]["code"]) == (False, 250)


def test_an_entry_says_everything(ccc, state):
    entry = send(state, "gone@b.test", "later@b.test")
    lines = ccc("log", entry.name)
    assert lines[0] == f"Entry {entry.name}"
    assert [line for line in lines if line.startswith("To ")] == ["To gone@b.test", "To later@b.test"]
    assert field(lines, "State") == ["refused", "deferred"]
    assert field(lines, "Attempts") == ["1", "1"]
    assert len(field(lines, "Next attempt")) == 1
    assert field(lines, "Reply") == ["550 5.1.1 no such user", "450 4.2.0 not now"]
    assert field(lines, "Message-ID") == ["<1@a.test>"]
    assert field(lines, "Return address") == ["me@a.test"]
    assert f"`ccc retry {entry.name}`" in field(lines, "Next step")[1]


def test_what_is_in_doubt_can_be_sent_again_or_dropped(ccc, state):
    entry = send(state, "yes@b.test", verbs=NO_ANSWER)
    lines = ccc("log", entry.name[:4])
    assert field(lines, "State") == ["in doubt"]
    (step,) = field(lines, "Next step")
    assert f"`ccc retry {entry.name} --in-doubt resend`" in step
    assert "--in-doubt drop" in step


def test_one_entry_as_json_is_that_of_the_list(ccc, state):
    entry = send(state, "yes@b.test")
    assert ccc("log", entry.name, "--json") == ccc("log", "--json")


def test_an_entry_that_is_not_there_is_66(ccc, state):
    assert "no entry 'abc'" in ccc("log", "abc", status=66)[0]
    send(state, "yes@b.test")
    assert "no entry '1'" in ccc("log", "1", status=66)[0]


def test_the_octets_are_those_that_went_out(run, state):
    entry = send(state, "later@b.test", "yes@b.test")
    done = run("log", entry.name, "--bytes")
    assert len(done.stdout) == entry.size
    assert done.stdout.startswith(b"Resent-Date: ")
    assert done.stdout.endswith(b"\r\n\r\nHello\r\n")


def test_octets_that_everybody_has_are_dropped(ccc, state):
    entry = send(state, "yes@b.test")
    assert "not kept any more" in ccc("log", entry.name, "--bytes", status=66)[0]


def test_nothing_from_a_mail_acts_on_the_terminal(ccc, state):
    text = MAIL.replace(b"Minutes", b"\x1b[2J\x9b31m =?utf-8?q?=E2=80=AE=0A7?=")
    entry = send(state, "gone@b.test", text=text)
    for lines in (ccc("log"), ccc("log", entry.name)):
        assert not any(char in line for line in lines for char in "\x1b\x9b\u202e\x07")


@pytest.mark.parametrize(
    "arguments",
    [
        ("abc", "--to", "x"),
        ("abc", "--all"),
        ("abc", "--bounce", "-"),
        ("--bounce", "-", "--since", "1d"),
        ("--limit", "3", "--all"),
        ("abc", "--bytes", "--json"),
        ("--bytes",),
        ("--since", "yesterday"),
        ("--until", "0d"),
        ("--limit", "0"),
        ("--state", "lost"),
        ("--to", ""),
    ],
)
def test_what_makes_no_sense_is_64(ccc, arguments):
    assert ccc("log", *arguments, status=64)[0].startswith("ccc: ")


def test_a_report_of_failure_makes_a_recipient_bounced(ccc, state):
    entry = send(state, "ann@b.test", "bob@b.test")
    octets = report("ann@b.test", envid=entry.name)
    said = f"bounced ann@b.test ({entry.name}): 5.2.2 550 mailbox full, says mx.b.test"
    assert ccc("log", "--bounce", "-", stdin=octets) == [said]
    assert phases(state, entry.name) == {"ann@b.test": "bounced", "bob@b.test": "accepted"}
    assert listed(ccc("log", "--state", "bounced")) == [("bounced", "ann@b.test")]


def test_a_report_is_noted_twice_as_once(ccc, state, folder):
    entry = send(state, "ann@b.test")
    (folder / "report.eml").write_bytes(report("ann@b.test", envid=entry.name))
    assert ccc("log", "--bounce", "report.eml") == ccc("log", "--bounce", "report.eml")
    assert phases(state, entry.name) == {"ann@b.test": "bounced"}


def test_what_has_bounced_is_not_tried_again(ccc, state):
    entry = send(state, "later@b.test")
    ccc("log", "--bounce", "-", stdin=report("later@b.test", envid=entry.name))
    lines = ccc("log", entry.name)
    assert (field(lines, "State"), field(lines, "Next attempt")) == (["bounced"], [])
    assert field(lines, "Reason") == ["5.2.2 550 mailbox full, says mx.b.test"]


def test_a_report_of_delay_is_only_said(ccc, state):
    entry = send(state, "ann@b.test")
    (line,) = ccc("log", "--bounce", "-", stdin=report("ann@b.test", action="delayed", envid=entry.name))
    assert line.startswith(f"delayed ann@b.test ({entry.name}): ")
    assert phases(state, entry.name) == {"ann@b.test": "accepted"}


def test_another_name_in_a_report_is_said(ccc, state):
    entry = send(state, "ann@b.test")
    (line,) = ccc("log", "--bounce", "-", stdin=report("ann@home.test", envid=entry.name))
    assert line.startswith(f"bounced ann@b.test ({entry.name}, reported as ann@home.test): ")


def test_somebody_in_a_report_to_whom_nothing_was_sent_is_said(ccc, state):
    entry = send(state, "ann@b.test", "bob@b.test")
    octets = report("ann@b.test", envid=entry.name).replace(
        b"Remote-MTA: dns; mx.b.test\n", b"\nFinal-Recipient: rfc822; 9@c.test\nAction: failed\n"
    )
    first, second = ccc("log", "--bounce", "-", stdin=octets)
    assert (first.partition(" ")[0], second) == ("bounced", "unknown 9@c.test: ccc did not send it to them")


def test_a_report_as_json(ccc, state):
    entry = send(state, "ann@b.test")
    (line,) = ccc("log", "--bounce", "-", "--json", stdin=report("ann@b.test", envid=entry.name))
    assert json.loads(line) == {
        "schema": 1,
        "id": entry.name,
        "recipient": "ann@b.test",
        "reported": "ann@b.test",
        "action": "failed",
        "status": "5.2.2",
        "diagnostic": "550 mailbox full",
        "remote_mta": "mx.b.test",
    }


def test_a_report_about_a_mail_that_the_journal_does_not_know_is_66(ccc, state):
    octets = report("ann@b.test")
    assert (
        "knows nothing of the mail to ann@b.test" in ccc("log", "--bounce", "-", stdin=octets, status=66)[0]
    )
    send(state, "ann@b.test")
    assert "knows nothing" in ccc("log", "--bounce", "-", stdin=octets, status=66)[0]


def test_what_is_no_report_is_65(ccc):
    assert "it is no delivery report" in ccc("log", "--bounce", "-", stdin=MAIL, status=65)[0]
    assert "16 MiB" in ccc("log", "--bounce", "-", stdin=bytes(17 << 20), status=65)[0]
    assert "no file" in ccc("log", "--bounce", "gone.eml", status=66)[0]


@pytest.mark.parametrize("name", ["gone", "gone+42", "gone=x"])
def test_a_report_that_postfix_wrote_is_understood(ccc, state, postfix, name):
    address = postfix.mount(name, ["/bin/sh", "-c", "exit 67"])
    sender = f"from-{name}@example.org"
    entry = send_by(postfix.ports["plain"], state, address, "ann@b.test", sender=sender)
    (returned,) = postfix.mailbox(sender)
    (line,) = ccc("log", "--bounce", "-", stdin=returned.octets)
    assert line.startswith(f"bounced {address} ({entry.name}): 5.1.1 ")
    assert phases(state, entry.name) == {address: "bounced", "ann@b.test": "accepted"}


@pytest.mark.servers
def test_a_report_that_exim_wrote_is_understood(ccc, state, authority):
    with Sink(rcpt={"x+42@onward.test": "550 5.2.1 closed"}) as sink:
        signing = Signing(sink.port, "example.org", "lab", authority.rsa_key())
        with running_exim(authority, signing=signing) as server:
            entry = send_by(server.plain, state, "x+42@onward.test", "ann@b.test", sender="me@a.test")
            (returned,) = server.mailbox("me@a.test")
    (line,) = ccc("log", "--bounce", "-", stdin=returned.octets)
    assert line.startswith(f"bounced x+42@onward.test ({entry.name}): ")
    assert "550 5.2.1 closed" in line
    assert phases(state, entry.name) == {"x+42@onward.test": "bounced", "ann@b.test": "accepted"}
