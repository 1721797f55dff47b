"""CSV and TSV: the delimiter is found by what makes rows alike, the first row of names is carried as header.

A table with a question and an answer column gives questions and answers instead of rows.
"""

import ast
import csv
import io
from collections import Counter
from collections.abc import Sequence

from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft, PageDraft, row_line
from core.ingestion.parsing.pdf.cells import is_value

MEDIA_TYPE = "text/csv"
_DELIMITERS = ",;\t|"
QUESTIONS = ("question", "questions", "prompt", "q", "instruction", "query", "frage")
ANSWERS = ("answer", "answers", "response", "a", "reply", "completion", "output", "antwort", "ideal")
CONTEXTS = ("context", "passage", "source_text", "paragraph", "document_text", "contents")
_LONG = 400  # characters: a row longer than this reads better as named fields than as one line


def parse_delimited(text: str, name: str, limits: Limits) -> ParsedDocument:
    """A CSV or TSV file as one page."""
    draft = DocumentDraft(limits, MEDIA_TYPE)
    rows = read_rows(text.replace("\x00", ""), "\t" if name.lower().endswith((".tsv", ".tab")) else "")
    page = draft.page()
    header = rows[0] if rows and has_header(rows) else []
    columns = question_columns(header)
    if columns:
        _add_pairs(page, header, rows[1:], *columns)
    else:
        _add_rows(page, header, rows[1:] if header else rows)
    return draft.finish()


def read_rows(text: str, delimiter: str = "") -> list[list[str]]:
    """All rows that hold anything. Quotes inside quoted cells may be doubled or escaped."""
    csv.field_size_limit(50_000_000)
    delimiter = delimiter or _delimiter(text)
    escape = "\\" if '\\"' in text and '""' not in text else None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, escapechar=escape, strict=False)
    return [row for row in reader if any(cell.strip() for cell in row)]


def _delimiter(text: str) -> str:
    """The delimiter under which most of the first rows have the same number of cells, more than one."""
    sample = text[:65536]
    best, score = ",", 0.0
    for delimiter in _DELIMITERS:
        widths = [len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row][:200]
        if not widths:
            continue
        width, count = Counter(widths).most_common(1)[0]
        agreement = count / len(widths) * (1 + 0.01 * min(width, 20)) if width > 1 else 0.0
        if agreement > score:
            best, score = delimiter, agreement
    return best


def has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names columns: short, different, no numbers, and more rows follow."""
    first = [cell.strip() for cell in rows[0]]
    named = [cell for cell in first if cell]
    if len(rows) < 2 or not named or len(named) < 0.5 * len(first) or len(set(named)) < len(named):
        return False
    return all(len(cell) <= 60 and not is_value(cell) for cell in named)


def question_columns(header: Sequence[str]) -> tuple[int, int] | None:
    """Positions of the question and the answer column, when there are both."""
    names = [cell.strip().lower() for cell in header]
    question = next((names.index(name) for name in QUESTIONS if name in names), None)
    answer = next((names.index(name) for name in ANSWERS if name in names), None)
    return None if question is None or answer is None else (question, answer)


def _add_pairs(
    page: PageDraft, header: Sequence[str], rows: Sequence[Sequence[str]], question: int, answer: int
) -> None:
    """Question, answer, and the other long columns (a context) as paragraphs between them."""
    said: set[str] = set()
    for row in rows:
        for index, cell in enumerate(row):
            if index in (question, answer) or index >= len(header) or cell in said:
                continue
            if header[index].strip().lower() in CONTEXTS or len(cell) > _LONG:
                said.add(cell)
                page.add("paragraph", cell)
        page.add("question", row[question] if question < len(row) else "")
        page.add("answer", _answer_text(row[answer]) if answer < len(row) else "")


def _answer_text(cell: str) -> str:
    """An answer written as a record (`{'text': [...]}`, JSON or Python) is its text; any other is the cell itself."""
    if not cell.lstrip().startswith(("{", "[")):
        return cell
    try:
        value = ast.literal_eval(cell) if len(cell) < 100_000 else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return cell
    value = value.get("text", value) if isinstance(value, dict) else value
    texts = [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    return "\n".join(texts) or cell


def _add_rows(page: PageDraft, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if header:
        page.add("table_row", row_line(header))
    line = row_line(header) if header else ""
    for row in rows:
        if header and sum(map(len, row)) > _LONG:
            named = zip([*header, *[""] * len(row)], row, strict=False)
            page.add("paragraph", "\n".join(f"{key}: {cell}" if key else cell for key, cell in named if cell.strip()))
        else:
            page.add("table_row", row_line(row), header=line)
