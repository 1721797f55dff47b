"""`triptych threshold`: how sure a corpus must be before it answers; works beside a running server."""

from dataclasses import asdict
from typing import Any

from core.assistants import strictness
from core.errors import NotFound
from core.settings import Settings


def threshold(settings: Settings, corpus_name: str, *, choose: float | None, as_domain: bool) -> dict[str, Any]:
    """Choose it, if that is asked for, and say what it is and does.

    `{"threshold", "domain", "own", "declined", "suggested"}`: what serves, what the domain says, whether the corpus
    has its own; what that declines of the gold questions of the newest evaluation that kept probabilities, as
    `core.assistants.strictness.Declined`, and what would be suggested from them, null where none did.

    Raises:
        NotFound: there is no such corpus. BadInput: it is no probability.
    """
    from core.workspace import Workspace

    with Workspace.open(settings, owner=False) as ws:
        corpus = ws.corpora.by_name(corpus_name)
        if corpus is None:
            raise NotFound(f"There is no corpus {corpus_name!r}.", "`triptych index` makes one.")
        if choose is not None or as_domain:
            strictness.choose(ws, corpus.id, choose)
        domain, chosen = ws.domains.get(corpus.domain), ws.assistants.of(corpus.id)
        serving = strictness.strict(domain, chosen).refusal.threshold
        asked = next((found for row in ws.evaluations.list(corpus.id) if (found := strictness.judged(ws, row))), [])
        return {
            "threshold": serving,
            "domain": domain.refusal.threshold,
            "own": chosen.refuse_below is not None,
            "declined": asdict(strictness.declined(asked, serving)) if asked else None,
            "suggested": strictness.suggested(asked),
        }


def readable(found: dict[str, Any]) -> str:
    """The same for people."""
    whose = f"the corpus's own; its domain says {found['domain']:.2f}" if found["own"] else "its domain's"
    said = [f"Answers what is at least {found['threshold']:.2f} probable ({whose})."]
    if (each := found["declined"]) is None:
        return f"{said[0]}\nNo evaluation says what that declines yet: `triptych evaluate`."
    said.append(
        f"Of the gold questions it declines {each['rightly']} of {each['absent']} that the documents do not answer, "
        f"and {each['wrongly']} of {each['present']} that they do."
    )
    if found["suggested"] is not None:
        said.append(f"Suggested: {found['suggested']:.2f}.")
    return "\n".join(said)
