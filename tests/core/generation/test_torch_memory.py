"""Models that do not fit into memory, here or on a GPU: one line with its remedy. No model is loaded here."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.errors import EngineFailed
from core.generation.batching import Batcher, Child
from core.generation.torch_chat import SCRIPT
from core.generation.torch_stepping import NoMemory, put_on


class Weights:
    """Four numbers of two bytes, and a place to be moved to."""

    def __init__(self, full: bool = False) -> None:
        self.full, self.device = full, "cpu"

    def parameters(self) -> list[Any]:
        return [SimpleNamespace(numel=lambda: 3, element_size=lambda: 2)]

    def buffers(self) -> list[Any]:
        return [SimpleNamespace(numel=lambda: 1, element_size=lambda: 2)]

    def to(self, device: str) -> "Weights":
        if self.full:
            raise MemoryError("CUDA out of memory")
        self.device = device
        return self


def torch_with(free: int) -> Any:
    """What is asked of torch: the GPU's free memory, and the error it raises when that runs out."""
    return SimpleNamespace(cuda=SimpleNamespace(mem_get_info=lambda: (free, 100)), OutOfMemoryError=MemoryError)


def test_what_does_not_fit_onto_the_gpu_is_not_moved_there() -> None:
    weights = Weights()
    with pytest.raises(NoMemory, match=r"of the GPU's memory; 0\.0 GB are free"):
        put_on(weights, "cuda", torch_with(free=7))
    assert weights.device == "cpu"
    assert put_on(weights, "cuda", torch_with(free=8)).device == "cuda"
    assert put_on(Weights(), "cpu", torch_with(free=0)).device == "cpu"


def test_memory_that_runs_out_all_the_same_is_said_too() -> None:
    with pytest.raises(NoMemory, match="does not fit into the GPU's memory"):
        put_on(Weights(full=True), "cuda", torch_with(free=8))


def test_a_folder_larger_than_memory_is_one_line_with_its_remedy(tmp_path: Path) -> None:
    folder = tmp_path / "Huge-405B"
    folder.mkdir()
    with (folder / "model.safetensors").open("wb") as file:
        file.truncate(8 << 40)  # a hole: it takes no room
    child = Child("transformers", SCRIPT, (str(folder), "256", "1"), "Look at the log.")
    with pytest.raises(EngineFailed, match=r"Huge-405B needs at least 8796\.1 GB of memory; .* GB are free") as failed:
        Batcher(folder, child)
    assert "choose a smaller base model" in failed.value.remedy
