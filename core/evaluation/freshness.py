"""Who notices that a document changed: facts of changed documents, asked in every mode.

Facts whose documents changed since an adapter learned are taken where there are any: what it learned then against what
the rules of `core.finetuning.finding` find in the document now. Where nothing changed, one value of a document is
changed for one question at a time, **on the way** from search to the mode that answers: the corpus, its rows and its
index are never touched. Knows of no other document that may still say the old value.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from core.assistants.searching import Searches
from core.evaluation.metrics import contains_gold, normalise
from core.evaluation.summary import SCORES, Interval
from core.finetuning import forgetting
from core.finetuning.finding import facts
from core.finetuning.generating import part_of
from core.finetuning.registry import staleness
from core.retrieval.passages import Passage
from storage.examples import Filter
from storage.rows import AdapterRow, FindingRow

if TYPE_CHECKING:
    from core.workspace import Workspace

KIND = "fresh"
MOST = 12
FIGURE = re.compile(r"(?<![\w.,])\d[\d.,]*(?<![.,])(?![\w])")
KINDS = ("closed-book", "grounded")


@dataclass(frozen=True, slots=True)
class Probe:
    """A fact that changed.

    Attributes:
        old, new: what tells the answers apart, in the document's words.
        was, becomes: the stretch that is changed on the way; "" where the document really changed.
    """

    question: str
    document: str
    old: str
    new: str
    was: str = ""
    becomes: str = ""

    @property
    def real(self) -> bool:
        """Whether the document itself changed."""
        return not self.was

    @classmethod
    def of(cls, found: dict[str, Any]) -> "Probe":
        """From JSON."""
        return cls(**found)

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Learned:
    """A pair that an adapter learned, or that is known otherwise, and where it stands."""

    question: str
    answer: str
    document: str
    evidence: str = ""


class Changed:
    """A search whose passages say what a probe makes of them."""

    def __init__(self, search: Searches, probe: Probe) -> None:
        self._search = search
        self._probe = probe

    def search(self, corpus_id: int, question: str, top: int = 10, also: Sequence[int] = ()) -> list[Passage]:
        """As the search itself, one stretch of one document read otherwise."""
        return [self._read(passage) for passage in self._search.search(corpus_id, question, top, also)]

    def _read(self, passage: Passage) -> Passage:
        if passage.document != self._probe.document:
            return passage
        return replace(passage, text=passage.text.replace(self._probe.was, self._probe.becomes))


def probes(ws: "Workspace", corpus_id: int) -> list[Probe]:
    """What will be asked: real changes, else generated ones; none where neither can be made."""
    adapters = [row for kind in KINDS if (row := ws.adapters.promoted(corpus_id, kind))]
    found = list(_unique(probe for row in adapters for probe in _really(ws, row)))
    if found:
        return found[:MOST]
    pairs = [pair for row in adapters for pair in learned(ws, row)] or _known(ws, corpus_id)
    texts = _texts(ws, corpus_id, {pair.document for pair in pairs if pair.document})
    made = (generated(pair, texts[pair.document]) for pair in _in_turns(pairs) if pair.document in texts)
    return list(_unique(probe for probe in made if probe is not None))[:MOST]


def generated(pair: Learned, text: str) -> Probe | None:
    """One figure of a pair's answer changed in its document's text; None where it does not stand there once."""
    figure = FIGURE.search(pair.answer)
    if figure is None:
        return None
    other = _other(figure[0], text)
    for stretch in (pair.answer, pair.evidence):
        places = [match.span() for match in FIGURE.finditer(stretch) if match[0] == figure[0]]
        if stretch and text.count(stretch) == 1 and len(places) == 1 and len(stretch) > len(figure[0]):
            start, end = places[0]
            becomes = stretch[:start] + other + stretch[end:]
            return Probe(pair.question, pair.document, figure[0], other, stretch, becomes)
    return None


def outcome(text: str, refused: bool, probe: Probe) -> str:
    """new, old, both, refused or neither: which value an answer holds."""
    new, old = contains_gold(text, probe.new), contains_gold(text, probe.old)
    if refused and not new:
        return "refused"
    return "both" if new and old else "new" if new else "old" if old else "neither"


def summary(findings: Sequence[FindingRow]) -> dict[str, Any]:
    """Outcomes by mode, how often the new value alone was given, and whether the changes were real."""
    by_mode: dict[str, list[str]] = {}
    for each in findings:
        by_mode.setdefault(each.content["mode"], []).append(each.content["outcome"])
    if not by_mode:
        return {}
    asked = {each.key.partition("|")[0] for each in findings}
    return {
        "real": all(each.content["real"] for each in findings),
        "probes": len(asked),
        "documents": len({each.content["document"] for each in findings}),
        "modes": {
            mode: {name: outcomes.count(name) for name in ("new", "old", "both", "refused", "neither")}
            | {"noticed": Interval.of([float(each == "new") for each in outcomes], SCORES).json()}
            for mode, outcomes in by_mode.items()
        },
    }


def learned(ws: "Workspace", adapter: AdapterRow) -> list[Learned]:
    """The pairs that an adapter was trained on; none when its files are gone."""
    rows = forgetting.learned(ws.serving.folder(adapter))
    return [Learned(r["question"], r["answer"], r["document"], r["evidence"]) for r in rows if r["part"] == "train"]


def _really(ws: "Workspace", adapter: AdapterRow) -> Iterator[Probe]:
    """What an adapter learned of documents that say something else now."""
    changed = set(staleness(ws, adapter).changed)
    if not changed:
        return
    now = _answers_now(ws, adapter.corpus_id, changed)
    for pair in learned(ws, adapter):
        answer = now.get((pair.document, normalise(pair.question)))
        if answer is not None and normalise(answer) != normalise(pair.answer):
            old, new = _telling(pair.answer, answer)
            yield Probe(pair.question, pair.document, old, new)


def _answers_now(ws: "Workspace", corpus_id: int, names: set[str]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for document in ws.corpora.documents(corpus_id, status="ready", limit=20_000):
        if document.name in names:
            parts = [part_of(document, chunk) for chunk in ws.corpora.chunks(document.id) if not chunk.switched_off]
            found |= {(document.name, normalise(one.question)): one.answer for f in facts(parts) for one in f.asked}
    return found


def _telling(old: str, new: str) -> tuple[str, str]:
    """The figures that differ where both have one, else the whole answers."""
    before, after = FIGURE.findall(old), FIGURE.findall(new)
    gone, come = [f for f in before if f not in after], [f for f in after if f not in before]
    return (max(gone, key=len), max(come, key=len)) if gone and come else (old, new)


def _known(ws: "Workspace", corpus_id: int) -> list[Learned]:
    """Without adapters: gold questions, then accepted examples."""
    gold = [Learned(g.question, g.answer, g.documents[0], g.evidence) for g in ws.gold.list(corpus_id) if g.documents]
    rows = ws.examples.list(corpus_id, Filter(status="accepted"))
    return gold + [Learned(row.question, row.answer, row.document, row.evidence) for row in rows]


def _texts(ws: "Workspace", corpus_id: int, names: set[str]) -> dict[str, str]:
    """What documents say: their chunks, as they are searched."""
    return {
        row.name: "\n".join(chunk.said for chunk in ws.corpora.chunks(row.id) if not chunk.switched_off)
        for row in ws.corpora.documents(corpus_id, status="ready", limit=20_000)
        if row.name in names
    }


def _other(figure: str, text: str) -> str:
    """Another figure of the same shape that does not stand in the text."""
    for step in range(1, 9):
        other = "".join(str((int(c) + step - 1) % 9 + 1) if c.isdigit() else c for c in figure)
        if other != figure and other not in text:
            return other
    return f"{figure}1"


def _in_turns(pairs: Sequence[Learned]) -> list[Learned]:
    """The first pair of each document, then the second of each, and so on."""
    place: dict[str, int] = {}
    order = []
    for pair in pairs:
        place[pair.document] = place.get(pair.document, 0) + 1
        order.append((place[pair.document], pair))
    return [pair for _, pair in sorted(order, key=lambda each: each[0])]


def _unique(found: Iterable[Probe]) -> Iterator[Probe]:
    seen: set[str] = set()
    for probe in found:
        if normalise(probe.question) not in seen:
            seen.add(normalise(probe.question))
            yield probe
