"""Encoded words are written in whole characters and read leniently."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address.words import decode_words, encode_words
from tests.lab.law import law

WORD = re.compile(r"=\?utf-8\?(q\?[A-Za-z0-9!*+/=_-]+|b\?[A-Za-z0-9+/]+={0,2})\?=")
named = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@law
@given(named)
def test_what_is_encoded_is_decoded_again(text):
    assert decode_words(" ".join(encode_words(text))) == text


@given(named)
def test_a_fold_between_words_changes_nothing(text):
    assert decode_words("\t  ".join(encode_words(text))) == text


@given(named)
def test_every_word_is_short_and_plain(text):
    for word in encode_words(text):
        assert len(word) <= 75
        assert WORD.fullmatch(word)


@given(named)
def test_every_word_holds_whole_characters(text):
    assert "".join(decode_words(word) for word in encode_words(text)) == text
    assert all("\ufffd" not in decode_words(word) for word in encode_words(text.replace("\ufffd", "") or "a"))


@given(st.text())
def test_whatever_is_read_is_text(text):
    assert isinstance(decode_words(text), str)


@given(
    st.lists(
        st.sampled_from(["=?", "?=", "?", "utf-8", "q", "B", "=C3", "w7w=", " ", "_", "=", "x", "punycode"])
    )
)
def test_whatever_looks_like_a_word_is_text(pieces):
    assert isinstance(decode_words("".join(pieces)), str)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Jürgen", "=?utf-8?q?J=C3=BCrgen?="),
        ("a b.c", "=?utf-8?q?a_b=2Ec?="),
        ("漢字", "=?utf-8?b?5ryi5a2X?="),
    ],
)
def test_text_that_is_mostly_ascii_stays_legible(text, word):
    assert encode_words(text) == [word]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?a_b=3F?=", "a b?"),
        ("=?UTF-8?Q?a b?=", "a b"),
        ("=?iso-8859-1?q?J=FCrgen?=", "Jürgen"),
        ("=?utf-8*de?q?J=C3=BCrgen?=", "Jürgen"),
        ("=?utf-8?b?w7w?=", "ü"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=BC?=", "ü"),
        ("=?utf-8?q?=C3?==?UTF-8?q?=BC?=", "ü"),
        ("=?utf-8?q?a?= =?iso-8859-1?q?=FC?=", "aü"),
        ("a =?utf-8?q?b?= c", "a b c"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("=?utf-8?q?=FF?=", "\ufffd"),
        ("=?iso-2022-jp?b?GyRCNEE7ehsoQg==?=", "漢字"),
        ("=?utf-8?q??=", ""),
        ("=?koi8-u?q?=A4?=", "є"),
        ("=?utf-16?b?/v8A/A==?=", "ü"),
    ],
)
def test_words_are_decoded(text, shown):
    assert decode_words(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "=?utf-8?x?a?=",
        "=?utf-8?q?a",
        "=?nowhere?q?a?=",
        "=?punycode?q?a-b?=",
        "=?idna?q?a?=",
        "=?unicode_escape?q?a=5Cx1b?=",
        "=?undefined?q?a?=",
        "=?zip?b?AAAA?=",
        "=?utf-8?b?A?=",
        "=?utf-8?q?ü?=",
    ],
)
def test_what_cannot_be_decoded_stays_as_it_is(text):
    assert decode_words(text) == text
