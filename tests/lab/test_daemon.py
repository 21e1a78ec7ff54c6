"""A missing server skips a test by the name of its package, or fails it where servers are required."""

import os
import sys
from pathlib import Path

import pytest

from tests.lab.daemon import Daemon, free_ports, needed, needs_root, until


def test_a_missing_program_skips_the_test_and_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCC_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="the Debian package nothing-at-all"):
        needed("no-such-program", "nothing-at-all")


def test_a_missing_program_fails_the_test_where_servers_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCC_REQUIRE_SERVERS", "1")
    with pytest.raises(pytest.fail.Exception, match="the Debian package nothing-at-all"):
        needed("no-such-program", "nothing-at-all")


def test_a_server_that_needs_root_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CCC_REQUIRE_SERVERS", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match="postfix can only be started by root"):
        needs_root("postfix")


def test_a_server_that_ends_at_once_fails_with_its_log(tmp_path: Path) -> None:
    daemon = Daemon([sys.executable, "-c", "print('no such setting')"], tmp_path / "log")
    with pytest.raises(pytest.fail.Exception, match="no such setting"):
        daemon.wait_for(free_ports(1)[0])
    daemon.stop()


def test_waiting_is_bounded() -> None:
    with pytest.raises(AssertionError, match="what was seen"):
        until(lambda: False, lambda: "what was seen", timeout=0.01)
