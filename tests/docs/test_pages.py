"""The judges of the pages can say no."""

import pytest

from tests.docs.pages import Block, commands, same, shown
from tests.docs.test_examples import understand


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("sent it\n", "sent it\n"),
        ("to   ann     gets it\n", "to ann gets it"),
        ("written to ...\n", "written to md/new/1.R2\n"),
        ("first\n...\nlast\n", "first\nsecond\nthird\nlast\n"),
        ("first\n...\nlast\n", "first\nlast\n"),
        ("", ""),
    ],
)
def test_output_that_is_as_shown_passes(wanted: str, got: str) -> None:
    assert same(wanted, got)


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("sent it\n", "sent that\n"),
        ("sent it\n", "sent it\nand more\n"),
        ("sent it\n", ""),
        ("", "a warning\n"),
        ("first\n...\nlast\n", "first\nsecond\n"),
    ],
)
def test_output_that_differs_does_not(wanted: str, got: str) -> None:
    assert not same(wanted, got)


def test_an_example_is_its_command_its_output_and_its_answers() -> None:
    block = Block(7, ("console",), "$ ccc resend a.eml \\\n    -n\nSend it? [y/n] y\nsent\n$ echo $?\n0\n")
    first, second = shown(block)
    assert (first.line, first.command, first.answers) == (8, "ccc resend a.eml \\\n    -n", ["y"])
    assert (second.line, second.command, second.output) == (12, "echo $?", "0\n")


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("ccc show a.eml | less", ["show", "a.eml"]),
        ('"|/usr/bin/ccc redirect - -q 2>>log"', ["redirect", "-", "-q"]),
        ("ccc resend a.eml \\\n    --to 'Ann <a@b.org>'", ["resend", "a.eml", "--to", "Ann <a@b.org>"]),
        ("x && ccc demo; y", ["demo"]),
    ],
)
def test_a_command_is_found_wherever_it_stands(text: str, arguments: list[str]) -> None:
    assert list(commands(text)) == [arguments]


def test_what_only_begins_like_a_command_is_none() -> None:
    assert list(commands("ccc shows you both; Usage: ccc show [OPTIONS] SOURCE")) == []


@pytest.mark.parametrize(
    "wrong",
    [["resend", "a.eml", "--too", "a@b.org"], ["resend", "a.eml", "--to", "nobody"], ["resent", "a.eml"]],
)
def test_a_command_that_ccc_does_not_understand_is_noticed(wrong: list[str]) -> None:
    with pytest.raises((pytest.fail.Exception, AssertionError)):
        understand(wrong)
