"""Rows by the names of their columns, from CSV, JSONL, JSON and XLSX: what pairs and gold questions come in.

Runs in the sandbox's child. Rows and values are counted here, because the server holds all of them at once: ten
bytes of a file can be a row of half a kilobyte in memory.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from core.errors import UnreadableFile
from core.ingestion.limits import Limits

Row: TypeAlias = dict[str, Any] | str
"""Values by column; a string is the reason why the row could not be read."""
ENDINGS = (".csv", ".jsonl", ".json", ".xlsx")
SPLIT = "Split it and add the parts."
_DEEPEST = 50


def named_rows(path: Path, name: str, limits: Limits) -> list[Row]:
    """The rows of a file, which is what the ending of its `name` says.

    Raises:
        UnreadableFile: it cannot be read as that, or is over a limit.
    """
    if path.stat().st_size > limits.pairs:
        raise UnreadableFile(f"{name} is larger than {limits.pairs >> 20} MB.", SPLIT)
    readers: dict[str, Callable[[Path], Iterator[Row]]] = {".csv": _csv, ".jsonl": _jsonl, ".json": _json}
    reader = readers.get(Path(name).suffix.lower(), partial(_xlsx, name, limits))
    try:
        return list(_counted(reader(path), name, limits))
    except (ValueError, csv.Error) as error:
        raise UnreadableFile(f"{name} cannot be read: {error}.", "Save it again as CSV, JSONL or XLSX.") from error


def _counted(rows: Iterable[Row], name: str, limits: Limits) -> Iterator[Row]:
    left = limits.values
    for number, row in enumerate(rows, 1):
        if number > limits.rows:
            raise UnreadableFile(f"{name} holds more than {limits.rows:,} rows.", SPLIT)
        values, deep = _weighed(row, left)
        left -= values
        if left < 0:
            raise UnreadableFile(f"{name} holds more than {limits.values:,} values.", SPLIT)
        yield "it is nested too deeply" if deep else row


def _weighed(row: object, most: int) -> tuple[int, bool]:
    """How many values a row holds, those inside of others too, and whether any lies deeper than is understood.

    What holds more than `most` is not counted to its end.
    """
    count, inside = 1, [(row, 0)]
    while inside and count <= most:
        value, depth = inside.pop()
        if depth > _DEEPEST:
            return count, True
        if isinstance(value, dict | list):
            count += len(value)
            if count <= most:
                inside += [(each, depth + 1) for each in (value.values() if isinstance(value, dict) else value)]
    return count, False


def _csv(path: Path) -> Iterator[Row]:
    from core.ingestion.parsing.encodings import decode

    text = decode(path.read_bytes())
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:4096], ",;\t|")
    except csv.Error:
        dialect = csv.excel
    for row in csv.DictReader(io.StringIO(text, newline=""), restval="", dialect=dialect):
        yield {name: value for name, value in row.items() if name is not None}  # cells that no column is named for


def _jsonl(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        for line in file:
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield f"it is not JSON ({error})"
                continue
            yield row if isinstance(row, dict) else "it is not a JSON object"


def _json(path: Path) -> Iterator[Row]:
    try:
        found = json.loads(path.read_text("utf-8-sig"))
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, list):
        raise ValueError("it is not a list of pairs")
    yield from (row if isinstance(row, dict) else "it is not a JSON object" for row in found)


def _xlsx(name: str, limits: Limits, path: Path) -> Iterator[Row]:
    from core.ingestion.parsing.office.xlsx import first_sheet

    rows = first_sheet(path, name, limits)
    header = [str(cell).strip() for cell in rows[0]] if rows else []
    for values in rows[1:]:
        if any(str(value).strip() for value in values):
            yield dict(zip(header, values, strict=False))
