"""Lines that OCR read off a page's picture, and how they become the words that the page's layout is made of. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from statistics import median

from core.ingestion.parsed import ScannedLine
from core.ingestion.parsing.draft import DocumentDraft
from core.ingestion.parsing.pdf.shapes import Word

HOW = "make setup-ocr, or pip install 'triptych[ocr]'"
_DOUBTFUL = 0.8
"""Mean confidence of a page below which a person should look: clean print has 0.97 and more."""
_SAME_SIZE = 0.3
"""Boxes of one font differ by this much with the letters in them (ascenders, descenders, a slight turn)."""


Scans = Mapping[int, Sequence[ScannedLine]]
"""Lines by page number, of the pages that were read by OCR."""


def installed() -> bool:
    """Whether scans can be read here: the `ocr` extra is installed."""
    return all(find_spec(name) is not None for name in ("rapidocr", "onnxruntime", "cv2", "PIL"))


def to_words(lines: Iterable[ScannedLine]) -> list[Word]:
    """The lines' words, each with its share of the line's box, in reading order."""
    ordered = sorted(lines, key=lambda line: (line.top + line.bottom, line.x0))
    usual = median([line.bottom - line.top for line in ordered]) if ordered else 0.0
    words: list[Word] = []
    for line in ordered:
        height = line.bottom - line.top
        size = usual if abs(height - usual) <= _SAME_SIZE * usual else height
        width = (line.x1 - line.x0) / max(1, len(line.text))
        middle, at = (line.top + line.bottom) / 2, 0
        for text in line.text.split():
            at = line.text.index(text, at)
            left = line.x0 + at * width
            box = (left, left + len(text) * width, middle - size / 2, middle + size / 2)
            words.append(Word(text, *box, size * 0.75, False, len(words)))
            at += len(text)
    return words


def beside(words: Iterable[Word], printed: Sequence[Word]) -> list[Word]:
    """The words that do not stand where the page has text of its own."""
    return [word for word in words if not any(_over(word, other) for other in printed)]


def _over(word: Word, other: Word) -> bool:
    x, y = (word.x0 + word.x1) / 2, (word.top + word.bottom) / 2
    return other.x0 - 1 <= x <= other.x1 + 1 and other.top - 1 <= y <= other.bottom + 1


def note(draft: DocumentDraft, scans: Scans) -> None:
    """Say which pages were read by OCR, and which of them should be looked at."""
    if not scans:
        return
    draft.note(f"{pages(sorted(scans))} read by OCR")
    doubtful = [number for number, lines in sorted(scans.items()) if _confidence(lines) < _DOUBTFUL]
    if doubtful:
        draft.note(f"{pages(doubtful)} hard to read: compare the text with the scan")


def _confidence(lines: Sequence[ScannedLine]) -> float:
    letters = sum(len(line.text) for line in lines)
    return sum(line.score * len(line.text) for line in lines) / letters if letters else 1.0


def pages(numbers: Sequence[int]) -> str:
    """Pages as the beginning of a note: "page 3 was", "12 pages (1, 2, ... and others) were"."""
    if len(numbers) == 1:
        return f"page {numbers[0]} was"
    named = ", ".join(map(str, numbers[:8])) + (" and others" if len(numbers) > 8 else "")
    return f"{len(numbers)} pages ({named}) were"
