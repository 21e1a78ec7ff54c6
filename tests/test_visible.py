"""Nothing that acts instead of being seen reaches a screen or a log."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.visible import harmful, visible, visible_octets
from tests.lab.law import law

acting = st.sampled_from("\0\a\t\n\r\x1b\x7f\x85\x9b\xad\u200b\u200e\u2028\u2029\u202e\u2066\ufeff\U000e0041")
lone = st.integers(0xD800, 0xDFFF).map(chr)
texts = st.text(st.one_of(st.characters(), acting, lone))


@law
@given(texts)
def test_no_character_survives_that_acts_instead_of_being_seen(text):
    categories = {unicodedata.category(char) for char in visible(text)}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@law
@given(texts)
def test_what_is_shown_is_one_line_that_any_screen_can_encode(text):
    shown = visible(text)
    assert len(shown.splitlines()) <= 1
    shown.encode()


@law
@given(texts)
def test_showing_it_twice_changes_nothing_more(text):
    assert visible(visible(text)) == visible(text)


@law
@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_text_that_people_can_see_stays_as_it_is(text):
    assert visible(text) == text


@law
@given(st.binary())
def test_octets_are_as_harmless_as_text(octets):
    assert all(not harmful(char) for char in visible_octets(octets))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b2J", r"\x9b2J"),
        ("one\r\ntwo\tthree", r"one\x0d\x0atwo\x09three"),
        ("\x7f", r"\x7f"),
        ("moc.elpmaxe\u202e", r"moc.elpmaxe\u{202e}"),
        ("so\xadft", r"so\u{ad}ft"),
        ("a\u200bb", r"a\u{200b}b"),
        ("a\u2028b", r"a\u{2028}b"),
        ("\udcff", r"\u{dcff}"),
        ("\U000e0041", r"\u{e0041}"),
        ("[/foo] [link=x]", "[/foo] [link=x]"),
        ("Grüße 漢字 \U0001f600 a\xa0b", "Grüße 漢字 \U0001f600 a\xa0b"),
    ],
)
def test_an_escape_names_the_character(text, shown):
    assert visible(text) == shown


def test_octets_are_shown_as_utf_8_where_they_are_utf_8():
    assert visible_octets(b"550 caf\xc3\xa9 \xff\x1b") == r"550 café \xff\x1b"


def test_a_long_text_is_cut_and_says_how_much_is_missing():
    assert visible("a" * 5000) == "a" * 4096 + "… 904 more"
    assert visible("abcdef", limit=4) == "abcd… 2 more"
    assert visible("abcd", limit=4) == "abcd"


def test_a_cut_text_is_escaped_all_the_same():
    assert visible("\x1b" * 3, limit=2) == r"\x1b\x1b… 1 more"


def test_a_space_is_harmless_and_a_tab_is_not():
    assert not harmful(" ")
    assert harmful("\t")
