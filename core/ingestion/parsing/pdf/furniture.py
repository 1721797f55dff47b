"""Running headers, footers and page numbers: rows at the edge of the page that come back on other pages.

Removed from the text so that they neither interrupt sentences nor match questions; listed once each.
"""

import re
from collections import Counter

from core.ingestion.parsing.pdf.shapes import PageShape, Row

_DIGITS = re.compile(r"\d+")
_PAGE_MARK = re.compile(
    r"^[\s\-–—|\[(]*(page\s*)?(\d{1,4}|[ivxlc]{1,7})(\s*(of|/)\s*\d{1,4})?[\s\-–—|\])]*$", re.IGNORECASE
)
_EDGE = 5  # rows from the top and from the bottom that may be furniture
_MARGIN = 0.12  # of the page's height
_RIM = 0.075


def remove_furniture(pages: list[PageShape]) -> dict[int, list[str]]:
    """Takes running headers, footers and page numbers out of `pages`, in place.

    Returns: page number -> the texts taken from it.
    """
    seen: Counter[tuple[str, int]] = Counter()
    few = len(pages) <= 3  # then coming back once is enough, but only at the very rim of the sheet
    for page in pages:
        seen.update({key for _, key in _edge_rows(page, few)})
    needed = max(3, min(len(pages) // 4, 12)) if not few else 2
    taken: dict[int, list[str]] = {}
    for page in pages:
        whole = list(page.rows)
        texts = _remove_from(page, seen, needed, few)
        if whole and not page.rows:  # nothing but furniture: then it is what the page says
            page.rows = whole
        elif texts:
            taken[page.number] = texts
    for page in _numbered(pages):
        taken.setdefault(page.number, []).append(page.rows.pop().text)
    return taken


def _numbered(pages: list[PageShape]) -> list[PageShape]:
    """Pages that end in a lone number, wherever on the sheet, which counts up with them."""
    last = [(page, _DIGITS.fullmatch(page.rows[-1].text.strip())) for page in pages if len(page.rows) > 1]
    steps = [(page, int(match.group()[:6]) - page.number) for page, match in last if match]
    common = Counter(step for _, step in steps)
    return [page for page, step in steps if common[step] >= 3]


def _remove_from(page: PageShape, seen: Counter[tuple[str, int]], needed: int, few: bool) -> list[str]:
    texts = []
    for row, key in reversed(_edge_rows(page, few)):
        if seen[key] >= needed or _is_page_mark(row, page):
            page.rows.remove(row)
            texts.append(row.text)
    return texts


def _edge_rows(page: PageShape, few: bool) -> list[tuple[Row, tuple[str, int]]]:
    """Rows near the top and bottom with what they say (numbers aside) and roughly where."""
    if few:
        rows = [r for r in page.rows if r.bottom < _RIM * page.height or r.top > (1 - _RIM) * page.height]
        return [(row, _key(row)) for row in rows if len(row.text) < 200]
    rows = page.rows[:_EDGE] + page.rows[_EDGE:][-_EDGE:]
    near = [r for r in rows if r.bottom < 2 * _MARGIN * page.height or r.top > (1 - 2 * _MARGIN) * page.height]
    near += [row for row in page.rows[-1:] if row not in near and _PAGE_MARK.match(row.text)]
    return [(row, _key(row)) for row in near if len(row.text) < 200]


def _key(row: Row) -> tuple[str, int]:
    return _DIGITS.sub("#", row.text.lower()), round(row.top / 12)


def _is_page_mark(row: Row, page: PageShape) -> bool:
    """A lone number, "- 3 -" or "Page 3 of 9" as the first or last row of its page or in its margin."""
    if not _PAGE_MARK.match(row.text):
        return False
    in_margin = row.bottom < _MARGIN * page.height or row.top > (1 - _MARGIN) * page.height
    return (in_margin or row is page.rows[-1] or row is page.rows[0]) and len(page.rows) > 1
