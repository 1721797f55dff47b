"""A question and what is known of its words in one corpus: found out once, asked several times while it is answered.

The search by words, the rows that are called what was asked (`labels`) and the explanation want to know it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from core.retrieval.terms import Same, widened
from storage.lexical import Lexical
from storage.rarity import Counts


@dataclass(frozen=True, slots=True)
class Query:
    """Attributes:
    corpus_id: the corpus.
    text: the question.
    same: what means the same in the corpus as some of its words.
    lexical: counts words there.
    counts: what was counted so far.
    """

    corpus_id: int
    text: str
    same: Sequence[Same]
    lexical: Lexical
    counts: Counts = field(default_factory=Counts)

    @property
    def by_words(self) -> str:
        """What is looked up by words.

        Without the long forms of abbreviations that the corpus explains: their many words drown what else was asked,
        where the short one stands in the documents too.
        """
        return widened(self.text, [each for each in self.same if not each.explained])

    @property
    def by_meaning(self) -> str:
        """What is looked up by meaning: the question with all that means the same in brackets."""
        return widened(self.text, self.same)

    def rarity(self, words: Collection[str]) -> Mapping[str, float]:
        """How rare words are in the corpus, each more than 0."""
        return self.lexical.idf(self.corpus_id, words, self.counts)
