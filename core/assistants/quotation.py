"""The quotation an answer leads with: which sentences, in which order, written how.

Pure. Words are those of the page; only line breaks inside a sentence become spaces, and a table row is
written below the header of its table as a Markdown table so that it can be read alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from core.assistants.citing import Quoted
from core.assistants.quoting import Candidate, is_label
from core.assistants.reading import Reading


@dataclass(frozen=True, slots=True)
class Quotation:
    """`text` is what is shown; `pieces` say which stretch of it stands where on which page.

    `whole`: it says all there is to say, and nobody's own words are added. `amended`: it is a clause with what changes
    it, and nobody's own words take its place either.
    """

    text: str
    pieces: tuple[Quoted, ...]
    whole: bool = False
    amended: bool = False


def choose(candidates: Sequence[Candidate], reading: Reading) -> list[Candidate]:
    """The sentences worth quoting, best first: the best one, and those not much less probable than it.

    Where the quotation is the answer, further sentences are of the best one's page: a second page is more often wrong.
    """
    chosen: list[Candidate] = []
    for candidate in candidates:
        if len(chosen) == reading.sentences:
            break
        if chosen and candidate.probability < reading.share * chosen[0].probability:
            break
        if reading.quote_first and chosen and not _same_page(candidate, chosen[0]):
            continue
        if not is_label(candidate.sentence) and not any(_same(candidate, other) for other in chosen):
            chosen.append(candidate)
    return chosen or list(candidates[:1])


def quotation(chosen: Sequence[Candidate]) -> Quotation:
    """Write the chosen sentences: those of one passage together and in page order, the best one's passage first."""
    text, pieces = "", []
    for group in by_passage(chosen):
        before: Candidate | None = None
        for candidate in group:
            text += _gap(before, candidate) if text else ""
            body = _written(candidate, before)
            pieces.append(
                Quoted(len(text), len(text) + len(body), candidate.passage, candidate.page_start, candidate.page_end)
            )
            text, before = text + body, candidate
    return Quotation(text, tuple(pieces))


def by_passage(chosen: Sequence[Candidate]) -> list[list[Candidate]]:
    """Sentences by their passages, in page order each; the passage of the first one first."""
    groups: dict[int, list[Candidate]] = {}
    for candidate in chosen:
        groups.setdefault(candidate.passage.rank, []).append(candidate)
    return [sorted(group, key=lambda c: c.sentence.start) for group in groups.values()]


def between(before: Candidate, candidate: Candidate) -> str:
    """What stands between two sentences of a passage."""
    return before.passage.text[before.sentence.end : candidate.sentence.start]


def _gap(before: Candidate | None, candidate: Candidate) -> str:
    """A space between neighbours, a line inside a table or list, an ellipsis where something was left out."""
    if before is None:
        return "\n\n"
    if _same_table(before, candidate):
        return "\n"
    gap = between(before, candidate)
    if gap.strip():
        return "\n\n"
    return "\n" if "\n" in gap else gap or " "


def _written(candidate: Candidate, before: Candidate | None) -> str:
    sentence = candidate.sentence
    if not sentence.row:
        return " ".join(sentence.text.split())
    if not sentence.header or (before is not None and _same_table(before, candidate)):
        return sentence.text
    first, *others = sentence.header.splitlines()
    ruler = "|" + " --- |" * (first.strip().count("|") - 1)
    return "\n".join([first, ruler, *others, sentence.text])


def _same_table(a: Candidate, b: Candidate) -> bool:
    return a.sentence.row and b.sentence.row and a.sentence.header == b.sentence.header and a.passage is b.passage


def _same_page(a: Candidate, b: Candidate) -> bool:
    return (a.passage.document_id, a.passage.page) == (b.passage.document_id, b.passage.page)


def _same(a: Candidate, b: Candidate) -> bool:
    return a.sentence.text.split() == b.sentence.text.split()
