"""JSON lines: the text of each record, questions with their answers, and the corpus.jsonl form of our data.

A line that is no JSON is named and left out; the others are kept. Plain `.json` files go the same way.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.cleaning import whole_pairs
from core.ingestion.parsing.delimited import ANSWERS, CONTEXTS, QUESTIONS
from core.ingestion.parsing.draft import DocumentDraft, PageDraft

MEDIA_TYPE = "application/jsonl"
_TEXTS = ("text", "content", "body", "page_content", "abstract", "description", "passage")
_TITLES = ("title", "name", "heading", "subject")
_DEEPEST = 40
LINE_AT_MOST = 16_000_000
"""Bytes of one record of a corpus.jsonl."""
MARKS_AT_MOST = 500_000
"""Commas, brackets and braces of one record: each may become up to 100 bytes of memory, text only its own length."""
OWN_FILE = "Add its text as a file of its own."
RECORDS_AT_MOST = 200_000
"""Documents of one corpus.jsonl; all are decided on together."""


@dataclass(frozen=True, slots=True)
class CorpusLine:
    """One document of a corpus.jsonl file."""

    id: str
    title: str
    text: str
    source: str


def is_corpus(path: Path) -> bool:
    """Whether the first line is a record with `id` and `text`. Reads at most 16 MB of it."""
    try:
        with path.open("rb") as file:
            line = file.readline(LINE_AT_MOST)
        record = None if _marks(line) > MARKS_AT_MOST else json.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError, OSError):
        return False
    return _is_corpus_record(record)


def corpus_lines(path: Path) -> Iterator[CorpusLine]:
    """The documents of a corpus.jsonl file, one at a time; a line that would take much memory is not parsed.

    Raises:
        UnreadableFile: a line is no JSON, has no `id` or `text`, or is over a limit; the message names the line.
    """
    with path.open("rb") as file:
        records = 0
        for number, line in enumerate(iter(partial(file.readline, LINE_AT_MOST + 1), b""), start=1):
            if line.strip():
                records += 1
                record = _bounded(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line, number, records)
                if not isinstance(record, dict) or not _is_corpus_record(record):
                    raise UnreadableFile(
                        f"line {number} has no id or no text.", "Correct the line and add the file again."
                    )
                fields = (str(record.get(key) or "") for key in ("id", "title", "text", "source"))
                yield CorpusLine(*map(whole_pairs, fields))


def _bounded(line: bytes, number: int, records: int) -> object:
    if records > RECORDS_AT_MOST:
        raise UnreadableFile(f"it holds more than {RECORDS_AT_MOST:,} documents.", "Split it and add the parts.")
    if len(line) > LINE_AT_MOST:
        raise UnreadableFile(f"line {number} has more than {LINE_AT_MOST // 1_000_000} MB.", OWN_FILE)
    if _marks(line) > MARKS_AT_MOST:
        raise UnreadableFile(f"line {number} has more than {MARKS_AT_MOST:,} commas and brackets.", OWN_FILE)
    return _record(line, number)


def _marks(line: bytes) -> int:
    return line.count(b",") + line.count(b"[") + line.count(b"{")


def _is_corpus_record(record: object) -> bool:
    if not isinstance(record, dict):
        return False
    return isinstance(record.get("id"), str | int) and isinstance(record.get("text"), str) and record["id"] != ""


def _record(line: bytes | str, number: int) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UnreadableFile(f"line {number} is not JSON.", "Correct the line and add the file again.") from error


def parse_jsonl(text: str, name: str, limits: Limits) -> ParsedDocument:
    """A JSONL (or JSON) file as one page.

    Raises:
        UnreadableFile: no line is JSON; the message names the first.
    """
    draft = DocumentDraft(limits, MEDIA_TYPE)
    page = draft.page()
    good, bad = 0, []
    for number, record in _records(text):
        if isinstance(record, UnreadableFile):
            bad.append(number)
            continue
        good += 1
        _add(page, record)
    if bad and not good:
        raise UnreadableFile(f"{name} could not be read: line {bad[0]} is not JSON.", "Correct it and add it again.")
    for number in bad[:10]:
        draft.note(f"line {number} is not JSON and was left out")
    if len(bad) > 10:
        draft.note(f"{len(bad) - 10} more lines are not JSON and were left out")
    if page.empty:
        draft.note("no text was found: its records hold no text")
    return draft.finish()


def _records(text: str) -> Iterator[tuple[int, object]]:
    """Records with the line they begin on. A file that is one JSON value over several lines gives its items."""
    lines = text.split("\n")
    filled = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not filled:
        yield 1, UnreadableFile("line 1 is not JSON.")
    whole = _whole(text) if len(filled) > 1 and filled[0][1].lstrip()[:1] in "[{" else None
    if whole is not None:
        yield from enumerate(whole if isinstance(whole, list) else [whole], start=1)
        return
    for number, line in filled:
        try:
            yield number, _record(line, number)
        except UnreadableFile as error:
            yield number, error


def _whole(text: str) -> object | None:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _add(page: PageDraft, record: object) -> None:
    if not isinstance(record, Mapping):
        page.add("paragraph", "\n".join(_strings(record)))
        return
    names = {str(key).lower(): value for key, value in record.items()}
    question, answer = _first(names, QUESTIONS), _first(names, ANSWERS)
    if question and answer:
        page.add("paragraph", _first(names, CONTEXTS))
        page.add("question", question)
        page.add("answer", answer)
        return
    title, text = _first(names, _TITLES), _first(names, _TEXTS)
    if text:
        page.add("heading", title, 2)
        page.add("paragraph", text)
    else:
        page.add("paragraph", "\n".join(_named(record)))


def _first(names: Mapping[str, object], keys: tuple[str, ...]) -> str:
    for key in keys:
        if names.get(key):
            return whole_pairs("\n".join(_strings(names[key])))
    return ""


def _named(record: Mapping[object, object]) -> Iterator[str]:
    for key, value in record.items():
        text = "; ".join(_strings(value))
        if text:
            yield whole_pairs(f"{key}: {text}")


def _strings(value: object, depth: int = 0) -> Iterator[str]:
    """Every text and number inside a value, in order; what lies deeper than 40 levels is left out."""
    if isinstance(value, str):
        yield whole_pairs(value)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield str(value) if not isinstance(value, int) or value.bit_length() < 2000 else "(a very long number)"
    elif depth < _DEEPEST and isinstance(value, Mapping):
        for key, item in value.items():
            inner = "; ".join(_strings(item, depth + 1))
            if inner:
                yield f"{key}: {inner}"
    elif depth < _DEEPEST and isinstance(value, list):
        for item in value:
            yield from _strings(item, depth + 1)
