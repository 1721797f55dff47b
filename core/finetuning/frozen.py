"""The layers below the first one that learns: what they make of a lesson never changes, so it is computed once.

Freezing the lower layers and keeping their activations: Liu et al., "AutoFreeze: Automatically Freezing Model Blocks
to Accelerate Fine-tuning", 2021. A step then computes, forward and backward, the upper layers alone. Works on any
decoder of transformers whose layers stand in one list; whether the two parts together say what the whole model
says is tried once on a real lesson, and if not, the whole model is used.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.finetuning.lessons import Lesson

MOST_BYTES = 4 << 30
"""Of activations kept on disk; lessons beyond are computed each time."""
SHARE_OF_DISK = 0.25
NORMS = ("norm", "ln_f", "final_layernorm", "final_layer_norm")
"""What families call the norm behind the last layer."""
CLOSE = 2e-3
"""How far the two parts may be from the whole, as a share of the largest value."""


class Frozen:
    """The lower part of a model, for one run.

    Attributes:
        first: the first layer that learns; 0 when all do, or when the model cannot be taken apart.
    """

    def __init__(self, model: Any, first: int, folder: Path) -> None:
        """`folder` is on the disk where activations are kept; the file has no name, so nothing stays behind."""
        self._model = model
        self.first = first if first and _alike(model) else 0
        self._places: dict[tuple[int, ...], int] = {}
        self._end = 0
        self._most = 0
        if self.first:
            self._most = min(MOST_BYTES, int(SHARE_OF_DISK * shutil.disk_usage(folder).free))
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as this
        self._tried = False

    def inputs(self, lessons: Sequence[Lesson]) -> Any | None:
        """What the first learning layer is given: [lessons, tokens, width], zeros after a lesson's end.

        None when the whole model has to be run.
        """
        import torch

        if self.first and not self._tried:
            self._tried = True
            self.first = self.first if self._fits_together(min(lessons, key=lambda one: one.length)) else 0
        if not self.first:
            return None
        rows = [self._below(lesson) for lesson in lessons]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

    @contextmanager
    def upper(self) -> Iterator[None]:
        """While it lasts the model is its upper layers alone, and takes `inputs` as its embeddings."""
        with _layers(_decoder(self._model), self.first, None):
            yield

    def _below(self, lesson: Lesson) -> Any:
        """[tokens, width] of one lesson, its last token left out: nothing comes after it."""
        tokens = (*lesson.prompt, *lesson.answer)[:-1]
        place = self._places.get(tokens)
        return self._computed(tokens) if place is None else self._read(place, len(tokens))

    def _computed(self, tokens: tuple[int, ...]) -> Any:
        import torch

        decoder = _decoder(self._model)
        device = next(decoder.parameters()).device
        with torch.no_grad(), _layers(decoder, 0, self.first), _without_norm(decoder):
            hidden = decoder(input_ids=torch.tensor([tokens], device=device), use_cache=False).last_hidden_state[0]
        self._write(tokens, hidden)
        return hidden

    def _write(self, tokens: tuple[int, ...], hidden: Any) -> None:
        """Keep it, if there is room."""
        import torch

        data = hidden.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes()
        if self._end + len(data) > self._most:
            return
        try:
            os.pwrite(self._file.fileno(), data, self._end)
        except OSError:  # a full disk costs time, not the run
            self._most = 0
            return
        self._places[tokens] = self._end
        self._end += len(data)

    def _read(self, place: int, length: int) -> Any:
        import torch

        weight = next(_decoder(self._model).parameters())
        width = int(self._model.config.get_text_config().hidden_size)
        data = bytearray(os.pread(self._file.fileno(), length * width * weight.element_size(), place))
        return torch.frombuffer(data, dtype=weight.dtype).view(length, width).to(weight.device)

    def _fits_together(self, lesson: Lesson) -> bool:
        import torch

        decoder = _decoder(self._model)
        tokens = torch.tensor([(*lesson.prompt, *lesson.answer)[:-1]], device=next(decoder.parameters()).device)
        try:
            with torch.no_grad():
                whole = decoder(input_ids=tokens, use_cache=False).last_hidden_state
                below = self._below(lesson)[None]
                with self.upper():
                    parts = decoder(inputs_embeds=below, use_cache=False).last_hidden_state
        except (AttributeError, TypeError, RuntimeError, IndexError, ValueError):
            return False
        return bool((whole - parts).abs().max() <= CLOSE * whole.abs().max())


def layers_of(model: Any) -> int:
    """How many layers a model has, as its configuration says."""
    return int(model.config.get_text_config().num_hidden_layers)


def stack_name(model: Any) -> str:
    """What the list of a model's layers is called: "layers", "h", "blocks"; "" when there is no such list."""
    return _stack(model)[0].rpartition(".")[2]


def linear_names(model: Any) -> list[str]:
    """What a model's linear layers are called inside each of its layers: "q_proj", "down_proj", "c_attn", ..."""
    import torch
    from transformers.pytorch_utils import Conv1D

    layer = _stack(model)[1][-1]
    kinds = (torch.nn.Linear, Conv1D)
    return sorted({name.rpartition(".")[2] for name, module in layer.named_modules() if isinstance(module, kinds)})


def _stack(model: Any) -> tuple[str, Any]:
    """The list of a model's layers, with its whole name: the first list of as many modules as it has layers."""
    import torch

    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    for name, module in plain.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == layers_of(plain):
            return name, module
    return "", None


def _decoder(model: Any) -> Any:
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    return plain.base_model


def _alike(model: Any) -> bool:
    """Whether all layers see the same places: some models tell a layer's kind from its number in the list."""
    return len(set(getattr(model.config.get_text_config(), "layer_types", None) or ())) <= 1


@contextmanager
def _layers(decoder: Any, start: int, end: int | None) -> Iterator[None]:
    name = stack_name(decoder)
    whole = getattr(decoder, name)
    setattr(decoder, name, whole[start:end])
    try:
        yield
    finally:
        setattr(decoder, name, whole)


@contextmanager
def _without_norm(decoder: Any) -> Iterator[None]:
    import torch

    name = next((each for each in NORMS if hasattr(decoder, each)), "norm")
    norm = getattr(decoder, name)
    setattr(decoder, name, torch.nn.Identity())
    try:
        yield
    finally:
        setattr(decoder, name, norm)
