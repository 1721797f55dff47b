"""Reads the header of a GGUF file that nobody vouches for, within limits, before any library opens it.

The libraries believe the counts in a header: a file of 40 bytes that promises 2^60 strings keeps them busy for
ever. Here every length is checked against what is left of the file. Knows the container (version 2 and 3,
little-endian); what the values mean is `checking`'s.
"""

import math
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from core.errors import BadInput

HEADER_AT_MOST = 256 << 20
VALUES_AT_MOST = 4_000_000
TENSORS_AT_MOST = 100_000

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9
INTEGERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 10: "<Q", 11: "<q"}
KEPT = ("general.architecture", "general.name", "tokenizer.ggml.model", "tokenizer.ggml.pre")
COUNTS = (".count", "_count")
"""How the keys of numbers that are kept end: split.count, llama.expert_count."""


@dataclass(frozen=True, slots=True)
class Header:
    """Attributes:
    texts: the values of `KEPT` that are there.
    keys: every key.
    tensors: name of each tensor.
    parameters: how many numbers all of them hold.
    kinds: how they are stored, as numbers of GGML's types.
    counts: whole numbers whose keys end in one of `COUNTS`.
    """

    texts: dict[str, str]
    keys: frozenset[str]
    tensors: tuple[str, ...]
    parameters: int = 0
    kinds: frozenset[int] = frozenset()
    counts: dict[str, int] = field(default_factory=dict)


def header(file: Path) -> Header:
    """Walk the header once.

    Raises:
        BadInput: not GGUF, cut short, or it promises more than a file of its size can hold.
    """
    with file.open("rb") as opened:
        return _Walk(opened, file).header()


def q8_0_bytes(parameters: int) -> int:
    """Of so many numbers in Q8_0, on the disk and in memory alike: 34 bytes for 32 of them."""
    return parameters * 34 // 32


class _Walk:
    def __init__(self, opened: BinaryIO, file: Path) -> None:
        self._opened = opened
        self._left = min(file.stat().st_size, HEADER_AT_MOST)
        self._values = VALUES_AT_MOST
        self._name = file.name
        self._parameters = 0
        self._kinds: set[int] = set()

    def header(self) -> Header:
        if self._take(4) != b"GGUF":
            raise BadInput(f"{self._name} is not a GGUF file.", "Choose a file whose name ends in .gguf.")
        version = self._number("<I", 4)
        if version not in (2, 3):
            raise BadInput(
                f"{self._name} is GGUF of version {version}; versions 2 and 3 are read.", "Convert it again."
            )
        tensors, pairs = self._number("<Q", 8), self._number("<Q", 8)
        if tensors > TENSORS_AT_MOST or pairs > TENSORS_AT_MOST:
            raise self._lies()
        texts: dict[str, str] = {}
        counts: dict[str, int] = {}
        keys = set()
        for _ in range(pairs):
            key = self._string()
            keys.add(key)
            value = self._value(self._number("<I", 4))
            if key in KEPT and isinstance(value, str):
                texts[key] = value
            elif key.endswith(COUNTS) and isinstance(value, int):
                counts[key] = value
        names = tuple(self._tensor() for _ in range(tensors))
        return Header(texts, frozenset(keys), names, self._parameters, frozenset(self._kinds), counts)

    def _tensor(self) -> str:
        name = self._string()
        dimensions = self._number("<I", 4)
        if dimensions > 8:
            raise self._lies()
        self._parameters += math.prod(self._number("<Q", 8) for _ in range(dimensions))
        self._kinds.add(self._number("<I", 4))
        self._take(8)
        return name

    def _value(self, kind: int) -> str | int | None:
        """Pass over a value; strings and whole numbers are given back."""
        if kind == STRING:
            return self._string()
        if kind in INTEGERS:
            return self._number(INTEGERS[kind], SIZES[kind])
        if kind == ARRAY:
            self._array()
        elif kind in SIZES:
            self._take(SIZES[kind])
        else:
            raise self._lies()
        return None

    def _array(self) -> None:
        kind, length = self._number("<I", 4), self._number("<Q", 8)
        if kind in SIZES:
            self._take(SIZES[kind] * length)
        elif kind == STRING and length <= self._values:
            self._values -= length
            for _ in range(length):
                self._take(self._number("<Q", 8))
        else:
            raise self._lies()

    def _string(self) -> str:
        return self._take(self._number("<Q", 8)).decode("utf-8", "replace")

    def _number(self, form: str, size: int) -> int:
        return int(struct.unpack(form, self._take(size))[0])

    def _take(self, size: int) -> bytes:
        self._left -= size
        taken = self._opened.read(size) if self._left >= 0 else b""
        if len(taken) != size:
            raise self._lies()
        return taken

    def _lies(self) -> BadInput:
        remedy = "It is cut short or was made to do harm; get it again from its source."
        return BadInput(f"The header of {self._name} promises more than the file holds.", remedy)
