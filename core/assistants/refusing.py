"""What a refusal says was looked at: how many documents, and for which words; and what counts as one. Pure."""

import re
from collections.abc import Collection, Sequence

from core.assistants.words import content_words, stems
from core.retrieval.passages import Passage

NAMED = 6
"""Words that are named at most."""
ENDED = (".", "!", "?", "…", '"', "”", "’", "'")


def searched(question: str, passages: Sequence[Passage], documents: int, unknown: Collection[str] = ()) -> str:
    """One or two sentences: where it was looked, by which words, and which of them stand nowhere.

    Args:
        question: as it was searched for.
        passages: what came closest.
        documents: how many were searched.
        unknown: stems of the question that no document holds; what a passage does hold does not count as such.
    """
    if documents == 0:
        return "No document is ready to be searched yet."
    words = {word.stem: word.plain for word in content_words(question)}
    held = set[str]().union(*(stems(f"{p.document} {p.title} {p.heading} {p.text}") for p in passages))
    nowhere = [word for stem, word in words.items() if stem in unknown and stem not in held]
    looked = f"I looked in {documents} document{'s' if documents > 1 else ''}"
    looked += f" for {_listed(list(words.values()))}" if words else ""
    if not passages:
        return f"{looked} and found nothing close."
    said = f"{looked}; the closest passages are below."
    return (
        f"{said} {_listed(nowhere)} {'stands' if len(nowhere) == 1 else 'stand'} in none of them." if nowhere else said
    )


def is_all(sentence: str, text: str) -> bool:
    """Whether a text is that sentence and nothing else, whatever their case, punctuation and white space."""
    said = _plain(text)
    return bool(said) and said == _plain(sentence)


def beside(text: str, looked: str) -> str:
    """What to add to a refusal that a model wrote so that it goes on with `looked`: its gap, a full stop if need be."""
    if text[-1:].isspace():
        return looked
    return f" {looked}" if text.endswith(ENDED) else f". {looked}"


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _listed(words: Sequence[str]) -> str:
    quoted = [f"“{word}”" for word in words[:NAMED]]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
