import os

import click
import pytest

from ccc.address import Mailbox
from ccc.cli import values
from ccc.delivery import Dsn
from ccc.errors import UsageError

PARAM = click.Option(["--to"])
CONTEXT = click.Context(click.Command("ccc"))


def addresses(*given):
    return [mailbox.addr_spec for mailbox in values.addresses(CONTEXT, PARAM, given)]


def test_every_use_of_an_option_and_every_address_in_it_counts():
    assert addresses("Ann <a@x.example>, b@x.example", "c@x.example") == [
        "a@x.example",
        "b@x.example",
        "c@x.example",
    ]


def test_a_file_has_an_address_on_each_line_and_comments(tmp_path):
    file = tmp_path / "people"
    file.write_text("\ufeff# all of them\na@x.example\n\n  # not these\nBob <b@x.example>, c@x.example\n")
    assert addresses(f"@{file}") == ["a@x.example", "b@x.example", "c@x.example"]


def test_an_address_in_a_file_is_wrong_at_its_line(tmp_path):
    file = tmp_path / "people"
    file.write_text("a@x.example\nb@\n")
    with pytest.raises(UsageError, match=rf"--to @{file}, line 2: address 'b@'"):
        addresses(f"@{file}")


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "people"
    if content:
        file.write_bytes(content)
    with pytest.raises(UsageError, match=f"--to @{file}: the file cannot be read: ") as caught:
        addresses(f"@{file}")
    assert caught.value.cure == "an @FILE has one address on each line"


@pytest.mark.parametrize("text", ["", "x", "a@b@c", "x@y> NOTIFY=NEVER", "a@x.example\r\nRCPT"])
def test_a_wrong_address_names_the_option_and_how_to_write_one(text):
    with pytest.raises(UsageError, match="--to: ") as caught:
        addresses(text)
    assert caught.value.cure


def test_one_address_is_one():
    assert values.address(CONTEXT, PARAM, "Ann <a@x.example>") == Mailbox("a", "x.example", "Ann")
    assert values.address(CONTEXT, PARAM, None) is None
    with pytest.raises(UsageError):
        values.address(CONTEXT, PARAM, "a@x.example, b@x.example")


def test_a_command_is_split_as_a_shell_splits_it():
    split = values.command_line(CONTEXT, PARAM, "pass show 'my mail'")
    assert split == ("pass", "show", "my mail")
    assert values.command_line(CONTEXT, PARAM, None) is None


@pytest.mark.parametrize("text", ["", "  ", "pass 'show"])
def test_a_command_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="--to: "):
        values.command_line(CONTEXT, PARAM, text)


@pytest.mark.parametrize("text", ["0.5", "30", "1e2"])
def test_seconds_are_a_number(text):
    assert values.number(float, 0.001, "number of seconds")(CONTEXT, PARAM, text) == float(text)


@pytest.mark.parametrize("text", ["", "x", "0", "-1", "nan", "inf"])
def test_what_is_no_number_of_seconds_is_refused(text):
    with pytest.raises(UsageError, match="is no number of seconds"):
        values.number(float, 0.001, "number of seconds")(CONTEXT, PARAM, text)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("never", Dsn(("NEVER",))),
        ("success, Failure,delay,full,envid=Ab1", Dsn(("SUCCESS", "FAILURE", "DELAY"), "FULL", "Ab1")),
        ("headers", Dsn((), "HDRS")),
        ("delay,delay", Dsn(("DELAY",))),
    ],
)
def test_delivery_reports_in_words(text, asked):
    assert values.reports(CONTEXT, PARAM, text) == asked


@pytest.mark.parametrize(
    "text", ["", "always", "never,delay", "full,headers", "envid=", "envid=a b", "envid=" + "x" * 101]
)
def test_words_that_ask_for_nothing_sensible_are_refused(text):
    with pytest.raises(UsageError, match="--dsn: "):
        values.reports(CONTEXT, PARAM, text)


def test_only_a_line_end_ends_a_line(tmp_path):
    file = tmp_path / "people"
    file.write_bytes(b"a@x.example\r\nb@x.example\n")
    assert addresses(f"@{file}") == ["a@x.example", "b@x.example"]
    for char in "\x0b\x0c\x1c\x85\u2028":
        file.write_text(f"a@x.example{char}b@x.example\n", encoding="utf-8")
        with pytest.raises(UsageError, match="line 1: "):
            addresses(f"@{file}")


def test_a_file_that_never_ends_is_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/zero", tmp_path):
        with pytest.raises(UsageError, match=f"--to @{path}: the file cannot be read: .*regular|directory"):
            addresses(f"@{path}")


def test_a_file_of_people_has_a_largest_size(tmp_path):
    file = tmp_path / "people"
    file.touch()
    os.truncate(file, values.LARGEST_FILE + 1)
    with pytest.raises(UsageError, match="more than 64 MiB"):
        addresses(f"@{file}")


def test_a_number_may_have_a_largest():
    small = values.number(int, 0, "file descriptor", most=9)
    assert small(CONTEXT, PARAM, "9") == 9
    for text in ("10", "9" * 20, "9" * 5000):
        with pytest.raises(UsageError, match="is no file descriptor"):
            small(CONTEXT, PARAM, text)


def test_an_empty_value_is_not_the_same_as_none():
    assert values.given(CONTEXT, PARAM, None) is None
    assert values.given(CONTEXT, PARAM, "x") == "x"
    with pytest.raises(UsageError, match="--to: its value is empty"):
        values.given(CONTEXT, PARAM, "")
