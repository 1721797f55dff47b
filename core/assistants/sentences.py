"""Where sentences begin and end, with offsets, in answers and in passages.

Pure, and made for what documents hold: clause numbers, bullets, table rows (one row is one unit), lines
wrapped in mid-sentence, abbreviations, decimals. Splits too seldom rather than too often: half a
sentence cannot be quoted. Knows nothing of relevance or support.
"""

import re
from dataclasses import dataclass

STOPS = re.compile(r"[.!?…]+[\"'”’)\]]*(?:\s*\[\d+ ?\])*(?=\s|$)|[。！？]")
MARKER = re.compile(r"\s*(?:[-*•▪◦–—+]\s|\(?(?:\d+(?:\.\d+)*|[a-z]|[ivx]+)[.)]\s|\d+(?:\.\d+)+\s|#{1,6}\s|\||>)", re.I)
POINT = re.compile(r"\s*(?:[-*•▪◦–—+·]|\(?(?:\d{1,2}|[a-z]|[ivx]+)[.):])\s", re.I)
"""How a point of a list begins."""
SHORT = (
    "mr mrs ms dr prof sr jr st rev gen col sgt capt hon vs v etc al approx dept est fig figs eq sec secs art arts cl "
    "para paras pt pts vol vols no nos pp p ch ed eds inc ltd co corp llc plc bros cf ca viz resp min max tel ext "
    "e.g i.e a.m p.m ph.d u.s u.k u.n e.u d.c b.c a.d "
    "jan feb mar apr jun jul aug sept sep oct nov dec n.v b.v s.a"
)
ABBREVIATIONS = frozenset(SHORT.split())
# Abbreviations that often end a sentence too: they do when what follows starts like a sentence.
SHORT_AT_END = "u.s u.k u.n e.u d.c b.c a.d etc inc ltd co corp llc plc bros a.m p.m ph.d al n.v b.v s.a jr sr no"
MAY_END = frozenset(SHORT_AT_END.split())
FIRST_WORDS = (
    "the a an this that these those it its he she they we you i in on at by for from to with as if when while after "
    "before although however but and there their his her our your no not all each any both some most such under"
)
OPENERS = frozenset(FIRST_WORDS.split())
HEADING = 8  # words of a heading that runs into its paragraph, at most
WRAPPED = 45  # a line at least this long that ends in mid-sentence was wrapped, not ended


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, bullet, heading line or table row: `text == whole[start:end]`.

    `header` is, for a table row, the header line(s) of its table as they stand in `whole` ("" without).
    """

    start: int
    end: int
    text: str
    row: bool = False
    header: str = ""

    @property
    def readable(self) -> str:
        """What a person reads alone: a row below its header, anything else as it is."""
        return f"{self.header}\n{self.text}" if self.header else self.text


def split(text: str, header: str = "") -> list[Sentence]:
    """The sentences of `text` in order, without the white space between them.

    Args:
        text: an answer, a passage or a page.
        header: the header of a table whose first rows are cut off, for rows at the start of `text`.
    """
    found: list[Sentence] = []
    for start, end in _stretches(text):
        if _is_row(text[start:end]):
            found.append(_row(text, start, end, found, header))
        else:
            found.extend(_sentences(text, start, end))
    return found


def _stretches(text: str) -> list[tuple[int, int]]:
    """Runs of lines that belong together: a paragraph, a bullet with its wrapped lines, one table row."""
    runs: list[tuple[int, int]] = []
    for match in re.finditer(r"[^\n]+", text):
        line = match.group()
        if not line.strip():
            continue
        if runs and _continues(text, runs[-1], match.start(), line):
            runs[-1] = (runs[-1][0], match.end())
        else:
            runs.append((match.start(), match.end()))
    return runs


def _continues(text: str, run: tuple[int, int], start: int, line: str) -> bool:
    """Whether a line goes on with the sentence of the lines before it."""
    previous = text[run[0] : run[1]].rsplit("\n", 1)[-1].rstrip()
    if text.count("\n", run[1], start) > 1 or MARKER.match(line) or _is_row(previous):
        return False
    if previous.lstrip().startswith("#") or (STOPS.search(previous[-3:]) and len(previous) < WRAPPED):
        return False
    first = line.lstrip()[0]
    return first.islower() or len(previous) >= WRAPPED


def _is_row(line: str) -> bool:
    return line.lstrip().startswith("|") and line.rstrip().endswith("|") and line.count("|") > 2


def cells(row: str) -> list[str]:
    """The cells of a table row, one at the least, with the white space around their words."""
    return row.strip().strip("|").split("|")


def _row(text: str, start: int, end: int, before: list[Sentence], header: str) -> Sentence:
    """A row with the header of its table: the table's first row(s), up to the first row with a label and figures."""
    start, end = _trim(text, start, end)
    above: list[Sentence] = []
    for sentence in reversed(before):
        if not sentence.row or text.count("\n", sentence.end, start) > len(above) + 1:
            break
        above.insert(0, sentence)
    if not above or above[0].header:
        return Sentence(start, end, text[start:end], True, header)
    return Sentence(start, end, text[start:end], True, "\n".join(_header_lines([row.text for row in above])))


def _header_lines(rows: list[str]) -> list[str]:
    """The rows at the top that name columns: those without a label in the first cell; else the first row alone."""
    top: list[str] = []
    for row in rows:
        label = cells(row)[0].strip()
        if label and top:
            break
        top.append(row)
        if label:
            break
    return top[:4]


def _sentences(text: str, start: int, end: int) -> list[Sentence]:
    found: list[Sentence] = []
    begin = start
    for match in STOPS.finditer(text, start, end):
        if match.end() < end and (not _ends(text, begin, match, end) or _runs_in(text, start, begin, match)):
            continue
        found.append(_cut(text, begin, match.end()))
        begin = match.end()
    if text[begin:end].strip():
        found.append(_cut(text, begin, end))
    return [sentence for sentence in found if sentence.text]


def _runs_in(text: str, start: int, begin: int, match: re.Match[str]) -> bool:
    """Whether what ends there is a heading at the start of its paragraph: "9.2 Cap on Damages. In no event ..."."""
    if begin != start or match.group() != ".":
        return False
    words = re.sub(r"^[\W\d_]+", "", text[begin : match.start()]).split()
    named = [word for word in words if len(word) > 3]
    return (
        len(named) > 0
        and len(words) <= HEADING
        and all(word.lstrip('("“').istitle() or word.isupper() for word in named)
    )


def _ends(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    """Whether the stop at `match` ends a sentence: judged by the word before and the word after it."""
    before = text[begin : match.start()].split()
    after = text[match.end() : end].split(maxsplit=1)
    if not before or not after:
        return bool(after) and bool(before)
    word, next_word = before[-1].lstrip("(\"'“‘[").lower(), after[0].lstrip("(\"'“‘[*_")
    if not next_word or next_word[0].islower():
        return False
    if match.group()[0] != ".":
        return True
    if len(before) == 1 and MARKER.match(f"{before[0]}. "):
        return False  # "12. Term" and "a. Fees": the number belongs to what follows
    if word in ABBREVIATIONS:
        return word in MAY_END and next_word.lower().strip(",;:") in OPENERS and not next_word[0].isdigit()
    return not (len(word) == 1 and word.isalpha() and word != "i")  # "J. Smith"


def _cut(text: str, start: int, end: int) -> Sentence:
    start, end = _trim(text, start, end)
    return Sentence(start, end, text[start:end])


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
