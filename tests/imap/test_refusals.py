"""What a NO means, in words."""

import pytest

from ccc.imap.refusals import Refused


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"[NONEXISTENT] no such mailbox (0.001 + 0.000 secs).", "NO [NONEXISTENT] no such mailbox"),
        (b"Error in IMAP command (0.001 + 0.000 + 0.002 secs).", "NO Error in IMAP command"),
        (b"not today (it is Sunday).", "NO not today (it is Sunday)."),
    ],
)
def test_how_long_the_server_took_is_nobodys_business(said: bytes, text: str) -> None:
    assert Refused("EXAMINE", "NO", said).text == text
