"""Maildirs: a rehearsal with the octets that would be sent."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.address import Mailbox
from ccc.delivery import Delivery
from ccc.envelope import Envelope
from ccc.errors import CccError, SourceChanged
from ccc.routes.maildir import Maildirs, _folder_name
from tests.smtp.play import HELLO, ME, Text, judged, to, told


def delivered(folder: Path, *deliveries: Delivery):
    return judged(told(Maildirs(str(folder)).deliver(deliveries)), deliveries)


def test_each_recipient_has_a_maildir(tmp_path):
    fates, _ = delivered(tmp_path, to("x", "y"))
    assert fates == {"x": "accepted", "y": "accepted"}
    for name in ("x@b.test", "y@b.test"):
        (file,) = (tmp_path / name / "new").iterdir()
        assert file.read_bytes() == HELLO.octets.replace(b"\r\n", b"\n")
        assert list((tmp_path / name / "tmp").iterdir()) == []
        assert (tmp_path / name / "cur").is_dir()


def test_a_file_is_its_owners_alone(tmp_path):
    delivered(tmp_path, to("x"))
    (file,) = (tmp_path / "x@b.test" / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_two_messages_have_two_names(tmp_path):
    delivered(tmp_path, to("x"))
    delivered(tmp_path, to("x"))
    assert len(list((tmp_path / "x@b.test" / "new").iterdir())) == 2


def test_the_outcome_says_where_it_lies(tmp_path):
    _, outcomes = delivered(tmp_path, to("x"))
    place = outcomes["x"].reason.removeprefix("written to ")
    assert Path(place).read_bytes().startswith(b"Subject: hi\n")


def test_nobody_sees_half_a_message(tmp_path):
    content = Text(HELLO.octets, block=5, fails_after=2, error=SourceChanged("it was changed"))
    fates, _ = delivered(tmp_path, to("x", content=content), to("y"))
    assert fates == {"x": "refused", "y": "accepted"}
    assert [file for part in ("tmp", "new", "cur") for file in (tmp_path / "x@b.test" / part).iterdir()] == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    fates, outcomes = delivered(tmp_path / "file", to("x"))
    assert fates == {"x": "deferred"}
    assert outcomes["x"].kind.value == "cannot write"


HOSTILE = [
    "../../etc/x",
    "/etc/passwd",
    ".",
    "..",
    ".hidden",
    "a/b",
    "a\\b",
    "~",
    "a%2Fb",
    "\u00e9",
    "-rf",
    "x:2,S",
]


@pytest.mark.parametrize("local", HOSTILE)
def test_no_address_leads_out_of_the_folder(tmp_path, local):
    delivery = Delivery(Envelope(ME, (Mailbox(local, "b.test"),)), HELLO)
    (settled,) = told(Maildirs(str(tmp_path / "in")).deliver([delivery]))
    assert settled.outcomes[0].state.value == "accepted"
    assert [each.name for each in tmp_path.iterdir()] == ["in"]
    assert len(list((tmp_path / "in").iterdir())) == 1
    assert len(list((tmp_path / "in").glob("*/new/*"))) + len(list((tmp_path / "in").glob(".*/new/*"))) == 1


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_a_folder_has_a_harmless_name_and_no_two_addresses_share_one(one, other):
    try:
        names = [_folder_name(Mailbox(local, "b.test").addr_spec) for local in (one, other)]
    except CccError:
        return
    for name in names:
        assert "/" not in name
        assert "\0" not in name
        assert not name.startswith(".")
        assert name.isascii()
    assert (names[0] == names[1]) == (one == other)


def test_it_is_named_for_eyes():
    assert Maildirs("here").name == "maildir here"
