"""What an upload holds, before anything is read: one file, the files of a ZIP, or the lines of a corpus.jsonl.

Contents are stored on the way (`storage.files`); no row is written here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from core import room
from core.errors import TriptychError
from core.ingestion.indexing import CORPUS_LINE
from core.ingestion.limits import Limits
from core.ingestion.naming import clean_name
from core.ingestion.parsing import scans
from core.ingestion.parsing.jsonl import CorpusLine, corpus_lines, is_corpus
from core.ingestion.parsing.kinds import READ, Kind, kind_of
from storage.admission import Arrival
from storage.errors import Unreachable

if TYPE_CHECKING:
    from core.workspace import Workspace

Upload: TypeAlias = tuple[str, Path | bytes]
"""A name and the content, or where the content is."""

LINES_AT_ONCE = 500
CHARACTERS_AT_ONCE = 8_000_000
"""Of the lines that are stored together: no more of their text is held in memory, and the last line's."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that was not taken, and why, in one line."""

    name: str
    reason: str


def arriving(ws: "Workspace", upload: Upload, folder: Path, added_by: str) -> Iterator[Arrival | Rejected]:
    """Store one upload, or the files or lines inside it; `folder` is for what is needed on the way."""
    name = clean_name(upload[0])
    try:
        path = upload[1] if isinstance(upload[1], Path) else _on_disk(upload[1], folder)
        kind = kind_of(path, name)
        if kind == "zip":
            yield from _unpacked(ws, name, path, folder, added_by)
        elif kind == "jsonl" and is_corpus(path):
            yield from list(_lines(ws, path, added_by))  # all or none
        else:
            yield _file(ws, name, path, kind, added_by)
    except TriptychError as error:
        yield Rejected(name, str(error))
    except Unreachable as error:
        yield Rejected(name, f"It could not be kept: {error}. Start them, and add it again.")
    except OSError as error:
        if error.errno in room.FULL:
            raise
        yield Rejected(name, f"It could not be read: {error.strerror or error}.")


def _unpacked(ws: "Workspace", name: str, path: Path, folder: Path, added_by: str) -> Iterator[Arrival | Rejected]:
    inside = folder / "unpacked"
    if inside.exists():
        yield Rejected(name, "It is an archive inside an archive. Unpack it and add it again.")
        return
    inside.mkdir()
    entries = ws.sandbox.unpack(path, inside)
    if not entries:
        yield Rejected(name, "There is no file in it.")
    for entry in entries:
        if entry.path is None:
            yield Rejected(clean_name(entry.name), entry.reason)
        else:
            yield from arriving(ws, (entry.name, entry.path), folder, added_by)


def _lines(ws: "Workspace", path: Path, added_by: str) -> Iterator[Arrival]:
    for some in _few(corpus_lines(path)):
        texts = [line.text.encode() for line in some]
        for line, text, sha256 in zip(some, texts, ws.files.put_all(texts), strict=True):
            yield Arrival(line.id, sha256, len(text), line.title, line.source, CORPUS_LINE, added_by, line=True)


def _few(lines: Iterable[CorpusLine]) -> Iterator[list[CorpusLine]]:
    some: list[CorpusLine] = []
    size = 0
    for line in lines:
        some.append(line)
        size += len(line.text)
        if len(some) == LINES_AT_ONCE or size > CHARACTERS_AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _file(ws: "Workspace", name: str, path: Path, kind: Kind, added_by: str) -> Arrival | Rejected:
    size = path.stat().st_size
    if why := why_not_taken(kind, size):
        return Rejected(name, why)
    return Arrival(name, ws.files.put(path), size, added_by=added_by)


def why_not_taken(kind: Kind, size: int) -> str:
    """Why a file of this kind and so many bytes is not taken, with the remedy; "" when it is."""
    most = Limits().upload
    if kind == "empty":
        return "It is empty (0 bytes). Add it again from its source."
    if kind == "binary":
        return f"Files of this kind are not read. What is read: {READ}."
    if kind == "image" and not scans.installed():
        return f"It is a picture; its text is read by OCR, which is not installed: {scans.HOW}."
    if size > most:
        return f"It has {size >> 20} MB; the limit is {most >> 20} MB. Split it and add the parts."
    return ""


def _on_disk(content: bytes, folder: Path) -> Path:
    path = folder / "upload"
    path.write_bytes(content)
    return path
