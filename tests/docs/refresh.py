"""Write what the examples of a page print today into the page: python -m tests.docs.refresh docs/tutorial.md

Output that is still as shown stays, with its dots. Read the difference before you keep it.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import Block, blocks, same, shown
from tests.docs.shell import Shell
from tests.docs.test_examples import output_of, play


def refreshed(page: Path, shell: Shell) -> str:
    text, done = "", page.read_text("utf-8")
    for block in blocks(page):
        before, text_of_block, done = done.partition(block.text)
        if block.is_a("console") and "elsewhere" not in block.info:
            text_of_block = "".join(examples(block, shell))
        else:
            play(block, shell, page.name)
        text += before + text_of_block
    return text + done


def examples(block: Block, shell: Shell) -> Iterator[str]:
    for it in shown(block):
        got = output_of(it, block, shell)
        output = it.output if same(it.output, got) else got.strip("\n") + "\n"
        yield f"$ {it.command}\n{output if output.strip() else ''}"


if __name__ == "__main__":
    for name in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder, Shell(Path(folder)) as shell:
            fresh = refreshed(Path(name), shell)
        Path(name).write_text(fresh, "utf-8")
