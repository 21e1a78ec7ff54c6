"""The cache of MTA-STS policies: what is kept, and what damage does."""

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccc.routes.mx.cache import MOST, Cache, Kept, cache_folder
from ccc.routes.mx.sts import read_policy

TEXT = b"version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 100\nx: \xc3\xa9\n"
KEPT = Kept(read_policy(TEXT), TEXT, "7", 1000.5, 1001.0, "8")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache" / "ccc" / "mta-sts"


def test_what_is_written_is_read(folder):
    Cache(folder).write("example.org", KEPT)
    assert Cache(folder).read("example.org") == KEPT
    assert Cache(folder).read("example.net") == Kept()


def test_a_policy_ends_when_it_said():
    assert KEPT.ends == 1100.5
    assert Kept(fetched=5.0).ends == 0


def test_it_is_closed_to_others(folder):
    Cache(folder).write("example.org", KEPT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()] == [0o600]


def test_a_later_one_takes_the_place_of_the_earlier(folder):
    Cache(folder).write("example.org", Kept(version="1"))
    Cache(folder).write("example.org", KEPT)
    assert Cache(folder).read("example.org") == KEPT
    assert [each.name for each in folder.iterdir()] == ["example.org.json"]


def test_a_failure_alone_is_kept_too(folder):
    failed = Kept(failed=5.0, failed_version="1")
    Cache(folder).write("example.org", failed)
    assert Cache(folder).read("example.org") == failed


def test_without_a_folder_nothing_is_kept():
    Cache(None).write("example.org", KEPT)
    assert Cache(None).read("example.org") == Kept()


def test_where_nothing_can_be_written_nothing_happens(tmp_path):
    (tmp_path / "file").touch()
    cache = Cache(tmp_path / "file" / "mta-sts")
    cache.write("example.org", KEPT)
    assert cache.read("example.org") == Kept()


def test_what_cannot_take_its_place_is_not_left_behind(folder):
    (folder / "example.org.json").mkdir(parents=True)
    Cache(folder).write("example.org", KEPT)
    assert os.listdir(folder) == ["example.org.json"]


@pytest.mark.parametrize("domain", ["../up", "/etc/passwd", "..", "a\0b", "x" * 300])
def test_no_domain_leads_out_of_the_folder(folder, domain):
    Cache(folder).write(domain, KEPT)
    assert {each.parent for each in folder.rglob("*")} <= {folder}
    assert list(folder.parent.iterdir()) == [folder]


GOOD = {
    "schema": 1,
    "domain": "example.org",
    "id": "7",
    "fetched": 1000.5,
    "max_age": 100,
    "policy": TEXT.decode(),
    "failed": 1001.0,
    "failed_id": "8",
}


def stored(folder: Path, octets: bytes) -> Kept:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "example.org.json").write_bytes(octets)
    return Cache(folder).read("example.org")


def test_the_form_on_disk_is_this_one(folder):
    Cache(folder).write("example.org", KEPT)
    assert json.loads((folder / "example.org.json").read_bytes()) == GOOD
    assert stored(folder, json.dumps(GOOD).encode()) == KEPT


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"domain": "example.net"},
        {"policy": "version: STSv1"},
        {"policy": "\udc00"},
    ],
)
def test_a_file_that_says_something_else_counts_for_nothing(folder, change):
    assert stored(folder, json.dumps(GOOD | change).encode()) == Kept()


@pytest.mark.parametrize(
    "change", [{"fetched": "x"}, {"fetched": -1}, {"fetched": 10**400}, {"fetched": float("nan")}]
)
def test_a_time_that_is_none_is_long_ago(folder, change):
    assert stored(folder, json.dumps(GOOD | change).encode()).fetched == 0


@pytest.mark.parametrize(
    "octets", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100000, b" " * MOST + b"{}", b'{"schema": 1}']
)
def test_a_damaged_file_counts_for_nothing(folder, octets):
    assert stored(folder, octets) == Kept()


@given(st.integers(0, len(json.dumps(GOOD)) - 1))
def test_a_file_that_is_cut_off_counts_for_nothing(tmp_path_factory, length):
    folder = tmp_path_factory.getbasetemp() / "cut"
    assert stored(folder, json.dumps(GOOD).encode()[:length]) == Kept()


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/ccc/mta-sts"),
        ({"HOME": "/h"}, "/h/.cache/ccc/mta-sts"),
        ({"XDG_CACHE_HOME": "c", "HOME": "/h"}, "/h/.cache/ccc/mta-sts"),
    ],
)
def test_the_folder_is_where_the_environment_says(environ, place):
    assert str(cache_folder(environ)) == place


def test_a_user_without_a_home_has_no_cache(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert cache_folder({}) is None


def test_the_policy_of_a_domain_with_a_long_name_is_kept(folder):
    domain = ".".join(["a" * 60] * 4) + ".example"
    Cache(folder).write(domain, KEPT)
    assert Cache(folder).read(domain) == KEPT
