"""Late interaction: how near each word of a question comes to a text."""

from core.assistants.interaction import nearness
from core.assistants.words import content_words
from core.ingestion.embedding import Embedder

QUESTION = "How much is the rent?"


def test_a_word_is_nearest_to_itself_and_nearer_to_a_synonym_than_to_another_word(embedder: Embedder) -> None:
    question, *texts = embedder.embed_tokens(
        [QUESTION, "The rent is due.", "The lease payment is due.", "Whales sing."]
    )
    same, like, other = nearness(content_words(QUESTION), question, texts)[:, -1]
    assert same > like > other
    assert other >= 0
    assert same <= 1


def test_a_text_without_tokens_and_a_question_without_words_are_near_to_nothing(embedder: Embedder) -> None:
    question, empty, full = embedder.embed_tokens([QUESTION, "", "The rent is due."])
    assert nearness(content_words(QUESTION), question, [empty, full])[0].tolist() == [0.0] * len(
        content_words(QUESTION)
    )
    assert nearness([], question, [full]).shape == (1, 0)
