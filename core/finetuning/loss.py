"""The loss of a batch of lessons: cross entropy of the answers' tokens alone.

Logits are computed for the places that count and for no others: with a vocabulary of 49,152 that is a third of
a step saved on 512-token lessons (see `benchmarks/training.py`).
"""

from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from core.finetuning.frozen import Frozen
from core.finetuning.lessons import IGNORED, Lesson, padded

SCALED = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""Settings of models that do more between hidden states and logits than one matrix product."""
CLOSE = 1e-2
"""How far the product may be from the model's own logits, as a share of the largest: a step or two of bfloat16."""


def answer_loss(model: Any, lessons: Sequence[Lesson], frozen: Frozen | None = None) -> tuple[Any, int]:
    """(sum of the answers' token losses, how many tokens).

    Args:
        model: a peft model, or the base model itself.
        frozen: the layers below the first that learns, where they are computed but once.
    """
    import torch
    from torch.nn.functional import cross_entropy

    batch = padded(lessons)
    device = next(model.parameters()).device
    labels = torch.from_numpy(batch.labels).to(device)  # [lessons, tokens]
    counted = labels != IGNORED
    below = frozen.inputs(lessons) if frozen else None
    if frozen is None or below is None:
        logits = _logits(model, {"input_ids": torch.from_numpy(batch.inputs).to(device)}, counted)
    else:
        with frozen.upper():
            logits = _logits(model, {"inputs_embeds": below}, counted)
    return cross_entropy(logits.float(), labels[counted], reduction="sum"), int(counted.sum())


def _logits(model: Any, inputs: dict[str, Any], counted: Any) -> Any:
    """[counted tokens, vocabulary]. Right padding and causal attention: no mask is passed, the fast kernel is used."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    if plain not in _tried:
        _tried[plain] = _one_product(plain, inputs, counted)
    return _of_hidden(plain, inputs, counted) if _tried[plain] else _of_model(plain, inputs, counted)


_tried: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""Of each model, whether its logits are its hidden states times one matrix."""


def _one_product(plain: Any, inputs: dict[str, Any], counted: Any) -> bool:
    """Try it once on a real batch: families differ in what they do behind the last layer."""
    import torch

    if any(getattr(plain.config, name, None) for name in SCALED):
        return False
    try:
        with torch.no_grad():
            short, whole = _of_hidden(plain, inputs, counted), _of_model(plain, inputs, counted)
    except (AttributeError, TypeError, RuntimeError):
        return False
    return bool((short - whole).abs().max() <= CLOSE * whole.abs().max())


def _of_hidden(plain: Any, inputs: dict[str, Any], counted: Any) -> Any:
    hidden = plain.base_model(**inputs, use_cache=False).last_hidden_state  # [lessons, tokens, width]
    return plain.get_output_embeddings()(hidden[counted])


def _of_model(plain: Any, inputs: dict[str, Any], counted: Any) -> Any:
    places = counted.any(0).nonzero().squeeze(1)  # every place that counts in some lesson
    kept = plain(**inputs, logits_to_keep=places, use_cache=False).logits
    return kept[counted[:, places]]
