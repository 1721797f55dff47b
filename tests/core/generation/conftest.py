"""Loading costs seconds, so one engine and one Q8_0 file serve every test here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import ModelMissing
from core.generation.embedded import EmbeddedChat
from core.generation.gguf import as_q8_0
from core.models import packaged_gguf


@pytest.fixture(scope="session")
def packaged() -> Path:
    try:
        return packaged_gguf()
    except ModelMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def q8(packaged: Path, models_folder: Path) -> Path:
    return as_q8_0(packaged, models_folder)


@pytest.fixture(scope="session")
def engine(packaged: Path, models_folder: Path) -> Iterator[EmbeddedChat]:
    chat = EmbeddedChat(source=packaged, folder=models_folder, max_tokens=40)
    yield chat
    chat.close()
