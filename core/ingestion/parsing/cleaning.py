"""Makes characters printable and comparable: no NULs, no control or invisible characters, no ligature glyphs.

Pure functions on strings. Knows nothing of layout and never changes letters of any language.
"""

import re

_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
_SPACES = dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
# Zero width and directional marks, soft hyphen, BOM, tags (invisible text). ZWNJ and ZWJ shape letters: kept.
_INVISIBLE = [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
_INVISIBLE += [*range(0xFFF9, 0xFFFC), *range(0xFDD0, 0xFDF0), 0xFFFE, 0xFFFF, *range(0xE0000, 0xE0080)]
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
_TAGS = re.compile("[\U000e0000-\U000e007f]{4,}")


def clean(text: str) -> str:
    """The same text without NUL, control, invisible and private formatting characters; line ends are `\\n`."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE)
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


def smuggled(text: str) -> bool:
    """Whether the text carries invisible tag characters, which people cannot see and models can read."""
    return _TAGS.search(text) is not None
