"""Who asks for the CFO is answered by the sentence about the Chief Financial Officer, and by no other officer's."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest

from core.assistants.answerability import answerable
from core.assistants.quoting import FEATURES, relevant
from core.assistants.synonyms import NONE, Synonyms, rarities
from core.assistants.words import stems
from core.ingestion.embedding import Embedder
from core.retrieval.passages import Passage
from core.retrieval.terms import NOWHERE, Same

Make = Callable[..., Passage]
ASKED = "Who is the CFO of Norvane?"
CFO = [Same("CFO", ASKED.index("CFO") + 3, ("chief financial officer",))]
OFFICERS = (
    "Ann Reyes is the Chief Information Officer of Norvane. Tom Blake is Vice Chairman and Chief Financial Officer. "
    "The chief auditor of Norvane is Ines Falk."
)


def idf(known: Mapping[str, float]) -> Callable[[Sequence[str]], Mapping[str, float]]:
    return lambda words: {word: known.get(word.lower(), 9.0) for word in words}


def test_a_sentence_that_says_the_same_is_quoted_and_one_with_some_of_its_words_is_not(
    passage: Make, embedder: Embedder
) -> None:
    asked, rarest = rarities(ASKED, idf({"norvane": 1.0, "chief": 3.0, "financial": 2.0, "officer": 2.5}), CFO)
    same = Synonyms.of(ASKED, CFO)
    scored = relevant(ASKED, [passage(OFFICERS)], embedder, asked, same)
    assert scored.candidates[0].sentence.text.startswith("Tom Blake")
    words = scored.features[:, FEATURES.index("words")]
    near = scored.features[:, FEATURES.index("near")]
    assert words[0] == max(words) > words[1]
    assert near[0] == max(near)
    plain = relevant(ASKED, [passage(OFFICERS)], embedder, asked)
    passages = [passage(OFFICERS)]
    assert answerable(ASKED, passages, scored, asked, rarest) > answerable(ASKED, passages, plain, asked, rarest)


def test_a_word_is_no_rarer_than_what_means_the_same() -> None:
    asked, rarest = rarities(ASKED, idf({"norvane": 1.0, "chief": 3.0, "financial": 2.0, "officer": 2.5}), CFO)
    assert (asked, rarest) == ({"cfo": 3.0, "norvan": 1.0}, 9.0)
    assert rarities(ASKED, idf({"norvane": 1.0}))[0]["cfo"] == 9.0
    assert rarities(ASKED, idf({"cfo": 2.0, "norvane": 1.0}), CFO)[0]["cfo"] == 2.0
    assert rarities("", idf({})) == ({}, 9.0)
    assert NOWHERE not in asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the Chief Financial Officer's report", {"cfo"}),
        ("both chief financial officers", {"cfo"}),
        ("the Chief Information Officer, a financial officer", set()),
        ("a CFO", set()),
        ("", set()),
    ],
)
def test_all_its_words_have_to_stand_there_together(text: str, said: set[str]) -> None:
    assert Synonyms.of(ASKED, CFO).said(text) == said
    assert Synonyms.of(ASKED, CFO).stems(text) == stems(text) | said


def test_without_other_words_nothing_changes(passage: Make, embedder: Embedder) -> None:
    asked = dict.fromkeys(stems(ASKED), 1.0)
    plain = relevant(ASKED, [passage(OFFICERS)], embedder, asked)
    none = relevant(ASKED, [passage(OFFICERS)], embedder, asked, Synonyms.of(ASKED, []))
    assert np.array_equal(plain.features, none.features)
    assert plain.synonyms == NONE
