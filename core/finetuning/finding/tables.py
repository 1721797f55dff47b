"""Facts that tables state: a row's label and a column's name lead to a cell."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.finetuning.finding.fact import Asked, Fact, Part

NUMBER = re.compile(r"[(\-–]?[$€£]?\d[\d,. ]*%?\)?")
PERIOD = re.compile(r"\b(?:19|20)\d\d\b|\bQ[1-4]\b|\bFY")
SAYING_NOTHING = "particulars value values detail details description amount setting answer meaning information text"
VAGUE = frozenset(SAYING_NOTHING.split())
EMPTY = frozenset(
    ("", "-", "–", "—", "n/a", "none", "not applicable", "nil", "yes", "no", "same", "as above", "see above")
)
SUMS = frozenset(("all", "total", "other", "others", "sum"))
"""Labels that name a row within its own table only."""
LONGEST_LABEL = 90


@dataclass(frozen=True, slots=True)
class Row:
    """One row of values under the column names `names`."""

    part: Part
    line: str
    header: str
    names: tuple[str, ...]
    cells: tuple[str, ...]


def facts(parts: Sequence[Part]) -> Iterator[Fact]:
    """The cells of all tables that have a header row."""
    rows = list(_rows(parts))
    seen = Counter((row.header, column, cell) for row in rows for column, cell in enumerate(row.cells))
    for row in rows:
        label = row.cells[0]
        if label.casefold() in EMPTY or len(label) > LONGEST_LABEL or seen[row.header, 0, label] > 1:
            continue
        if label.count(",") > 1:  # a list beside a list: the one says nothing about the other
            continue
        for column in range(1, len(row.cells)):
            if row.cells[column].casefold() not in EMPTY:
                yield _fact(row, column, seen[row.header, column, row.cells[column]] == 1)


def _fact(row: Row, column: int, alone: bool) -> Fact:
    label, name, cell, title = row.cells[0], row.names[column], row.cells[column], row.part.title
    if PERIOD.search(name):
        question = f'What was "{label}" for {name}, according to "{title}"?'
        reworded = f'{name}, {label}: which value does "{title}" give?'
    elif name.casefold() in VAGUE:
        question = f'What does "{title}" give for "{label}"?'
        reworded = f"{row.part.section or title}: what is stated as {label}?"
    else:
        question = f'What does "{title}" give as "{name}" for "{label}"?'
        reworded = f'{label}: what is given under "{name}"?'
    asked = [Asked("question", question, cell)]
    if label.casefold() not in SUMS:
        asked.append(Asked("reworded", reworded, cell))
    if alone and len(cell) > 2 and not (PERIOD.search(name) or name.casefold() in VAGUE):
        asked.append(Asked("reverse", f'In "{title}", which entry has "{cell}" under "{name}"?', label))
    evidence = row.line if row.header == row.line else f"{row.header}\n{row.line}"
    return Fact("cell", row.part, evidence, tuple(asked))


def _rows(parts: Sequence[Part]) -> Iterator[Row]:
    """Rows under a header that can be trusted: once a row looks like another header, or a remark, the table is over."""
    header, over = "", set[tuple[int, str]]()
    for part in parts:
        lines = part.text.split("\n")
        header = part.header.split("\n")[-1].strip() if part.header else ""
        for line in (each.strip() for each in lines):
            if not line.startswith("|"):
                header = "" if line else header
                continue
            if not header:
                header = line
                continue
            names, cells = _cells(header), _cells(line)
            if (part.page, header) in over or not _is_header(names):
                continue
            if len(cells) != len(names) or set(cells[1:]) & set(names[1:]) or not any(cells[1:]):
                over.add((part.page, header))
                continue
            yield Row(part, line, header, names, cells)


def _is_header(names: tuple[str, ...]) -> bool:
    return (
        len(names) >= 2
        and all(names)
        and len(set(names)) == len(names)
        and not any(NUMBER.fullmatch(name) for name in names)
        and max(map(len, names)) <= LONGEST_LABEL
    )


def _cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
