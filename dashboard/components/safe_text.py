"""Text that others wrote, made safe to put into a Markdown label: names, titles, headings, errors.

Answers and pages never come here: they are shown by components that set `textContent`, which knows no
markup at all. Labels of buttons and headings are always Markdown in Streamlit, so what others wrote is
neutralised first. Three layers of Streamlit's Markdown have to be kept from seeing it:

1. CommonMark and HTML: every ASCII punctuation character is escaped with a backslash.
2. Streamlit's directives and GitHub's bare links work on the *resulting* text (`:smile:`,
   `:material/x:`, `https://...`, `www.`, `a@b.c`), where escapes are already gone: a word joiner
   (U+2060, invisible, no width) is put where it breaks the pattern.
3. Lines: a label is one line; white space of every kind becomes single spaces.
"""

import re

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
WORD_JOINER = "\u2060"
MARKUP = re.compile(rf"[^\w\s./,&'+{WORD_JOINER}-]|_")
# What Streamlit or GitHub's Markdown would turn into a picture or a link after parsing.
LATE = re.compile(r"(?<=:)(?=\S)|(?<=@)(?=\w)|(?<=w)(?=\.)", re.IGNORECASE)
# Control characters, and the marks that reverse the direction of text (a name must not hide its ending).
INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def label(text: str, limit: int = 120) -> str:
    """One line of Markdown that shows `text` as it is, cut to `limit` characters with an ellipsis.

    Returns a no-break space for text that shows nothing, since an empty label is an error in places.
    """
    return escaped(one_line(text, limit)) or "\u00a0"


def one_line(text: str, limit: int = 120) -> str:
    """Plain text (no Markdown) on one line, without control characters, cut to `limit` characters."""
    line = " ".join(INVISIBLE.sub("", text).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def spoken(text: str, limit: int = 120) -> str:
    """The same for a label that is not shown but read out, where a backslash would be heard: without markup's signs."""
    plain = MARKUP.sub(" ", LATE.sub(WORD_JOINER, one_line(text, limit)))
    return " ".join(plain.split()) or "\u00a0"


def escaped(text: str) -> str:
    """Markdown that renders as exactly `text` (apart from invisible word joiners)."""
    return PUNCTUATION.sub(r"\\\1", LATE.sub(WORD_JOINER, text))
