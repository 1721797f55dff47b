"""Do citations name a page that holds the evidence? On the samples' gold questions that can be answered.

    python -m benchmarks.citations

A citation counts as right when its document is a gold document and its page the gold page, or a page whose
text holds the evidence or the short answer. Answered with the small reading, whole product path but the engine
(`--engine` adds it).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.answering import Question, arguments, gold, opened, sample_corpora
from benchmarks.report import table, write
from core.assistants.answer import Answer
from core.assistants.ask import Assistant
from core.assistants.reading import SMALL, WORDED
from core.domains import ORDER
from core.evaluation.metrics import contains_gold
from core.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Result:
    """One answer and its citations, judged."""

    question: Question
    answer: Answer
    right: list[bool]
    unsupported: int
    holds_gold: bool


def results(ws: Workspace, name: str, corpus_id: int, engine: bool) -> Iterator[Result]:
    """Ask every answerable gold question of a domain."""
    reading = WORDED if engine else SMALL
    assistant = Assistant.of(ws, corpus_id, reading)
    for question in gold(name):
        if question.answer is None:
            continue
        *_, answer = assistant.ask(question.question)
        assert isinstance(answer, Answer)
        yield judged(ws, question, answer)


def judged(ws: Workspace, question: Question, answer: Answer) -> Result:
    """Compare each citation with the gold page and evidence."""
    short = str(question.meta.get("short_answer") or question.answer)
    right = []
    for citation in answer.citations:
        if citation.document_id is None or citation.page is None:
            continue
        text = ws.corpora.page(citation.document_id, citation.page).text
        on_page = (
            citation.page == question.meta.get("page") or holds(text, question.evidence) or contains_gold(text, short)
        )
        right.append(citation.document in question.doc_ids and on_page)
    missing = sum(not citation.supported for citation in answer.citations)
    return Result(question, answer, right, missing, contains_gold(answer.text, short))


def holds(text: str, evidence: str | None) -> bool:
    """Whether the evidence stands in the text, white space aside."""
    return bool(evidence) and " ".join(str(evidence).split()) in " ".join(text.split())


def row(name: str, found: Sequence[Result]) -> list[object]:
    """One line of the table."""
    answered = [result for result in found if not result.answer.refused]
    citations = [right for result in answered for right in result.right]
    first = [result.right[0] for result in answered if result.right]
    return [
        name, len(found), len(found) - len(answered), len(citations), sum(citations) / max(1, len(citations)),
        sum(first) / max(1, len(first)), sum(result.holds_gold for result in answered) / max(1, len(answered)),
        sum(result.unsupported for result in answered),
    ]  # fmt: skip


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--engine", action="store_true", help="let the base model add its own words")
    options = parser.parse_args()
    with opened(options.workspace) as ws:
        found = {name: list(results(ws, name, i, options.engine)) for name, i in sample_corpora(ws).items()}
    everything = [result for name in ORDER for result in found[name]]
    head = ("domain", "questions", "refused", "citations", "name a page with the evidence", "the first one does",
            "short answer inside the reply", "sentences without support")  # fmt: skip
    body = table(head, [*(row(name, found[name]) for name in ORDER), row("all", everything)])
    wrong = [
        f"- {result.question.id}: {result.question.question} -> {citation.document} "
        f"p. {citation.page}: {citation.quote}"
        for result in everything
        for citation, right in zip([c for c in result.answer.citations if c.supported], result.right, strict=True)
        if not right
    ]
    body += "\n\nWrong ones:\n\n" + "\n".join(" ".join(line.split()) for line in wrong)
    write("citations", "Citations that name the right page", body)


if __name__ == "__main__":
    main()
