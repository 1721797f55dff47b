"""Does the assistant know when the documents do not hold the answer? And: fit that, and choose the thresholds.

    python -m benchmarks.refusal --fit         coefficients and one threshold per domain, from training questions only
    python -m benchmarks.refusal               measure

Fitted on: the samples' training pairs asked of their own corpus (answerable, and those they say are not), and made
unanswerable three ways: asked of another corpus, with the gold document's passages taken away, and with only the
passages that hold the answer taken away (the right subject, the fact absent). xquad and techqa train.jsonl likewise.
Measured on: the samples' gold questions and techqa's test and unanswerable ones, none of which had a say in anything.
Cases are kept in the workspace: an interrupted run goes on.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.answering import ROOT, Question, arguments, gold, opened, questions, sample_corpora, set_corpus, train
from benchmarks.evaluation_sets import plain
from benchmarks.report import table, write
from core.assistants.answerability import FEATURES, MODEL_FILE, features, sigmoid
from core.assistants.quoting import relevant
from core.assistants.reading import SMALL
from core.assistants.remembered import remembering
from core.assistants.synonyms import Synonyms, rarities
from core.domains import ORDER, domain
from core.retrieval.passages import Passage
from core.workspace import Workspace

RIDGE = 0.03
PER_SET = 60
"""Training rows of xquad and of techqa; of the samples all."""
WRONGLY = 0.08
"""Of the answerable training questions of a domain, the share that its threshold refuses."""
DEEPER = 15
"""Passages more, where some are taken away."""


@dataclass(frozen=True, slots=True)
class Case:
    """One question asked of one corpus: its features, whether that corpus answers it, and how it came to be."""

    features: np.ndarray
    answerable: bool
    source: str
    kind: str = "own"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a case is made from: `kind` is own, other (another corpus), document or evidence (taken away)."""

    corpus_id: int
    row: Question
    answerable: bool
    kind: str
    source: str

    @property
    def key(self) -> str:
        """Names the case among those that are kept."""
        return f"{self.source}:{self.kind}:{self.row.id}"


def made(ws: Workspace, asked: Asked) -> Case | None:
    """Retrieve as the product does; None where nothing that is to be taken away was found."""
    row, wanted = asked.row, SMALL.passages
    deeper = DEEPER if asked.kind in ("document", "evidence") else 0
    found = ws.retriever.search(asked.corpus_id, row.question, wanted + deeper)
    if asked.kind == "document":
        found = taken_away(found, [passage.document in row.doc_ids for passage in found])
    if asked.kind == "evidence":
        gone = [holds(passage, row) for passage in found]
        if not any(gone):
            return None
        found = taken_away(found, gone)
    passages = found[:wanted]
    same = ws.retriever.same(asked.corpus_id, row.question)
    stems, rarest = rarities(row.question, partial(ws.lexical.idf, asked.corpus_id), same)
    scored = relevant(row.question, passages, remembering(ws.embedder), stems, Synonyms.of(row.question, same))
    if not scored.candidates:
        return None
    values = features(row.question, passages, scored, stems, rarest)
    return Case(values, asked.answerable, asked.source, asked.kind)


def holds(passage: Passage, row: Question) -> bool:
    """Whether a passage holds a question's answer or evidence, or most of its words."""
    text = plain(passage.text)
    evidence = [plain(part) for part in (row.evidence or "").split(" ... ") if part.strip()]
    short, answer = plain(str((row.meta or {}).get("short_answer") or "")), plain(row.answer or "")
    if passage.document not in row.doc_ids:
        return False
    if any(part[:60] in text or text in part for part in evidence):
        return True
    if (len(short) > 2 and short in text) or (answer and answer in text):
        return True
    wanted = set((" ".join(evidence) or answer).split())
    return bool(wanted) and len(wanted & set(text.split())) / len(wanted) > 0.6


def kept(ws: Workspace, every: Sequence[Asked], file: Path) -> list[Case]:
    """The cases, those that an earlier run made among them."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()] if file.is_file() else []
    known: dict[str, Case | None] = {
        row["key"]: Case(np.array(row["features"]), row["answerable"], row["source"], row["kind"])
        if row["features"]
        else None
        for row in rows
    }
    with file.open("a", encoding="utf-8") as out:
        for asked in every:
            if asked.key in known:
                continue
            case = known[asked.key] = made(ws, asked)
            values = [round(float(value), 4) for value in case.features] if case else []
            row = {"key": asked.key, "features": values, "answerable": asked.answerable}
            out.write(json.dumps(row | {"source": asked.source, "kind": asked.kind}) + "\n")
            out.flush()
    found = [known[asked.key] for asked in every]
    return [case for case in found if case is not None]


def taken_away(found: Sequence[Passage], gone: Sequence[bool]) -> list[Passage]:
    """The other passages, ranked as if those that are gone had never been there."""
    without = [passage for passage, away in zip(found, gone, strict=True) if away]

    def closed_up(rank: int | None, gone_ranks: Sequence[int | None]) -> int | None:
        return None if rank is None else rank - sum(other is not None and other < rank for other in gone_ranks)

    return [
        replace(
            passage,
            rank=closed_up(passage.rank, [p.rank for p in without]),
            lexical_rank=closed_up(passage.lexical_rank, [p.lexical_rank for p in without]),
            dense_rank=closed_up(passage.dense_rank, [p.dense_rank for p in without]),
        )
        for passage, away in zip(found, gone, strict=True)
        if not away
    ]


def training(samples: dict[str, int], sets: dict[str, int], data: Path) -> Iterator[Asked]:
    """Answerable and constructed unanswerable questions; no gold, no test, no unanswerable.jsonl."""
    for number, (name, corpus_id) in enumerate(samples.items()):
        other = list(samples.values())[(number + 1) % len(samples)]
        yield from _pairs(corpus_id, train(name), name, other)
    for name, corpus_id in sets.items():
        folder = {"xquad": "general/xquad_en", "techqa": "support/techqa"}[name]
        rows = questions(data / "data" / folder / "train.jsonl")[:PER_SET]
        yield from _pairs(corpus_id, rows, name, samples["support"])


def _pairs(corpus_id: int, rows: Sequence[Question], name: str, other: int) -> Iterator[Asked]:
    for number, row in enumerate(rows):
        yield Asked(corpus_id, row, row.answer is not None, "own", name)
        if row.answer is None:
            continue
        yield Asked(corpus_id, row, False, "evidence", name)
        if number % 5 == 0:
            yield Asked(other, row, False, "other", name)
        if number % 5 in (1, 2, 3):
            yield Asked(corpus_id, row, False, "document", name)


def fit(cases: Sequence[Case]) -> tuple[np.ndarray, float]:
    """Ridge logistic regression on standardised features by Newton's method; both classes weigh the same."""
    plain_x = np.array([c.features for c in cases], np.float64)
    mean, spread = plain_x.mean(0), plain_x.std(0) + 1e-6
    x = np.hstack([(plain_x - mean) / spread, np.ones((len(cases), 1))])
    y = np.array([c.answerable for c in cases], np.float64)
    weight = np.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    ridge = np.diag([*([RIDGE] * len(FEATURES)), 0.0])
    beta = np.zeros(x.shape[1])
    for _ in range(60):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weight * (p - y)) + ridge @ beta
        hessian = (x.T * (weight * p * (1 - p))) @ x + ridge + 1e-9 * np.eye(x.shape[1])
        beta -= np.linalg.solve(hessian, gradient)
    weights = beta[:-1] / spread
    return weights, float(beta[-1] - weights @ mean)


def thresholds(cases: Sequence[Case]) -> dict[str, float]:
    """One per domain, by its own training questions and by models that none of its sets had a say in.

    Where it refuses WRONGLY of those that are answerable; xquad's and techqa's are support's, as their corpora are.
    """
    home = {name: name if name in ORDER else "support" for name in {case.source for case in cases}}
    found = {}
    for name in ORDER:
        mine = [case for case in cases if home[case.source] == name]
        weights, bias = fit([case for case in cases if home[case.source] != name])
        p = np.array([sigmoid(float(case.features @ weights) + bias) for case in mine if case.answerable])
        found[name] = float(np.quantile(p, WRONGLY))
    return found


def probabilities(cases: Sequence[Case]) -> np.ndarray:
    """The stored model's probability that each question can be answered."""
    model = json.loads(MODEL_FILE.read_text("utf-8"))
    weights = np.array([model["weights"][name] for name in FEATURES])
    return 1 / (1 + np.exp(-(np.array([c.features for c in cases]) @ weights + model["bias"])))


def rates(probability: np.ndarray, answerable: np.ndarray, threshold: float) -> tuple[float, float]:
    """The share of unanswerable questions that is refused, and of answerable ones."""
    refused = probability < threshold
    rightly = refused[~answerable].mean() if (~answerable).any() else 0.0
    return float(rightly), float(refused[answerable].mean()) if answerable.any() else 0.0


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    with opened(options.workspace) as ws:
        samples = sample_corpora(ws)
        sets = {name: set_corpus(ws, name, options.data) for name in ("xquad", "techqa")}
        folder = options.data / "data" / "support" / "techqa"
        rows = [*questions(folder / "test.jsonl"), *questions(folder / "unanswerable.jsonl")]
        measured = [Asked(samples[name], q, q.answer is not None, "gold", name) for name in ORDER for q in gold(name)]
        measured += [Asked(sets["techqa"], q, q.answer is not None, "gold", "techqa") for q in rows]
        file = options.workspace / "refusal-cases.jsonl"
        if options.fit:
            learned = kept(ws, list(training(samples, sets, options.data)), file)
            store_model(learned)
            for name, threshold in thresholds(learned).items():
                store_threshold(name, threshold)
        cases = kept(ws, measured, file)
    report({name: [case for case in cases if case.source == name] for name in (*ORDER, "techqa")})


def store_model(cases: Sequence[Case]) -> None:
    """Fit and write the coefficients with their provenance."""
    weights, bias = fit(cases)
    sources = sorted({f"{c.source} {c.kind}" for c in cases})
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
    """The table: what the product does at its thresholds."""
    lines, pooled = [], {True: [], False: []}
    for name, cases in asked.items():
        home = name if name in ORDER else "support"
        threshold = tomllib.loads((domain(home).folder / "domain.toml").read_text("utf-8"))["refusal"]["threshold"]
        p, y = probabilities(cases), np.array([c.answerable for c in cases])
        for probability, answerable in zip(p, y, strict=True):
            pooled[bool(answerable)].append(float(probability < threshold))
        auc = float((p[y][:, None] > p[~y][None, :]).mean())
        lines.append((name, int(y.sum()), int((~y).sum()), threshold, *rates(p, y, threshold), auc))
    head = ("questions", "answerable", "not", "threshold", "refused rightly", "refused wrongly", "AUC")
    total = f"All together: refused rightly {np.mean(pooled[False]):.3f}, wrongly {np.mean(pooled[True]):.3f}."
    note = "No question here had a say in coefficients or thresholds. techqa uses the support domain's threshold."
    fitted = json.loads(MODEL_FILE.read_text("utf-8"))["provenance"]
    body = f"{table(head, lines)}\n\n{total}\n\n{note}\n\nCoefficients: {fitted}."
    write("refusal", "Knowing when not to answer", body)


if __name__ == "__main__":
    assert ROOT.is_dir()
    main()
