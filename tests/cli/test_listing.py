"""`ccc list` against a real Dovecot."""

import json
import re

import pytest

from ccc.cli.listing import table
from ccc.cli.main import run
from ccc.cli.shelf import Row, octets, search_of
from ccc.imap.search import search_keys
from tests.cli.inbox import inbox
from tests.docs.pages import ROOT


@pytest.fixture
def box(dovecot, authority, folder):
    return inbox(dovecot, authority, folder)


@pytest.fixture
def ended(box, capfd):
    """How `ccc list` ends in this process: its status, what it prints, and what it says."""

    def ended(*arguments, config=box.config):
        status = run(["list", *arguments, "--config", str(config)])
        printed, said = capfd.readouterr()
        return status, printed.splitlines(), said

    return ended


@pytest.fixture
def listed(ended):
    """What it prints and says when it ends well."""

    def listed(*arguments):
        status, lines, said = ended(*arguments)
        assert status == 0, said
        return lines, said

    return listed


def test_the_newest_mails_stand_first_with_what_redirect_calls_them(box, listed):
    box.put("first", flags="(\\Seen \\Answered)")
    box.put("second", flags="(\\Flagged $Forwarded)")
    lines, said = listed()
    assert [re.sub(r" +", " ", re.sub(r"\d{4}-\S+ \S+", "WHEN", line)) for line in lines] == [
        "imap:2 WHEN NFP 70 B Ann <ann@b.test> second",
        "imap:1 WHEN A 69 B Ann <ann@b.test> first",
    ]
    assert said == f"note: INBOX of work, UIDVALIDITY {box.uidvalidity()}: all of it\n"


def test_in_a_folder_for_sent_mail_those_are_shown_who_got_it(box, listed):
    box.put("mine", folder="Sent", author="Me <me@example.org>")
    (line,), _ = listed("--folder", "Sent")
    assert re.search(r" B  to me@example\.org +mine$", line)
    (line,), _ = listed("--folder", "Sent", "--json")
    assert (json.loads(line)["from"], json.loads(line)["to"]) == ("Me <me@example.org>", "me@example.org")


def test_a_list_ends_at_its_limit_and_says_that_there_is_more(box, listed):
    box.put("mail 27", "mail 28", "mail 29")
    lines, said = listed("--limit", "2")
    assert [line.split()[-1] for line in lines] == ["29", "28"]
    assert said.endswith("the newest 2; --limit N lists more\n")


def test_looking_marks_nothing_as_read(box, listed):
    box.put("unread")
    listed()
    assert "\\Seen" not in box.flags()[0]


def test_words_are_looked_for_on_the_server(box, listed):
    box.put("Annual report", "Lunch")
    box.put("about nothing", author="Report Annual <x@b.test>")
    lines, _ = listed("report", "annual")
    assert [line.split()[0] for line in lines] == ["imap:3", "imap:1"]


def test_a_search_with_keys_is_one(box, listed):
    box.put("budget plan", "plan")
    lines, _ = listed("SUBJECT", "budget plan", "NOT", "SEEN")
    assert [line.split()[0] for line in lines] == ["imap:1"]


def test_json_is_an_object_for_each_mail_and_every_key_of_it_is_explained(box, listed):
    box.put("Grüße \x1b[31m")
    (line,), _ = listed("--json")
    mail = json.loads(line)
    validity = box.uidvalidity()
    assert mail["source"] == f"imap:INBOX/{validity}:1"
    assert (mail["schema"], mail["uidvalidity"], mail["folder"]) == (1, validity, "INBOX")
    assert "\x1b" not in line
    explained = set(re.findall(r"`([a-z_0-9]+)`", (ROOT / "docs" / "json.md").read_text()))
    assert set(mail) - explained == set()


def test_a_mail_of_another_folder_is_called_by_it(box, listed):
    box.put("sent", folder="Sent")
    lines, _ = listed("--folder", "Sent")
    assert lines[0].startswith("imap:Sent/1 ")


def test_hostile_subjects_are_made_harmless(box, listed):
    box.put("=?utf-8?q?=1B=5B31m=0A250_ok?=")
    lines, _ = listed()
    assert len(lines) == 1
    assert "\\x1b[31m" in lines[0]


def test_an_empty_folder_is_said_to_be_one(listed, box):
    lines, said = listed("nothing")
    assert (lines, "nothing was found in INBOX of work" in said) == ([], True)


def test_quiet_says_nothing(listed, box):
    assert listed("--quiet") == ([], "")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--folder", "Nowhere"), 66, "'Nowhere'"),
        (("SINCE", "yesterday"), 64, "SINCE yesterday is no date"),
        (("-a", "other"), 64, "other"),
    ],
)
def test_what_cannot_be_listed_is_an_error_with_a_cure(ended, arguments, status, said):
    found, lines, words = ended(*arguments)
    assert (found, lines, said in words) == (status, [], True), words


def test_without_an_account_there_is_nothing_to_list(ended, tmp_path):
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    status, _, said = ended(config=empty)
    assert (status, "ccc account add" in said) == (78, True)


@pytest.mark.parametrize(
    ("query", "search"),
    [
        ((), "ALL"),
        (("report",), 'OR FROM "report" OR TO "report" SUBJECT "report"'),
        (("a b",), 'OR FROM "a" OR TO "a" SUBJECT "a" OR FROM "b" OR TO "b" SUBJECT "b"'),
        (("FROM boss NOT SEEN",), "FROM boss NOT SEEN"),
        (("FROM", "John Smith"), 'FROM "John Smith"'),
        (("(FROM", "x)"), "(FROM x)"),
        (("FROM", "'tHooft"), 'FROM "\'tHooft"'),
        (("from",), 'OR FROM "from" OR TO "from" SUBJECT "from"'),
        (('say"\\',), 'OR FROM "say\\"\\\\" OR TO "say\\"\\\\" SUBJECT "say\\"\\\\"'),
    ],
)
def test_a_query_is_words_or_a_search(query, search):
    assert search_of(query) == search
    assert search_keys(search)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (5 * 10**12, "5000 GB"),
    ],
)
def test_a_size_is_short(size, text):
    assert octets(size) == text


def test_columns_are_as_wide_as_what_stands_in_them():
    rows = [
        ("imap:1", Row("d", "N", "1 B", "Ann", "x")),
        ("imap:10", Row("d", "NA", "12 kB", "Bob Ray", "y")),
    ]
    assert list(table(rows)) == [
        "imap:1   d                 N      1 B  Ann      x",
        "imap:10  d                 NA   12 kB  Bob Ray  y",
    ]
