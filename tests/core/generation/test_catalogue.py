"""What is refused before it is loaded, and what is stored of what is not. Files are written by the test."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, Conflict, NotFound
from core.generation import catalogue, checking
from core.generation.catalogue import Described
from core.generation.gguf_header import header
from core.settings import Settings
from core.workspace import Workspace

URL = "http://localhost:11434/v1"


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.open(Settings.load(tmp_path / "ws")) as opened:
        yield opened


def gguf_of(file: Path, **texts: str) -> Path:
    import gguf

    writer = gguf.GGUFWriter(file, texts.pop("architecture", "llama"))
    for key, value in texts.items():
        writer.add_string(f"tokenizer.{key.replace('__', '.')}", value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    return file


RIGHT = {"ggml__model": "gpt2", "ggml__pre": "qwen2", "chat_template": "{{ messages }}"}


def test_a_gguf_that_the_engine_reads_is_accepted(tmp_path: Path) -> None:
    file = gguf_of(tmp_path / "a.gguf", **RIGHT)
    assert checking.gguf_file(str(file)) == file
    assert header(file).texts["general.architecture"] == "llama"


def test_the_packaged_gguf_passes_its_own_check(packaged: Path) -> None:
    assert len(header(packaged).tensors) == 272
    assert checking.gguf_file(str(packaged)) == packaged


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"architecture": "gemma3"}, "is a 'gemma3' model"),
        ({"ggml__model": "llama"}, "cuts words as llama/qwen2"),
        ({"ggml__pre": "jais"}, "cuts words as gpt2/jais"),
    ],
)
def test_a_gguf_that_it_would_read_wrongly_is_refused_with_the_reason(
    tmp_path: Path, changed: dict[str, str], why: str
) -> None:
    with pytest.raises(BadInput, match=why) as refused:
        checking.gguf_file(str(gguf_of(tmp_path / "a.gguf", **(RIGHT | changed))))
    assert "endpoint" in refused.value.remedy


def gguf_with(file: Path, numbers: dict[str, int], tensor: tuple[int, tuple[int, int]] | None = None) -> Path:
    """A header alone that passes but for these numbers, or a tensor of that GGML type and shape."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    texts = {"general.architecture": "llama"} | {f"tokenizer.{k.replace('__', '.')}": v for k, v in RIGHT.items()}
    pairs = [text(key) + struct.pack("<I", 8) + text(value) for key, value in texts.items()]
    pairs += [text(key) + struct.pack("<II", 4, value) for key, value in numbers.items()]
    tensors = [] if tensor is None else [text("w") + struct.pack("<IQQIQ", 2, *tensor[1], tensor[0], 0)]
    file.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs)) + b"".join([*pairs, *tensors]))
    return file


@pytest.mark.parametrize(
    ("numbers", "tensor", "why", "remedy"),
    [
        ({"split.count": 3}, None, "is one of 3 parts of a model", "llama-gguf-split --merge a.gguf"),
        ({"llama.expert_count": 8}, None, "is a mixture of experts", "as an endpoint"),
        ({}, (28, (64, 32)), "holds tensors of GGML's types 28", "as an endpoint"),
        ({}, (12, (1 << 20, 1 << 20)), r"needs at least 1,?168\.\d GB of memory; this machine has", "as an endpoint"),
    ],
    ids=["a part", "experts", "64 bits", "too large"],
)
def test_a_gguf_that_could_not_be_loaded_is_refused_when_it_is_added(
    tmp_path: Path, numbers: dict[str, int], tensor: tuple[int, tuple[int, int]] | None, why: str, remedy: str
) -> None:
    with pytest.raises(BadInput, match=why) as refused:
        checking.gguf_file(str(gguf_with(tmp_path / "a.gguf", numbers, tensor)))
    assert remedy in refused.value.remedy


def test_a_gguf_of_one_part_without_experts_is_accepted(tmp_path: Path) -> None:
    file = gguf_with(tmp_path / "a.gguf", {"split.count": 1, "llama.expert_count": 0}, (12, (256, 32)))
    assert checking.gguf_file(str(file)) == file


def test_what_counts_as_readable_is_what_the_library_reads() -> None:
    import gguf
    import numpy as np

    able = set()
    for kind in gguf.GGMLQuantizationType:
        try:
            gguf.dequantize(np.zeros((1, gguf.GGML_QUANT_SIZES[kind][1]), np.uint8), kind)
        except NotImplementedError:
            continue
        able.add(int(kind))
    assert able == checking.READABLE


def test_a_gguf_without_a_chat_template_is_no_chat_model(tmp_path: Path) -> None:
    file = gguf_of(tmp_path / "a.gguf", ggml__model="gpt2", ggml__pre="qwen2")
    with pytest.raises(BadInput, match="no chat template"):
        checking.gguf_file(str(file))


@pytest.mark.parametrize(
    "content",
    [
        b"GGUF" + struct.pack("<IQQ", 3, 2**60, 1),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**50) + b"x" * 50,
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 8, 2**60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 4, 2**60),
        b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 99),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<Q", 1) + b"t" + struct.pack("<I", 2**31),
        b"GGUF\x03",
    ],
)
def test_a_header_that_promises_more_than_the_file_holds_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.gguf").write_bytes(content)
    with pytest.raises(BadInput, match="promises more than the file holds"):
        checking.gguf_file(str(tmp_path / "bad.gguf"))


@pytest.mark.parametrize("location", ["", "  ", "/nowhere/at/all.gguf", "/tmp", "a\0b", "/dev/zero"])
def test_what_is_no_file_is_refused(location: str) -> None:
    with pytest.raises(BadInput):
        checking.gguf_file(location)


def folder_of(path: Path, config: dict[str, Any] | None = None, **files: bytes) -> Path:
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps({"model_type": "llama"} if config is None else config))
    for name, content in files.items():
        (path / name.replace("__", ".")).write_bytes(content)
    return path


EMPTY = struct.pack("<Q", 2) + b"{}"


def test_a_folder_with_safetensors_is_accepted(tmp_path: Path) -> None:
    assert checking.model_folder(folder_of(tmp_path / "m", model__safetensors=EMPTY))


HARMFUL: list[tuple[dict[str, Any] | None, dict[str, bytes], str]] = [
    ({"model_type": "x", "auto_map": {"AutoModel": "evil.Model"}}, {"model__safetensors": EMPTY}, "auto_map"),
    (None, {"pytorch_model__bin": b"\x80\x04."}, "pickled weights"),
    (None, {}, "no safetensors weights"),
    (None, {"model__safetensors": struct.pack("<Q", 2**40) + b"{}"}, "promises more than the file holds"),
    (None, {"model__safetensors": b"abc"}, "promises more than the file holds"),
    ({}, {"model__safetensors": EMPTY}, "what kind of model"),
    (None, {"model__safetensors": EMPTY, "tokenizer_config__json": b'{"auto_map": {}}'}, "auto_map"),
    (None, {"model__safetensors": EMPTY, "tokenizer_config__json": b"[" * 100_000}, "is not JSON"),
    (
        None,
        {
            "model__safetensors": EMPTY,
            "model__safetensors__index__json": b'{"weight_map": {"a": "../x.safetensors"}}',
        },
        "outside of its folder",
    ),
    (
        None,
        {"model__safetensors": EMPTY, "model__safetensors__index__json": b'{"weight_map": {"a": "x.safetensors"}}'},
        "lacks x.safetensors",
    ),
]
"""Configuration, other files by name, and what the refusal says."""


@pytest.mark.parametrize(("config", "files", "why"), HARMFUL)
def test_a_folder_that_could_do_harm_or_is_broken_is_refused_with_the_reason(
    tmp_path: Path, config: dict[str, Any] | None, files: dict[str, bytes], why: str
) -> None:
    with pytest.raises(BadInput, match=why):
        checking.model_folder(folder_of(tmp_path / "m", config, **files))


@pytest.mark.parametrize("url", ["localhost:11434", "ftp://a/v1", "http://", "http://me:pw@a/v1", "http://a/v1?k=1"])
def test_an_address_that_is_none_is_refused(workspace: Workspace, url: str) -> None:
    with pytest.raises(BadInput):
        catalogue.add(workspace, Described("a", "endpoint", url, "m"))
    assert workspace.base_models.list() == []


def test_a_key_stays_at_its_address(workspace: Workspace) -> None:
    row = catalogue.add(workspace, Described("a", "endpoint", URL + "/", "m", key="sk-1"))
    assert row.location == URL
    catalogue.change(workspace, row.id, Described("b", "endpoint", URL, "m"))
    assert workspace.secrets.open(workspace.base_models.get(row.id).secret) == "sk-1"
    catalogue.change(workspace, row.id, Described("b", "endpoint", "http://elsewhere/v1", "m"))
    assert workspace.base_models.get(row.id).secret == ""


def test_a_key_with_a_curly_quote_is_refused_before_anything_is_stored(workspace: Workspace) -> None:
    with pytest.raises(BadInput, match="curly quote"):
        catalogue.add(workspace, Described("a", "endpoint", URL, "m", key="\u201csk-1\u201d"))
    assert workspace.base_models.list() == []


def test_a_key_is_in_no_repr_and_in_no_row(workspace: Workspace) -> None:
    asked = Described("a", "endpoint", URL, "m", key="sk-1234567")
    row = catalogue.add(workspace, asked)
    assert "sk-1234567" not in f"{asked!r} {row!r} {row.secret} {workspace.engines.of(row.id)!r}"
    assert b"sk-1234567" not in b"".join(file.read_bytes() for file in workspace.home.glob("triptych.db*"))


def test_names_are_unique_and_what_is_gone_is_said_to_be(workspace: Workspace) -> None:
    row = catalogue.add(workspace, Described("a", "endpoint", URL, "m"))
    with pytest.raises(Conflict, match="already"):
        catalogue.add(workspace, Described(" a ", "endpoint", URL, "m"))
    catalogue.delete(workspace, row.id)
    for act in (
        lambda: catalogue.delete(workspace, row.id),
        lambda: catalogue.use(workspace, 1, row.id),
        lambda: catalogue.change(workspace, row.id, Described("a", "endpoint", URL, "m")),
    ):
        with pytest.raises(NotFound):
            act()
