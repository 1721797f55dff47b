"""Pages as pictures: drawn in the sandbox when they are looked at, one at a time, and kept for a while.

    Pictures(ws.files, ws.sandbox, ws.corpora).page(document, 7)

PDF and images (each frame a page) only: other formats have no page that one could draw without the program that made
them, and are shown as text. Where a page was read by OCR, what OCR found joins the words that the file itself has.
"""

import base64
import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from core.errors import UnreadableFile
from core.ingestion import scanned
from core.ingestion.parsed import ScannedLine
from core.ingestion.parsing import scans
from core.ingestion.parsing.pdf.shapes import Word
from storage.errors import NotFound
from storage.rows import DocumentRow

if TYPE_CHECKING:
    from core.ingestion.sandbox import Sandbox
    from storage.corpora import Corpora
    from storage.files import Files

WIDTH = 1100
"""Pixels: sharp at the width of a drawer on a screen of double density."""
KEPT = 64 << 20
"""Bytes of pictures kept in memory: some three hundred pages."""
AHEAD = 2
"""Pages at most that are drawn before anybody waits for them."""
HEADS = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}

Key = tuple[str, int]
"""A file's sha256 and a page's number."""


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A word of a picture and its box, in shares (0..1) of the picture's width and height."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PagePicture:
    """`image` is a PNG or a JPEG (`media_type`), `width` x `height` pixels; `words` are in the file's order.

    `across` is the width of the page in points, by which lines read by OCR are placed on it.
    """

    image: bytes
    media_type: str
    width: int
    height: int
    across: float
    words: tuple[PlacedWord, ...]


class Pictures:
    """Draws pages and remembers the last ones; safe to share between threads."""

    def __init__(self, files: "Files", sandbox: "Sandbox", corpora: "Corpora") -> None:
        self._files = files
        self._sandbox = sandbox
        self._corpora = corpora
        self._kept: OrderedDict[Key, PagePicture] = OrderedDict()
        self._drawing: dict[Key, Future[PagePicture]] = {}
        self._size = 0
        self._lock = threading.Lock()

    def page(self, document: DocumentRow, number: int) -> PagePicture:
        """Page `number` (1-based) of a document.

        Raises:
            UnreadableFile: it cannot be drawn; the message says why.
        """
        if not has_pictures(document):
            raise UnreadableFile(f"{document.name} has no pages to draw.", "Look at its text.")
        picture = self._page(document, number)
        lines = scanned.unpacked(self._corpora.scanned(document.id, number))
        return with_scanned(picture, lines) if lines else picture

    def _page(self, document: DocumentRow, number: int) -> PagePicture:
        """The same without what OCR found, which is the document's and not the file's: kept, or drawn now."""
        key = (document.content_sha256, number)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            under_way = self._drawing.get(key)
            if under_way is None:
                mine = self._drawing[key] = Future()
        if under_way is not None:
            return under_way.result()
        try:
            picture = self._drawn(document, number)
        except BaseException as error:
            with self._lock:
                del self._drawing[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._drawing[key]
            self._keep(key, picture)
        mine.set_result(picture)
        return picture

    def ahead(self, document: DocumentRow, number: int) -> None:
        """Begin to draw a page that will be asked for in a moment; what goes wrong is told then."""
        key = (document.content_sha256, number)
        with self._lock:
            needless = key in self._kept or key in self._drawing or len(self._drawing) >= AHEAD
        if has_pictures(document) and not needless:
            threading.Thread(target=self._quietly, args=(document, number), name="picture", daemon=True).start()

    def _quietly(self, document: DocumentRow, number: int) -> None:
        with suppress(Exception):
            self._page(document, number)

    def _drawn(self, document: DocumentRow, number: int) -> PagePicture:
        try:
            path = self._files.path(document.content_sha256)
        except NotFound as error:
            raise UnreadableFile(f"The file of {document.name} is gone.", "Add it again.") from error
        return from_json(self._sandbox.picture(path, document.name, number, WIDTH), document.name)

    def _keep(self, key: Key, picture: PagePicture) -> None:
        """Under the lock."""
        self._kept[key] = picture
        self._size += len(picture.image)
        while self._size > KEPT and len(self._kept) > 1:
            self._size -= len(self._kept.popitem(last=False)[1].image)


def has_pictures(document: DocumentRow) -> bool:
    """Whether the pages of a document can be drawn."""
    drawable = document.media_type == "application/pdf" or document.media_type.startswith("image/")
    return drawable and not document.original_removed


def with_scanned(picture: PagePicture, lines: Sequence[ScannedLine]) -> PagePicture:
    """The picture with the words that OCR read off it, after its own; those that it has at that place already are not
    there twice.
    """
    across, down = picture.across, picture.across * picture.height / picture.width
    own: dict[str, list[Word]] = defaultdict(list)
    for at, word in enumerate(picture.words):
        box = word.left * across, word.right * across, word.top * down, word.bottom * down
        own[word.text].append(Word(word.text, *box, 0.0, False, at))
    read = [word for word in scans.to_words(lines) if scans.beside([word], own[word.text])]
    placed = [
        PlacedWord(word.text, *map(_share, (word.x0 / across, word.top / down, word.x1 / across, word.bottom / down)))
        for word in read
    ]
    return replace(picture, words=(*picture.words, *placed))


def from_json(value: dict[str, Any], name: str) -> PagePicture:
    """What the child said, checked: an image by its first bytes, places inside the picture.

    Raises:
        UnreadableFile: it is no picture.
    """
    try:
        image = base64.b64decode(value["image"], validate=True)
        media_type = next(kind for head, kind in HEADS.items() if image.startswith(head))
        words = tuple(PlacedWord(str(text), *map(_share, box)) for text, *box in value["words"])
        width, height, across = int(value["width"]), int(value["height"]), float(value["across"])
        if not (width > 0 and height > 0 and 0 < across < math.inf):
            raise ValueError("a picture of nothing")
        return PagePicture(image, media_type, width, height, across, words)
    except (KeyError, TypeError, ValueError, StopIteration) as error:
        raise UnreadableFile(f"{name} could not be drawn.", "Look at its text.") from error


def _share(value: Any) -> float:
    return min(1.0, max(0.0, float(value)))
