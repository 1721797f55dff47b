"""Fit the weights that rank sentences (`core/assistants/quoting.json`), on training questions only.

    python -m benchmarks.fit_quoting

Listwise softmax: the mean log loss of the sentences that hold the evidence, with a ridge; convex, by Newton's method,
so that the same features give the same weights. Every training pair of the four samples (counted twice) and the
first PER_SET of xquad; no gold and no test question. After it, run `benchmarks.refusal --fit --calibrate`.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.answering import Question, arguments, opened, questions, sample_corpora, set_corpus, train
from core.assistants.quoting import FEATURES, MODEL_FILE, Candidate, relevant, weights
from core.assistants.reading import SMALL
from core.assistants.remembered import remembering
from core.assistants.synonyms import Synonyms, rarities
from core.evaluation.metrics import contains_gold
from core.workspace import Workspace

RIDGE = 0.02
PER_SET = 200
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The sentences of one question: float64 [n, features], which of them answer, and how much it counts."""

    features: Array
    right: NDArray[np.bool_]
    weight: float


def rankings(ws: Workspace, corpus_id: int, rows: Sequence[Question], weight: float) -> Iterator[Ranking]:
    """Questions of which some sentences answer and others do not."""
    for row in rows:
        passages = ws.retriever.search(corpus_id, row.question, SMALL.passages)
        same = ws.retriever.same(corpus_id, row.question)
        asked, _ = rarities(row.question, partial(ws.lexical.idf, corpus_id), same)
        scored = relevant(row.question, passages, remembering(ws.embedder), asked, Synonyms.of(row.question, same))
        right = np.array([answers(candidate, row) for candidate in scored.candidates], bool)
        if right.any() and not right.all():
            yield Ranking(scored.features.astype(np.float64), right, weight)


def answers(candidate: Candidate, question: Question) -> bool:
    """Whether a sentence stands on a gold page and holds the evidence, or is part of it."""
    if candidate.passage.document not in question.doc_ids:
        return False
    if candidate.passage.page != question.meta.get("page", candidate.passage.page):
        return False
    if not question.evidence:
        return contains_gold(candidate.sentence.text, question.answer or "")
    said = plain(candidate.sentence.text)
    pieces = [plain(piece) for piece in re.split(r"\n\s*\n| \.\.\. ", question.evidence) if piece.strip()]
    return len(said) > 1 and any(said in piece or piece in said for piece in pieces)


def plain(text: str) -> str:
    """Words and figures alone, lower case."""
    return " ".join(re.sub(r"[^\w%$€£.]+", " ", text.lower()).split())


def fit(cases: Sequence[Ranking]) -> Array:
    """Weights, float64 [features]."""
    table, lengths = np.concatenate([case.features for case in cases]), [len(case.features) for case in cases]
    starts, owner = np.cumsum([0, *lengths[:-1]]), np.repeat(np.arange(len(cases)), lengths)
    aim = np.concatenate([case.right / case.right.sum() for case in cases])
    counts = np.array([case.weight for case in cases])
    counts /= counts.sum()
    scale = table.std(0) + 1e-6
    table, beta, loss = table / scale, np.zeros(len(scale)), np.inf

    def at(point: Array) -> tuple[Array, float]:
        scores = table @ point
        scores -= np.maximum.reduceat(scores, starts)[owner]
        total = np.add.reduceat(np.exp(scores), starts)[owner]
        logs = scores - np.log(total)
        return np.exp(logs), float(-(counts[owner] * aim * logs).sum() + RIDGE * (point @ point) / 2)

    for _ in range(60):
        p, loss = at(beta)
        gradient = table.T @ (counts[owner] * (p - aim)) + RIDGE * beta
        middle = np.add.reduceat(table * p[:, None], starts)
        hessian = (table.T * (counts[owner] * p)) @ table - (middle.T * counts) @ middle + RIDGE * np.eye(len(beta))
        step, share = np.linalg.solve(hessian, gradient), 1.0
        while at(beta - share * step)[1] > loss and share > 1e-6:
            share /= 2
        beta = beta - share * step
        if np.abs(step).max() < 1e-9:
            break
    found: Array = beta / scale
    return found


def training(ws: Workspace, data: Path) -> list[Ranking]:
    """All rankings that are learned from."""
    samples = sample_corpora(ws)
    found = [each for name, corpus_id in samples.items() for each in rankings(ws, corpus_id, train(name), 2.0)]
    rows = questions(data / "data" / "general/xquad_en" / "train.jsonl")[:PER_SET]
    return [*found, *rankings(ws, set_corpus(ws, "xquad", data), rows, 1.0)]


def main() -> None:
    options = arguments(__doc__).parse_args()
    with opened(options.workspace) as ws:
        cases = training(ws, options.data)
    provenance = (
        f"benchmarks/fit_quoting.py: softmax ranking loss, ridge {RIDGE}, on {len(cases)} training questions: "
        f"the samples' training pairs, counted twice, and the first {PER_SET} of xquad train"
    )
    fitted = {name: round(float(value), 2) for name, value in zip(FEATURES, fit(cases), strict=True)}
    MODEL_FILE.write_text(json.dumps({"provenance": provenance, "weights": fitted}, indent=2) + "\n", "utf-8")
    weights.cache_clear()
    print(MODEL_FILE.read_text("utf-8"))


if __name__ == "__main__":
    main()
