"""The questions of an evaluation, frozen as they were when it began: from a corpus's gold questions or from a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import BadInput
from core.evaluation.gold import draft
from core.finetuning.uploads import LONGEST, BadRow, rows_of
from storage.gold import GoldDraft
from storage.rows import GoldRow

if TYPE_CHECKING:
    from core.ingestion.sandbox import Sandbox

NO = ("no", "false", "0", "n")


@dataclass(frozen=True, slots=True)
class Gold:
    """A question, its gold answer ("" when not `answerable`), and where that stands."""

    id: str
    question: str
    answer: str = ""
    answerable: bool = True
    documents: tuple[str, ...] = ()
    page: int | None = None
    evidence: str = ""
    meta: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self) | {"documents": list(self.documents), "meta": dict(self.meta)}

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Gold":
        """From what `json` gave."""
        return cls(**{**found, "documents": tuple(found["documents"])})

    @property
    def short(self) -> str:
        """The short answer, where there is one, else the answer."""
        return str(self.meta.get("short_answer") or self.answer)


def of_rows(rows: Iterable[GoldRow]) -> list[Gold]:
    """A corpus's gold questions; an id that came with a question is kept while it is the only one."""
    found: dict[str, Gold] = {}
    for row in rows:
        key = str(row.meta.get("id") or f"gold-{row.id}")
        key = key if key not in found else f"gold-{row.id}"
        found[key] = Gold(key, row.question, row.answer, row.answerable, tuple(row.documents), row.page, row.evidence,
                          row.meta)  # fmt: skip
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Read:
    """What a file of gold questions holds."""

    drafts: tuple[GoldDraft, ...]
    bad: tuple[BadRow, ...]


def read_gold(path: Path, name: str = "", sandbox: "Sandbox | None" = None) -> Read:
    """Read gold questions from CSV, JSONL, JSON or XLSX: question, answer, and, where known, doc_ids, evidence, meta.

    An answer that is null (JSON), or a column `answerable` that says no, means that the documents do not hold it.

    Raises:
        BadInput: the file cannot be read or has no questions.
    """
    drafts: list[GoldDraft] = []
    bad: list[BadRow] = []
    for number, row in enumerate(rows_of(path, name, sandbox), 1):
        try:
            drafts.append(_draft(row))
        except ValueError as reason:
            bad.append(BadRow(number, str(reason)))
    if not drafts:
        why = f" Row {bad[0].number}: {bad[0].reason}." if bad else ""
        raise BadInput(f"{name or path.name} holds no gold question.{why}", "Give it columns question and answer.")
    return Read(tuple(drafts), tuple(bad))


def from_file(path: Path) -> list[Gold]:
    """The questions of a file for one evaluation; nothing is added to the corpus.

    Raises:
        BadInput: the file cannot be read, a row cannot be used, or an id stands there twice.
    """
    read = read_gold(path)
    if read.bad:
        raise BadInput(f"Row {read.bad[0].number} of {path.name} cannot be used: {read.bad[0].reason}.", "Correct it.")
    found = [_gold(number, each) for number, each in enumerate(read.drafts, 1)]
    if len({gold.id for gold in found}) < len(found):
        raise BadInput(f"Two questions of {path.name} have the same id.", "Give each its own.")
    return found


def _gold(number: int, each: GoldDraft) -> Gold:
    key = str(each.meta.get("id") or number)
    return Gold(key, each.question, each.answer, each.answerable, tuple(each.documents), each.page, each.evidence,
                each.meta)  # fmt: skip


def _draft(row: Mapping[str, Any] | str) -> GoldDraft:
    if isinstance(row, str):
        raise ValueError(row)
    plain = {str(key).strip().lower().replace(" ", "_"): value for key, value in row.items() if key is not None}
    question = str(plain.get("question") or "").strip()
    if not question:
        raise ValueError("the question is empty")
    if "answer" not in plain:
        raise ValueError("there is no answer; write null where the documents do not hold it")
    answer = plain["answer"]
    said = str(answer).strip() if answer is not None else ""
    if max(len(question), len(said)) > LONGEST:
        raise ValueError(f"question or answer is longer than {LONGEST} characters")
    answerable = answer is not None and str(plain.get("answerable", "yes")).strip().lower() not in NO
    if answerable and not said:
        raise ValueError("the answer is empty; say answerable no where the documents do not hold it")
    meta = plain["meta"] if isinstance(plain.get("meta"), dict) else {}
    line = {"question": question, "answer": said if answerable else None, "doc_ids": _names(plain), "meta": meta}
    line |= {"evidence": str(plain.get("evidence") or "")} | ({"id": plain["id"]} if plain.get("id") else {})
    return draft(line, "upload")


def _names(row: Mapping[str, Any]) -> Sequence[str]:
    value = row.get("doc_ids") or row.get("documents") or row.get("document") or ()
    return [str(name) for name in value] if isinstance(value, list | tuple) else [str(value).strip()]
