import pytest

from storage.assistants import Assistants
from storage.base_models import BaseModels
from storage.corpora import Corpora
from storage.database import Database
from storage.errors import Exists, NotFound


def test_a_corpus_is_answered_by_the_embedded_base_model_until_another_is_chosen(database: Database) -> None:
    corpus = Corpora(database).create("contracts", "legal").id
    model = BaseModels(database).create("big", "endpoint", "http://localhost:8000/v1", model="big-1")
    assistants = Assistants(database)
    assert assistants.of(corpus).base_model_id is None
    assistants.choose_base_model(corpus, model.id)
    assistants.choose_reading(corpus, "quote")
    assert (assistants.of(corpus).base_model_id, assistants.of(corpus).reading) == (model.id, "quote")
    assert [row.name for row in BaseModels(database).used_by(model.id)] == ["contracts"]


def test_deleting_a_base_model_gives_its_corpora_back_to_the_embedded_one(database: Database) -> None:
    corpus = Corpora(database).create("contracts", "legal").id
    models, assistants = BaseModels(database), Assistants(database)
    assistants.choose_base_model(corpus, models.create("big", "gguf", "/models/big.gguf").id)
    assistants.choose_mode(corpus, "base")
    models.delete(models.list()[0].id)
    assert (assistants.of(corpus).base_model_id, assistants.of(corpus).mode) == (None, "base")


def test_two_base_models_cannot_have_one_name(database: Database) -> None:
    models = BaseModels(database)
    models.create("big", "gguf", "/models/big.gguf")
    other = models.create("other", "gguf", "/models/big.gguf")
    with pytest.raises(Exists):
        models.create("big", "gguf", "/elsewhere.gguf")
    with pytest.raises(Exists):
        models.update(other.id, name="big")


def test_a_base_model_that_is_gone_cannot_be_chosen_read_or_changed(database: Database) -> None:
    corpus = Corpora(database).create("contracts", "legal").id
    models = BaseModels(database)
    for act in (
        lambda: Assistants(database).choose_base_model(corpus, 77),
        lambda: Assistants(database).choose_mode(77, "rag"),
        lambda: models.get(77),
        lambda: models.update(77, name="x"),
        lambda: models.delete(77),
    ):
        with pytest.raises(NotFound):
            act()


def test_the_secret_of_a_base_model_is_not_in_its_repr(database: Database) -> None:
    row = BaseModels(database).create("cloud", "endpoint", "https://example.org/v1", secret="gAAAA-token")
    assert row.secret == "gAAAA-token"
    assert "gAAAA-token" not in repr(row)
