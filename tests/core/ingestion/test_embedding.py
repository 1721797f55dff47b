"""Embedding: the same vectors as sentence-transformers, in the order of the texts, from any thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.ingestion.embedding import Embedder, batches
from core.ingestion.minilm import in_7_bits
from core.models import embedding_folder

TEXTS = [
    "Rent is due on the first day of each month.",
    "x",
    "",
    "The court of appeals affirmed the judgment. " * 40,  # beyond 256 tokens
    "| Revenue | 2019 | 2018 |\n| Products | 172.5 | 160.1 |",
    "Bei Kündigung gilt § 573 BGB. 価格は500円です。",
]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder()


def test_vectors_are_those_of_sentence_transformers(embedder: Embedder) -> None:
    sentence_transformers = pytest.importorskip("sentence_transformers")
    reference = sentence_transformers.SentenceTransformer(str(embedding_folder()), device="cpu")
    expected = reference.encode(TEXTS, normalize_embeddings=True)
    assert (embedder.embed(TEXTS) * expected).sum(1).min() > 0.99999
    rough = embedder.embed_chunks(TEXTS)
    assert (rough * expected).sum(1).min() > 0.97
    assert (rough * expected).sum(1).mean() > 0.985


def test_an_exact_question_finds_its_text_among_rough_ones(embedder: Embedder) -> None:
    nearest = embedder.embed(TEXTS) @ embedder.embed_chunks(TEXTS).T
    assert nearest.argmax(1).tolist() == list(range(len(TEXTS)))


def test_a_matrix_in_7_bits_is_the_matrix_to_half_a_step() -> None:
    matrix = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32)
    numbers, scales = in_7_bits(matrix)
    assert (numbers.dtype, int(np.abs(numbers).max())) == (np.int8, 63)
    assert (np.abs(numbers * scales - matrix) <= scales / 2 + 1e-6).all()


def test_vectors_are_float32_and_of_unit_length(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), embedder.dimension), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-5)


def test_the_order_of_the_texts_is_kept(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS)
    alone = np.stack([embedder.embed_one(text) for text in TEXTS])
    assert (together * alone).sum(1).min() > 0.9995


def test_no_texts_give_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == embedder.embed_chunks([]).shape == (0, 384)


def test_the_vector_of_a_chunk_does_not_depend_on_its_company(embedder: Embedder) -> None:
    together = embedder.embed_chunks(TEXTS)
    alone = np.concatenate([embedder.embed_chunks([text]) for text in TEXTS])
    assert np.array_equal(together, alone)


def test_batches_yield_every_position_once(embedder: Embedder) -> None:
    texts = [f"word {number} " * (number % 60 + 1) for number in range(90)]
    positions = [at for part, vectors in embedder.embed_batches(texts) for at in part if len(vectors) == len(part)]
    assert sorted(positions) == list(range(90))


def test_a_caller_may_stop_between_batches(embedder: Embedder) -> None:
    texts = ["a long text of many words " * 40] * 60
    first, _ = next(iter(embedder.embed_batches(texts)))
    assert 0 < len(first) < len(texts)


def test_threads_get_what_they_asked_for(embedder: Embedder) -> None:
    expected = embedder.embed(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        found = np.stack(list(pool.map(embedder.embed_one, TEXTS)))
    assert (found * expected).sum(1).min() > 0.9995


def test_batches_hold_like_lengths_within_the_budget() -> None:
    lengths = [5, 200, 7, 256, 3, 250]
    found = list(batches(lengths, 512))
    assert sorted(at for batch in found for at in batch) == list(range(6))
    assert all(max(lengths[at] for at in batch) * len(batch) <= 512 for batch in found)
    assert found[0] == [3, 5]


def test_one_text_longer_than_the_budget_is_a_batch_of_its_own() -> None:
    assert list(batches([300, 300], 256)) == [[0], [1]]


def test_tokens_come_with_the_vector_of_their_text_and_their_places(embedder: Embedder) -> None:
    for text, vector, tokens in zip(TEXTS, embedder.embed(TEXTS), embedder.embed_tokens(TEXTS), strict=True):
        assert tokens.vector @ vector > 0.9999
        assert tokens.states.shape == (len(tokens.spans), 384)
        assert all(0 <= a < b <= len(text) for a, b in tokens.spans)
