"""A folder as a GGUF: transformers reads back the very weights, our tokenizer the very tokens; the rest is refused."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from core.assistants.reading import CLOSED_BOOK
from core.domains import domain
from core.errors import BadInput
from core.finetuning import as_gguf, likeness, merging
from core.finetuning.general import GENERAL
from core.generation import gguf
from core.generation.folder_tokens import FolderTokens
from core.generation.tokens import Tokens
from tests.core.generation.tiny_folder import make_adapter, make_tiny


@pytest.fixture(scope="module", params=["llama", "qwen2", "qwen3"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("folder") / request.param, request.param)


def test_transformers_reads_back_the_very_weights_and_tokens_are_the_same(folder: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    as_gguf.check(folder)
    as_gguf.write(folder, tmp_path / "made.gguf", "Tiny")
    wanted = AutoModelForCausalLM.from_pretrained(folder).eval()
    found = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="made.gguf", dtype=torch.float32).eval()
    ids = torch.tensor([[3, 9, 27, 81, 200]])
    with torch.no_grad():
        torch.testing.assert_close(found(ids).logits, wanted(ids).logits, rtol=1e-4, atol=1e-4)
    own, tokens = FolderTokens(folder), Tokens(gguf.metadata(tmp_path / "made.gguf"))
    turns = [("system", "Be brief."), ("user", "What is the rent of Unit 12?")]
    assert tokens.prompt(turns) == own.prompt(turns)
    assert tokens.encode(tokens.prompt(turns)) == own.encode(own.prompt(turns))
    assert tokens.end == own.end


@pytest.mark.parametrize("family", ["qwen2", "qwen3"])
def test_an_adapter_merged_into_it_answers_on_the_cpu_engine_as_on_torch(family: str, tmp_path: Path) -> None:
    folder = make_tiny(tmp_path / family, family, window=2048)
    learned = make_adapter(folder, tmp_path / "adapter", 3, ("q_proj", "k_proj", "down_proj"))
    as_gguf.write(folder, tmp_path / "base.gguf", "Tiny")
    content = tmp_path / "content"
    merging.merge(tmp_path / "base.gguf", learned, content / "made.gguf", "F16")
    asking = likeness.Asking([q for q, _ in GENERAL][:2], domain("legal"), CLOSED_BOOK, lambda: None)
    found = likeness.compare("f16", folder, learned, content, asking)
    assert found.share > found.base_share


@pytest.mark.parametrize(
    ("file", "changed", "why"),
    [
        ("config.json", {"model_type": "gpt_neox"}, "is a gpt_neox model"),
        ("config.json", {"rope_parameters": {"rope_type": "yarn"}}, "scaled positions"),
        ("config.json", {"use_sliding_window": True, "hidden_act": "gelu"}, "a sliding window and another activation"),
        ("tokenizer_config.json", {"chat_template": None}, "no chat template"),
    ],
)
def test_what_would_be_read_wrongly_is_refused(
    folder: Path, tmp_path: Path, file: str, changed: dict[str, Any], why: str
) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    values = json.loads((other / file).read_text())
    (other / file).write_text(json.dumps(values | changed))
    with pytest.raises(BadInput, match=why):
        as_gguf.check(other)


def test_a_tokenizer_that_cuts_otherwise_is_refused(folder: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    said = json.loads((other / "tokenizer.json").read_text())
    said["normalizer"] = {"type": "Lowercase"}
    (other / "tokenizer.json").write_text(json.dumps(said))
    with pytest.raises(BadInput, match="cuts words in a way"):
        as_gguf.check(other)
