"""The floors of the house, read from the imports of every module, wherever in the file they stand.

Imports go down. The pure floor has no I/O, clock, randomness or environment, and knows one third party, idna.
A third-party package has one door.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import ccc

HOUSE = Path(ccc.__file__).parent

# a unit may import units that stand above it in this list, and itself; the longest name that fits is its unit
PURE = (
    *("ccc.errors", "ccc.visible", "ccc.address", "ccc.envelope", "ccc.message", "ccc.smtp.replies"),
    *("ccc.duration", "ccc.receipt", "ccc.delivery", "ccc.plan", "ccc.smtp"),
)
DOORS = (
    *("ccc.transport", "ccc.config", "ccc.resolver", "ccc.accounts", "ccc.imap", "ccc.sources"),
    *("ccc.journal", "ccc.routes"),
)
SHELL = ("ccc.dispatch", "ccc.api", "ccc", "ccc.setup", "ccc.cli", "ccc.__main__")
ORDER = PURE + DOORS + SHELL

PURE_STDLIB = {
    *("base64", "binascii", "bisect", "codecs", "collections", "dataclasses", "datetime", "encodings"),
    *("enum", "functools", "hashlib", "hmac", "ipaddress", "itertools", "math", "operator", "re", "string"),
    *("stringprep", "struct", "types", "typing", "unicodedata"),
}
OUTSIDE = {"open", "print", "input", "exec", "eval", "breakpoint", "__import__"}
CLOCK = {"now", "utcnow", "today"}

DOOR = {  # third-party package: the modules that know it
    "click": "ccc.cli",
    "rich": "ccc.cli.render",
    "idna": "ccc.address.domain",
    "aiosmtpd": "ccc.cli.demo_server",
    "imapclient": "ccc.imap",
    "keyring": "ccc.accounts.keyring",
    "dns": "ccc.resolver",
}
EVERYWHERE = {"click"}  # imported at the top of every command; all others when they are used


@dataclass(frozen=True, slots=True)
class Import:
    """Module `by` imports `module`."""

    by: str
    module: str
    line: int
    when: str  # "load", "use" (in a function), "types" (only a type checker reads it)

    def __str__(self) -> str:
        return f"{self.by} imports {self.module} in line {self.line}"


def name_of(path: Path) -> str:
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {name_of(path): path for path in sorted(HOUSE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """Every module, read when the first test wants it: not where tests are only collected."""
    return {name: ast.parse(path.read_text("utf-8")) for name, path in PATHS.items()}


def inside(tree: ast.Module) -> tuple[set[ast.AST], set[ast.AST]]:
    """Every node in a function, and every node that only a type checker reads."""
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    types = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    return {i for n in functions for i in ast.walk(n)}, {i for n in types for i in ast.walk(n)}


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """What a statement imports; `from ccc import x` is the module ccc.x if there is one."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    assert node.level == 0, "imports are absolute"
    found = [f"{node.module}.{alias.name}" for alias in node.names]
    return [name if name in PATHS else str(node.module) for name in found]


def _imports() -> Iterator[Import]:
    for by, tree in trees().items():
        functions, types = inside(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                when = "use" if node in functions else "types" if node in types else "load"
                for module in dict.fromkeys(imported(node)):
                    yield Import(by, module, node.lineno, when)


@cache
def imports() -> tuple[Import, ...]:
    return tuple(_imports())


def unit(module: str) -> str:
    """The entry of ORDER that a module belongs to: the longest that is a part of its name."""
    fitting = [entry for entry in ORDER if f"{module}.".startswith(f"{entry}.")]
    return max(fitting, key=len)


def is_ours(module: str) -> bool:
    return module.partition(".")[0] == "ccc"


def third_party() -> Iterator[tuple[str, Import]]:
    for found in imports():
        top = found.module.partition(".")[0]
        if found.when != "types" and not is_ours(top) and top not in sys.stdlib_module_names:
            yield top, found


@pytest.mark.parametrize("module", [name for name in PATHS if name != "ccc"])
def test_every_module_has_its_place(module: str) -> None:
    assert unit(module) != "ccc", "say in ORDER on which floor it stands"


def test_imports_go_down() -> None:
    down = ORDER.index
    ours = [found for found in imports() if is_ours(found.module)]
    assert [str(f) for f in ours if down(unit(f.module)) > down(unit(f.by))] == []


def test_the_pure_floor_knows_harmless_parts_of_the_standard_library_and_idna() -> None:
    allowed = PURE_STDLIB | {"ccc", "idna"}
    pure = [found for found in imports() if unit(found.by) in PURE]
    assert [str(f) for f in pure if f.module.partition(".")[0] not in allowed] == []


def test_the_pure_floor_opens_and_prints_nothing_and_reads_no_clock() -> None:
    wrong = [
        f"{module} line {node.lineno}"
        for module, tree in trees().items()
        if unit(module) in PURE
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        if (isinstance(node.func, ast.Name) and node.func.id in OUTSIDE)
        or (isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK)
    ]
    assert wrong == []


def test_the_envelope_never_sees_a_message() -> None:
    seen = {found.module for found in imports() if found.by == "ccc.envelope" and is_ours(found.module)}
    assert {unit(module) for module in seen} <= {"ccc.address", "ccc.errors"}


def test_nothing_in_the_house_writes_a_message_with_the_email_package() -> None:
    assert [str(f) for f in imports() if f.module.partition(".")[0] in {"email", "smtplib"}] == []


def test_a_third_party_package_has_one_door() -> None:
    wrong = [str(f) for top, f in third_party() if not f"{f.by}.".startswith(f"{DOOR.get(top)}.")]
    assert wrong == []


def test_a_third_party_package_is_imported_when_it_is_used() -> None:
    """In a function; or at the top of its door, if that is itself imported in functions only."""
    eager = {found.module for found in imports() if found.when == "load"}
    wrong = [
        str(found)
        for top, found in third_party()
        if top not in EVERYWHERE and found.when == "load" and found.by in eager
    ]
    assert wrong == []


def test_every_declared_dependency_has_a_door() -> None:
    assert {top for top, _ in third_party()} == set(DOOR)
