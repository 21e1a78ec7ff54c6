"""What comes out of the journal: what went in, or an error; never anything that harms the dialogue."""

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.errors import CopyUnreadable, Kind, MessageError
from ccc.journal.stored import Stored, Verified
from ccc.message.lines import unified
from ccc.message.octets import BLOCK, HeldOctets, blocks
from ccc.sources.files import FileOctets
from tests.lab.law import law
from tests.lab.oracle import stray

MAIL = b"Subject: x\r\n\r\nhello\r\n"
ENDS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b".", b"\xff"])).map(b"".join)


def stored(octets: bytes) -> Stored:
    return Stored(len(octets), False, False, HeldOctets(octets))


@law
@given(ENDS)
def test_no_stray_cr_or_lf_leaves_a_damaged_spool(octets):
    sent = b"".join(stored(octets).blocks())
    assert stray(sent) == []
    assert sent.endswith(b"\r\n") or not octets


@law
@given(ENDS.map(unified))
def test_what_is_whole_leaves_as_it_is(octets):
    assert b"".join(stored(octets).blocks()) == octets


def test_a_cr_and_its_lf_in_two_blocks_are_one_line_end():
    octets = b"a" * (BLOCK - 1) + b"\r\nb\r\n"
    assert b"".join(stored(octets).blocks()) == octets


def test_sendmail_gets_lf():
    assert b"".join(stored(MAIL).blocks(b"\n")) == b"Subject: x\n\nhello\n"


def test_octets_that_are_those_that_were_stored_pass():
    octets = Verified(HeldOctets(MAIL), sha256(MAIL).digest())
    assert (octets.size, b"".join(blocks(octets))) == (len(MAIL), MAIL)


@pytest.mark.parametrize("damaged", [MAIL[:-2], MAIL.replace(b"h", b"H"), b""])
def test_other_octets_do_not(damaged):
    with pytest.raises(
        MessageError, match=r"is damaged: its octets are not those.*nothing was sent"
    ) as caught:
        Verified(HeldOctets(damaged), sha256(MAIL).digest()).block(0)
    assert caught.value.kind is Kind.MESSAGE


def test_a_file_that_is_cut_while_it_is_read_cannot_be_read_now(tmp_path: Path):
    (tmp_path / "file").write_bytes(MAIL)
    octets = FileOctets(str(tmp_path / "file"))
    (tmp_path / "file").write_bytes(MAIL[:3])
    with pytest.raises(CopyUnreadable, match="copy of the message cannot be read"):
        list(Stored(len(MAIL), False, False, Verified(octets, sha256(MAIL).digest())).blocks())
