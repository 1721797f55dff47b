"""The container of safetensors, read and written tensor by tensor: names, kinds, shapes and places.

    8 bytes: length of the header, little endian | the header, JSON | the tensors, one behind the other

A header is checked before anything believes it: its length against the file's, every place against the shape and
against its neighbours. Knows nothing of what the tensors mean.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from core.errors import BadInput
from core.generation.checking import DAMAGED, safetensors_header

HEADER_AT_MOST = 16 << 20
"""Bytes; a model of a thousand layers needs less."""
SIZES = {
    **dict.fromkeys(("F64", "I64", "U64"), 8),
    **dict.fromkeys(("F32", "I32", "U32"), 4),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 2),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2"), 1),
}
_AT_ONCE = 8 << 20


@dataclass(frozen=True, slots=True)
class Tensor:
    """`kind` as the format names it (F32, BF16); `start` and `end` count bytes behind the header."""

    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """The tensors by name, in the order in which they lie in the file; `begin` is where the first byte of them is."""

    tensors: Mapping[str, Tensor]
    begin: int


def header(file: Path) -> Header:
    """Read and check a file's header.

    Raises:
        BadInput: it promises what the file does not hold, or is no safetensors file.
    """
    length = safetensors_header(file, HEADER_AT_MOST)
    with file.open("rb") as stream:
        stream.seek(8)
        raw = stream.read(length)
    try:
        said = json.loads(raw)
        found = {name: _tensor(value) for name, value in said.items() if name != "__metadata__"}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise BadInput(f"The header of {file.name} cannot be read.", DAMAGED) from error
    ordered = dict(sorted(found.items(), key=lambda item: (item[1].start, item[1].end)))
    _fitting(file.name, ordered, file.stat().st_size - 8 - length)
    return Header(ordered, 8 + length)


def rewrite(source: Path, target: Path, changed: Mapping[str, Callable[[], bytes]]) -> None:
    """Copy a file with the bytes of some tensors exchanged, never more than one of them in memory.

    Raises:
        ValueError: what comes in a tensor's place is not as long as it.
    """
    read = header(source)
    with source.open("rb") as old, target.open("wb") as new:
        _copy(old, new, read.begin)
        for name, tensor in read.tensors.items():
            if name not in changed:
                _copy(old, new, tensor.end - tensor.start)
                continue
            data = changed[name]()
            if len(data) != tensor.end - tensor.start:
                raise ValueError(f"{name} would have another size")
            old.seek(len(data), 1)
            new.write(data)


def _tensor(value: dict[str, Any]) -> Tensor:
    start, end = value["data_offsets"]
    shape = tuple(value["shape"])
    if not all(type(number) is int and number >= 0 for number in (start, end, *shape)):
        raise ValueError("a size that is no number")
    return Tensor(str(value["dtype"]), shape, start, end)


def _fitting(name: str, tensors: Mapping[str, Tensor], size: int) -> None:
    """Raises BadInput: the tensors do not fill the file one behind the other."""
    at = 0
    for tensor in tensors.values():
        each = SIZES.get(tensor.kind)
        if each is None:
            raise BadInput(f"{name} holds numbers of an unknown kind.", DAMAGED)
        if tensor.start != at or tensor.end - tensor.start != each * math.prod(tensor.shape):
            raise BadInput(f"The tensors of {name} do not lie where its header says.", DAMAGED)
        at = tensor.end
    if at != size:
        raise BadInput(f"{name} is {size} bytes of tensors long where its header says {at}.", DAMAGED)


def _copy(old: BinaryIO, new: BinaryIO, length: int) -> None:
    while length > 0:
        piece = old.read(min(_AT_ONCE, length))
        if not piece:
            raise ValueError("the file ended early")
        new.write(piece)
        length -= len(piece)
