"""A folder for transformers as the base model, of whatever family: trained, judged, served, exported, imported.

Real training and real answers, of models with random weights that this test makes.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.assistants import comparing
from core.errors import BadInput
from core.finetuning import base as bases
from core.finetuning import estimate as flight
from core.finetuning import (
    exporting,
    gate,
    importing,
    likeness,
    lora,
    merged_folder,
    registry,
    sizing,
    trainable,
    tuning,
)
from core.finetuning.recipe import Recipe
from core.finetuning.watching import watched
from core.generation.folder_tokens import FolderTokens
from core.generation.torch_chat import AdaptedChat, TorchChat
from core.ingestion import intake
from core.settings import Settings
from core.workspace import Workspace
from storage.examples import ExampleDraft
from storage.gold import GoldDraft
from storage.rows import AdapterRow
from tests.core.generation.tiny_folder import make_tiny

CHANGES = {"epochs": 2.0, "rank": 4, "learning_rate": 5e-3, "looks": 1, "batch": 8, "frozen": 0.5}
FAMILIES = ("llama", "gpt2")


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny(tmp_path_factory.mktemp("base") / f"Tiny-{request.param}", request.param, 1024, 0.2)


@pytest.fixture
def ws(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "workspace")) as opened:
        yield opened


def taught(ws: Workspace, folder: Path) -> int:
    """A corpus with examples about six documents, answered by a folder."""
    corpus = intake.create_corpus(ws, "Leases", "legal").id
    files = [(f"{n}.md", f"The fee of unit {n} is {n}00 pounds a year.".encode()) for n in range(6)]
    intake.add_files(ws, corpus, files)
    while ws.dispatcher.run_one():
        pass
    ws.assistants.choose_base_model(corpus, ws.base_models.create("Tiny", "transformers", str(folder)).id)
    drafts = [ExampleDraft(f"What is fee {n} of unit {n % 6}?", f"{n}00 pounds", f"{n % 6}.md") for n in range(48)]
    ws.examples.add(corpus, drafts)
    return corpus


def trained(ws: Workspace, corpus: int) -> AdapterRow:
    job = tuning.start(ws, corpus, ("closed-book",), "quick", CHANGES)
    ws.dispatcher.run_one()
    assert ws.jobs.get(job.id).status == "done", ws.jobs.get(job.id).error
    (row,) = ws.adapters.of_job(job.id)
    return row


def test_it_is_trained_judged_promoted_and_answers_and_goes_out_and_comes_back(
    ws: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(likeness, "QUESTIONS", 2)
    monkeypatch.setattr(gate, "MOST", gate.ENOUGH)
    corpus = taught(ws, folder)
    ws.gold.add(corpus, GoldDraft("what is fee 47 of unit 5", "4700 pounds"))
    row = trained(ws, corpus)
    assert row.result["gold_left_out"] == 1
    assert row.result["examples"] + row.result["held_out"] == 47
    assert row.base_sha256 == bases.digest(folder)
    assert {name.split(".")[2] for name in lora.deltas(ws.serving.learned(row))} == {"1"}  # the lower half is frozen
    assert row.result["held_out_best"] < row.result["held_out_before"]
    assert "questions" in row.gate["words"]
    gate.overrule(ws, row.id)
    engine = ws.serving.voice(corpus, "finetuned").engine()
    assert isinstance(engine, AdaptedChat)
    base = ws.engine_for(corpus)
    assert isinstance(base, TorchChat)
    assert engine.process == base.process  # one model in memory
    assistant = ws.assistant(corpus)
    *_, answer = assistant.ask("What is fee 3 of unit 3?", "finetuned")
    assert answer.base_model == "Tiny + closed-book v1"
    assert engine.log_likelihood([], "300 pounds") != base.log_likelihood([], "300 pounds")
    compared(ws, corpus, row)
    assert watched(ws, row).samples[0][1]
    assert registry.staleness(ws, row).words == ""
    merged_alike(ws, row, tmp_path / "merged")
    job = exporting.start(ws, row.id, "peft")
    ws.dispatcher.run_one()
    assert "answers like the adapter" in ws.jobs.get(job.id).message, ws.jobs.get(job.id).error
    again = importing.take_in(ws, corpus, "closed-book", exporting.target(ws, row, "peft"))
    added = [lora.deltas(ws.serving.learned(each)) for each in (row, again)]
    assert {n: d.dense().tolist() for n, d in added[0].items()} == {n: d.dense().tolist() for n, d in added[1].items()}
    if "gpt2" in folder.name:
        with pytest.raises(BadInput, match="is a gpt2 model; as GGUF llama, qwen2, qwen3 are written") as refused:
            exporting.start(ws, row.id, "q8_0")
        assert "convert_hf_to_gguf" in refused.value.remedy
    else:
        job = exporting.start(ws, row.id, "q8_0")
        ws.dispatcher.run_one()
        assert "answers like the adapter" in ws.jobs.get(job.id).message, ws.jobs.get(job.id).error


def merged_alike(ws: Workspace, row: AdapterRow, target: Path) -> None:
    """What a merged folder holds is what peft itself merges."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base, learned = ws.serving.base(row), ws.serving.learned(row)
    target.mkdir()
    merged_folder.merge(base, learned, target)
    merged_folder.check(base, learned, target)
    plain = AutoModelForCausalLM.from_pretrained(base.folder)
    wanted = PeftModel.from_pretrained(plain, str(learned)).merge_and_unload().state_dict()
    found = AutoModelForCausalLM.from_pretrained(target).state_dict()
    assert found.keys() == wanted.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-4, atol=1e-5)


def compared(ws: Workspace, corpus: int, row: AdapterRow) -> None:
    """The base model, retrieval over it and the adapter, side by side: one child process, passes of several rows."""
    engine = ws.engine_for(corpus)
    assert isinstance(engine, TorchChat)
    engine.close()
    comparison = comparing.start(ws, corpus, "What is fee 3 of unit 3?", ["base", "rag", f"finetuned#a{row.id}"])
    for panel in comparison.panels:
        (answer,) = [each for each in ws.conversations.messages(panel.conversation_id) if each.role == "assistant"]
        assert "".join(ws.live.follow(answer.id))
        while ws.live.running(answer.id):
            time.sleep(0.05)
        assert ws.conversations.message(answer.id).status == "done"
    assert engine._model().batcher.rows >= 2


def test_the_pre_flight_is_of_the_model_itself_and_of_its_size(
    ws: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = taught(ws, folder)
    recipe = Recipe(**CHANGES)  # type: ignore[arg-type]
    found = flight.estimate(ws, corpus, "closed-book", recipe)
    assert found.tokens_per_s > 0
    assert found.refusal == ""
    monkeypatch.setattr(trainable.Source, "parameters", 13_000_000_000)
    monkeypatch.setattr(sizing, "total_memory", lambda: 8 << 30)
    found = flight.estimate(ws, corpus, "closed-book", recipe)
    assert found.tokens_per_s == 0  # nothing was tried
    assert "Tiny (13.0 billion parameters) needs at least" in found.refusal
    with pytest.raises(BadInput, match="import the adapter"):
        tuning.start(ws, corpus, ("closed-book",), "quick")


def test_a_larger_model_learns_with_the_smaller_steps_of_its_preset(
    ws: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = taught(ws, folder)
    job = tuning.start(ws, corpus, ("closed-book",), "balanced")
    assert tuning.recipe_of(ws, job, "closed-book").learning_rate == 1e-3
    monkeypatch.setattr(trainable.Source, "parameters", 1_500_000_000)
    assert tuning.recipe_of(ws, job, "closed-book").learning_rate == 2e-4


def test_another_folder_chosen_since_is_not_answered_with_the_adapter(ws: Workspace, tmp_path: Path) -> None:
    corpus = taught(ws, make_tiny(tmp_path / "one", "llama", 1024, 0.2))
    row = trained(ws, corpus)
    gate.overrule(ws, row.id)
    assert ws.serving.engine(row.id).window
    other = ws.base_models.create("Other", "transformers", str(make_tiny(tmp_path / "two", "qwen2", 1024)))
    ws.assistants.choose_base_model(corpus, other.id)
    with pytest.raises(BadInput, match=r"trained on another base model \(Tiny\)"):
        ws.serving.engine(row.id)
    registry.delete(ws, row.id)


def test_what_cannot_be_trained_says_why_and_what_to_do_instead(ws: Workspace, tmp_path: Path) -> None:
    corpus = intake.create_corpus(ws, "Leases", "legal").id
    whole = make_tiny(tmp_path / "whole")
    config = json.loads((whole / "config.json").read_text())
    (whole / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": "gptq"}}))
    endpoint = ws.base_models.create("Cloud", "endpoint", "http://127.0.0.1:9/v1", model="big")
    quantized = ws.base_models.create("Four bits", "transformers", str(whole))
    gone = ws.base_models.create("Gone", "transformers", str(tmp_path / "gone"))
    told = []
    for row in (endpoint, quantized, gone):
        ws.assistants.choose_base_model(corpus, row.id)
        told.append(trainable.refusal(ws, corpus))
        with pytest.raises(BadInput):
            tuning.start(ws, corpus, ("closed-book",), "quick")
    assert "Cloud is an endpoint: its weights are not here" in told[0]
    assert "Add the folder of safetensors" in told[0]
    assert "is quantized" in told[1]
    assert "There is no folder" in told[2]
    ws.assistants.choose_base_model(corpus, None)
    assert trainable.refusal(ws, corpus) == ""


def test_a_gguf_that_adapters_cannot_be_merged_into_is_refused_before_it_is_trained(
    ws: Workspace, tmp_path: Path
) -> None:
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "q.gguf", "phi3")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    row = ws.base_models.create("Q", "gguf", str(tmp_path / "q.gguf"))
    with pytest.raises(BadInput, match="a GGUF of the kind phi3") as refused:
        trainable.source_of_row(row)
    assert "folder of safetensors" in refused.value.remedy
    assert trainable._header(tmp_path / "q.gguf").parameters == 0


def test_the_token_that_ends_an_answer_is_the_one_the_template_puts_there(folder: Path, tmp_path: Path) -> None:
    assert FolderTokens(folder).end == 1
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    with pytest.raises(BadInput, match="no token that ends"):
        _ = FolderTokens(tmp_path).end
    settings = {
        "eos_token": "<|im_start|>",
        "chat_template": "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}",
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [0, 1]}))
    assert FolderTokens(tmp_path).end == 1


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    source = trainable.Source("x", make_tiny(tmp_path / "x"))
    before = source.sha256
    file = source.path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"\0\0\0\1")
    assert source.sha256 != before
    assert replace(source, known="given").sha256 == "given"
