"""What a user writes to search, and what goes out for it."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import UsageError
from ccc.imap.search import ALONE, DEEPEST, FOLLOWED, search_keys
from ccc.imap.words import Literal
from tests.imap.talking import session
from tests.lab.imap_fault import HostileImap

# One search-key of RFC 3501, 9 (without literals), as it may stand on the wire.
STRING = rb'"(?:[ !#-\[\]-~]|\\[\\"])*"'


def written(criteria: str) -> bytes:
    """What goes out, literals as they are."""
    words = search_keys(criteria)
    return b"".join(b"{%d}%b" % (len(w.octets), w.octets) if isinstance(w, Literal) else w for w in words)


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ("ALL", b"ALL"),
        ("from boss since 1-Nov-2026", b'FROM "boss" SINCE 1-Nov-2026'),
        ("FROM boss SINCE 2026-11-01", b'FROM "boss" SINCE 1-Nov-2026'),
        ("BEFORE 01-nov-2026 UNSEEN", b"BEFORE 1-Nov-2026 UNSEEN"),
        ('ON "2026-2-9"', b"ON 9-Feb-2026"),
        ('SUBJECT \'two words\' TO "b \\"c\\\\"', b'SUBJECT "two words" TO "b \\"c\\\\"'),
        ("NOT SEEN", b"NOT SEEN"),
        ("(OR (FROM a TO b) NOT (SEEN))", b'(OR (FROM "a" TO "b") NOT (SEEN))'),
        ("  FROM   O'Brien\t", b'FROM "O\'Brien"'),
        ("KEYWORD $Forwarded unkeyword Junk", b"KEYWORD $Forwarded UNKEYWORD Junk"),
        ("LARGER 10M SMALLER 500kb", b"LARGER 10485760 SMALLER 512000"),
        ("HEADER Message-ID <a@b>", b'HEADER "Message-ID" "<a@b>"'),
        ('HEADER List-Id ""', b'HEADER "List-Id" ""'),
        ("UID 42,50:* 7", b"UID 42,50:* UID 7"),
        ("YOUNGER 3600", b"YOUNGER 3600"),
        ('X-GM-RAW "in:sent has:attachment"', b'X-GM-RAW "in:sent has:attachment"'),
        ("SUBJECT ä FROM b", b'SUBJECT {2}\xc3\xa4 FROM "b"'),
        ("FROM NIL FROM {3}", b'FROM "NIL" FROM "{3}"'),
    ],
)
def test_search_keys_are_written_as_imap_has_them(criteria: str, said: bytes) -> None:
    assert written(criteria) == said


@pytest.mark.parametrize(
    ("criteria", "why", "cure"),
    [
        ("", "there is nothing to search for", "FROM boss SINCE 2026-11-01"),
        ("()", "there is nothing to search for", "FROM boss"),
        ("budget", "'budget' at character 1 is no search key", 'write TEXT "budget"'),
        ("FORM boss", "'FORM' at character 1 is no search key", "did you mean FROM?"),
        ('"FROM" x', "'FROM' at character 1 is no search key", "FROM"),
        ("FROM", "what follows FROM is missing", "write e.g. FROM boss"),
        ("SINCE SEEN", "SINCE SEEN is no date", "SINCE 2026-11-01 or SINCE 1-Nov-2026"),
        ("SINCE 31-Feb-2026", "is no date", "1-Nov-2026"),
        ("SINCE 2026-13-01", "is no date", "1-Nov-2026"),
        ("LARGER big", "LARGER big is no size", "LARGER 10M"),
        ("LARGER 4G", "is no size", "LARGER 10M"),
        ("UID x", "UID x: this cannot follow UID", "UID 42,50:60"),
        ("KEYWORD \\Seen", "cannot follow KEYWORD", "$Forwarded"),
        ("OLDER soon", "cannot follow OLDER", "a number"),
        ('SUBJECT "open', "the quotation mark at character 9 is not closed", "close it"),
        ("(SEEN", "the parenthesis at character 1 is not closed", "close it"),
        ("SEEN)", "nothing is open that the parenthesis at character 5 closes", "leave it out"),
        ("TEXT (a)", "TEXT is followed by a parenthesis", "in quotation marks"),
        ("NOT", "a search key is missing at the end", "NOT"),
        ("OR SEEN", "a search key is missing at the end", "OR"),
        ("FROM a\r\nA1 LOGOUT", "'\\r' cannot be searched for", "one line"),
        ("TEXT a\0b", "'\\x00' cannot be searched for", "one line"),
        ("TEXT \udc80", "it is not UTF-8", "locale"),
        ("NOT " * 200 + "SEEN", f"more than {DEEPEST} keys", "in steps"),
        ("(" * 1500, f"more than {DEEPEST} keys", "in steps"),
        ("TEXT " + "x" * 4000, "4000 are the most", "in steps"),
    ],
)
def test_what_is_no_search_is_said_to_be_none(criteria: str, why: str, cure: str) -> None:
    with pytest.raises(UsageError) as caught:
        search_keys(criteria)
    assert why in caught.value.what
    assert cure in caught.value.cure


TEXTS = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=30)
TAKES_TEXT = sorted(key for key, what in FOLLOWED.items() if what == ("text",))


@given(st.sampled_from(TAKES_TEXT), TEXTS)
def test_no_text_becomes_anything_but_a_string(key: str, text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    words = search_keys(f"{key} {quoted} SEEN")
    if text.isascii() and text.isprintable():
        (said,) = words
        assert isinstance(said, bytes)
        match = re.fullmatch(re.escape(key.encode()) + rb" (" + STRING + rb") SEEN", said)
        assert match
        assert re.sub(rb"\\(.)", rb"\1", match[1][1:-1]).decode() == text
    else:
        assert words == (f"{key} ".encode(), Literal(text.encode()), b" SEEN")


@given(st.text(max_size=60))
def test_any_text_is_a_search_or_a_usage_error_and_no_command(text: str) -> None:
    words: tuple[bytes | Literal, ...] = ()
    with contextlib.suppress(UsageError):
        words = search_keys(text)
    for word in words:
        if isinstance(word, bytes):
            assert word.isascii()
            assert not re.search(rb"[\x00-\x1f\x7f]", word)


@given(st.lists(st.sampled_from([*sorted(ALONE), "FROM", "x", "(", ")", "NOT", "OR", "1-Nov-2026", "SINCE"])))
def test_parentheses_on_the_wire_are_balanced(words: list[str]) -> None:
    try:
        said = written(" ".join(words))
    except UsageError:
        return
    assert said.count(b"(") == said.count(b")")
    assert b"( " not in said
    assert b" )" not in said


def test_a_search_that_the_server_does_not_take_is_a_usage_error() -> None:
    for status in (b"BAD", b"NO [BADCHARSET (US-ASCII)]"):
        with (
            HostileImap({rb"UID SEARCH .*": b"TAG %b what?\r\n" % status}) as server,
            session(server) as opened,
        ):
            with pytest.raises(UsageError) as caught:
                opened.search("SUBJECT ä")
            assert "does not take the search 'SUBJECT ä'" in caught.value.what
            assert caught.value.cure == "search for ASCII text only"
            assert not opened.lost
