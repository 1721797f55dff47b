"""The packaged models are found, and a changed byte is noticed."""

from dataclasses import replace

import pytest

from core import models
from core.errors import ModelMissing


def test_both_packaged_models_are_the_published_files() -> None:
    assert (models.embedding_folder() / "tokenizer.json").is_file()
    assert models.packaged_gguf().suffix == ".gguf"


def test_a_file_with_other_bytes_is_refused_with_the_remedy() -> None:
    with pytest.raises(ModelMissing, match=r"not the published file.*make setup"):
        models.verified(replace(models.CHAT, sha256="0" * 64))


def test_an_absent_package_says_what_to_run() -> None:
    with pytest.raises(ModelMissing, match=r"not installed.*make setup"):
        models.verified(replace(models.CHAT, package="no_such_package"))
