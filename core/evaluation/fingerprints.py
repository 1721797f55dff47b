"""What an evaluation depended on, by name and hash: two runs with the same fingerprints asked the same thing."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.assistants.reading import reading_for
from core.assistants.strictness import strict
from core.evaluation.questions import Gold

if TYPE_CHECKING:
    from core.workspace import Workspace

KINDS = ("closed-book", "grounded")
ANSWERS = ("assistants/*.py", "assistants/*.json", "retrieval/*.py", "generation/*.py", "evaluation/scoring.py",
           "evaluation/metrics.py", "evaluation/matching.py", "evaluation/judging.py")  # fmt: skip
"""The code of `core` that decides what is answered and how that is scored."""
LIBRARIES = ("openvino", "openvino-genai", "torch", "transformers")
UNKNOWN = "unknown"


def of(ws: "Workspace", corpus_id: int, questions: Sequence[Gold]) -> dict[str, Any]:
    """Everything that the answers and their scores depend on, and the machine, on which their seconds do."""
    return of_answering(ws, corpus_id) | {
        "questions": digest([each.json() for each in questions]),
        "machine": machine(),
    }


def of_answering(ws: "Workspace", corpus_id: int) -> dict[str, Any]:
    """Documents, edits of their chunks, index, domain, base model and its settings, adapters that serve, programs."""
    index = ws.corpora.active_index(corpus_id)
    assistant = ws.assistants.of(corpus_id)
    domain = strict(ws.domains.get(ws.corpora.get(corpus_id).domain), assistant)
    return {
        "documents": digest(sorted(ws.corpora.contents(corpus_id).items())),
        "edits": digest(ws.edits.of_corpus(corpus_id)),
        "index": index.fingerprint if index else "",
        "domain": digest([domain.persona, domain.refusal.sentence, domain.refusal.threshold, domain.terms]),
        "checks": digest(asdict(domain.checks)),
        "base_model": ws.engines.name(assistant.base_model_id),
        "engine": digest(_engine(ws, assistant.base_model_id)),
        "reading": assistant.reading,
        "adapters": {kind: found for kind in KINDS if (found := _adapter(ws, corpus_id, kind))},
        "program": program(),
        "libraries": {name: own for name in LIBRARIES if (own := _version(name)) != UNKNOWN},
    }


NAMES = {
    "documents": "documents",
    "edits": "chunks that were edited",
    "index": "the index",
    "domain": "the domain's persona, refusals or words",
    "checks": "the domain's checks",
    "base_model": "the base model",
    "engine": "the base model's settings or file",
    "reading": "how passages are shown",
    "adapters": "the adapters that serve",
    "program": "the program",
    "libraries": "the engines' libraries",
    "questions": "the questions",
    "machine": "the machine",
}
"""What each is for people."""


def differing(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """What is not the same, by name; what only one of them knows of is not told."""
    return [name for name in NAMES if name in now and name in before and now[name] != before[name]]


@cache
def program() -> str:
    """This program's version and a digest of what answers and scores: two builds of one version may differ in these."""
    whole, root = hashlib.sha256(), Path(__file__).parents[1]
    for file in sorted(file for pattern in ANSWERS for file in root.glob(pattern)):
        whole.update(f"{file.name}\n".encode() + file.read_bytes())
    return f"{_version()} {whole.hexdigest()[:16]}"


def machine() -> str:
    """What seconds are of: the kind of processor and its cores."""
    return f"{platform.machine()}, {os.cpu_count()} cores"


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, its first sixteen digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def of_modes(ws: "Workspace", corpus_id: int, modes: Sequence[str]) -> dict[str, str]:
    """For each mode all that its answers depend on beside the question: what is not named is the same for all.

    Base alone reads no documents, retrieval no adapter: what a mode does not depend on does not change its digest.
    """
    index, chosen = ws.corpora.active_index(corpus_id), ws.assistants.of(corpus_id)
    domain = strict(ws.domains.get(ws.corpora.get(corpus_id).domain), chosen)
    corpus = [sorted(ws.corpora.contents(corpus_id).items()), ws.edits.of_corpus(corpus_id),
              index.fingerprint if index else "", domain.terms]  # fmt: skip
    said = [domain.persona, domain.refusal.sentence, domain.refusal.threshold, asdict(domain.checks)]
    prompt = [*said, chosen.reading, program()]
    engine = _engine(ws, chosen.base_model_id)
    adapters = {mode: _adapter(ws, corpus_id, kind) for mode, kind in zip(("finetuned", "hybrid"), KINDS, strict=True)}
    passages = reading_for(ws.engines.name(chosen.base_model_id), chosen.reading).passages
    parts: dict[str, list[Any]] = {
        "base": [engine],
        "quote": [corpus, passages],  # no model writes it, but how many passages it chooses from goes by the model
        "rag": [corpus, engine],
        "finetuned": [corpus, adapters["finetuned"]],
        "hybrid": [corpus, adapters["hybrid"]],
    }
    return {mode: digest([mode, prompt, parts[mode]]) for mode in modes}


def of_answer(state: str, question: Gold, likelihood: bool = False) -> str:
    """One answer: the digest of its mode (`of_modes`), its question with the gold answer, and what was measured."""
    return digest([state, {**question.json(), "id": ""}, likelihood])


def _engine(ws: "Workspace", base_model_id: int | None) -> list[Any]:
    """A base model by all that its row says, and by the size and time of its file, or of those in its folder."""
    if base_model_id is None:
        return ["embedded", ws.engines.name(None)]
    row = ws.base_models.get(base_model_id)
    return [row.kind, row.location, row.model, row.window, row.options, _files(row.kind, row.location)]


def _files(kind: str, location: str) -> list[list[Any]]:
    """Name, size and time of what a model is read from; none of an endpoint's, or where it is not there."""
    path = Path(location).expanduser()
    if kind == "gguf":
        files = [path]
    elif kind == "transformers" and path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in (".safetensors", ".json", ".jinja", ".model"))
    else:
        files = []
    found = [(each.name, each.stat()) for each in files if each.is_file()]
    return [[name, stat.st_size, stat.st_mtime_ns] for name, stat in found]


def _adapter(ws: "Workspace", corpus_id: int, kind: str) -> dict[str, Any] | None:
    row = ws.adapters.promoted(corpus_id, kind)
    if row is None:
        return None
    return {"id": row.id, "version": row.version, "files": digest(row.files), "reading": row.result.get("reading")}


def _version(package: str = "triptych") -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return UNKNOWN
