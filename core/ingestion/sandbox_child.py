"""The process that reads uploads: it imports the readers once, then forks a fresh child for each document.

Run by `core.ingestion.sandbox` as `python -m core.ingestion.sandbox_child FD`; FD is a Unix socket on which the
parent hands over one connection per document. It has one thread and never touches a document itself, so forking
is safe and costs milliseconds. A child reads one request, gives up its rights, parses, answers and ends.
"""

import base64
import dataclasses
import gc
import json
import os
import signal
import socket
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from core.errors import TriptychError
from core.ingestion import confinement
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument, ScannedLine
from core.ingestion.parsing.scans import Scans
from core.ingestion.second import Second, worth_it
from core.room import DISK
from core.tracing import where

_ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Serves connections until the parent closes the socket."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for: the kernel clears them away
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _import_readers()
    gc.freeze()
    me = os.getpid()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _child(descriptors[0], me)
        os.write(descriptors[0], f"{pid}\n".encode())
        os.close(descriptors[0])


def _import_readers() -> None:
    """All that a document may need, so that a child imports nothing."""
    import encodings.idna  # noqa: F401

    import charset_normalizer
    import PIL.Image

    import core.ingestion.parsing.delimited
    import core.ingestion.parsing.image
    import core.ingestion.parsing.jsonl
    import core.ingestion.parsing.mail
    import core.ingestion.parsing.markdown
    import core.ingestion.parsing.office.docx
    import core.ingestion.parsing.office.pptx
    import core.ingestion.parsing.office.xlsx
    import core.ingestion.parsing.pdf.document
    import core.ingestion.parsing.pdf.picture
    import core.ingestion.parsing.rows
    import core.ingestion.parsing.xml
    import core.ingestion.unpacking

    PIL.Image.preinit()
    charset_normalizer.from_bytes("Größe und Gewicht, déjà vu".encode("latin-1") * 3).best()
    core.ingestion.parsing.markdown.parse_markdown("# Warm\n\n| a | b |\n|---|---|\n| 1 | 2 |", Limits())


def _child(descriptor: int, parent: int) -> None:
    """One document, in a process of its own. Never returns."""
    status = 1
    try:
        os.setsid()
        confinement.die_with_parent(parent)
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        with socket.socket(fileno=descriptor) as connection:
            request = json.loads(connection.makefile("rb").readline())
            answer = _answer(request)
            connection.sendall(answer)
        status = 0
    finally:
        os._exit(status)


def _answer(request: dict[str, Any]) -> bytes:
    limits = Limits(**request["limits"])
    path, folder = Path(request["path"]), Path(request["folder"])
    into = [Path(request["into"])] if request.get("into") else []
    os.chdir(folder)
    tempfile.tempdir = str(folder)
    code = [Path(sys.prefix), Path(sys.base_prefix), Path(os.__file__).parent, _ROOT / "core"]
    engine = _recogniser() if "recognise" in request else None
    memory = limits.scan_memory if "recognise" in request else limits.memory

    def confine(memory: int) -> None:
        confinement.confine(memory, request["cpu_s"], limits.file, [*code, path], [folder, *into])

    second = None
    if request.get("shared") and worth_it(path):
        half = partial(confine, memory // 2)
        second = Second(path, request["name"], folder, _found(request), limits.pages, half)
    confine(memory)
    try:
        result: Any = _result(request, path, into, limits, engine, second)
    except TriptychError as error:
        result = {"message": error.message, "remedy": error.remedy}
    except MemoryError:
        result = {"message": f"{request['name']} needs more memory than a document may.", "remedy": "Split it."}
    except RecursionError:
        result = {"message": f"{request['name']} is nested too deeply to be read.", "remedy": ""}
    except OSError as error:
        result = {"disk": error.errno} if error.errno in DISK else {"defect": where(error)}
    except Exception as error:  # noqa: BLE001 - whatever a reader stumbles over is the document's fault or ours: say so
        result = {"defect": where(error)}  # not its message, which may quote the document
    halves = "surrogatepass" if "rows" in request else "replace"  # what cannot be stored is told of a row, not mended
    return json.dumps(result, ensure_ascii=False).encode("utf-8", halves)


def _result(
    request: dict[str, Any], path: Path, into: list[Path], limits: Limits, engine: Any, second: Second | None
) -> dict[str, Any]:
    if "recognise" in request:
        return _recognise(engine, path, request["name"], request["recognise"], limits)
    if "rows" in request:
        return _rows(path, request["name"], limits)
    if "draw" in request:
        return _draw(path, request["name"], request["draw"], limits)
    return _unpack(path, request["name"], into[0], limits) if into else _parse(path, request, limits, second)


def _draw(path: Path, name: str, page: tuple[int, int], limits: Limits) -> dict[str, Any]:
    """`page`: its number (1-based), and how many pixels wide it is drawn."""
    from core.ingestion.parsing import image
    from core.ingestion.parsing.kinds import kind_of
    from core.ingestion.parsing.pdf import picture

    if kind_of(path, name) == "image":
        drawn = image.picture_of(path, name, *page, limits)
    else:
        drawn = picture.picture_of(path, name, *page)
    return drawn | {"image": base64.b64encode(drawn["image"]).decode()}


def _rows(path: Path, name: str, limits: Limits) -> dict[str, Any]:
    from core.ingestion.parsing.rows import named_rows

    return {"rows": named_rows(path, name, limits)}


def _parse(path: Path, request: dict[str, Any], limits: Limits, second: Second | None) -> dict[str, Any]:
    from core.ingestion.parsing import parse

    late = second.pages if second else None
    return {"document": as_json(parse(path, request["name"], limits, request.get("web", False), _found(request), late))}


def _found(request: dict[str, Any]) -> Scans:
    return {int(number): [ScannedLine(*line) for line in lines] for number, lines in request.get("found", {}).items()}


def _recogniser() -> Any:
    from core.ingestion.parsing.recognition import load

    return load()


def _recognise(engine: Any, path: Path, name: str, pages: list[int], limits: Limits) -> dict[str, Any]:
    from core.ingestion.parsing.recognition import recognise

    found = recognise(engine, path, name, pages, limits)
    return {"lines": {number: [dataclasses.astuple(line) for line in lines] for number, lines in found.items()}}


def _unpack(path: Path, name: str, into: Path, limits: Limits) -> dict[str, Any]:
    from core.ingestion.unpacking import Unpacking

    entries = Unpacking(into, limits).run(path, name)
    return {"entries": [[entry.name, entry.path.name if entry.path else None, entry.reason] for entry in entries]}


def as_json(document: ParsedDocument) -> dict[str, Any]:
    """The document as lists and texts; `sandbox.from_json` is its other half."""
    return {
        "title": document.title,
        "media_type": document.media_type,
        "pages": [
            [page.number, page.label, page.text, [[b.kind, b.start, b.end, b.level, b.header] for b in page.blocks]]
            for page in document.pages
        ],
        "dropped": [[d.page, d.what, d.why] for d in document.dropped],
        "notes": list(document.notes),
        "scans": list(document.scans),
    }


if __name__ == "__main__":
    main()
