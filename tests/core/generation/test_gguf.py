import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import gguf
import numpy as np
import pytest

from core.errors import EngineFailed, ModelMissing, NoRoom
from core.generation import gguf as hashing
from core.generation.gguf import as_q8_0, metadata
from core.generation.loading import load
from tests.torture.tiny import tiny_gguf


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def small_gguf(file: Path) -> Path:
    """A real GGUF with one Q4_1 matrix, one norm and one F16 matrix whose rows are not of whole blocks."""
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_string("tokenizer.chat_template", "{{ messages }}")
    writer.add_array("tokenizer.ggml.tokens", ["a", "é"])
    writer.add_uint32("general.file_type", 3)
    matrix = np.random.default_rng(0).normal(size=(6, 64)).astype(np.float32)
    writer.add_tensor(
        "a.weight", gguf.quantize(matrix, gguf.GGMLQuantizationType.Q4_1), raw_dtype=gguf.GGMLQuantizationType.Q4_1
    )
    writer.add_tensor("norm.weight", np.ones(64, np.float32))
    writer.add_tensor("odd.weight", np.ones((2, 33), np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def test_a_q4_1_matrix_keeps_its_values_as_q8_0(tmp_path: Path) -> None:
    source = small_gguf(tmp_path / "m.gguf")
    before, after = gguf.GGUFReader(source), gguf.GGUFReader(as_q8_0(source, tmp_path / "cache"))
    kinds = gguf.GGMLQuantizationType
    assert [tensor.tensor_type for tensor in after.tensors] == [kinds.Q8_0, kinds.F32, kinds.F32]
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert old.name == new.name
        assert list(old.shape) == list(new.shape)
        was, is_now = (gguf.dequantize(t.data, t.tensor_type) for t in (old, new))
        np.testing.assert_allclose(is_now, was, atol=np.abs(was).max() / 127)


def test_metadata_survives_and_says_what_the_file_now_is(tmp_path: Path) -> None:
    value = metadata(as_q8_0(small_gguf(tmp_path / "m.gguf"), tmp_path))
    assert value("tokenizer.chat_template") == "{{ messages }}"
    assert value("tokenizer.ggml.tokens") == ["a", "é"]
    assert value("general.file_type") == int(gguf.LlamaFileType.MOSTLY_Q8_0)


def test_rewriting_twice_gives_the_same_bytes_and_leaves_nothing_else(tmp_path: Path) -> None:
    source = small_gguf(tmp_path / "m.gguf")
    one, two = as_q8_0(source, tmp_path / "one"), as_q8_0(source, tmp_path / "two")
    assert sha256(one) == sha256(two)
    assert [file for file in (tmp_path / "one").iterdir() if file.suffix != ".hash"] == [one]


def test_a_copy_that_is_there_is_not_made_again_and_another_source_gets_its_own(tmp_path: Path) -> None:
    source, seen = small_gguf(tmp_path / "m.gguf"), list[float]()
    first = as_q8_0(source, tmp_path / "cache", seen.append)
    assert seen[-1] == 1.0
    assert sorted(seen) == seen
    seen.clear()
    assert as_q8_0(source, tmp_path / "cache", seen.append) == first
    assert not seen
    source.write_bytes(source.read_bytes()[:-1] + b"\x01")
    assert as_q8_0(source, tmp_path / "cache") != first


def test_a_file_is_hashed_once_and_again_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []
    compute = hashing._sha256
    monkeypatch.setattr(hashing, "_sha256", lambda file: hashed.append(file) or compute(file))
    source, cache = small_gguf(tmp_path / "m.gguf"), tmp_path / "cache"
    os.utime(source, (1_700_000_000, 1_700_000_000))
    first = as_q8_0(source, cache)
    assert as_q8_0(source, cache) == first
    assert len(hashed) == 1
    source.write_bytes(source.read_bytes()[:-1] + b"\x01")  # the same size, this moment
    assert as_q8_0(source, cache) != first
    as_q8_0(source, cache)
    assert len(hashed) >= 3, "what was written this moment may change once more unseen"
    for note in cache.glob(".*.hash"):
        note.write_text("{}")
    assert as_q8_0(source, cache) != first


def test_a_copy_that_the_disk_has_no_room_for_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.room.free", lambda folder: 1000)
    with pytest.raises(NoRoom, match=r"no room for the Q8_0 copy of m\.gguf") as refused:
        as_q8_0(small_gguf(tmp_path / "m.gguf"), tmp_path / "cache")
    assert "Free some disk" in refused.value.remedy
    assert not list((tmp_path / "cache").iterdir())


def test_a_model_larger_than_the_free_memory_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SimpleNamespace(available=1000)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    with pytest.raises(EngineFailed, match=r"m needs at least .* GB of memory; 0\.0 GB are free") as refused:
        load(small_gguf(tmp_path / "m.gguf"))
    assert "smaller base model" in refused.value.remedy


def test_a_broken_or_missing_file_is_one_line(tmp_path: Path, packaged: Path) -> None:
    noise, short = tmp_path / "noise.gguf", tmp_path / "short.gguf"
    noise.write_bytes(b"no model at all" * 50)
    with packaged.open("rb") as whole:
        short.write_bytes(whole.read(8_000_000))
    for file in (noise, short, tmp_path / "absent.gguf"):
        with pytest.raises(ModelMissing) as caught:
            as_q8_0(file, tmp_path / "cache")
        assert "\n" not in str(caught.value)
        assert file.name in str(caught.value)
    assert not list((tmp_path / "cache").glob("*")), "a half-written copy was left"


def test_matrices_in_32_bits_become_q8_0_too_as_the_engine_reads_no_others(tmp_path: Path) -> None:
    kinds = {
        tensor.name: tensor.tensor_type
        for tensor in gguf.GGUFReader(as_q8_0(tiny_gguf(tmp_path / "t.gguf", merges=20), tmp_path)).tensors
    }
    assert kinds["blk.0.ffn_up.weight"] == gguf.GGMLQuantizationType.Q8_0
    assert kinds["output_norm.weight"] == gguf.GGMLQuantizationType.F32


def test_what_is_served_holds_no_q4_1(q8: Path) -> None:
    kinds = {tensor.tensor_type for tensor in gguf.GGUFReader(q8).tensors}
    assert kinds == {gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.F32}
