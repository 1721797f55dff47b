import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from core.finetuning import checkpoints, lora
from core.finetuning import lessons as lesson_files
from core.finetuning.base import Base, load, prepared
from core.finetuning.lessons import IGNORED, Lesson, batch_at, padded, steps_in
from core.finetuning.loss import answer_loss
from core.finetuning.recipe import Recipe
from core.finetuning.running import Running, told
from core.finetuning.training import Trainer

RECIPE = Recipe(epochs=8, batch=8, micro_batch=4, learning_rate=1e-2, rank=4, alpha=8, looks=4, patience=9)
PATIENCE_S = 300


def trainer(base: Path, folder: Path, lessons: list[Lesson], recipe: Recipe = RECIPE, **more: Any) -> Trainer:
    model = lora.attach(load(prepared(base, folder / "cache")), recipe)
    lines: list[dict[str, Any]] = []
    made = Trainer(model, recipe, lessons[:32], lessons[32:], [], folder / "checkpoints", lines.append, **more)
    made.lines = lines  # type: ignore[attr-defined]
    return made


def losses(lines: list[dict[str, Any]]) -> dict[int, float]:
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def test_the_loss_is_that_of_all_logits_with_the_prompt_masked(tiny_base: Path, lessons: list[Lesson]) -> None:
    import torch

    model = load(prepared(tiny_base, tiny_base))
    batch = padded(lessons[:5])
    ours, tokens = answer_loss(model, lessons[:5])
    logits = model(input_ids=torch.from_numpy(batch.inputs)).logits
    theirs = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), torch.from_numpy(batch.labels).flatten(), ignore_index=IGNORED, reduction="sum"
    )
    assert tokens == sum(len(lesson.answer) for lesson in lessons[:5])
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_every_lesson_is_seen_once_an_epoch_and_the_order_is_the_seeds(lessons: list[Lesson]) -> None:
    steps = steps_in(len(lessons), 8, 2)
    seen = [lesson.example for step in range(steps) for lesson in batch_at(lessons, 8, 7, step)]
    assert sorted(seen[:40]) == sorted(seen[40:]) == list(range(40))
    assert seen[:40] != seen[40:]
    assert batch_at(lessons, 8, 7, 3) == batch_at(lessons, 8, 7, 3)
    assert [batch_at(lessons, 8, 7, s) for s in range(5)] != [batch_at(lessons, 8, 8, s) for s in range(5)]


def test_it_learns_and_the_best_step_is_kept(tiny_base: Path, tmp_path: Path, lessons: list[Lesson]) -> None:
    run = trainer(tiny_base, tmp_path, lessons)
    assert run.run() == "done"
    looks = [line["held_out"] for line in run.lines if "look" in line]  # type: ignore[attr-defined]
    assert min(looks) < 0.8 * looks[0]
    best = checkpoints.opened(tmp_path / "checkpoints" / f"step-{run.progress.best_step:06d}")
    assert best is not None
    lora.restore(run.model, best.tensors("adapter"))
    assert run.measured(run.held_out) == pytest.approx(min(looks), rel=1e-4)


def test_a_run_that_was_left_goes_on_as_if_nothing_had_happened(
    tiny_base: Path, tmp_path: Path, lessons: list[Lesson]
) -> None:
    whole = trainer(tiny_base, tmp_path / "whole", lessons)
    whole.run()
    first = trainer(tiny_base, tmp_path / "cut", lessons)
    first.leave = lambda: first.progress.step == 5
    assert first.run() == "left"
    second = trainer(tiny_base, tmp_path / "cut", lessons)
    assert second.run() == "done"
    joined = losses(first.lines) | losses(second.lines)  # type: ignore[attr-defined]
    assert joined == pytest.approx(losses(whole.lines), rel=1e-4)  # type: ignore[attr-defined]


def test_batches_computed_in_parts_teach_the_same(tiny_base: Path, tmp_path: Path, lessons: list[Lesson]) -> None:
    from dataclasses import replace

    at_once = trainer(tiny_base, tmp_path / "a", lessons, replace(RECIPE, micro_batch=8))
    in_parts = trainer(tiny_base, tmp_path / "b", lessons, replace(RECIPE, micro_batch=1))
    at_once.run()
    in_parts.run()
    assert losses(at_once.lines) == pytest.approx(losses(in_parts.lines), rel=1e-3)  # type: ignore[attr-defined]


def test_too_little_memory_halves_what_is_computed_at_once_and_says_so(
    tiny_base: Path, tmp_path: Path, lessons: list[Lesson], monkeypatch: pytest.MonkeyPatch
) -> None:
    import core.finetuning.training as module

    def hungry(model: Any, batch: Any, frozen: Any) -> Any:
        if len(batch) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return answer_loss(model, batch, frozen)

    run = trainer(tiny_base, tmp_path, lessons)
    run.held_out = lessons[32:34]
    monkeypatch.setattr(module, "answer_loss", hungry)
    assert run.run() == "done"
    assert run.progress.micro_batch == 2
    assert any("out of memory" in line.get("note", "") for line in run.lines)  # type: ignore[attr-defined]


def test_it_ends_early_when_held_out_lessons_no_longer_get_better(
    tiny_base: Path, tmp_path: Path, lessons: list[Lesson]
) -> None:
    recipe = Recipe(epochs=30, batch=8, learning_rate=5e-2, rank=4, alpha=8, looks=40, patience=2)
    random = [Lesson(lesson.prompt, (99, 98, 2)) for lesson in lessons[32:]]  # nothing that can be learned
    run = trainer(tiny_base, tmp_path, [*lessons[:32], *random], recipe)
    assert run.run() == "stopped early"
    assert run.progress.step < run.steps


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path) -> None:
    import torch

    for step in (1, 2, 3):
        checkpoints.save(tmp_path, step, {"adapter": {"a": torch.full((4,), float(step))}}, {"note": step})
    (tmp_path / "step-000003" / "adapter.safetensors").write_bytes(b"cut")
    (tmp_path / "step-000002" / "manifest.json").unlink()
    found = checkpoints.newest(tmp_path)
    assert found is not None
    assert found.step == 1
    assert found.tensors("adapter")["a"].tolist() == [1.0] * 4


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    checkpoints.save(tmp_path, 1, {"adapter": {"a": torch.ones(4)}}, {})

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "_sync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(tmp_path, 2, {"adapter": {"a": torch.zeros(4)}}, {})
    assert [folder.name for folder in tmp_path.iterdir()] == ["step-000001"]


@pytest.fixture
def run_folder(tiny_base: Path, tmp_path: Path, lessons: list[Lesson]) -> Path:
    """A run as `planning` prepares it, long enough to be killed in the middle."""
    folder = tmp_path / "run"
    folder.mkdir()
    base: Base = prepared(tiny_base, tmp_path)
    recipe = Recipe(epochs=60, batch=4, learning_rate=1e-3, rank=4, alpha=8, looks=60, patience=99)
    plan = {
        "base": str(base.folder),
        "base_sha256": base.sha256,
        "parameters": base.parameters,
        "recipe": recipe.json(),
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    lesson_files.write(folder / "lessons.jsonl", lessons[:32])
    lesson_files.write(folder / "held_out.jsonl", lessons[32:])
    lesson_files.write(folder / "samples.jsonl", lessons[32:33])
    return folder


def reached(folder: Path, step: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while max((line.get("step", 0) for line in told(folder)), default=0) < step:
        assert time.monotonic() < deadline, (folder / "log.txt").read_text()
        time.sleep(0.05)


def test_a_killed_trainer_goes_on_from_its_last_checkpoint_with_the_same_curve(run_folder: Path) -> None:
    first = Running(run_folder)
    reached(run_folder, 40)
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait(PATIENCE_S) == -signal.SIGKILL
    before = losses(told(run_folder))
    second = Running(run_folder)
    assert second.wait(PATIENCE_S) == 0, (run_folder / "log.txt").read_text()
    lines = told(run_folder)
    after = losses(lines)
    assert sorted(after) == list(range(1, 481))
    assert len([line for line in lines if "loss" in line]) == 480  # no step is told twice
    assert {step: after[step] for step in before} == pytest.approx(before, rel=1e-4)
    assert (run_folder / "adapter" / lora.WEIGHTS).is_file()
    assert any(line.get("samples") for line in lines)


def test_a_trainer_that_is_asked_to_leave_saves_first(run_folder: Path) -> None:
    running = Running(run_folder)
    reached(run_folder, 10)
    assert os.getpriority(os.PRIO_PROCESS, running.pid) > os.getpriority(os.PRIO_PROCESS, 0)  # who asks goes first
    running.leave()
    assert running.ended() == 75
    found = checkpoints.newest(run_folder / "checkpoints")
    assert found is not None
    assert found.step == max(losses(told(run_folder)))


def test_a_trainer_whose_parent_is_gone_leaves_by_itself(run_folder: Path) -> None:
    running = Running(run_folder)
    reached(run_folder, 10)
    running.close()
    assert running.wait(PATIENCE_S) == 75


def test_a_probe_measures_real_steps(run_folder: Path) -> None:
    running = Running(run_folder, probe=True)
    assert running.wait(PATIENCE_S) == 0, (run_folder / "log.txt").read_text()
    found = json.loads((run_folder / "probe.json").read_text())
    assert found["tokens_per_s"] > 0
    assert found["first_tokens_per_s"] > 0
    assert found["peak_bytes"] > 50_000_000
    assert not (run_folder / "checkpoints").exists()


def test_what_lora_adds_is_what_peft_computes(tiny_base: Path, tmp_path: Path, lessons: list[Lesson]) -> None:
    import torch

    run = trainer(tiny_base, tmp_path, lessons)
    run.run()
    lora.save(run.model, {n: p.detach() for n, p in lora.matrices(run.model).items()}, tmp_path / "adapter")
    added = {name: delta.dense() for name, delta in lora.deltas(tmp_path / "adapter").items()}
    plain = load(prepared(tiny_base, tmp_path))
    with torch.no_grad():
        for name, weight in plain.named_parameters():
            if name in added:
                weight.add_(added.pop(name))
    assert not added
    run.model.eval()
    adapted = float(answer_loss(run.model, lessons[:4])[0])
    assert float(answer_loss(plain, lessons[:4])[0]) == pytest.approx(adapted, rel=1e-4)
