"""Does the assistant know when the documents do not hold the answer? And: fit and calibrate that.

    python -m benchmarks.refusal --fit         coefficients, from training questions only
    python -m benchmarks.refusal --calibrate   one threshold per domain, from its gold questions
    python -m benchmarks.refusal               measure

Fitted on: the samples' training pairs asked of their own corpus (answerable) and of the other domains'
corpora, or of their own with the gold document's passages taken away (unanswerable); xquad and techqa
train.jsonl likewise. Measured on: the samples' gold questions and techqa's test and unanswerable ones.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.answering import ROOT, Question, arguments, gold, opened, questions, sample_corpora, set_corpus, train
from benchmarks.report import table, write
from core.assistants.answerability import FEATURES, MODEL_FILE, features
from core.assistants.ask import NOWHERE
from core.assistants.quoting import relevant
from core.assistants.reading import SMALL
from core.assistants.remembered import remembering
from core.assistants.words import content_words
from core.domains import ORDER, domain
from core.retrieval.passages import Passage
from core.workspace import Workspace

RIDGE = 0.003
PER_SET = 30


@dataclass(frozen=True, slots=True)
class Case:
    """One question asked of one corpus: its features, and whether that corpus answers it."""

    features: np.ndarray
    answerable: bool
    source: str


def case(
    ws: Workspace, corpus_id: int, question: str, answerable: bool, source: str, without: Sequence[str] = ()
) -> Case:
    """Retrieve as the product does; `without` are documents whose passages are taken away."""
    wanted = SMALL.passages
    found = ws.retriever.search(corpus_id, question, wanted + (15 if without else 0))
    passages = taken_away(found, without)[:wanted]
    words = content_words(question)
    rarity = ws.lexical.idf(corpus_id, [NOWHERE, *(word.plain for word in words)])
    asked = {word.stem: rarity[word.plain] for word in words}
    scored = relevant(question, passages, remembering(ws.embedder), asked)
    values = features(question, passages, scored, asked, rarity[NOWHERE]) if passages else np.zeros(len(FEATURES))
    return Case(values, answerable, source)


def taken_away(found: Sequence[Passage], without: Sequence[str]) -> list[Passage]:
    """The passages of the other documents, ranked as if those of `without` had never been there."""
    gone = [passage for passage in found if passage.document in without]

    def closed_up(rank: int | None, gone_ranks: Sequence[int | None]) -> int | None:
        return None if rank is None else rank - sum(other is not None and other < rank for other in gone_ranks)

    return [
        replace(
            passage,
            rank=closed_up(passage.rank, [p.rank for p in gone]),
            lexical_rank=closed_up(passage.lexical_rank, [p.lexical_rank for p in gone]),
            dense_rank=closed_up(passage.dense_rank, [p.dense_rank for p in gone]),
        )
        for passage in found
        if passage.document not in without
    ]


def training_cases(ws: Workspace, samples: dict[str, int], sets: dict[str, int], data: Path) -> Iterator[Case]:
    """Answerable and constructed unanswerable questions; no gold, no test, no unanswerable.jsonl."""
    for number, (name, corpus_id) in enumerate(samples.items()):
        other = list(samples.values())[(number + 1) % len(samples)]
        yield from _pairs(ws, corpus_id, train(name)[:PER_SET], name, other)
    for name, corpus_id in sets.items():
        folder = {"xquad": "general/xquad_en", "techqa": "support/techqa"}[name]
        rows = questions(data / "data" / folder / "train.jsonl")[:PER_SET]
        yield from _pairs(ws, corpus_id, rows, name, samples["support"])


def _pairs(ws: Workspace, corpus_id: int, rows: Sequence[Question], name: str, other: int) -> Iterator[Case]:
    for number, row in enumerate(rows):
        if row.answer is None:
            yield case(ws, corpus_id, row.question, False, f"{name}: unanswerable in train")
            continue
        yield case(ws, corpus_id, row.question, True, name)
        if number % 4 == 0:
            yield case(ws, other, row.question, False, f"{name}: asked of another corpus")
        elif number % 4 in (1, 2):
            yield case(ws, corpus_id, row.question, False, f"{name}: document taken away", row.doc_ids)


def fit(cases: Sequence[Case]) -> tuple[np.ndarray, float]:
    """Ridge logistic regression by Newton's method; both classes weigh the same."""
    x = np.array([[*c.features, 1.0] for c in cases], np.float64)
    y = np.array([c.answerable for c in cases], np.float64)
    weight = np.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    ridge = np.diag([*([RIDGE] * len(FEATURES)), 0.0])
    beta = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weight * (p - y)) + ridge @ beta
        hessian = (x.T * (weight * p * (1 - p))) @ x + ridge + 1e-9 * np.eye(x.shape[1])
        beta -= np.linalg.solve(hessian, gradient)
    return beta[:-1], float(beta[-1])


def probabilities(cases: Sequence[Case]) -> np.ndarray:
    """The stored model's probability that each question can be answered."""
    model = json.loads(MODEL_FILE.read_text("utf-8"))
    weights = np.array([model["weights"][name] for name in FEATURES])
    return 1 / (1 + np.exp(-(np.array([c.features for c in cases]) @ weights + model["bias"])))


def best_threshold(probability: np.ndarray, answerable: np.ndarray) -> float:
    """Where rightly refused minus twice wrongly refused is highest; the middle of the best stretch."""
    steps = np.linspace(0.02, 0.98, 97)
    gain = [rates(probability, answerable, step)[0] - 2 * rates(probability, answerable, step)[1] for step in steps]
    best = steps[np.isclose(gain, max(gain))]
    return float(best[len(best) // 2])


def rates(probability: np.ndarray, answerable: np.ndarray, threshold: float) -> tuple[float, float]:
    """The share of unanswerable questions that is refused, and of answerable ones."""
    refused = probability < threshold
    rightly = refused[~answerable].mean() if (~answerable).any() else 0.0
    return float(rightly), float(refused[answerable].mean()) if answerable.any() else 0.0


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--calibrate", action="store_true")
    options = parser.parse_args()
    with opened(options.workspace) as ws:
        samples = sample_corpora(ws)
        sets = {name: set_corpus(ws, name, options.data) for name in ("xquad", "techqa")}
        if options.fit:
            store_model(list(training_cases(ws, samples, sets, options.data)))
        asked = {
            name: [case(ws, samples[name], q.question, q.answer is not None, name) for q in gold(name)]
            for name in ORDER
        }
        folder = options.data / "data" / "support" / "techqa"
        rows = [*questions(folder / "test.jsonl"), *questions(folder / "unanswerable.jsonl")]
        asked["techqa"] = [case(ws, sets["techqa"], q.question, q.answer is not None, "techqa") for q in rows]
    if options.calibrate:
        for name in ORDER:
            store_threshold(name, calibrated(asked[name]))
    report(asked)


def calibrated(cases: Sequence[Case]) -> float:
    """The threshold for these questions."""
    return best_threshold(probabilities(cases), np.array([c.answerable for c in cases]))


def crossed(cases: Sequence[Case]) -> tuple[float, float]:
    """Calibrated on one half, measured on the other, both ways: a figure no question has a say in for itself."""
    p, y = probabilities(cases), np.array([c.answerable for c in cases])
    refused = np.zeros(len(p), bool)
    for mine in (np.arange(len(p)) % 2 == 0, np.arange(len(p)) % 2 == 1):
        refused[mine] = p[mine] < best_threshold(p[~mine], y[~mine])
    return float(refused[~y].mean()), float(refused[y].mean())


def store_model(cases: Sequence[Case]) -> None:
    """Fit and write the coefficients with their provenance."""
    weights, bias = fit(cases)
    sources = sorted({c.source for c in cases})
    provenance = (
        f"benchmarks/refusal.py --fit: ridge logistic regression on {len(cases)} training cases, "
        f"{sum(c.answerable for c in cases)} of them answerable ({'; '.join(sources)})"
    )
    model = {
        "provenance": provenance,
        "bias": round(bias, 4),
        "weights": {name: round(float(w), 4) for name, w in zip(FEATURES, weights, strict=True)},
    }
    MODEL_FILE.write_text(json.dumps(model, indent=2) + "\n", "utf-8")


def store_threshold(name: str, threshold: float) -> None:
    """Write `[refusal] threshold` of a domain and nothing else of its file."""
    file = domain(name).folder / "domain.toml"
    text = re.sub(r"(?m)^threshold = .*$", f"threshold = {threshold:.2f}", file.read_text("utf-8"))
    file.write_text(text, "utf-8")


def report(asked: dict[str, list[Case]]) -> None:
    """The table, with the plain and the crossed figure."""
    lines, pooled = [], {True: [], False: []}
    for name, cases in asked.items():
        home = name if name in ORDER else "support"
        threshold = tomllib.loads((domain(home).folder / "domain.toml").read_text("utf-8"))["refusal"]["threshold"]
        p, y = probabilities(cases), np.array([c.answerable for c in cases])
        for probability, answerable in zip(p, y, strict=True):
            pooled[bool(answerable)].append(float(probability < threshold))
        auc = float((p[y][:, None] > p[~y][None, :]).mean())
        lines.append((name, int(y.sum()), int((~y).sum()), threshold, *rates(p, y, threshold), *crossed(cases), auc))
    head = ("questions", "answerable", "not", "threshold", "refused rightly", "refused wrongly",
            "crossed: rightly", "crossed: wrongly", "AUC")  # fmt: skip
    total = f"All together: refused rightly {np.mean(pooled[False]):.3f}, wrongly {np.mean(pooled[True]):.3f}."
    note = (
        "Thresholds are calibrated on the same gold questions that the first two figures are measured on; *crossed* "
        "calibrates on one half of the questions and measures on the other. techqa uses the support domain's "
        "threshold, which no techqa question had a say in."
    )
    fitted = json.loads(MODEL_FILE.read_text("utf-8"))["provenance"]
    body = f"{table(head, lines)}\n\n{total}\n\n{note}\n\nCoefficients: {fitted}."
    write("refusal", "Knowing when not to answer", body)


if __name__ == "__main__":
    assert ROOT.is_dir()
    main()
