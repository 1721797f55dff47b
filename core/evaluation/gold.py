"""Gold questions as files: a domain's `gold.jsonl` becomes rows of its sample corpus.

One line each: question, answer (null when the documents do not hold it), doc_ids, evidence, meta (page, qtype).
"""

import json
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, NotFound
from storage.errors import NotFound as NoRow
from storage.gold import GoldDraft

if TYPE_CHECKING:
    from core.workspace import Workspace


def load_sample(ws: "Workspace", corpus_id: int) -> int:
    """Give a sample corpus its domain's gold questions, as far as it lacks them; returns how many were added.

    Raises:
        NotFound: the corpus is gone. BadInput: it is no sample, so the questions are not about its documents.
    """
    try:
        corpus = ws.corpora.get(corpus_id)
    except NoRow as error:
        raise NotFound("That corpus does not exist any more.", "Choose another one.") from error
    file = ws.domains.get(corpus.domain).gold_file
    if not corpus.sample or not file.is_file():
        raise BadInput("These questions are about the sample documents.", "Open the domain's sample for them.")
    lines = file.read_text("utf-8").splitlines()
    return len(ws.gold.add_many(corpus_id, [draft(json.loads(line)) for line in lines if line.strip()]))


def draft(line: dict[str, Any], origin: str = "sample") -> GoldDraft:
    """One line of a gold.jsonl; the line's id is kept in `meta`."""
    meta: dict[str, Any] = dict(line.get("meta") or {})
    meta.pop("message", None)  # an answer of another workspace; here it names one of ours (`storage.traces`)
    return GoldDraft(
        question=line["question"],
        answer=line.get("answer") or "",
        answerable=line.get("answer") is not None,
        documents=tuple(line.get("doc_ids") or ()),
        page=meta.get("page"),
        evidence=line.get("evidence") or "",
        meta=meta | ({"id": line["id"]} if "id" in line else {}),
        origin=origin,
    )
