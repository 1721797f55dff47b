"""Adapters from elsewhere: one that fits becomes a candidate; hostile and foreign ones leave nothing."""

import hashlib
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import BadInput
from core.finetuning import importing, safetensors_file
from core.workspace import Workspace
from storage.examples import ExampleDraft
from tests.core.finetuning.test_adapter_merging import adapter

SHAPES = {"model.layers.0.self_attn.v_proj": (64, 64), "model.layers.0.mlp.up_proj": (128, 64)}
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@pytest.fixture
def corpus(ws: Workspace, tiny_file: Path) -> int:
    made = ws.corpora.create("Leases", "legal")
    ws.assistants.choose_base_model(made.id, ws.base_models.create("Tiny", "gguf", str(tiny_file)).id)
    return made.id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    adapter(tmp_path / "mine", SHAPES, target_modules=["v_proj", "up_proj"], base_model_name_or_path="some/Base")
    return tmp_path / "mine"


def zipped(folder: Path, below: str = "", **more: bytes) -> Path:
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, below + file.name)
        for name, content in more.items():
            archive.writestr(name, content)
    return target


def changed(folder: Path, **fields: object) -> None:
    config = json.loads((folder / CONFIG).read_text()) | fields
    (folder / CONFIG).write_text(json.dumps(config))


def test_an_adapter_that_names_its_models_class_as_unsloth_does_is_taken_without_that_name(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    """peft writes it too where no task was given; a class from elsewhere is never looked for."""
    named = {"base_model_class": "Evil", "parent_library": "os.evil", "unsloth_fixed": True}
    changed(folder, auto_mapping=named, task_type=None, exclude_modules=None, rank_pattern={})
    row = importing.take_in(ws, corpus, "grounded", folder)
    assert row.status == "candidate"
    kept = (ws.serving.folder(row) / "adapter" / CONFIG).read_text("utf-8")
    assert "auto_mapping" not in kept
    assert "evil" not in kept


def left(ws: Workspace) -> list[str]:
    return sorted(each.name for each in (ws.home / "adapters").glob("*"))


@pytest.mark.parametrize("packed", [False, True])
def test_an_adapter_that_fits_becomes_a_candidate_with_hashes_and_stands_in_the_log(
    ws: Workspace, corpus: int, folder: Path, packed: bool
) -> None:
    row = importing.take_in(ws, corpus, "grounded", zipped(folder, "mine/") if packed else folder)
    assert (row.status, row.version, row.base_model) == ("candidate", 1, "Tiny")
    assert row.note == "imported. Its config names some/Base as its base model."
    files = ws.serving.folder(row) / "adapter"
    assert row.files == {f.name: hashlib.sha256(f.read_bytes()).hexdigest() for f in files.iterdir()}
    assert row.files[WEIGHTS] == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    assert json.loads((files / CONFIG).read_text())["target_modules"] == sorted(SHAPES)
    assert ws.audit.newest(1)[0].action == "imported"
    assert ws.serving.merged(row).is_file()


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"extractor": {"weights": [1]}}', b"[" * 100_000])
def test_a_file_of_ours_that_is_none_is_refused(ws: Workspace, corpus: int, folder: Path, content: bytes) -> None:
    (folder / "triptych.json").write_bytes(content)
    with pytest.raises(BadInput, match=r"triptych\.json holds no extractor"):
        importing.take_in(ws, corpus, "grounded", folder)
    assert left(ws) == []


@pytest.mark.parametrize("name", ["adapter_model.bin", "training_args.bin", "x.PKL", "checkpoint.pt"])
def test_a_pickle_refuses_the_whole(ws: Workspace, corpus: int, folder: Path, name: str) -> None:
    with pytest.raises(BadInput, match="is a pickle"):
        importing.take_in(ws, corpus, "grounded", zipped(folder, **{name: b"cos\nsystem\n"}))
    (folder / name).write_bytes(b"cos\nsystem\n")
    with pytest.raises(BadInput, match="is a pickle"):
        importing.take_in(ws, corpus, "grounded", folder)
    assert left(ws) == []


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/passwd", "..\\evil", "C:evil", f"../{CONFIG}"])
def test_a_name_that_leads_out_refuses_the_whole(ws: Workspace, corpus: int, folder: Path, name: str) -> None:
    with pytest.raises(BadInput, match="leads out of its folder"):
        importing.take_in(ws, corpus, "grounded", zipped(folder, **{name: b"x"}))
    assert left(ws) == []
    assert not list(ws.home.rglob("evil"))


def test_links_bombs_and_second_adapters_are_refused(ws: Workspace, corpus: int, folder: Path) -> None:
    link = zipfile.ZipInfo("elsewhere")
    link.external_attr = 0o120777 << 16
    packed = zipped(folder)
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BadInput, match="holds a link"):
        importing.take_in(ws, corpus, "grounded", packed)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(WEIGHTS, bytes(40 << 20))
    with pytest.raises(BadInput, match="far more than fits"):
        importing.take_in(ws, corpus, "grounded", packed)
    with pytest.raises(BadInput, match="several folders"):
        importing.take_in(ws, corpus, "grounded", zipped(folder, **{"other/README.md": b"x"}))
    packed.write_bytes(packed.read_bytes()[:-30])
    with pytest.raises(BadInput, match="no zip"):
        importing.take_in(ws, corpus, "grounded", packed)
    (folder / "README.md").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="is a link"):
        importing.take_in(ws, corpus, "grounded", folder)
    assert left(ws) == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"peft_type": "IA3"}, "not that of a LoRA"),
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights"),
        ({"r": 8}, "are of rank 4, not 8"),
        ({"r": True}, "rank of the adapter"),
        ({"lora_alpha": -1}, "alpha"),
        ({"lora_alpha": "16"}, "alpha"),
    ],
)
def test_what_is_not_plain_lora_is_refused(
    ws: Workspace, corpus: int, folder: Path, fields: dict[str, object], why: str
) -> None:
    changed(folder, **fields)
    with pytest.raises(BadInput, match=why):
        importing.take_in(ws, corpus, "grounded", folder)
    assert left(ws) == []


@pytest.mark.parametrize(
    ("shapes", "why"),
    [
        ({"model.layers.0.mlp.up_proj": (64, 64)}, "is 64 x 64, the base model's is 128 x 64"),
        ({"model.layers.7.mlp.up_proj": (128, 64)}, "which the base model does not have"),
        ({"model.layers.0.mlp.up_proj": (1536, 576)}, "is 1536 x 576"),
    ],
)
def test_an_adapter_of_another_model_is_refused(
    ws: Workspace, corpus: int, tmp_path: Path, shapes: dict[str, tuple[int, int]], why: str
) -> None:
    adapter(tmp_path / "other", shapes)
    with pytest.raises(BadInput, match=why):
        importing.take_in(ws, corpus, "grounded", tmp_path / "other")


def test_our_own_export_of_another_base_model_is_known_by_its_card(ws: Workspace, corpus: int, folder: Path) -> None:
    (folder / "README.md").write_text(f"| Base model | Tiny, sha256 `{'0' * 64}` |\n")
    with pytest.raises(BadInput, match="trained on another base model"):
        importing.take_in(ws, corpus, "grounded", folder)


def header(file: Path, change: Callable[[dict[str, dict[str, object]]], None]) -> None:
    raw = file.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    said = json.loads(raw[8 : 8 + length])
    change(said)
    new = json.dumps(said).encode()
    file.write_bytes(struct.pack("<Q", len(new)) + new + raw[8 + length :])


def test_damaged_and_hostile_safetensors_are_refused_before_they_are_loaded(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    file = folder / WEIGHTS
    whole = file.read_bytes()

    def refused(content: bytes, why: str) -> None:
        file.write_bytes(content)
        with pytest.raises(BadInput, match=why):
            importing.take_in(ws, corpus, "grounded", folder)
        assert left(ws) == []

    refused(whole[:-100], "bytes of tensors long")
    refused(whole + b"more", "bytes of tensors long")
    refused(struct.pack("<Q", 1 << 40) + whole[8:], "promises more")
    refused(
        struct.pack("<Q", safetensors_file.HEADER_AT_MOST + 1) + bytes(safetensors_file.HEADER_AT_MOST + 9), "promises"
    )
    refused(b"abc", "promises more")
    refused(struct.pack("<Q", 4) + b"[[[[", "cannot be read")
    name = f"base_model.model.{next(iter(SHAPES))}.lora_A.weight"
    for field, value in (("data_offsets", [0, 9]), ("shape", [-1, 2]), ("shape", [4, 1 << 60]), ("dtype", "F77")):
        file.write_bytes(whole)
        header(file, lambda said, field=field, value=value: said[name].__setitem__(field, value))  # type: ignore[misc]
        refused(file.read_bytes(), r"do not lie|cannot be read|unknown kind")


def test_matrices_without_partner_of_another_name_or_without_numbers_are_refused(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / WEIGHTS)
    first = next(name for name in tensors if "lora_A" in name)
    for wrong, why in (
        ({n: t for n, t in tensors.items() if n != first}, "is missing"),
        (tensors | {"base_model.model.lm_head.modules_to_save.weight": tensors[first]}, "no matrix of plain LoRA"),
        (tensors | {first: tensors[first] * float("nan")}, "no numbers"),
    ):
        save_file(wrong, folder / WEIGHTS)
        with pytest.raises(BadInput, match=why):
            importing.take_in(ws, corpus, "grounded", folder)
    assert left(ws) == []


def test_it_is_put_before_the_gate_only_where_there_are_held_out_questions_and_the_verdict_says_what_is_unknown(
    ws: Workspace, corpus: int, folder: Path
) -> None:
    from core.generation.scripted import ScriptedChat

    row = importing.take_in(ws, corpus, "closed-book", folder)
    with pytest.raises(BadInput, match="hold out"):
        importing.start(ws, row.id)
    drafts = [ExampleDraft(f"What is fee {n}?", f"{n}00 pounds", f"{n % 6}.md") for n in range(48)]
    ws.examples.add(corpus, drafts)
    ws._parts["engine"] = ScriptedChat(answers=["Nobody knows."])
    ws.assistants.choose_base_model(corpus, None)
    ws.serving._engines[row.id] = ScriptedChat(answers=["It is 300 pounds."])
    job = importing.start(ws, row.id)
    assert importing.start(ws, row.id).id == job.id
    ws.dispatcher.run_one()
    assert ws.jobs.get(job.id).status == "done", ws.jobs.get(job.id).error
    judged = ws.adapters.get(row.id)
    assert "8 questions" in judged.gate["words"]
    assert importing.UNKNOWN in judged.gate["words"]
