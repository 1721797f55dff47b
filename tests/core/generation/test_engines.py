"""Which engine answers for whom, over real rows; the engines are the scripted one, made heavy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import PrivateAttr

from core.errors import NotFound
from core.generation.engines import Engines
from core.generation.scripted import ScriptedChat
from storage.assistants import Assistants
from storage.base_models import BaseModels
from storage.corpora import Corpora
from storage.database import Database
from storage.rows import BaseModelRow


class Heavy(ScriptedChat):
    bytes_: int = 1000
    occupied: bool = False
    _up: bool = PrivateAttr(default=False)

    @property
    def ready(self) -> bool:
        return self._up

    @property
    def busy(self) -> bool:
        return self.occupied

    @property
    def weight_bytes(self) -> int:
        return self.bytes_

    def warm(self) -> None:
        self._up = True

    def close(self) -> None:
        self._up = False


class Shelf:
    def __init__(self, database: Database) -> None:
        self.models, self.assistants, self.corpora = BaseModels(database), Assistants(database), Corpora(database)
        self.embedded = ScriptedChat(answers=["embedded"])
        self.memory = 10_000
        self.engines = Engines(
            self.models, self.assistants, lambda: self.embedded, self.make, lambda: self.memory - self.used()
        )

    def make(self, row: BaseModelRow) -> Heavy:
        return Heavy(name=row.name, answers=[row.name], bytes_=row.window)

    def used(self) -> int:
        return sum(e.weight_bytes for _, e in self.engines._engines.values() if e.ready)

    def add(self, name: str, size: int = 1000) -> int:
        return self.models.create(name, "gguf", f"/{name}.gguf", window=size).id


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    database = Database.open(f"sqlite:///{tmp_path / 'rows.db'}")
    yield Shelf(database)
    database.close()


def test_a_corpus_without_a_choice_is_answered_by_the_embedded_engine(shelf: Shelf) -> None:
    assert shelf.engines.for_corpus(shelf.corpora.create("a", "legal").id) is shelf.embedded


def test_two_corpora_with_one_base_model_share_one_engine(shelf: Shelf) -> None:
    model = shelf.add("big")
    corpora = [shelf.corpora.create(name, "legal").id for name in ("a", "b")]
    for corpus in corpora:
        shelf.assistants.choose_base_model(corpus, model)
    one, two = (shelf.engines.for_corpus(corpus) for corpus in corpora)
    assert one is two
    assert one.name == "big"


def test_a_changed_base_model_gets_a_new_engine_and_the_old_one_is_closed(shelf: Shelf) -> None:
    model = shelf.add("big")
    before = shelf.engines.of(model)
    before.warm()
    shelf.models.update(model, location="/other.gguf")
    assert shelf.engines.of(model) is not before
    assert not before.ready


def test_when_memory_is_short_the_least_recently_used_engine_is_closed(shelf: Shelf) -> None:
    old, recent, new = (shelf.add(name, 4000) for name in ("old", "recent", "new"))
    for model in (old, recent):
        shelf.engines.of(model).warm()
    shelf.engines.of(old), shelf.engines.of(recent), shelf.engines.of(new).warm()
    assert [shelf.engines.of(model).ready for model in (recent, new)] == [True, True]
    assert not shelf.engines._engines[old][1].ready


def test_an_engine_that_is_answering_is_not_closed_for_another(shelf: Shelf) -> None:
    first = shelf.engines.of(shelf.add("first", 8000))
    first.warm()
    assert isinstance(first, Heavy)
    first.occupied = True
    shelf.engines.of(shelf.add("second", 8000))
    assert first.ready


def test_a_deleted_base_model_is_not_found_and_its_engine_is_closed(shelf: Shelf) -> None:
    model = shelf.add("big")
    engine = shelf.engines.of(model)
    engine.warm()
    shelf.models.delete(model)
    shelf.engines.forget(model)
    assert not engine.ready
    with pytest.raises(NotFound, match="does not exist any more"):
        shelf.engines.of(model)
