"""The Markdown subset in which sample documents are written, as blocks.

Knows nothing of the formats they become. A paragraph is one line or several; a line that starts
with a marker (#, -, |, 1.2, 1., (a)) begins a new block.

    # Title          ## Section        ### Part
    1.2 A clause.    1. A step.        (a) A sub-clause.       - A bullet.
    | Header | Header |                ---page---   (a page break)
"""

import re
from dataclasses import dataclass
from typing import Literal

BlockKind = Literal["heading", "paragraph", "clause", "step", "bullet", "table", "page"]

HEADING = re.compile(r"(#{1,4})\s+(.+)")
CLAUSE = re.compile(r"(\d+(?:\.\d+)+|\([a-z]{1,4}\))\s+\S")
STEP = re.compile(r"(\d{1,2})\.\s+(\S.*)")
BULLET = re.compile(r"[-*]\s+(\S.*)")
RULE = re.compile(r"\|?[\s:|-]+\|?")
PAGE_BREAK = "---page---"


@dataclass(frozen=True, slots=True)
class SourceBlock:
    """One block of a source text.

    Attributes:
        kind: what it is.
        text: its words; a clause keeps its number, a step and a bullet do not. "" for a table.
        level: heading depth from 1; for a clause how far it is indented (1.1 is 1, 1.1.1 and (a) are 2);
            for a step its number.
        rows: a table's rows, the first being its header, all of one width.
    """

    kind: BlockKind
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()


def read(source: str) -> list[SourceBlock]:
    """Cut a source text into blocks.

    Raises:
        ValueError: the rows of a table differ in width.
    """
    blocks: list[SourceBlock] = []
    open_text = False  # whether a plain line continues the block before it
    for line in (raw.strip() for raw in source.splitlines()):
        if not line:
            open_text = False
        elif line.startswith("|"):
            _add_row(blocks, line)
            open_text = False
        elif open_text and _starts_nothing(line):
            last = blocks.pop()
            blocks.append(SourceBlock(last.kind, f"{last.text} {line}", last.level))
        else:
            blocks.append(_begin(line))
            open_text = blocks[-1].kind in ("paragraph", "clause", "step", "bullet")
    _check_tables(blocks)
    return blocks


def title(blocks: list[SourceBlock]) -> str:
    """The text of the first top heading; "" when there is none."""
    return next((block.text for block in blocks if block.kind == "heading" and block.level == 1), "")


def _starts_nothing(line: str) -> bool:
    return line != PAGE_BREAK and not any(m.match(line) for m in (HEADING, CLAUSE, STEP, BULLET))


def _begin(line: str) -> SourceBlock:
    if line == PAGE_BREAK:
        return SourceBlock("page")
    if match := HEADING.fullmatch(line):
        return SourceBlock("heading", match[2], len(match[1]))
    if match := CLAUSE.match(line):
        return SourceBlock("clause", line, min(2, match[1].count(".") or 2))
    if match := STEP.fullmatch(line):
        return SourceBlock("step", match[2], int(match[1]))
    if match := BULLET.fullmatch(line):
        return SourceBlock("bullet", match[1])
    return SourceBlock("paragraph", line)


def _add_row(blocks: list[SourceBlock], line: str) -> None:
    if not blocks or blocks[-1].kind != "table":
        blocks.append(SourceBlock("table"))
    if RULE.fullmatch(line):
        return
    table = blocks.pop()
    cells = tuple(cell.strip() for cell in line.strip("|").split("|"))
    blocks.append(SourceBlock("table", rows=(*table.rows, cells)))


def _check_tables(blocks: list[SourceBlock]) -> None:
    for block in blocks:
        widths = {len(row) for row in block.rows}
        if len(widths) > 1:
            raise ValueError(f"the rows of the table {block.rows[0]} differ in width: {sorted(widths)}")
