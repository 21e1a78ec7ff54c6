"""The heading of an account, as whoever is told to write something there must write it."""

import tomllib
from pathlib import Path

import pytest

import ccc
from ccc.config.values import Said, heading

SOURCES = Path(ccc.__file__).parent


@pytest.mark.parametrize("name", ["work", "a.b", "example.org", "dots.and-more", "_", "1"])
def test_a_heading_leads_to_the_account_of_that_name(name: str) -> None:
    assert tomllib.loads(heading(name)) == {"account": {name: {}}}


def test_a_heading_has_no_more_quotes_than_it_needs() -> None:
    assert (heading("work"), heading("a.b")) == ("[account.work]", '[account."a.b"]')


def test_a_key_of_an_account_is_named_as_toml_has_it() -> None:
    name = Said("smtp", None, ("account", "a.b")).name
    assert tomllib.loads(f"{name} = 1") == {"account": {"a.b": {"smtp": 1}}}


def test_no_other_text_names_the_table_of_an_account() -> None:
    named = [path.name for path in SOURCES.rglob("*.py") if "[account.{" in path.read_text()]
    assert named == ["values.py"]
