"""The pages of the documentation, taken apart: fenced blocks, links, tables, and the ccc commands in them.

A fence says what becomes of its block:

    sh                  run as a script; it must end with status 0
    sh background       started, and ended with the page; it listens on port 8025
    console             each `$ ` line is run at a terminal, and what it prints must be what is shown
    console unattended  the same without a terminal
    python              run by a fresh interpreter
    ... elsewhere       not run, since it needs what only its reader has; its ccc commands are still parsed

`<!-- file: NAME -->` above a fence makes its block a file. In shown output `...` stands for anything in a
line, and alone for any lines. Blanks and the lines of frames count as one blank.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

_FENCE = re.compile(
    r"(?:^<!-- file: (?P<file>\S+) -->\n)?^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_COMMAND = re.compile(
    r"""(?:^|(?<=[\s"|`(/])(?<!Usage: ))ccc """
    r"(?=(?:resend|redirect|retry|pick|list|show|log|forget|account|doctor|route|providers|demo|completion)\b|--?[a-z])(?P<rest>[^\n`]*)",
    re.MULTILINE,
)
_BLANKS = re.compile(r"[ \t\r─]+")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: where it is, what its fence says, what it holds."""

    line: int
    info: tuple[str, ...]
    text: str
    file: str = ""

    def is_a(self, *words: str) -> bool:
        return self.info[: len(words)] == words


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of a console block, and the output that the page shows."""

    line: int
    command: str
    output: str

    @property
    def answers(self) -> list[str]:
        return re.findall(r"\[y/n\] (\w+)$", self.output, re.MULTILINE)


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        yield Block(line, tuple(match["info"].split()), match["text"], match["file"] or "")


def shown(block: Block) -> Iterator[Shown]:
    """The commands of a console block; a command goes on in the next line after a backslash."""
    chunks = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    for chunk in chunks:
        match = re.match(r"((?:[^\n]*\\\n)*[^\n]*)\n?", chunk)
        assert match is not None
        line = block.line + block.text[: block.text.index("$ " + chunk)].count("\n") + 1
        yield Shown(line, match[1], chunk[match.end() :])


def same(wanted: str, got: str) -> bool:
    """Whether this output is the one that is shown."""
    pattern = "".join(_line_pattern(line) for line in _lines(wanted))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(got))) is not None


def _lines(text: str) -> list[str]:
    return [_BLANKS.sub(" ", line).strip() for line in text.strip().splitlines()]


def _line_pattern(line: str) -> str:
    if line == "...":
        return r"(?:.*\n)*?"
    return re.escape(line).replace(r"\.\.\.", ".*?") + "\n"


def spans(page: Path) -> str:
    """The page without its blocks: prose and code spans."""
    return _FENCE.sub("", page.read_text("utf-8"))


def commands(text: str) -> Iterator[list[str]]:
    """The arguments of every ccc command in a text."""
    for match in _COMMAND.finditer(re.sub(r"\\\n\s*", "", text)):
        yield list(_arguments(match["rest"]))


def _arguments(rest: str) -> Iterator[str]:
    """The words up to whatever ends a simple command."""
    lexer = shlex.shlex(_balanced(rest), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    for word in lexer:
        if set(word) <= set("();<>|&"):
            return
        if not (word.isdigit() and re.search(rf"\b{word}[<>]", rest)):
            yield word


def _balanced(rest: str) -> str:
    """Without the quote that ends a command within quotes, as in a .forward file."""
    return rest.replace('"', "") if rest.count('"') % 2 else rest


def rows(page: Path, heading: str) -> list[list[str]]:
    """The cells of the table whose first heading is this."""
    lines = page.read_text("utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if re.match(rf"\|\s*{re.escape(heading)}\s*\|", line))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))])
    return found


def code(cell: str) -> str:
    """A cell without its backticks."""
    return cell.strip("`")
