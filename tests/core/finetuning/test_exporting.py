"""Exports of an adapter: whole, checked, with what another program needs; and the check that can fail."""

import hashlib
import zipfile
from pathlib import Path

import gguf
import numpy as np
import pytest

from core.assistants.extracting import SIGNS, Extractor
from core.errors import TriptychError
from core.finetuning import cards, exporting, importing, likeness, merging
from core.workspace import Workspace
from storage.rows import AdapterRow
from tests.core.finetuning.test_adapter_merging import adapter as written


@pytest.fixture(autouse=True)
def _few_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness, "QUESTIONS", 3)


@pytest.fixture
def trained(ws: Workspace, tiny_file: Path) -> AdapterRow:
    """An adapter of a base model that computes in no time."""
    corpus = ws.corpora.create("Leases", "legal")
    ws.assistants.choose_base_model(corpus.id, ws.base_models.create("Tiny", "gguf", str(tiny_file)).id)
    job = ws.jobs.enqueue("finetune", corpus.id, {"kinds": ["closed-book"]})
    ws.jobs.request_cancel(job.id)
    ws.dispatcher.run_one()
    row = ws.adapters.begin(corpus.id, "closed-book", job.id, "Tiny", documents={"a|b.pdf": "f" * 64})
    folder = ws.serving.folder(row)
    folder.mkdir(parents=True)
    written(folder / "adapter", CHANGED, target_modules=["k_proj", "up_proj"], task_type="CAUSAL_LM")
    files = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in (folder / "adapter").iterdir()}
    sha256 = hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    ws.adapters.change(row.id, files=files, status="candidate", base_sha256=sha256, recipe={"rank": 4})
    return ws.adapters.get(row.id)


CHANGED = {"model.layers.0.self_attn.k_proj": (64, 64), "model.layers.0.mlp.up_proj": (128, 64)}


def exported(ws: Workspace, row: AdapterRow, form: exporting.Form) -> Path:
    job = exporting.start(ws, row.id, form)
    ws.dispatcher.run_one()
    ended = ws.jobs.get(job.id)
    assert ended.status == "done", ended.error
    assert "answers like the adapter: " in ended.message
    return exporting.target(ws, row, form)


def test_a_peft_export_holds_the_files_as_trained_and_a_model_card(ws: Workspace, trained: AdapterRow) -> None:
    with zipfile.ZipFile(exported(ws, trained, "peft")) as archive:
        assert set(archive.namelist()) == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
        card = archive.read("README.md").decode()
    assert "# Leases: closed-book adapter, version 1" in card
    assert "- a\\|b.pdf" in card
    assert "This export was read back, and answers like the adapter: 3 of 3 prompts word for word, 100 %" in card


def test_a_peft_export_takes_along_what_it_learned_to_take_from_the_documents(
    ws: Workspace, trained: AdapterRow
) -> None:
    zeros = (0.0,) * len(SIGNS)
    extractor = Extractor((), zeros, (1.0,) * len(SIGNS), zeros, 0.25, 0.5)
    ws.adapters.change(trained.id, result=trained.result | {"extractor": extractor.json()})
    file = exported(ws, ws.adapters.get(trained.id), "peft")
    with zipfile.ZipFile(file) as archive:
        assert "stands in `triptych.json`" in archive.read("README.md").decode()
    taken = importing.take_in(ws, trained.corpus_id, "grounded", file)
    assert ws.serving.extractor(taken) == extractor


def test_files_that_changed_since_training_are_not_exported(ws: Workspace, trained: AdapterRow) -> None:
    (ws.serving.folder(trained) / "adapter" / "adapter_config.json").write_text("{}")
    job = exporting.start(ws, trained.id, "peft")
    ws.dispatcher.run_one()
    assert "adapter_config.json is not as it was trained" in ws.jobs.get(job.id).error
    assert not exporting.target(ws, trained, "peft").parent.exists()


def test_a_gguf_export_can_be_read_and_has_a_modelfile_that_ends_answers(
    ws: Workspace, trained: AdapterRow, tiny_file: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(exported(ws, trained, "q8_0")) as archive:
        archive.extractall(tmp_path / "out")
    told = (tmp_path / "out" / "Modelfile").read_text("utf-8")
    (file,) = (tmp_path / "out").glob("*.gguf")
    assert f"FROM ./{file.name}" in told
    assert 'PARAMETER stop "<|im_end|>"' in told
    assert "<|im_start|>{{ .Role }}" in told
    added = merging.placed(tiny_file, ws.serving.folder(trained) / "adapter")
    spoil(file, "blk.0.ffn_up.weight")
    with pytest.raises(TriptychError, match=r"ffn_up\.weight is not what"):
        exporting.check_weights(tiny_file, added, file, "q8_0")


def test_a_merged_export_is_a_folder_for_transformers(ws: Workspace, trained: AdapterRow, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    with zipfile.ZipFile(exported(ws, trained, "merged")) as archive:
        archive.extractall(tmp_path / "out")
    assert "library_name: transformers\n" in (tmp_path / "out" / "README.md").read_text("utf-8")
    base, made = (load_file(f / "model.safetensors") for f in (ws.serving.base(trained).folder, tmp_path / "out"))
    assert {name for name in made if not made[name].equal(base[name])} == {f"{name}.weight" for name in CHANGED}


def spoil(file: Path, name: str) -> None:
    """Turn the sign of one block's scale."""
    reader = gguf.GGUFReader(file, "r+")
    tensor = next(each for each in reader.tensors if each.name == name)
    tensor.data[0, 1] ^= np.uint8(0x80)
    reader.data.flush()


def test_an_export_without_what_was_learned_fails_and_says_what_differs(
    ws: Workspace, trained: AdapterRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "placed", lambda source, adapter: {})
    job = exporting.start(ws, trained.id, "q8_0")
    ws.dispatcher.run_one()
    assert "does not answer like the adapter. 3 of 3 prompts differ" in ws.jobs.get(job.id).error
    assert not exporting.target(ws, trained, "q8_0").exists()


def test_an_unknown_template_is_left_to_the_file() -> None:
    told = cards.modelfile("m.gguf", {"tokenizer.chat_template": "[INST]", "general.architecture": "llama"}.get)
    assert "TEMPLATE" not in told
    assert "stop" not in told
