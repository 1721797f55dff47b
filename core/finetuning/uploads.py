"""Training pairs from files: CSV, JSONL and XLSX in the shapes people have.

Files are read in the sandbox (`core.ingestion.parsing.rows`): two cells of a workbook that lie far apart, or ten
million rows of a comma each, are enough to take all the memory of who reads them.

Understood: question/answer, prompt/completion, instruction/output (with input), chat messages (each answer is a pair),
and lines of `id`, `question`, `answer`, `doc_ids`, `evidence`. A row that cannot be used is named with its reason; the
rest goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.assistants.followup import Turn, standalone
from core.errors import BadInput, UnreadableFile
from core.ingestion.parsing.rows import ENDINGS
from storage.examples import ExampleDraft

if TYPE_CHECKING:
    from core.ingestion.sandbox import Sandbox

QUESTION = ("question", "prompt", "instruction", "query", "user", "input_text")
ANSWER = ("answer", "completion", "output", "response", "assistant", "target")
DOCUMENT = ("doc_ids", "document", "doc_id", "source_document")
LONGEST = 8_000
"""Characters of a question or an answer; longer ones no model here could learn from."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what; "" where none does."""

    question: str
    answer: str
    document: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not taken; `number` counts from 1, the header not included."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file holds: pairs to add, rows that could not be used, and the columns there are."""

    drafts: tuple[ExampleDraft, ...]
    bad: tuple[BadRow, ...] = ()
    columns: tuple[str, ...] = field(default=())


def read_file(path: Path, name: str = "", columns: Columns | None = None, sandbox: "Sandbox | None" = None) -> Upload:
    """Read a file of pairs.

    Args:
        name: what the person called it; its ending says what it is.
        columns: which columns to use; recognised by their names when None.
        sandbox: where it is read; one that is started for this file when None.

    Raises:
        BadInput: it is of another kind, cannot be read, or its columns are not recognised.
    """
    rows = rows_of(path, name, sandbox)
    return pairs(rows, columns)


def rows_of(path: Path, name: str = "", sandbox: "Sandbox | None" = None) -> Sequence[Row | str]:
    """The rows of a file by their column names; a row that is a string is the reason why it could not be read.

    Raises:
        BadInput: it is of another kind, cannot be read, or is empty.
    """
    name = name or path.name
    ending = Path(name).suffix.lower()
    if ending not in ENDINGS:
        raise BadInput(
            f"Examples cannot be read from {ending or 'a file without an ending'}.", "Use CSV, JSONL or XLSX."
        )
    try:
        rows = _read(path, name, sandbox)
    except UnreadableFile as error:
        raise BadInput(error.message, error.remedy) from error
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error}.", "Save it again as CSV, JSONL or XLSX.") from error
    if not rows:
        raise BadInput(f"{name} holds no rows.", "Add a header and at least one pair.")
    return rows


def _read(path: Path, name: str, sandbox: "Sandbox | None") -> Sequence[Row | str]:
    from core.ingestion.sandbox import Sandbox

    with nullcontext(sandbox) if sandbox else Sandbox() as reader:
        return reader.rows(path, name)


def pairs(rows: Sequence[Row | str], columns: Columns | None = None) -> Upload:
    """Turn rows into pairs; a row that is a string is the reason why it could not be read."""
    names = tuple(dict.fromkeys(str(key) for row in rows if not isinstance(row, str) for key in row))
    chosen = columns or recognised(names)
    drafts: list[ExampleDraft] = []
    bad: list[BadRow] = []
    for number, row in enumerate(rows, 1):
        for made in _pairs_of(row, chosen):
            if isinstance(made, str):
                bad.append(BadRow(number, made))
            else:
                drafts.append(made)
    return Upload(tuple(drafts), tuple(bad), names)


def recognised(names: Sequence[str]) -> Columns:
    """The columns that hold question and answer, by their names.

    Raises:
        BadInput: no column is called anything like it.
    """
    if "messages" in names or "conversations" in names:
        return Columns("", "")
    plain = {name.strip().lower().replace(" ", "_"): name for name in names}
    question = next((plain[name] for name in QUESTION if name in plain), "")
    answer = next((plain[name] for name in ANSWER if name in plain), "")
    if not question or not answer:
        shown = ", ".join(names) or "none"
        raise BadInput(f"No columns for question and answer were recognised among: {shown}.", "Say which they are.")
    document = next((plain[name] for name in DOCUMENT if name in plain), "")
    return Columns(question, answer, document, plain.get("evidence", ""))


def _pairs_of(row: Row | str, columns: Columns) -> Iterator[ExampleDraft | str]:
    """The pairs of a row: one, or all of a chat; in the place of one that cannot be used, the reason."""
    if isinstance(row, str):
        yield row
        return
    try:
        asked = _asked(row, columns)
    except ValueError as reason:
        yield str(reason)
        return
    for question, answer in asked:
        try:
            yield _pair(row, columns, question, answer)
        except ValueError as reason:
            yield str(reason)


def _asked(row: Row, columns: Columns) -> list[tuple[Any, Any]]:
    """Question and answer of a row, or all of a chat; raises ValueError where there can be none."""
    if not columns.question:
        return _spoken(row)
    question, answer = row.get(columns.question), row.get(columns.answer)
    if columns.question.lower() == "instruction" and row.get("input"):
        question = f"{question}\n{row['input']}"
    return [(question, answer)]


def _pair(row: Row, columns: Columns, question: Any, answer: Any) -> ExampleDraft:
    texts = {"question": _text(question), "answer": _text(answer)}
    for what, text in texts.items():
        if not text:
            raise ValueError(f"the {what} is empty")
        if len(text) > LONGEST:
            raise ValueError(f"the {what} has {len(text)} characters; the most is {LONGEST}")
    meta = row.get("meta")
    page = meta.get("page") if isinstance(meta, dict) else None
    return ExampleDraft(
        texts["question"],
        texts["answer"],
        document=_document(row.get(columns.document)) if columns.document else "",
        page=page if isinstance(page, int) else None,
        evidence=_text(row.get(columns.evidence)) if columns.evidence else "",
        origin="upload",
        meta=meta if isinstance(meta, dict) else {},
    )


def _spoken(row: Row) -> list[tuple[Any, Any]]:
    """Each answer of a chat with the question before it, which is put as it would be searched for in chat.

    What leans on the conversation ("And for directors?") could not be learned alone: a corpus's chat asks its adapters
    in the same words.
    """
    turns = row.get("messages") or row.get("conversations")
    if not isinstance(turns, list):
        raise ValueError("it has no list of messages")
    spoken = [
        (str(t.get("role") or t.get("from")), _said(t.get("content") or t.get("value")))
        for t in turns
        if isinstance(t, dict)
    ]
    found: list[tuple[Any, Any]] = []
    history: list[Turn] = []
    for (role, said), (next_role, answer) in pairwise(spoken):
        if role not in ("user", "human") or next_role not in ("assistant", "gpt"):
            continue
        question = _text(said)
        alone = standalone(question, history) if question else ""
        found.append((alone, answer))
        history += [Turn("user", question, searched=alone), Turn("assistant", _text(answer))] if question else []
    if not found:
        raise ValueError("no answer follows a question in its messages")
    return found


def _said(content: Any) -> Any:
    """A message's text; where it comes in parts, those that are text."""
    if not isinstance(content, list):
        return content
    return "\n".join(str(part["text"]) for part in content if isinstance(part, dict) and part.get("text"))


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _document(value: Any) -> str:
    if isinstance(value, list):
        return str(value[0]) if value else ""
    return _text(value)


def header(name: str, content: bytes, sandbox: "Sandbox | None" = None) -> list[str]:
    """The names of a file's columns, for a person to choose from; none when it cannot be read."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload"
        path.write_bytes(content)
        try:
            return list(read_file(path, name, Columns("\0", "\0"), sandbox).columns)
        except BadInput:
            return []


def as_origin(drafts: Sequence[ExampleDraft], origin: str) -> list[ExampleDraft]:
    """The same pairs, said to come from elsewhere."""
    return [replace(draft, origin=origin) for draft in drafts]
