"""Facts that a chunk states, each with questions whose answer is a verbatim span of it: rules, no model."""

from collections.abc import Iterable, Iterator, Sequence

from core.finetuning.finding import outline, prose, tables
from core.finetuning.finding.fact import Asked, Fact, Part

__all__ = ("Asked", "Fact", "Part", "facts")


def facts(parts: Sequence[Part]) -> list[Fact]:
    """All facts of a document's parts, given in order; of each only the questions that make sense."""
    found: list[Fact] = []
    for part in parts:
        found += outline.facts(part)
        found += prose.facts(part)
    found += tables.facts(parts)
    return list(_sound(found))


def _sound(found: Iterable[Fact]) -> Iterator[Fact]:
    for fact in found:
        if asked := tuple(one for one in fact.asked if one.makes_sense(fact.part.text)):
            yield Fact(fact.kind, fact.part, fact.evidence, asked)
