import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from tests.cli.conftest import MAIL, another, environment, several, until_it_catches
from tests.lab.sink import CHUNKING, EVERYTHING, Sink

DAN = ("--to", "dan@example.org")
ME = ("--from", "ines@example.org")
HERE = ("--via", "maildir:md")


def said(done):
    return done.stderr.decode()


def delivered(folder):
    """Who has how many mails."""
    return {box.name: len(list(box.glob("new/*"))) for box in sorted((folder / "md").glob("*"))}


@pytest.fixture
def sink():
    with Sink(EVERYTHING, rcpt={"refused@example.org": "550 5.1.1 no such user"}) as sink:
        yield sink


def to(sink):
    return ("--smtp", f"smtp://127.0.0.1:{sink.port}")


def test_a_resend_reaches_the_new_person_alone(run, sink):
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink))
    assert done.returncode == 0
    (transaction,) = sink.transactions
    assert (transaction.reverse_path, transaction.forward_paths) == ("ines@example.org", ("dan@example.org",))
    shown = b"Cc: Bob Ray <bob@example.net>,\r\n dan@example.org\r\n"
    assert transaction.content == MAIL.replace(b"\n", b"\r\n").replace(
        b"Cc: Bob Ray <bob@example.net>\r\n", shown
    )
    assert done.stdout == b""
    assert said(done).startswith("sent sent.eml to dan@example.org by 127.0.0.1:")


def test_a_redirect_from_standard_input_reaches_the_new_person_alone(run, sink):
    done = run("redirect", "-", *DAN, "--from", "me@example.com", *to(sink), stdin=MAIL)
    assert done.returncode == 0
    (transaction,) = sink.transactions
    block, _, rest = transaction.content.partition(b"From: Ines")
    assert b"From: Ines" + rest == MAIL.replace(b"\n", b"\r\n")
    assert b"Resent-To: dan@example.org" in block
    assert "sent standard input to dan@example.org" in said(done)


def test_quiet_is_silent_when_all_went_well(run):
    done = run("resend", "sent.eml", *DAN, *HERE, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_quiet_still_says_what_failed(run):
    done = run("resend", "nowhere.eml", *DAN, *HERE, "-q")
    assert done.returncode == 66
    assert "nowhere.eml" in said(done)


def test_verbose_shows_the_dialogue(run, sink):
    done = run("resend", "sent.eml", *DAN, *to(sink), "-v")
    assert " -> RCPT TO:<dan@example.org>" in said(done)
    assert "<-  220 " in said(done)


def test_the_password_stays_out_of_the_dialogue(run, authority):
    with Sink(
        EVERYTHING, tls=authority.server_context("localhost"), mechanisms=("PLAIN",), login=("me", "hunter2")
    ) as sink:
        done = run(
            *("resend", "sent.eml", *DAN, "-v", "--smtp", f"smtp://me@localhost:{sink.port}"),
            *("--password-command", "echo hunter2", "--tls-ca-file", authority.ca_file),
        )
    assert done.returncode == 0, said(done)
    assert sink.transactions[0].user == "me"
    assert "hunter2" not in said(done)
    assert "AG1lAGh1bnRlcjI" not in said(done)


def test_a_refused_recipient_does_not_stop_the_others(run, sink):
    done = run("resend", "sent.eml", *DAN, "--to", "refused@example.org", *to(sink))
    assert done.returncode == 69
    assert "sent sent.eml to dan@example.org" in said(done)
    assert "ccc: sent.eml: refused@example.org refused by " in said(done)
    assert "550 5.1.1 no such user" in said(done)


def test_json_is_one_receipt_a_line_and_nothing_else(run, sink):
    done = run("resend", "sent.eml", "nowhere.eml", *DAN, "--bcc", "refused@example.org", *to(sink), "--json")
    first, second = map(json.loads, done.stdout.splitlines())
    by_source = {record["source"]: record for record in (first, second)}
    assert {each["schema"] for each in (first, second)} == {1}
    states = [outcome["state"] for outcome in by_source["sent.eml"]["outcomes"]]
    assert states == ["accepted", "refused"]
    assert by_source["nowhere.eml"]["error"]["kind"] == "source"
    assert done.returncode == 69


def test_a_dry_run_shows_the_plan_and_sends_nothing(run, folder):
    done = run("resend", "sent.eml", *DAN, "--bcc", "eve@example.org", *HERE, "-n")
    assert (done.returncode, done.stdout) == (0, b"")
    lines = [" ".join(line.split()) for line in said(done).splitlines()]
    assert "to dan@example.org new, gets it" in lines
    assert "eve@example.org gets it, seen nowhere" in lines
    assert "To Ann Lee <ann@example.com> seen, not sent" in lines
    assert "nothing was sent: this was a dry run" in lines
    assert delivered(folder) == {}


def test_a_dry_run_needs_no_way_out(run):
    assert run("resend", "sent.eml", *DAN, "--dry-run").returncode == 0


def test_a_dry_run_as_json_prints_the_plan(run):
    done = run("resend", "sent.eml", *DAN, "-n", "--json")
    plan = json.loads(done.stdout)
    assert plan["envelope"]["forward_paths"] == ["dan@example.org"]
    assert plan["shown"]["cc"][-1] == {"name": "", "address": "dan@example.org", "mark": "new, gets it"}
    assert done.stderr == b""


def test_saved_octets_are_the_sent_octets(run, sink, folder):
    run("resend", "sent.eml", *DAN, *to(sink), "--save-bytes", "out.eml")
    assert (folder / "out.eml").read_bytes() == sink.transactions[0].content


def test_octets_can_be_saved_to_standard_output(run):
    done = run("redirect", "sent.eml", *DAN, *ME, "-n", "--save-bytes", "-")
    assert done.stdout.endswith(MAIL.replace(b"\n", b"\r\n"))
    assert done.stdout.startswith(b"Resent-Date: ")


def test_saving_over_the_message_itself_is_refused(run, folder):
    done = run("resend", "sent.eml", *DAN, *HERE, "--save-bytes", "./sent.eml")
    assert done.returncode == 64
    assert (folder / "sent.eml").read_bytes() == MAIL


def test_octets_that_cannot_be_saved_stop_the_delivery(run, folder):
    done = run("resend", "sent.eml", *DAN, *HERE, "--save-bytes", "no/such/folder")
    assert done.returncode == 73
    assert delivered(folder) == {}


def test_one_bad_message_does_not_stop_the_others(run, folder):
    (folder / "bad.eml").write_bytes(b"no header at all\n")
    done = run("resend", "bad.eml", "sent.eml", "gone.eml", *DAN, *HERE)
    assert done.returncode == 65
    assert delivered(folder) == {"dan@example.org": 1}
    assert "ccc: bad.eml: " in said(done)
    assert "gone.eml" in said(done)


def test_a_batch_goes_over_one_connection(run, folder):
    names = several(folder, 30)
    with Sink(CHUNKING) as sink:
        done = run("resend", *names, *DAN, *to(sink))
    assert (done.returncode, len(sink.sessions), sink.messages) == (0, 1, 30)
    assert not any(line[:1].isdigit() for line in said(done).splitlines())


def test_more_than_fifty_messages_need_a_word_of_the_user(run, folder):
    done = run("resend", *several(folder, 51), *DAN, *HERE)
    assert done.returncode == 64
    assert "51 messages" in said(done)
    assert "--yes" in said(done)
    assert delivered(folder) == {}


@pytest.mark.parametrize(("word", "count"), [(("--yes",), 51), (("--limit", "2"), 2)])
def test_with_that_word_they_are_sent(run, folder, word, count):
    done = run("resend", *several(folder, 51), *DAN, *HERE, *word)
    assert done.returncode == 0
    assert delivered(folder) == {"dan@example.org": count}


def test_fifty_messages_need_none(run, folder):
    assert run("resend", *several(folder, 50), *DAN, *HERE, "-q").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 78, "nothing says how the mail goes out; set up an account"),
        (("--smtp", "smtp://h", "--via", "sendmail"), 64, "two ways out"),
        (("--via", "pigeon"), 64, "--via pigeon: there is no such way"),
        (("--smtp", "http://h"), 64, "this is no server"),
        (("--smtp", "smtps://me:secret@h"), 64, "a password in a URL"),
        (("--smtp", "smtps://me@localhost:1"), 77, "no password for me at localhost"),
        (("--smtp", "smtp://localhost:1", "--password-fd", "0"), 64, "--smtp names no user"),
        ((*HERE, "--password-command", "pass"), 64, "--password-command is for a server"),
        ((*HERE, "--tls-ca-file", "x"), 64, "--tls-ca-file is for a server"),
        ((*HERE, "--limit", "0"), 64, "--limit: '0' is no number of messages"),
        ((*HERE, "--save-bytes", "-", "--json"), 64, "both write to standard output"),
        ((*HERE, "--show-resent-to", "a@b.c"), 64, "--show-resent-to belongs to `ccc redirect`"),
        ((*HERE, "--show-resent-cc", "a@b.c"), 64, "use --show-to or --show-cc"),
        ((*HERE, "--resent", "never"), 64, "--resent belongs to `ccc redirect`"),
        ((*HERE, "--from", "bob@example.net"), 64, "use `ccc redirect`"),
        ((*HERE, "--to", "x@y> NOTIFY=NEVER"), 64, "--to: address"),
    ],
)
def test_a_command_line_that_cannot_be_meant_says_so_and_sends_nothing(run, folder, arguments, status, words):
    done = run("resend", "sent.eml", *DAN, "-q", *arguments)
    assert done.returncode == status
    assert words in said(done)
    assert said(done).count("\n") == 1
    assert "; " in said(done)
    assert delivered(folder) == {}


@pytest.mark.parametrize("option", ["--show-to", "--show-cc", "--ccc"])
def test_showing_in_a_redirect_names_the_right_command(run, option):
    done = run("redirect", "sent.eml", *DAN, *ME, option, "a@b.example", *HERE)
    assert done.returncode == 64
    assert f"{option} belongs to `ccc resend`" in said(done)


def test_nobody_is_named(run):
    done = run("resend", "sent.eml", *HERE)
    assert (done.returncode, said(done)) == (64, "ccc: nobody is named to get it; add --to, --cc or --bcc\n")


def test_a_limit_says_how_many_it_left_out(run):
    done = run("resend", "sent.eml", "sent.eml", "sent.eml", *DAN, *HERE, "--limit", "1")
    assert "--limit 1 left out 2 more" in said(done)


BUG_IN_ONE = """
import sys
import ccc.cli.ways as sending
make_plan = sending.make_plan
def broken(request, message, **more):
    if message.name == "a.eml":
        raise ZeroDivisionError
    return make_plan(request, message, **more)
sending.make_plan = broken
from ccc.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_bug_in_one_message_does_not_stop_the_others(folder):
    (folder / "a.eml").write_bytes(another(2))
    command = [sys.executable, "-c", BUG_IN_ONE, "resend", "a.eml", "sent.eml", *DAN, *HERE]
    env = environment(TMPDIR=str(folder))
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, check=False)
    assert done.returncode == 70
    assert "ccc: a.eml: a bug in ccc (ZeroDivisionError)" in said(done)
    assert delivered(folder) == {"dan@example.org": 1}


def test_two_save_bytes_are_one_too_many(run):
    assert run("resend", "a", "b", *DAN, "-n", "--save-bytes", "x").returncode == 64


def test_a_server_that_is_not_there_is_worth_another_try(run):
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        done = run("resend", "sent.eml", *DAN, "--smtp", f"smtp://127.0.0.1:{port}")
    assert done.returncode == 75
    assert "dan@example.org deferred" in said(done)


def test_a_full_standard_output_after_sending_is_not_to_be_repeated(run, folder):
    with open("/dev/full", "wb") as full:
        done = run("resend", *several(folder, 2), *DAN, *HERE, "--json", stdout=full)
    assert done.returncode == 74
    assert "do not send again what was sent" in said(done)
    assert said(done).count("\nsent ") == 2
    assert delivered(folder) == {"dan@example.org": 2}


def test_a_reader_of_receipts_that_goes_away_stops_nothing(folder):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "ccc", "resend", *several(folder, 2), *DAN, *HERE, "--json"]
    done = subprocess.run(command, stdout=write, cwd=folder, env=environment(), check=False)
    os.close(write)
    assert done.returncode == 0
    assert delivered(folder) == {"dan@example.org": 2}


def test_the_same_message_is_sent_once_in_a_run(run, folder):
    (folder / "copy.eml").write_bytes(b"Received: by another way\n" + MAIL)
    done = run("resend", "sent.eml", "copy.eml", *DAN, *ME, *HERE)
    assert done.returncode == 0
    assert delivered(folder) == {"dan@example.org": 1}
    assert "note: copy.eml: left out, it is the same message as sent.eml" in said(done)


def test_a_copy_that_cannot_be_sent_does_not_stand_for_one_that_can(run, folder):
    (folder / "theirs.eml").write_bytes(MAIL.replace(b"From: Ines Maro <ines@", b"From: List <list@"))
    done = run("resend", "theirs.eml", "sent.eml", *DAN, *ME, *HERE)
    assert done.returncode == 64
    assert delivered(folder) == {"dan@example.org": 1}


def test_without_a_journal_deferred_in_a_batch_is_to_be_repeated_alone(run, folder):
    with Sink(verbs={"MAIL": ["250 ok", "451 later"]}) as sink:
        done = run("resend", *several(folder, 2), *DAN, *ME, *to(sink), "--no-journal")
    assert done.returncode == 75
    assert "451 later; try again later; and this message alone" in said(done)


def test_a_mail_in_a_mailbox_needs_an_account(run):
    done = run("resend", "imap:42", *DAN, *HERE)
    assert (done.returncode, "ccc account add" in said(done)) == (78, True)


def test_a_dry_run_without_a_plan_says_only_what_is_wrong(run):
    assert "dry run" not in said(run("resend", "gone.eml", *DAN, "-n"))


def test_unattended_it_says_beforehand_for_whom_the_user_is_taken(run):
    first, second = said(run("resend", "sent.eml", *DAN, *HERE)).splitlines()
    assert first.startswith("note: sent.eml: you are taken for ines@example.org")
    assert second.startswith("sent sent.eml to dan@example.org")


def test_unattended_a_warning_is_said_beforehand(run):
    first, _ = said(run("resend", "sent.eml", "--to", "bob@example.net", *ME, *HERE)).splitlines()
    assert first == "warning: sent.eml: Bob Ray <bob@example.net> is in Cc already and may have this message"


@pytest.mark.parametrize("name", ["a b", "x\r\nQUIT", "ü.example.org", "-h.example.org", "[::1"])
def test_a_name_that_cannot_greet_a_server_is_refused(run, sink, name):
    done = run("resend", "sent.eml", *DAN, *to(sink), "--helo", name)
    assert (done.returncode, sink.sessions) == (64, [])
    assert "is no host name; write it as host.example.org" in said(done)


@pytest.mark.parametrize("option", ["--helo", "--timeout", "--pipeline-messages"])
def test_an_option_for_a_server_means_nothing_to_a_folder(run, option):
    done = run("resend", "sent.eml", *DAN, *HERE, option, "7")
    assert (done.returncode, f"{option} means nothing to maildir md" in said(done)) == (64, True)


def test_a_receipt_holds_what_the_plan_said(run):
    receipt = json.loads(run("resend", "sent.eml", *DAN, *HERE, "--json").stdout)
    assert receipt["findings"][0]["code"] == "identity-from-message"
    assert receipt["outcomes"][0]["state"] == "accepted"


def test_a_full_standard_output_is_never_said_to_have_sent_nothing(run, folder):
    replies = {"dan@example.org": ["550 5.1.1 no such user", "250 ok"]}
    with Sink(EVERYTHING, rcpt=replies) as sink, open("/dev/full", "wb") as full:
        done = run("resend", *several(folder, 2), *DAN, *ME, *to(sink), "--json", stdout=full)
    assert "nothing was sent" not in said(done)
    assert "sent 1.eml to dan@example.org" in said(done)
    assert "0.eml: dan@example.org refused" in said(done)
    assert done.returncode == 74


def test_a_stream_is_read_before_anything_is_sent(run, sink):
    done = run("resend", "sent.eml", "-", *DAN, *ME, *to(sink), stdin=another(2))
    assert (done.returncode, sink.messages) == (0, 2)


def test_a_signal_ends_the_wait_for_a_stream_and_nothing_is_sent(folder):
    with Sink(EVERYTHING) as sink:
        command = [sys.executable, "-m", "ccc", "resend", "sent.eml", "-", *DAN, *ME, *to(sink)]
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=folder, env=environment(), **pipes) as child:
            until_it_catches(child.pid, signal.SIGTERM)
            child.send_signal(signal.SIGTERM)
            assert child.wait(30) == 75
        assert sink.messages == 0


def test_octets_are_saved_in_one_piece_or_not_at_all(run, folder):
    (folder / "out.eml").write_bytes(b"before")
    (folder / "out.eml").chmod(0o400)
    assert run("resend", "sent.eml", *DAN, *ME, *HERE, "--save-bytes", "out.eml").returncode == 0
    assert (folder / "out.eml").read_bytes().startswith(b"From: Ines")
    assert [path.name for path in folder.glob("*.tmp")] == []


def test_unattended_it_says_what_is_left_out(run, folder):
    (folder / "sent.eml").write_bytes(b"Return-Path: <x@y.example>\nBcc: eve@example.org\n" + MAIL)
    first, _ = said(run("resend", "sent.eml", *DAN, *ME, *HERE)).splitlines()
    assert first == "note: sent.eml: left out: Return-Path, Bcc"


def test_octets_saved_through_a_link_go_to_where_it_points(run, folder):
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "out.eml").write_bytes(b"before")
    (folder / "link.eml").symlink_to("elsewhere/out.eml")
    assert run("resend", "sent.eml", *DAN, *ME, *HERE, "--save-bytes", "link.eml").returncode == 0
    assert (folder / "link.eml").is_symlink()
    assert (folder / "elsewhere" / "out.eml").read_bytes().startswith(b"From: Ines")
    assert list(folder.rglob("*.tmp")) == []


@pytest.mark.parametrize("name", ["box", "mbox:box"])
def test_where_there_is_no_mail_yet_all_is_well_and_a_note_says_so(run, folder, name):
    if name == "box":
        for part in ("cur", "new", "tmp"):
            (folder / "box" / part).mkdir(parents=True)
    else:
        (folder / "box").write_bytes(b"")
    done = run("redirect", name, *DAN, *ME, *HERE)
    assert (done.returncode, said(done)) == (0, f"note: nothing was found in {name}\n")
    assert run("redirect", name, *DAN, *ME, *HERE, "-q").stderr == b""


def test_where_one_mail_is_meant_none_is_an_error(run, folder):
    (folder / "box").write_bytes(b"")
    done = run("show", "mbox:box")
    assert (done.returncode, said(done)) == (66, "ccc: there is no message in 'mbox:box'; check its name\n")
