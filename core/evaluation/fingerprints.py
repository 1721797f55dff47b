"""What an evaluation depended on, by name and hash: two runs with the same fingerprints asked the same thing."""

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from core.evaluation.questions import Gold

if TYPE_CHECKING:
    from core.workspace import Workspace

KINDS = ("closed-book", "grounded")


def of(ws: "Workspace", corpus_id: int, questions: Sequence[Gold]) -> dict[str, Any]:
    """Documents, index, questions, base model, adapters that serve, program and machine."""
    index = ws.corpora.active_index(corpus_id)
    assistant = ws.assistants.of(corpus_id)
    return {
        "documents": digest(sorted(ws.corpora.contents(corpus_id).items())),
        "index": index.fingerprint if index else "",
        "questions": digest([each.json() for each in questions]),
        "base_model": ws.engines.of(assistant.base_model_id).name or "",
        "reading": assistant.reading,
        "adapters": {kind: found for kind in KINDS if (found := _adapter(ws, corpus_id, kind))},
        "program": _version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }


def digest(value: Any) -> str:
    """SHA-256 of a JSON value, its first sixteen digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _adapter(ws: "Workspace", corpus_id: int, kind: str) -> dict[str, Any] | None:
    row = ws.adapters.promoted(corpus_id, kind)
    return {"id": row.id, "version": row.version, "files": digest(row.files)} if row else None


def _version() -> str:
    try:
        return version("triptych")
    except PackageNotFoundError:
        return "unknown"
