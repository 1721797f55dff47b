"""Makes characters printable and comparable: no NULs, no control or invisible characters, no ligature glyphs.

Functions on strings; what is taken out that could hide a message is told to whoever asked (`noticing`). Knows
nothing of layout and never changes letters of any language.
"""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_SPACES = dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
# Zero width and directional marks, soft hyphen, BOM, tags (invisible text), variation selectors (looks of a sign, and
# a byte each where somebody hides bytes). Joiners shape letters: kept where they do, see `_IDLE`.
_INVISIBLE = [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
_INVISIBLE += [*range(0xFFF9, 0xFFFC), *range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF, *range(0xE0000, 0xE0080)]
_INVISIBLE += [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
_CONTROL = [*range(0x00, 0x09), 0x0B, 0x0E, *range(0x0F, 0x20), *range(0x7F, 0x85), *range(0x86, 0xA0)]
_TABLE: dict[int, str] = {
    **dict.fromkeys(_CONTROL + _INVISIBLE, ""),
    **_SPACES,
    **{ord(sign): letters for sign, letters in _LIGATURES.items()},
    0x0C: "\n",
    0x85: "\n",
    0x2028: "\n",
    0x2029: "\n\n",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n[ \t]*\n[ \t\n]*")
_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")  # one alone only chooses how a sign looks
# Joiners with nothing to join: behind Latin letters, digits, signs and blanks, and all but the first of several.
_IDLE = re.compile("(?<![\u0300-\u200b\u200e-\U0010ffff])[\u200c\u200d]+")
# What has no business in a text but to hide or to reorder; a BOM, a soft hyphen, a plain direction mark have.
_HIDING = re.compile("[\u200b\u2060-\u2064\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_REORDERING = re.compile("[\u202a-\u202e\u2066-\u2069]")


class Noticed:
    """What `clean` took out of texts so far."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._said: list[str] = []

    def add(self, text: str) -> None:
        """Count what a text hides; `text` is not cleaned yet."""
        for sign in _HIDING.findall(text):
            self._counts["tag" if sign >= "\U000e0000" else "order" if _REORDERING.match(sign) else "width"] += 1
        for idle in _IDLE.findall(text):
            self._counts["width"] += len(idle)
        for match in _TAGS.finditer(text):
            self._note("".join(chr(ord(sign) - 0xE0000) for sign in match[0]))
        for match in _SELECTORS.finditer(text):
            self._counts["selector"] += len(match[0])
            self._note(bytes(map(_byte, match[0])).decode("utf-8", "replace"))

    def _note(self, said: str) -> None:
        said = said.translate(_TABLE).strip()
        if len(said) >= 4 and sum(map(len, self._said)) < 1000:
            self._said.append(said)

    def told(self) -> list[tuple[str, str]]:
        """Each kind that was taken out: what, and why."""
        number = self._counts
        said = f", saying: {' '.join(self._said)}" if self._said else ""
        kinds = {
            "tag": (
                f"{number['tag']:,} invisible tag character(s){said}",
                "hidden text: people do not see it, models do",
            ),
            "selector": (
                f"{number['selector']:,} invisible variation selector(s) in rows{said if not number['tag'] else ''}",
                "hidden text: a byte each, for models and programs",
            ),
            "width": (f"{number['width']:,} character(s) of no width", "people do not see them, and they break words"),
            "order": (
                f"{number['order']:,} mark(s) that change the direction of text",
                "what is shown would not be what is read",
            ),
        }
        return [kinds[kind] for kind in kinds if number[kind]]


def _byte(selector: str) -> int:
    """What a variation selector stands for where somebody hides bytes in them."""
    number = ord(selector)
    return number - 0xFE00 if number < 0xE0100 else number - 0xE0100 + 16


_noticing: ContextVar[Noticed | None] = ContextVar("noticing", default=None)


@contextmanager
def noticing() -> Iterator[Noticed]:
    """Counts what every `clean` inside takes out that could hide a message."""
    noticed = Noticed()
    token = _noticing.set(noticed)
    try:
        yield noticed
    finally:
        _noticing.reset(token)


def clean(text: str) -> str:
    """The same text without NUL, control, invisible and private formatting characters; line ends are `\\n`."""
    if text.isascii() and text.isprintable():
        return text
    if (noticed := _noticing.get()) is not None:
        noticed.add(text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)
    text = _IDLE.sub("", text) if "\u200c" in text or "\u200d" in text else text
    return whole_pairs(text) if _SURROGATE.search(text) else text


def whole_pairs(text: str) -> str:
    """Surrogate pairs become the character they stand for; half ones become U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def one_line(text: str) -> str:
    """Cleaned, every run of white space one blank, no blanks around."""
    return " ".join(clean(text).split())


def tidy(text: str) -> str:
    """Cleaned, line ends kept: blanks collapsed, lines trimmed, at most one empty line between paragraphs."""
    lines = (_BLANKS.sub(" ", line).strip() for line in clean(text).split("\n"))
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip()
