"""The tables of the pages say what the code says."""

import re
from pathlib import Path

import pytest

import ccc
from ccc.errors import Kind
from ccc.journal.entry import Phase
from ccc.journal.schedule import INTERVALS, JITTER, MINUTE
from ccc.plan import Change, Mark
from ccc.receipt import EXIT, WORST_FIRST, State
from tests.docs.pages import NAMES, ROOT, code, rows, spans

CODE = Path(ccc.__file__).parent
DOCS = ROOT / "docs"
_RFC = re.compile(r"RFC[\s#]+(\d{3,4})")  # it may stand at the end of a line
_FINDING = re.compile(r'Finding\(\s*"([a-z-]+)"')
_LINK = re.compile(r"\[[^]]*\]\(([^)]+)\)")


def sources() -> dict[str, str]:
    """Each file of the package, as the table of standards calls its place, and its text."""
    places: dict[str, str] = {}
    for path in sorted(CODE.rglob("*.py")):
        first, *rest = path.relative_to(CODE).parts
        place = f"{first}/" if rest else first
        places[place] = places.get(place, "") + path.read_text("utf-8")
    return places


def cited() -> dict[str, list[str]]:
    """The places that cite each RFC."""
    found: dict[str, list[str]] = {}
    for place, text in sources().items():
        for number in sorted(set(_RFC.findall(text))):
            found.setdefault(number, []).append(place)
    return found


def test_the_table_of_standards_names_each_rfc_that_is_cited_and_where() -> None:
    table = {row[0]: row[4].split(", ") for row in rows(DOCS / "standards.md", "RFC")}
    assert table == cited()


def test_the_table_of_standards_is_in_order_and_whole() -> None:
    table = rows(DOCS / "standards.md", "RFC")
    numbers = [int(row[0]) for row in table]
    assert numbers == sorted(set(numbers))
    assert all(len(row) == 5 and all(row) for row in table)


def test_the_table_of_exit_statuses_is_that_of_the_code() -> None:
    table = [int(row[0]) for row in rows(DOCS / "exit-status.md", "Status")]
    assert table == sorted({0, *EXIT.values()})


def test_the_order_of_a_batch_is_that_of_the_code() -> None:
    order = " ".join(map(str, WORST_FIRST))
    assert f"    {order}\n" in (DOCS / "exit-status.md").read_text("utf-8")


def test_the_table_of_kinds_is_that_of_the_code() -> None:
    table = {code(kind): int(status) for kind, status in rows(DOCS / "json.md", "Kind")}
    assert table == {kind.value: EXIT[kind] for kind in Kind}


def test_the_table_of_marks_is_that_of_the_code() -> None:
    assert {code(row[0]) for row in rows(DOCS / "json.md", "Mark")} == {mark.value for mark in Mark}


def test_the_table_of_findings_is_that_of_the_code() -> None:
    codes = {name for text in sources().values() for name in _FINDING.findall(text)}
    assert [code(row[0]) for row in rows(DOCS / "json.md", "Code")] == sorted(codes)


@pytest.mark.parametrize("word", [*State, *Change])
def test_each_state_and_change_is_explained(word: State | Change) -> None:
    assert f"`{word.value}`" in spans(DOCS / "json.md")


@pytest.mark.parametrize("page", ["journal.md", "json.md"])
def test_the_table_of_the_journals_states_is_that_of_the_code(page: str) -> None:
    assert [code(row[0]) for row in rows(DOCS / page, "State")] == [phase.value for phase in Phase]


def test_the_table_of_waits_is_that_of_the_code() -> None:
    table = rows(DOCS / "journal.md", "After attempt")
    assert [int(attempt.split()[0]) for attempt, _ in table] == [*range(1, len(INTERVALS) + 1)]
    assert [float(minutes) * MINUTE for _, minutes in table] == [*INTERVALS]
    assert JITTER == 0.2, "which the page calls a fifth"


def test_each_test_that_a_page_names_exists() -> None:
    named = re.findall(r"`(tests/[a-z_/]+\.py)`", spans(DOCS / "contributing.md"))
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert len(named) > 9


def test_the_changelog_knows_this_version() -> None:
    assert f"\n## {ccc.__version__} - " in (DOCS / "changelog.md").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_each_link_in_a_page_leads_somewhere(name: str) -> None:
    page = ROOT / name
    targets = [target.partition("#")[0] for target in _LINK.findall(spans(page))]
    inside = [target for target in targets if target and "://" not in target]
    assert [target for target in inside if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_each_page_is_reached_from_the_readme(page: Path) -> None:
    assert f"(docs/{page.name})" in (ROOT / "README.md").read_text("utf-8")
