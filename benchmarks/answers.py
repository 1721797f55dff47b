"""Are answers right? Our reply against the single most relevant sentence and a plain three-passage prompt.

    python -m benchmarks.answers                      xquad test, 200 questions, and 40 each of three more sets
    python -m benchmarks.answers --plain 40           how many questions the plain prompt is asked (it is slow)
    python -m benchmarks.answers --sets xquad         only these

All systems read the same passages from the same retriever in the same run; refusing is off, so that the
systems differ in nothing but how they answer. Metrics: core/evaluation/metrics.py.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.answering import SETS, Question, arguments, opened, questions, set_corpus
from benchmarks.report import table, write
from core.assistants.answer import Answer
from core.assistants.ask import Assistant
from core.assistants.reading import SMALL, WORDED, Reading
from core.assistants.remembered import remembering
from core.assistants.sentences import split
from core.domains import RefusalPolicy
from core.evaluation.metrics import answer_recall, bootstrap_interval, contains_gold, token_f1
from core.workspace import Workspace

READINGS: dict[str, Reading] = {
    "our quotation, one sentence": replace(SMALL, sentences=1),
    "our quotation, up to two (adaptive)": SMALL,
    "our quotation, always two": replace(SMALL, sentences=2, share=0.0),
}
WRITING: dict[str, Reading] = {
    "quotation, then own words that are supported": WORDED,
    "quotation, then all own words": replace(SMALL, own_words="all"),
    "own words from the relevant sentences": replace(SMALL, quote_first=False, own_words="all"),
    "plain prompt with three passages": replace(
        SMALL, quote_first=False, own_words="all", shown="passages", passages=3
    ),
}


@dataclass(slots=True)
class Scores:
    """One system's figures, a value per question."""

    recall: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    contains: list[float] = field(default_factory=list)
    words: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, reply: str, question: Question, seconds: float) -> None:
        """Score one reply; `short_answer` decides containment where the set has one."""
        gold = question.answer or ""
        self.recall.append(answer_recall(reply, gold))
        self.f1.append(token_f1(reply, gold))
        self.contains.append(float(contains_gold(reply, str(question.meta.get("short_answer") or gold))))
        self.words.append(float(len(reply.split())))
        self.seconds.append(seconds)

    def row(self, name: str) -> list[object]:
        """One line of the table."""
        low, high = bootstrap_interval(self.recall)
        mean: Callable[[list[float]], float] = lambda values: sum(values) / len(values)  # noqa: E731
        return [
            name, len(self.recall), mean(self.recall), f"{low:.3f} to {high:.3f}", mean(self.contains), mean(self.f1),
            f"{mean(self.words):.0f}", f"{sorted(self.seconds)[len(self.seconds) // 2]:.2f}",
        ]  # fmt: skip


def measure(ws: Workspace, corpus_id: int, rows: Sequence[Question], plain: int) -> dict[str, Scores]:
    """Every system on the same questions; those that write only on the first `plain`."""
    scores = {"the single most relevant sentence (cosine)": Scores()}
    for question in rows:
        began = time.perf_counter()
        reply = nearest(ws, corpus_id, question.question)
        scores["the single most relevant sentence (cosine)"].add(reply, question, time.perf_counter() - began)
    for readings, asked in ((READINGS, rows), (WRITING, rows[:plain])):
        for name, reading in readings.items() if asked else ():
            assistant = Assistant.of(ws, corpus_id, reading)
            assistant.domain = replace(assistant.domain, refusal=RefusalPolicy(0.0, ""))
            scores[name] = Scores()
            for question in asked:
                began = time.perf_counter()
                *_, answer = assistant.ask(question.question)
                assert isinstance(answer, Answer)
                scores[name].add(answer.text, question, time.perf_counter() - began)
    return scores


def nearest(ws: Workspace, corpus_id: int, question: str) -> str:
    """The sentence of the passages whose vector is nearest to the question's: the control without a model."""
    passages = ws.retriever.search(corpus_id, question, SMALL.passages)
    sentences = [sentence.readable for passage in passages for sentence in split(passage.text, passage.header)]
    vectors = remembering(ws.embedder).embed([question, *sentences])
    return sentences[int((vectors[1:] @ vectors[0]).argmax())] if sentences else ""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sets", nargs="*", default=["xquad", "tatqa", "doc2dial", "medquad"])
    parser.add_argument("--plain", type=int, default=40, help="questions for the systems that write")
    options = parser.parse_args()
    head = ("system", "questions", "answer recall", "95 %", "gold inside", "F1", "words", "median s")
    parts = []
    with opened(options.workspace) as ws:
        for name in options.sets:
            corpus_id = set_corpus(ws, name, options.data)
            rows = questions(options.data / "data" / SETS[name][0] / "test.jsonl")[: 200 if name == "xquad" else 40]
            scores = measure(ws, corpus_id, rows, options.plain if name == "xquad" else 0)
            parts.append(f"## {name}\n\n{table(head, [s.row(system) for system, s in scores.items()])}")
            print(parts[-1], flush=True)
    write("answers", "Right answers on the embedded model", "\n\n".join(parts))


if __name__ == "__main__":
    main()
