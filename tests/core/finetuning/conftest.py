"""A tiny Llama with random weights: real code end to end, in milliseconds a step."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.finetuning import base
from core.finetuning.base import Base, prepared
from core.finetuning.lessons import Lesson
from core.ingestion.sandbox import Sandbox
from core.settings import Settings
from core.workspace import Workspace
from tests.torture.tiny import tiny_gguf

VOCABULARY, END = 128, 2


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A model this small computes in no time; a second thread would only wait for the first."""
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for trainers in processes of their own
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether two ways come to the same is told to many digits, also by a processor that computes in bfloat16."""
    monkeypatch.setattr(base, "precision", lambda: "float32")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as opened:
        yield opened


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
        eos_token_id=END,
        initializer_range=0.2,  # with the usual 0.02 hardly anything can be said, let alone learned
    )
    folder = tmp_path_factory.mktemp("base") / "tiny"
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GGUF of one small layer with the beginning of the packaged tokenizer."""
    return tiny_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", merges=700)


@pytest.fixture(scope="session")
def tiny_prepared(tiny_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Base:
    """The same as torch sees it."""
    return prepared(tiny_file, tmp_path_factory.mktemp("models"))


@pytest.fixture
def lessons() -> list[Lesson]:
    """Forty prompts, each with an answer that its first token decides: something that can be learned."""
    random = np.random.default_rng(3)
    found = []
    for number in range(40):
        key = 3 + number % 8
        prompt = (key, *random.integers(20, VOCABULARY, int(random.integers(4, 20))).tolist())
        found.append(Lesson(prompt, (key + 10, key + 50, END), number))
    return found


@pytest.fixture
def ws(tmp_path: Path, tiny_prepared: Base) -> Iterator[Workspace]:
    """A workspace in which the tiny base model need not be written out again."""
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        shutil.copytree(tiny_prepared.folder, opened.home / "models" / tiny_prepared.folder.name)
        yield opened
