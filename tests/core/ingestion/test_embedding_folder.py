"""A folder given as an embedding model is refused in one line where a base model would be, and where it is not one."""

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput
from core.ingestion.embedders import Choice, Embedders
from core.ingestion.embedding_folder import FolderEmbedder
from core.models import embedding_folder
from tests.core.generation.test_catalogue import EMPTY, HARMFUL, folder_of
from tests.core.ingestion.small_model import DIMENSION, small_model


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "model"))


def probed(folder: Path) -> int:
    """As the page tries it; the vector's length."""
    return Embedders(lambda: None).probe(Choice("folder", str(folder))).dimension


@pytest.mark.parametrize(("config", "files", "why"), HARMFUL)
def test_what_is_refused_as_a_base_model_is_refused_as_an_embedding_model(
    tmp_path: Path, config: dict[str, Any] | None, files: dict[str, bytes], why: str
) -> None:
    folder = folder_of(tmp_path / "m", config, **files)
    shutil.copy(embedding_folder() / "tokenizer.json", folder)
    with pytest.raises(BadInput, match=why) as refused:
        FolderEmbedder(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("modules.json", b"[" * 100_000),
        ("modules.json", b'{"a": 1}'),
        ("modules.json", b"[1, null]"),
        ("modules.json", b'[{"type": "sentence_transformers.models.Dense"}]'),
        ("1_Pooling/config.json", b"[" * 100_000),
        ("1_Pooling/config.json", b"[1]"),
        ("1_Pooling/config.json", b'{"pooling_mode_max_tokens": true}'),
        ("sentence_bert_config.json", b"[" * 100_000),
        ("sentence_bert_config.json", b'"x"'),
        ("tokenizer.json", b"{}"),
        ("tokenizer.json", b"[" * 100_000),
        ("model.safetensors", EMPTY),
        ("model.safetensors", struct.pack("<Q", 9) + b"not json!"),
        ("model.safetensors", struct.pack("<Q", 60) + b'{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,9999999]}}'),
        ("config.json", b'{"model_type": "no such kind"}'),
        ("config.json", b'{"model_type": "bert", "hidden_size": "x"}'),
        ("config.json", b'{"model_type": "bert", "hidden_size": 48, "num_attention_heads": 4, "vocab_size": 10}'),
    ],
)
def test_a_folder_with_a_damaged_part_is_refused_in_one_line(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(BadInput) as refused:
        probed(folder)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["modules.json", "config.json", "tokenizer.json", "sentence_bert_config.json"])
def test_a_file_that_is_larger_than_any_should_be_is_not_read(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.truncate(65 << 20)
    with pytest.raises(BadInput, match="larger than any such file should be"):
        probed(folder)


@pytest.mark.parametrize("longest", [None, "many", -1, 1e400, [128], True])
def test_a_length_that_is_none_is_not_believed(folder: Path, longest: object) -> None:
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": longest}))
    assert probed(folder) == DIMENSION
