"""A domain is data, not code: one folder each, with `domain.toml`, a sample corpus and gold questions.

core/domains/<name>/domain.toml        persona, disclaimer, chunking, refusal, checks
core/domains/<name>/sample/            documents in the formats people really have
core/domains/<name>/source/            the Markdown they are rendered from (make_samples.py)
core/domains/<name>/gold.jsonl         questions with answers, never trained on
core/domains/<name>/train.jsonl        training pairs on the same facts
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from core.errors import NotFound

HERE = Path(__file__).parent
ORDER = ("legal", "healthcare", "finance", "support")


@dataclass(frozen=True, slots=True)
class ChunkingPolicy:
    """How a domain's pages are cut.

    Attributes:
        structure: what a chunk must not cross, besides a page: "clause" (numbered clauses and
            headings), "section" (headings), "table" (headings; rows grouped under their header),
            "qa" (a question stays with its answer).
        target_chars, max_chars: a chunk is filled up to target; one sentence may bring it up to max.
    """

    structure: Literal["clause", "section", "table", "qa"]
    target_chars: int
    max_chars: int


@dataclass(frozen=True, slots=True)
class RefusalPolicy:
    """When the assistant says that the documents do not hold the answer.

    `threshold` is the answerability (0..1) below which it refuses, calibrated on the domain's gold
    questions by `benchmarks/refusal.py`; `sentence` is what it says then.
    """

    threshold: float
    sentence: str


@dataclass(frozen=True, slots=True)
class ChecksPolicy:
    """What is looked at in every answer before it is shown, and told below it; see `core/assistants/checking.py`.

    Attributes:
        cited: whether every sentence has a source.
        figures: whether every number, amount, percentage, dose, date and code stands in the passages.
        phrases: what is never to be said, in words of any case.
    """

    cited: bool = False
    figures: bool = False
    phrases: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: dict[str, Any]) -> "ChecksPolicy":
        """From the table of a `domain.toml`; what it does not name is not checked."""
        return cls(**values | {"phrases": tuple(values.get("phrases", ()))})


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain as `domain.toml` describes it.

    `personal` is what happens to documents that seem to hold personal data: "warn" marks the places, "redact" puts
    markers in their place and keeps no original, "refuse" does not take them, "off" does not look. Each of `terms` is a
    line of words that mean the same, between commas: what is asked by one is looked up by the others too.
    """

    name: str
    title: str
    summary: str
    icon: str
    persona: str
    disclaimer: str
    example_questions: tuple[str, ...]
    sample_corpus: str
    chunking: ChunkingPolicy
    refusal: RefusalPolicy
    folder: Path
    personal: Literal["warn", "redact", "refuse", "off"] = "warn"
    checks: ChecksPolicy = ChecksPolicy()
    terms: tuple[str, ...] = ()

    @property
    def sample_folder(self) -> Path:
        """Where the sample documents are."""
        return self.folder / "sample"

    @property
    def gold_file(self) -> Path:
        """Gold questions, in the format of `train_file`."""
        return self.folder / "gold.jsonl"

    @property
    def train_file(self) -> Path:
        """Training pairs: id, question, answer, doc_ids, evidence, meta (page, qtype)."""
        return self.folder / "train.jsonl"


@cache
def domain(name: str) -> Domain:
    """Read one domain.

    Raises:
        NotFound: there is no domain of that name.
    """
    file = HERE / name / "domain.toml"
    if not name.isidentifier() or not file.is_file():
        raise NotFound(f"There is no domain called {name!r}.", f"Choose one of: {', '.join(ORDER)}.")
    return from_toml(tomllib.loads(file.read_text("utf-8")), file.parent)


def all_domains() -> list[Domain]:
    """The built-in domains in the order in which Home shows them."""
    return [domain(name) for name in ORDER]


def members(line: str) -> list[str]:
    """The words and names of a line of `Domain.terms`: "CEO, chief executive officer"."""
    return list(dict.fromkeys(each for part in line.split(",") if (each := " ".join(part.split()))))


def from_toml(values: dict[str, Any], folder: Path) -> Domain:
    """Build a domain from a parsed `domain.toml`."""
    return Domain(
        name=values["name"],
        title=values["title"],
        summary=values["summary"],
        icon=values["icon"],
        persona=values["persona"],
        disclaimer=values["disclaimer"],
        example_questions=tuple(values["example_questions"]),
        sample_corpus=values["sample_corpus"],
        chunking=ChunkingPolicy(**values["chunking"]),
        refusal=RefusalPolicy(**values["refusal"]),
        folder=folder,
        personal=values.get("personal", "warn"),
        checks=ChecksPolicy.of(values.get("checks", {})),
        terms=tuple(values.get("terms", ())),
    )
