"""Answers that a transformers model writes in one pass: their key-value caches side by side, the shorter ones padded.

    row 1   . . . p p p p a a      p: read in the prompt, a: written, '.': padding on the left, masked
    row 2   p p p p p p p a a

A row joins when its prompt is read and leaves when its answer ends; the others go on. Each row has its own places
(positions) and may have its own adapter. Used by `torch_stepping` alone, which loads it by its file; knows no text.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

ROWS = 8
"""Answers in one pass at most, as many as a comparison has; more of them make another pass."""

Forward = Callable[..., Any]
"""Called with input_ids [rows, 1], past_key_values, the rows' adapters, and a mask and places where rows are padded;
gives logits [rows, 1, vocabulary]."""


class Batch:
    """Rows that are written together. `requests` are in the rows' order."""

    def __init__(self, torch: Any, forward: Forward, most: int = ROWS) -> None:
        self._torch = torch
        self._forward = forward
        self._most = most
        self._cache: Any = None
        self._mask: Any = None  # [rows, tokens], 1 where a token is a row's own
        self.requests: list[Any] = []

    @property
    def full(self) -> bool:
        """Whether no row can join."""
        return len(self.requests) >= self._most

    def join(self, request: Any) -> None:
        """Add a row whose prompt is read; its cache is in the batch from now on."""
        cache, request.cache = request.cache, None
        mask = self._torch.ones((1, cache.get_seq_length()), dtype=self._torch.long)
        self.requests.append(request)
        if len(self.requests) == 1:  # alone it stays just what the model made of it
            self._cache, self._mask = cache, mask
            return
        length = max(self._mask.shape[1], mask.shape[1])
        self._mask = self._torch.cat([_padded(self._torch, each, length, 1) for each in (self._mask, mask)])
        self._cache = _cache(
            tuple(
                self._torch.cat([_padded(self._torch, each, length, 2) for each in pair])
                for pair in zip(*both, strict=True)
            )
            for both in zip(_layers(self._cache), _layers(cache), strict=True)
        )

    def leave(self, gone: Collection[Any]) -> None:
        """Take rows out, and the padding that only they needed the room for."""
        kept = [row for row, request in enumerate(self.requests) if request not in gone]
        if len(kept) == len(self.requests):
            return
        self.requests = [self.requests[row] for row in kept]
        if not kept:
            self._cache = self._mask = None
            return
        self._mask = self._mask[kept]
        start = int(self._mask.argmax(dim=1).min())
        self._mask = self._mask[:, start:]
        self._cache = _cache(tuple(each[kept][:, :, start:] for each in pair) for pair in _layers(self._cache))

    def step(self) -> Any:
        """One more token for every row: logits [rows, vocabulary] behind the last ones written."""
        torch = self._torch
        self._mask = torch.cat([self._mask, torch.ones((len(self.requests), 1), dtype=torch.long)], dim=1)
        ids = torch.tensor([request.written[-1:] for request in self.requests])
        adapters = [request.adapter for request in self.requests]
        padded = not bool(self._mask[:, 0].all())
        places = self._mask.sum(1, keepdim=True) - 1
        seen = self._forward(ids, self._cache, adapters, self._mask if padded else None, places if padded else None)
        return seen[:, -1]


def join(batches: list[Batch], request: Any, make: Callable[[], Batch]) -> None:
    """Put a row into the first batch with room, or a new one."""
    batch = next((each for each in batches if not each.full), None)
    if batch is None:
        batch = make()
        batches.append(batch)
    batch.join(request)


def leave(batches: list[Batch], gone: Sequence[Any]) -> None:
    """Take rows out of whichever batch they are in; empty ones go."""
    for batch in batches:
        batch.leave(gone)
    batches[:] = [batch for batch in batches if batch.requests]


def _padded(torch: Any, values: Any, length: int, axis: int) -> Any:
    """Zeros before a tensor's beginning along one axis, up to a length."""
    missing = length - values.shape[axis]
    if not missing:
        return values
    shape = [missing if place == axis else size for place, size in enumerate(values.shape)]
    return torch.cat([values.new_zeros(shape), values], dim=axis)


def _layers(cache: Any) -> list[tuple[Any, Any]]:
    """Keys and values of each layer, [rows, heads, tokens, width]."""
    return [(layer.keys, layer.values) for layer in cache.layers]


def _cache(layers: Any) -> Any:
    from transformers import DynamicCache

    made = DynamicCache()
    for number, (keys, values) in enumerate(layers):
        made.update(keys, values, number)
    return made
