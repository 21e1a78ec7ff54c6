import pytest

from ccc.routes.named import find_sendmail
from tests.cli.conftest import MAIL, another, plain, several

RESEND = "ccc resend sent.eml --to 'Dan Oko <dan@example.org>' --from ines@example.org --via maildir:md"


def delivered(folder):
    return len(list(folder.glob("md/*/new/*")))


def rows(screen):
    """What the panels say, without frames."""
    return [" ".join(line.strip("│╭╮╰╯─ \r").split()) for line in screen.split("\n")]


def test_both_panels_come_before_the_question(at_terminal, folder):
    screen = at_terminal(RESEND)
    shown = rows(screen.until("Send it to Dan Oko <dan@example.org>? [y/n] "))
    assert shown.index("Envelope: who gets it") < shown.index("Header: what they see")
    assert "to Dan Oko <dan@example.org> new, gets it" in shown
    assert "To Ann Lee <ann@example.com> seen, not sent" in shown
    assert "Cc Bob Ray <bob@example.net> seen, not sent" in shown
    assert "Dan Oko <dan@example.org> new, gets it" in shown
    assert "by maildir md" in " ".join(shown)
    assert delivered(folder) == 0
    screen.answer("y")
    rest, status = screen.end()
    assert status == 0
    assert "sent sent.eml to dan@example.org" in rest
    assert delivered(folder) == 1


@pytest.mark.parametrize("answer", ["n", "no", "N"])
def test_no_ends_the_run_and_sends_nothing(at_terminal, folder, answer):
    screen = at_terminal(RESEND)
    screen.until("[y/n] ")
    screen.answer(answer)
    rest, status = screen.end()
    assert (status, delivered(folder)) == (1, 0)
    assert "nothing was sent" in rest


def test_the_end_of_file_is_a_no(at_terminal, folder):
    screen = at_terminal(RESEND)
    screen.until("[y/n] ")
    screen.press("d")
    assert (screen.end()[1], delivered(folder)) == (1, 0)


def test_control_c_at_the_question_interrupts(at_terminal, folder):
    screen = at_terminal(RESEND)
    screen.until("[y/n] ")
    screen.press("c")
    rest, status = screen.end()
    assert (status, delivered(folder)) == (130, 0)
    assert "Traceback" not in rest


def test_an_unclear_answer_is_asked_again(at_terminal, folder):
    screen = at_terminal(RESEND)
    screen.until("[y/n] ")
    screen.answer("perhaps")
    screen.until("please answer y or n")
    screen.until("[y/n] ")
    screen.answer("yes")
    assert (screen.end()[1], delivered(folder)) == (0, 1)


def test_a_message_on_standard_input_can_be_asked_about(at_terminal, folder):
    screen = at_terminal("cat sent.eml | " + RESEND.replace("sent.eml", "-"))
    screen.until("[y/n] ")
    screen.answer("y")
    assert (screen.end()[1], delivered(folder)) == (0, 1)


def test_yes_shows_the_panels_and_asks_nothing(at_terminal, folder):
    rest, status = at_terminal(RESEND + " --yes").end()
    assert (status, delivered(folder)) == (0, 1)
    assert "Envelope: who gets it" in rest
    assert "[y/n]" not in rest


def test_a_dry_run_asks_nothing(at_terminal, folder):
    rest, status = at_terminal(RESEND + " -n").end()
    assert (status, delivered(folder)) == (0, 0)
    assert "Header: what they see" in rest
    assert "nothing was sent: this was a dry run" in rest
    assert "[y/n]" not in rest


def test_without_a_terminal_on_stderr_nothing_is_asked(at_terminal, folder):
    _, status = at_terminal(RESEND + " 2>words").end()
    assert (status, delivered(folder)) == (0, 1)
    assert "[y/n]" not in (folder / "words").read_text()


def test_a_batch_is_one_table_and_one_question(at_terminal, folder):
    for number, name in enumerate(("a.eml", "b.eml")):
        (folder / name).write_bytes(another(number))
    (folder / "bad.eml").write_bytes(b"nothing\n")
    screen = at_terminal(RESEND.replace("sent.eml", "a.eml bad.eml b.eml"))
    shown = screen.until("Send these 2 messages to Dan Oko <dan@example.org>? [y/n] ")
    assert shown.count("Header: what they see") == 1
    assert "ccc: bad.eml: " in shown
    screen.answer("y")
    rest, status = screen.end()
    assert (status, delivered(folder)) == (65, 2)
    assert "[y/n]" not in rest


def test_when_no_message_can_be_sent_nothing_is_asked(at_terminal):
    rest, status = at_terminal(RESEND.replace("sent.eml", "gone.eml")).end()
    assert status == 66
    assert "[y/n]" not in rest


def test_whoever_may_have_it_already_is_part_of_the_question(at_terminal, folder):
    screen = at_terminal("ccc resend sent.eml --to bob@example.net --via maildir:md")
    shown = screen.until("[y/n] ")
    assert "bob@example.net may have it already. Send it to bob@example.net all the same?" in shown
    screen.answer("y")
    assert (screen.end()[1], delivered(folder)) == (0, 1)


@pytest.mark.parametrize("columns", [60, 200])
def test_narrow_and_wide_terminals_show_every_address_whole(at_terminal, columns):
    rest, _ = at_terminal(RESEND + " -n", columns=columns).end()
    assert max(map(len, rest.replace("\r", "").split("\n"))) <= columns
    for address in ("<dan@example.org>", "<ann@example.com>", "<bob@example.net>"):
        assert address in rest


HOSTILE = (
    b"From: Ines <ines@example.org>\n"
    b"To: =?utf-8?b?G1sySm5hbWU=?= <a@example.com>, =?utf-8?q?=E2=80=AEevil?= <b@example.com>\n"
    b"Subject: =?utf-8?b?G10wO3RpdGxlBxtbMkobWzMxbXJlZA==?= [bold]x[/bold] [/nonsense] [link=http://x]y\n"
    b"Date: \x1b[2J\n\nx\n"
)


def test_nothing_from_a_message_acts_on_the_terminal(at_terminal, folder):
    (folder / "sent.eml").write_bytes(HOSTILE)
    screen = at_terminal(RESEND + " -n", NO_COLOR="1", columns=200)
    screen.child.expect_exact("this was a dry run")
    raw = screen.child.before.decode()
    assert "\x1b]0" not in raw
    assert "\x1b[2J" not in raw
    assert "\x1b[31m" not in raw
    assert "\u202e" not in raw
    assert r"\x1b[2J" in raw
    assert "[bold]x[/bold] [/nonsense] [link=http://x]y" in " ".join(rows(plain(raw)))


def test_no_color_means_no_colour(at_terminal):
    screen = at_terminal(RESEND + " -n", NO_COLOR="1")
    screen.child.expect_exact("this was a dry run")
    assert "\x1b[32m" not in screen.child.before.decode()
    assert "\x1b[1;32m" not in screen.child.before.decode()


def test_color_never_means_no_escape_at_all(at_terminal):
    screen = at_terminal(RESEND + " -n --color never")
    screen.child.expect_exact("this was a dry run")
    assert "\x1b" not in screen.child.before.decode()


def test_an_address_that_poses_as_a_name_shows_the_real_one_in_bold(at_terminal, folder):
    (folder / "sent.eml").write_bytes(MAIL.replace(b"Ann Lee", b'"boss@example.org"'))
    screen = at_terminal(RESEND + " -n")
    screen.child.expect_exact("this was a dry run")
    assert "\x1b[1mann@example.com>" in screen.child.before.decode()


def test_a_local_sendmail_is_offered_where_nothing_else_is_named(at_terminal, folder):
    rest, status = at_terminal(RESEND.replace("--via maildir:md", "--yes -n")).end()
    offered = [row for row in rows(rest) if row.startswith("by sendmail ")]
    assert (status, len(offered)) == (0, find_sendmail() is not None)


def test_the_password_is_asked_for_after_the_question(at_terminal):
    screen = at_terminal(RESEND.replace("--via maildir:md", "--smtp smtps://me@localhost:1"))
    screen.until("[y/n] ")
    screen.answer("y")
    screen.until("Password for me at localhost: ")
    screen.press("c")
    assert screen.end()[1] == 130


def test_a_big_batch_shows_a_bar(at_terminal, folder):
    sources = " ".join(several(folder, 30))
    rest, status = at_terminal(RESEND.replace("sent.eml", sources) + " --yes").end()
    assert (status, delivered(folder)) == (0, 30)
    assert "30/30" in rest
