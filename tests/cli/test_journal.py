"""What a user sees of the journal: repeating a command is safe, and what is in doubt is asked about."""

import json
import os
import re
import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import MAIL, several
from tests.lab.sink import EVERYTHING, Sink

DAN = ("--to", "dan@example.org")
ME = ("--from", "ines@example.org")


def said(done):
    return done.stderr.decode()


def to(sink):
    return ("--smtp", f"smtp://127.0.0.1:{sink.port}")


@pytest.fixture
def sink():
    with Sink(EVERYTHING, rcpt={"refused@example.org": "550 5.1.1 no such user"}) as sink:
        yield sink


@pytest.fixture
def later():
    """A server that defers the first try of one recipient."""
    with Sink(EVERYTHING, rcpt={"eve@example.org": ["451 4.2.0 later", "250 ok"]}) as sink:
        yield sink


def in_doubt(run, folder):
    """A delivery whose answer never came: the ID of its entry."""
    with Sink(EVERYTHING, verbs={"BDAT": ""}) as silent:
        done = run("resend", "sent.eml", *DAN, *ME, *to(silent))
    assert done.returncode == 75
    return re.search(r"ccc retry (\w+) --in-doubt", said(done))[1]


def test_a_command_that_is_repeated_sends_nothing_and_ends_well(run, sink):
    for _ in range(3):
        done = run("resend", "sent.eml", *DAN, *ME, *to(sink))
        assert done.returncode == 0
    assert sink.messages == 1
    assert re.fullmatch(
        r"sent\.eml: dan@example\.org already delivered \d{4}-\d\d-\d\d \d\d:\d\d, --again to repeat\n",
        said(done),
    )


def test_quiet_says_nothing_of_it(run, sink):
    for _ in range(2):
        done = run("resend", "sent.eml", *DAN, *ME, *to(sink), "-q")
    assert (done.returncode, done.stderr, sink.messages) == (0, b"", 1)


def test_again_sends_it_again(run, sink):
    for again in ((), ("--again",)):
        done = run("resend", "sent.eml", *DAN, *ME, *to(sink), *again)
    assert (done.returncode, sink.messages) == (0, 2)


def test_no_journal_keeps_no_record(run, sink):
    for _ in range(2):
        run("resend", "sent.eml", *DAN, *ME, *to(sink), "--no-journal")
    assert sink.messages == 2
    assert os.listdir(os.environ["CCC_STATE_DIR"]) == []


def test_again_without_a_journal_is_64(run, sink):
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink), "--no-journal", "--again")
    assert (done.returncode, sink.messages) == (64, 0)
    assert "--again is about the journal" in said(done)


def test_a_rehearsal_is_not_recorded(run):
    for _ in range(2):
        assert run("resend", "sent.eml", *DAN, *ME, "--via", "maildir:md").returncode == 0
    assert os.listdir(os.environ["CCC_STATE_DIR"]) == []


def test_a_dry_run_records_nothing_and_makes_no_folder(run, sink, folder):
    state = folder / "nowhere"
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink), "-n", env={"CCC_STATE_DIR": str(state)})
    assert (done.returncode, sink.messages, state.exists()) == (0, 0, False)


def test_a_dry_run_shows_who_has_it_already(run, sink):
    run("resend", "sent.eml", *DAN, *ME, *to(sink))
    done = run("resend", "sent.eml", *DAN, "--to", "eve@example.org", *ME, *to(sink), "-n")
    assert re.search(r"dan@example\.org +already delivered \d{4}-", said(done))
    assert re.search(r"eve@example\.org +new", said(done))


def test_a_dry_run_in_json_has_what_is_known(run, sink):
    run("resend", "sent.eml", *DAN, *ME, *to(sink))
    (known,) = json.loads(run("resend", "sent.eml", *DAN, *ME, *to(sink), "-n", "--json").stdout)["known"]
    assert (known["recipient"], known["state"]) == ("dan@example.org", "accepted")
    assert known["since"] > 0


def test_only_the_missing_are_tried_again(run, later):
    both = ("--to", "dan@example.org", "--to", "eve@example.org")
    first = run("resend", "sent.eml", *both, *ME, *to(later))
    second = run("resend", "sent.eml", *both, *ME, *to(later))
    assert (first.returncode, second.returncode) == (75, 0)
    assert [t.forward_paths for t in later.transactions] == [("dan@example.org",), ("eve@example.org",)]
    assert later.transactions[0].content == later.transactions[1].content
    assert "dan@example.org already delivered" in said(second)
    assert "sent sent.eml to eve@example.org" in said(second)


def test_who_was_refused_stays_refused(run, sink):
    for _ in range(2):
        done = run("resend", "sent.eml", "--to", "refused@example.org", *ME, *to(sink))
        assert done.returncode == 69
    assert sum(line.startswith(b"RCPT") for s in sink.sessions for line in s.commands) == 1
    assert re.search(r"refused \d{4}-.* 550 5\.1\.1 no such user; --again tries once more", said(done))


def test_deferred_names_the_command_that_tries_again(run, later):
    done = run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(later))
    name = re.search(r"`ccc retry (\w+)` tries again", said(done))[1]
    again = run("retry", name)
    assert again.returncode == 0
    assert "sent sent.eml to eve@example.org" in said(again)


def test_retry_takes_what_is_due_and_says_when_the_rest_is(run, later):
    run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(later))
    done = run("retry")
    assert (done.returncode, later.messages) == (0, 0)
    assert re.search(
        r"nothing is due\nwaiting: 1 delivery for a later attempt, the next one at \d{4}-\d\d-\d\d ",
        said(done),
    )


def test_retry_all_takes_everything(run, later):
    run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(later))
    done = run("retry", "--all", "--json")
    assert (done.returncode, later.messages) == (0, 1)
    receipt = json.loads(done.stdout)
    assert receipt["outcomes"][0]["state"] == "accepted"
    assert receipt["id"] == receipt["outcomes"][0]["id"]


def test_retry_with_nothing_to_do_is_quiet_in_cron(run):
    done = run("retry", "-q")
    assert (done.returncode, done.stderr, done.stdout) == (0, b"", b"")
    assert "the journal is empty" in said(run("retry"))


def test_retry_goes_another_way_if_it_is_told_one(run, sink):
    run("resend", "sent.eml", *DAN, *ME, "--smtp", "smtp://127.0.0.1:1")
    assert run("retry", "--all").returncode == 75
    done = run("retry", "--all", *to(sink))
    assert (done.returncode, sink.messages) == (0, 1)


def test_retry_without_its_password_is_77_and_nothing_is_lost(run, folder):
    with Sink(EVERYTHING, mechanisms=("PLAIN",)) as sink:
        server = ("--smtp", f"smtp://user@127.0.0.1:{sink.port}")
        password = ("--password-command", "echo secret")
        down = ("--smtp", "smtp://user@127.0.0.1:1", "--password-fd", "0")
        run("resend", "sent.eml", *DAN, *ME, *down, stdin=b"secret\n")
        done = run("retry", "--all")
        assert done.returncode == 77
        assert "no password for user" in said(done)
        assert run("retry", "--all", *server, *password).returncode == 0
        assert sink.messages == 1


def test_retry_logs_in_with_the_command_that_was_given_then(run):
    with Sink(EVERYTHING, mechanisms=("PLAIN",), rcpt={"dan@example.org": ["451 later", "250 ok"]}) as sink:
        server = ("--smtp", f"smtp://user@127.0.0.1:{sink.port}")
        run("resend", "sent.eml", *DAN, *ME, *server, "--password-command", "echo secret")
        assert run("retry", "--all").returncode == 0
        assert [t.user for t in sink.transactions] == ["user"]


def test_retry_goes_the_way_of_the_last_command_that_named_it(run, later):
    run("resend", "sent.eml", "--to", "eve@example.org", *ME, "--smtp", "smtp://127.0.0.1:1")
    assert run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(later)).returncode == 75
    assert (run("retry", "--all").returncode, later.messages) == (0, 1)


def test_a_rehearsal_does_not_settle_what_was_deferred(run, sink):
    run("resend", "sent.eml", *DAN, *ME, "--smtp", "smtp://127.0.0.1:1")
    done = run("retry", "--all", "--via", "maildir:rehearsal")
    assert (done.returncode, "is a rehearsal" in said(done)) == (64, True)
    assert run("retry", "--all", *to(sink)).returncode == 0
    assert sink.messages == 1


def test_retry_of_an_id_that_an_empty_journal_does_not_know_is_66(run):
    done = run("retry", "k3f9xq7m")
    assert (done.returncode, "no entry 'k3f9xq7m'" in said(done)) == (66, True)


def test_retry_of_what_is_in_doubt_says_what_can_be_done_about_it(run, folder):
    name = in_doubt(run, folder)
    done = run("retry", name[:7])
    assert said(done) == (
        f"nothing of {name} is to be sent: dan@example.org is in doubt; it may have arrived, so ask the "
        f"recipient; `ccc retry {name} --in-doubt resend` sends it again, `--in-doubt drop` closes it\n"
    )


def test_what_is_dropped_twice_says_that_there_is_nothing_to_drop(run, folder):
    name = in_doubt(run, folder)
    run("retry", "--in-doubt", "drop")
    assert said(run("retry", "--in-doubt", "drop")) == "nothing is in doubt\n"
    assert said(run("retry", name, "--in-doubt", "drop")) == f"nothing of {name} is in doubt\n"
    assert run("retry", "--in-doubt", "drop", "-q").stderr == b""


def test_what_was_dropped_has_no_cure_that_does_nothing(run, folder):
    name = in_doubt(run, folder)
    run("retry", name, "--in-doubt", "drop")
    assert b"--in-doubt" not in run("log", name).stdout


def test_what_was_planned_anew_has_no_cure_that_does_nothing(run, sink):
    run("resend", "sent.eml", *DAN, *ME, "--smtp", "smtp://127.0.0.1:1")
    name = run("log").stdout.split()[-2].decode()
    run("resend", "sent.eml", *DAN, *ME, *to(sink), "--again")
    assert b"check host" not in run("log", name).stdout


def test_all_and_an_id_are_64(run):
    assert run("retry", "k3f9xq7m", "--all").returncode == 64


def test_what_is_in_doubt_is_held(run, folder, sink):
    name = in_doubt(run, folder)
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink))
    assert (done.returncode, sink.messages) == (75, 0)
    assert f"`ccc retry {name} --in-doubt resend` sends it again, `--in-doubt drop` closes it" in said(done)


def test_other_runs_say_one_line_about_what_is_in_doubt(run, folder, sink):
    in_doubt(run, folder)
    other = several(folder, 3)[2]
    done = run("resend", other, *DAN, *ME, *to(sink))
    assert (done.returncode, sink.messages) == (0, 1)
    assert said(done).endswith(
        "note: 1 delivery is in doubt from earlier: `ccc log --state in-doubt` says which\n"
    )
    assert run("resend", other, *DAN, *ME, *to(sink), "-q").stderr == b""


def test_what_is_in_doubt_is_sent_again_when_the_user_says_so(run, folder, sink):
    name = in_doubt(run, folder)
    done = run("retry", name, "--in-doubt", "resend", *to(sink))
    assert (done.returncode, sink.messages) == (0, 1)
    assert "it may be a second copy" in said(done)
    assert b"it may be a second one" in run("log", name).stdout


def test_what_is_in_doubt_is_dropped_when_the_user_says_so(run, folder, sink):
    name = in_doubt(run, folder)
    done = run("retry", "--in-doubt", "drop")
    assert (done.returncode, said(done)) == (0, f"dropped {name}: dan@example.org is not sent to again\n")
    again = run("resend", "sent.eml", *DAN, *ME, *to(sink))
    assert (again.returncode, sink.messages) == (1, 0)
    assert "closed by you while it was in doubt; --again sends it" in said(again)
    assert run("resend", "sent.eml", *DAN, *ME, *to(sink), "--again").returncode == 0


def test_a_configuration_can_say_that_what_is_in_doubt_is_sent_again(run, folder, sink):
    in_doubt(run, folder)
    (folder / "config.toml").write_text('in_doubt = "resend"\n')
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink), "--config", "config.toml")
    assert (done.returncode, sink.messages) == (0, 1)
    assert "it may be a second copy" in said(done)


def test_a_configuration_with_a_wrong_key_is_78_before_anything_is_sent(run, folder, sink):
    (folder / "config.toml").write_text('in_dubt = "resend"\n')
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink), env={"CCC_CONFIG": str(folder / "config.toml")})
    assert (done.returncode, sink.messages) == (78, 0)


def test_at_a_terminal_what_is_in_doubt_is_a_question(run, at_terminal, folder, sink):
    in_doubt(run, folder)
    screen = at_terminal(
        f"ccc resend sent.eml --to dan@example.org --from ines@example.org {' '.join(to(sink))}"
    )
    screen.until("no answer came, so dan@example.org may have sent.eml already. Send it there again? [y/n]")
    screen.answer("y")
    panels = screen.until("Send it to dan@example.org? [y/n]")
    assert re.search(r"in doubt \d{4}-\d\d-\d\d \d\d:\d\d, gets it again", panels)
    screen.answer("y")
    assert screen.end()[1] == 0
    assert sink.messages == 1


def test_a_no_to_that_question_leaves_it_alone(run, at_terminal, folder, sink):
    in_doubt(run, folder)
    screen = at_terminal(
        f"ccc resend sent.eml --to dan@example.org --from ines@example.org {' '.join(to(sink))}"
    )
    screen.until("Send it there again? [y/n]")
    screen.answer("n")
    rest, status = screen.end()
    assert (status, sink.messages) == (75, 0)
    assert "in doubt" in rest


def test_yes_does_not_answer_the_question_about_doubt(run, folder, sink, at_terminal):
    in_doubt(run, folder)
    people = "--to dan@example.org --from ines@example.org"
    screen = at_terminal(f"ccc resend sent.eml {people} {' '.join(to(sink))} --yes")
    assert (screen.end()[1], sink.messages) == (75, 0)


def test_at_a_terminal_nothing_is_asked_about_who_has_it(run, at_terminal, sink):
    run("resend", "sent.eml", *DAN, *ME, *to(sink))
    screen = at_terminal(
        f"ccc resend sent.eml --to dan@example.org --from ines@example.org {' '.join(to(sink))}"
    )
    rest, status = screen.end()
    assert (status, sink.messages) == (0, 1)
    assert "already delivered" in rest
    assert "[y/n]" not in rest


def test_the_question_names_only_those_who_will_get_it(run, at_terminal, sink):
    run("resend", "sent.eml", *DAN, *ME, *to(sink))
    people = "--to dan@example.org --to eve@example.org --from ines@example.org"
    screen = at_terminal(f"ccc resend sent.eml {people} {' '.join(to(sink))}")
    screen.until("Send it to eve@example.org? [y/n]")
    screen.answer("n")
    assert screen.end()[1] == 1


def test_no_password_is_asked_for_what_went_out_before(run, at_terminal):
    with Sink(EVERYTHING, mechanisms=("PLAIN",)) as sink:
        server = f"--smtp smtp://user@127.0.0.1:{sink.port}"
        people = "--to dan@example.org --from ines@example.org"
        assert (
            run(
                "resend", "sent.eml", *people.split(), *server.split(), "--password-command", "echo secret"
            ).returncode
            == 0
        )
        screen = at_terminal(f"ccc resend sent.eml {people} {server}")
        assert screen.end()[1] == 0


def test_no_secret_is_in_the_journal(run, folder):
    (folder / "secret").write_text("c4nary-secret\n")
    with Sink(EVERYTHING, mechanisms=("PLAIN",)) as sink:
        server = ("--smtp", f"smtp://user@127.0.0.1:{sink.port}")
        done = run("resend", "sent.eml", *DAN, *ME, *server, "--password-fd", "0", stdin=b"c4nary-secret\n")
        assert (done.returncode, b"535" in done.stderr) == (77, True)
        done = run("resend", "sent.eml", *DAN, *ME, *server, "--password-command", "cat secret")
        assert (done.returncode, b"535" in done.stderr) == (77, True)
    files = [file for file in Path(os.environ["CCC_STATE_DIR"]).rglob("*") if file.is_file()]
    assert files
    assert all(b"c4nary" not in file.read_bytes() for file in files)


def test_a_journal_that_cannot_be_written_is_73_and_nothing_is_sent(run, sink, folder):
    state = folder / "state"
    state.write_text("not a folder")
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink), env={"CCC_STATE_DIR": str(state)})
    assert (done.returncode, sink.messages) == (73, 0)
    assert "--no-journal" in said(done)


def test_a_damaged_journal_is_73_and_nothing_is_sent(run, sink):
    run("resend", "sent.eml", *DAN, *ME, *to(sink))
    (Path(os.environ["CCC_STATE_DIR"]) / "journal.db").write_bytes(b"x" * 8192)
    done = run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(sink))
    assert (done.returncode, sink.messages) == (73, 1)
    assert "is damaged" in said(done)


def test_the_subject_is_not_kept_unless_the_user_wants_that(run, sink, folder):
    config = folder / "config.toml"
    config.write_text("journal_subjects = true\n")
    run("resend", "sent.eml", *DAN, *ME, *to(sink))
    run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(sink), "--config", str(config))
    with sqlite3.connect(Path(os.environ["CCC_STATE_DIR"]) / "journal.db") as database:
        assert database.execute("SELECT subject FROM entry ORDER BY id").fetchall() == [
            (None,),
            ("Minutes of Tuesday",),
        ]
    database.close()


def test_what_waits_in_a_batch_is_skipped_in_the_next_run(run, sink, folder):
    files = several(folder, 5)
    run("resend", *files[:3], *DAN, *ME, *to(sink))
    done = run("resend", *files, *DAN, *ME, *to(sink))
    assert (done.returncode, sink.messages) == (0, 5)
    assert said(done).count("already delivered") == 3


def test_the_same_mail_of_another_file_is_the_same_mail(run, sink, folder):
    (folder / "copy.eml").write_bytes(b"Received: from x by y; z\n" + MAIL)
    run("resend", "sent.eml", *DAN, *ME, *to(sink))
    done = run("resend", "copy.eml", *DAN, *ME, *to(sink))
    assert (done.returncode, sink.messages) == (0, 1)


def test_retry_of_what_is_in_doubt_alone_is_75(run, folder):
    name = in_doubt(run, folder)
    done = run("retry", name)
    assert done.returncode == 75
    assert f"`ccc retry {name} --in-doubt resend` sends it again" in said(done)
    assert run("retry").returncode == 0


def test_what_is_in_doubt_is_held_if_it_would_go_out_in_another_way(run, folder, sink):
    in_doubt(run, folder)
    (folder / "config.toml").write_text('in_doubt = "resend"\n')
    other = ("--bcc", "dan@example.org", *ME, *to(sink), "--config", "config.toml")
    done = run("resend", "sent.eml", *other)
    assert (done.returncode, sink.messages) == (75, 0)
    assert "--in-doubt resend" in said(done)


def test_no_question_about_what_would_go_out_in_another_way(run, folder, sink, at_terminal):
    in_doubt(run, folder)
    people = "--bcc dan@example.org --from ines@example.org"
    screen = at_terminal(f"ccc resend sent.eml {people} {' '.join(to(sink))}")
    rest, status = screen.end()
    assert (status, sink.messages) == (75, 0)
    assert "[y/n]" not in rest


def test_what_was_dropped_and_is_sent_anew_may_be_a_second_copy(run, folder, sink):
    in_doubt(run, folder)
    run("retry", "--in-doubt", "drop")
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink), "--again")
    assert (done.returncode, sink.messages) == (0, 1)
    assert "it may be a second copy" in said(done)


def test_a_dry_run_says_who_gets_it_again(run, later):
    run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(later))
    done = run("resend", "sent.eml", "--to", "eve@example.org", *ME, *to(later), "-n")
    assert re.search(r"eve@example\.org +deferred \d{4}-\d\d-\d\d \d\d:\d\d, gets it again", said(done))


def test_a_configuration_that_is_named_must_be_there_whatever_it_would_say(run, sink):
    done = run("resend", "sent.eml", *DAN, *ME, *to(sink), "--no-journal", "--config", "nope.toml")
    assert (done.returncode, sink.messages) == (78, 0)


def test_a_batch_at_a_terminal_says_of_each_mail_what_becomes_of_it(run, at_terminal, folder, sink):
    first, second = several(folder, 2)
    way = (*DAN, *ME, *to(sink))
    assert run("redirect", first, *way).returncode == 0
    both = f"ccc redirect {first} {second} {' '.join(way)}"
    screen = at_terminal(both)
    seen = " ".join(screen.until("[y/n]").split())
    screen.answer("y")
    screen.end()
    assert "1 already delivered" in seen
    assert "Resent-To dan@example.org new, gets it │" in seen  # in the one that goes out
    assert f"Send {second} to dan@example.org?" in seen
    seen = " ".join(at_terminal(both).end()[0].split())
    assert ("(2 of 2)" in seen, "new" in seen) == (True, False)
