from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.finetuning import lora
from core.finetuning.base import load, prepared
from core.finetuning.frozen import Frozen
from core.finetuning.lessons import Lesson
from core.finetuning.loss import answer_loss
from core.finetuning.recipe import Recipe

HALF = Recipe(rank=4, alpha=8, frozen=0.5)


def adapted(base: Path, recipe: Recipe = HALF) -> Any:
    import torch

    model = lora.attach(load(prepared(base, base)), recipe)
    with torch.no_grad():
        for name, matrix in lora.matrices(model).items():
            matrix.normal_(0, 0.1) if "lora_B" in name else None
    return model


def gradients(model: Any, lessons: list[Lesson], frozen: Frozen | None) -> tuple[float, dict[str, Any]]:
    model.zero_grad()
    loss, _ = answer_loss(model, lessons, frozen)
    loss.backward()
    return float(loss), {name: matrix.grad.clone() for name, matrix in lora.matrices(model).items()}


def test_only_the_upper_layers_get_matrices(tiny_base: Path) -> None:
    names = lora.matrices(adapted(tiny_base))
    assert names
    assert all(".layers.1." in name for name in names)
    assert any(".layers.0." in name for name in lora.matrices(adapted(tiny_base, replace(HALF, frozen=0.0))))


def test_layers_computed_once_give_the_loss_and_the_gradients_of_the_whole_model(
    tiny_base: Path, tmp_path: Path, lessons: list[Lesson]
) -> None:
    model = adapted(tiny_base)
    whole, expected = gradients(model, lessons[:6], None)
    frozen = Frozen(model, lora.first_layer(model, HALF), tmp_path)
    for _ in ("computed", "read again"):
        loss, found = gradients(model, lessons[:6], frozen)
        assert loss == pytest.approx(whole, rel=1e-5)
        for name, gradient in expected.items():
            assert (found[name] - gradient).abs().max() <= 1e-4 * gradient.abs().max()
    assert frozen.first == 1


def test_the_lower_layers_are_run_once_for_each_lesson(tiny_base: Path, tmp_path: Path, lessons: list[Lesson]) -> None:
    model = adapted(tiny_base)
    frozen = Frozen(model, 1, tmp_path)
    frozen.inputs(lessons[:6])
    runs = []
    lowest = model.get_base_model().base_model.layers[0]
    lowest.register_forward_hook(lambda *_: runs.append(1))
    frozen.inputs(lessons[:6])
    assert not runs
    frozen.inputs(lessons[6:8])
    assert len(runs) == 2


def test_what_is_kept_has_no_name_on_the_disk_and_a_full_one_only_costs_time(
    tiny_base: Path, tmp_path: Path, lessons: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    model = adapted(tiny_base)
    frozen = Frozen(model, 1, tmp_path)

    def full(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    whole, _ = gradients(model, lessons[:4], None)
    for _ in range(2):
        assert gradients(model, lessons[:4], frozen)[0] == pytest.approx(whole, rel=1e-5)
    assert not list(tmp_path.iterdir())


def test_a_model_whose_parts_do_not_make_the_whole_is_run_whole(
    tiny_base: Path, tmp_path: Path, lessons: list[Lesson]
) -> None:
    model = adapted(tiny_base)
    decoder = model.get_base_model().base_model
    decoder.embed_tokens.register_forward_hook(lambda module, given, made: made + 1)
    plain = decoder.forward

    def scaled(*args: Any, **kwargs: Any) -> Any:
        """As some families do: what comes in as embeddings is scaled first."""
        if kwargs.get("inputs_embeds") is not None:
            kwargs["inputs_embeds"] = kwargs["inputs_embeds"] * 5
        return plain(*args, **kwargs)

    decoder.forward = scaled
    whole, _ = gradients(model, lessons[:4], None)
    frozen = Frozen(model, 1, tmp_path)
    assert gradients(model, lessons[:4], frozen)[0] == pytest.approx(whole, rel=1e-6)
    assert frozen.first == 0
