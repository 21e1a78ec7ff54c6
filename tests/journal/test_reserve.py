"""Room is kept on the disk, and given back when it is needed."""

from pathlib import Path

import pytest

from ccc.errors import StateError
from ccc.journal.reserve import SIZE, Reserve


def test_room_is_kept_until_it_is_spent(tmp_path: Path):
    path, reserve = tmp_path / "reserve", Reserve(tmp_path / "reserve")
    for _ in range(2):
        reserve.keep()
        assert path.stat().st_size == SIZE
        assert path.stat().st_mode & 0o777 == 0o600
        reserve.spend()
        reserve.spend()
        assert not path.exists()


def test_room_that_is_there_is_left_alone(tmp_path: Path):
    reserve = Reserve(tmp_path / "reserve")
    reserve.keep()
    before = (tmp_path / "reserve").read_bytes()
    reserve.keep()
    assert (tmp_path / "reserve").read_bytes() == before


def test_a_piece_of_it_is_not_enough(tmp_path: Path):
    (tmp_path / "reserve").write_bytes(b"cut off")
    Reserve(tmp_path / "reserve").keep()
    assert (tmp_path / "reserve").stat().st_size == SIZE


def test_no_room_is_a_sentence(tmp_path: Path):
    with pytest.raises(StateError, match=r"cannot keep the reserve in .* for what becomes of the mail"):
        Reserve(tmp_path / "nowhere" / "reserve").keep()
