"""The numbers Word shows before list items and headings but does not store: counted as Word counts them."""

from collections import defaultdict
from dataclasses import dataclass

from lxml import etree

from core.ingestion.parsing.lists import roman
from core.ingestion.parsing.office.package import attribute, child, children, value


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    form: str
    pattern: str


class Numbering:
    """Counts the lists of one document. `label()` is called once a numbered paragraph, in order."""

    def __init__(self, root: etree._Element | None) -> None:
        abstracts = {attribute(e, "abstractNumId"): _levels(e) for e in children(root, "abstractNum")}
        self._lists: dict[str, tuple[str, dict[int, _Level]]] = {}
        for number in children(root, "num"):
            key = value(number, "abstractNumId")
            levels = dict(abstracts.get(key, {}))
            for override in children(number, "lvlOverride"):
                levels.update(_levels(override))
            self._lists[attribute(number, "numId")] = (key, levels)
        self._counts: dict[str, dict[int, int]] = defaultdict(dict)

    def label(self, list_id: str, depth: int) -> str:
        """What Word shows before the next paragraph of that list and depth: "2.1", "(a)", "•", or ""."""
        key, levels = self._lists.get(list_id, ("", {}))
        level = levels.get(depth)
        if level is None or level.form == "none":
            return ""
        if level.form == "bullet":
            return "•"
        counts = self._counts[key]
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [d for d in counts if d > depth]:
            del counts[deeper]
        text = level.pattern
        for d in range(depth + 1):
            known = levels.get(d, level)
            text = text.replace(f"%{d + 1}", _written(counts.setdefault(d, known.start), known.form))
        return text


def _levels(parent: etree._Element) -> dict[int, _Level]:
    found = {}
    for element in children(parent, "lvl"):
        depth, start = attribute(element, "ilvl"), value(element, "start")
        if depth.isdigit():
            first = int(start) if start.isdigit() else 1
            found[int(depth)] = _Level(first, value(element, "numFmt") or "decimal", value(element, "lvlText"))
    return found


def list_of(properties: etree._Element | None) -> tuple[str, int] | None:
    """List id and depth named in a paragraph's (or style's) properties."""
    numbered = child(properties, "numPr")
    if numbered is None:
        return None
    depth = value(numbered, "ilvl")
    return value(numbered, "numId"), int(depth) if depth.isdigit() else 0


def _written(number: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter"):
        letters = chr(ord("a") + (number - 1) % 26) * min((number - 1) // 26 + 1, 5)
        return letters.upper() if form == "upperLetter" else letters
    if form in ("lowerRoman", "upperRoman"):
        numeral = roman(number)
        return numeral.upper() if form == "upperRoman" else numeral
    return f"{number:02d}" if form == "decimalZero" else str(number)
