"""Exports of an adapter: whole, checked, with what another program needs; and the check that can fail."""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import pytest

from core.errors import TriptychError
from core.finetuning import cards, exporting, merging
from core.models import CHAT, packaged_gguf
from core.settings import Settings
from core.workspace import Workspace
from storage.rows import AdapterRow
from tests.core.finetuning.test_adapter_merging import adapter as written


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


@pytest.fixture
def trained(ws: Workspace) -> AdapterRow:
    corpus = ws.corpora.create("Leases", "legal")
    job = ws.jobs.enqueue("finetune", corpus.id, {"kinds": ["closed-book"]})
    ws.jobs.request_cancel(job.id)
    ws.dispatcher.run_one()
    row = ws.adapters.begin(corpus.id, "closed-book", job.id, CHAT.name, documents={"a|b.pdf": "f" * 64})
    folder = ws.serving.folder(row)
    folder.mkdir(parents=True)
    written(
        folder / "adapter", {"model.layers.0.self_attn.k_proj": (192, 576), "model.layers.1.mlp.up_proj": (1536, 576)}
    )
    files = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in (folder / "adapter").iterdir()}
    ws.adapters.change(row.id, files=files, status="candidate", base_sha256=CHAT.sha256, recipe={"rank": 4})
    return ws.adapters.get(row.id)


def exported(ws: Workspace, row: AdapterRow, form: exporting.Form) -> Path:
    job = exporting.start(ws, row.id, form)
    ws.dispatcher.run_one()
    assert ws.jobs.get(job.id).status == "done", ws.jobs.get(job.id).error
    return exporting.target(ws, row, form)


def test_a_peft_export_holds_the_files_as_trained_and_a_model_card(ws: Workspace, trained: AdapterRow) -> None:
    with zipfile.ZipFile(exported(ws, trained, "peft")) as archive:
        assert set(archive.namelist()) == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
        card = archive.read("README.md").decode()
    assert "# Leases: closed-book adapter, version 1" in card
    assert "- a\\|b.pdf" in card


def test_files_that_changed_since_training_are_not_exported(ws: Workspace, trained: AdapterRow) -> None:
    (ws.serving.folder(trained) / "adapter" / "adapter_config.json").write_text("{}")
    job = exporting.start(ws, trained.id, "peft")
    ws.dispatcher.run_one()
    assert "adapter_config.json is not as it was trained" in ws.jobs.get(job.id).error
    assert not any(exporting.target(ws, trained, "peft").parent.iterdir())


def test_a_gguf_export_can_be_read_and_has_a_modelfile_that_ends_answers(
    ws: Workspace, trained: AdapterRow, tmp_path: Path
) -> None:
    with zipfile.ZipFile(exported(ws, trained, "q8_0")) as archive:
        archive.extractall(tmp_path / "out")
    told = (tmp_path / "out" / "Modelfile").read_text("utf-8")
    (file,) = (tmp_path / "out").glob("*.gguf")
    assert f"FROM ./{file.name}" in told
    assert 'PARAMETER stop "<|im_end|>"' in told
    assert "<|im_start|>{{ .Role }}" in told
    added = merging.placed(packaged_gguf(), ws.serving.folder(trained) / "adapter")
    spoil(file, "blk.1.ffn_up.weight")
    with pytest.raises(TriptychError, match=r"ffn_up\.weight is not what"):
        exporting.check_weights(packaged_gguf(), added, file, "q8_0")


def spoil(file: Path, name: str) -> None:
    """Turn the sign of one block's scale."""
    reader = gguf.GGUFReader(file, "r+")
    tensor = next(each for each in reader.tensors if each.name == name)
    tensor.data[0, 1] ^= np.uint8(0x80)
    reader.data.flush()


def test_an_unknown_template_is_left_to_the_file() -> None:
    told = cards.modelfile("m.gguf", {"tokenizer.chat_template": "[INST]", "general.architecture": "llama"}.get)
    assert "TEMPLATE" not in told
    assert "stop" not in told
