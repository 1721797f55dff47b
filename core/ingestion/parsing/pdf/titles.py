"""What a PDF is called when its metadata do not say: for a filing its registrant, form and period; else a heading.

An authority's name at the top of a filing is no title: it is the same on every filing. Pure.
"""

import re

from core.ingestion.parsed import Page

_REGISTRANT = re.compile(r"\(\s*exact name of (the )?registrant", re.IGNORECASE)
_FORM = re.compile(r"\bform\s+(\d{1,2}-[A-Z]{1,2}(/A)?)(?![\w-])", re.IGNORECASE)
_PERIOD = re.compile(r"\b(?:year|period)\s+ended:?\s+([A-Z][a-z]+ \d{1,2}, \d{4})", re.IGNORECASE)
_COVER = 3  # pages at most
_AUTHORITY = re.compile(r"\b(commission|department|ministry|agency|authority|court|office|washington, d\.c)\b", re.I)
_STAMP = re.compile(
    r"((strictly )?confidential|draft|execution (copy|version)|(table of )?contents|exhibit [\d.]+)$", re.I
)
_LONGEST = 90  # characters of a registrant's name


def title_of(pages: tuple[Page, ...], heading: str) -> str:
    """The filing's name where its cover gives one; else `heading`, the first heading; "" when that is an authority's.

    Args:
        pages: the document's pages.
        heading: what would be the title otherwise; may be "".
    """
    filing = _filing(pages[:_COVER])
    if filing:
        return filing
    return "" if _STAMP.match(heading) or (heading.isupper() and _AUTHORITY.search(heading)) else heading


def _filing(pages: tuple[Page, ...]) -> str:
    for page in pages:
        lines = [line.strip(" |") for line in page.text.split("\n") if line.strip(" |")]
        at = next((index for index, line in enumerate(lines) if _REGISTRANT.search(line)), None)
        form = _FORM.search(page.text)
        if at is None or form is None:
            continue
        before = _REGISTRANT.split(lines[at])[0].strip() or (lines[at - 1] if at else "")
        period = _PERIOD.search(page.text)
        if 2 < len(before) <= _LONGEST:
            name = before.split(" | ")[0].strip()
            return f"{name} - Form {form.group(1).upper()}" + (f", {period.group(1)}" if period else "")
    return ""
