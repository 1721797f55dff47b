"""A page fetched from the web: our own reading of it, without what trafilatura takes for navigation and the like.

Our reader keeps headings, lists and table rows; trafilatura knows menus, cookie banners and link lists when it sees
them, but joins paragraphs and loses headings and tables (compared on the sample corpora and on a page of the CDC). So
the blocks are ours, and which of them are the page's main text is its judgement, unless it finds too little.
"""

from collections.abc import Sequence

from core.ingestion.limits import Limits
from core.ingestion.parsed import Block, Page, ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft
from core.ingestion.parsing.html import MEDIA_TYPE, parse_html

_LARGEST = 5_000_000
"""Characters; what is longer is no article, and judging it takes too long."""
_TOO_LITTLE = 0.3
"""Of our words: below it the judgement is not believed (tables, forms, forums)."""


def parse_web(text: str, limits: Limits) -> ParsedDocument:
    """A whole HTML page as fetched."""
    ours = parse_html(text, limits)
    main = _squeezed(_main_text(text))
    page = ours.pages[0]
    if len(main) < _TOO_LITTLE * len(_squeezed(page.text)):
        return ours
    kept = _kept(page, main)
    if len(kept) == len(page.blocks):
        return ours
    return _without_the_rest(ours, page, kept, limits)


def _main_text(text: str) -> str:
    """What trafilatura takes for the page's text; "" when it finds none or stumbles."""
    import trafilatura

    if len(text) > _LARGEST:
        return ""
    try:
        return trafilatura.extract(text, include_comments=True, include_tables=True, favor_recall=True) or ""
    except (ValueError, TypeError, AttributeError, IndexError, AssertionError):
        return ""


def _squeezed(text: str) -> str:
    """Letters and digits only: both readers space and mark the same words differently."""
    return "".join(sign for sign in text.lower() if sign.isalnum())


def _kept(page: Page, main: str) -> list[Block]:
    """Blocks of the main text; a heading stays when something below it does, and rows of tables stay."""
    kept: list[Block] = []
    wanted = False  # whether anything below the heading at hand stays; the walk goes upwards
    for block in reversed(page.blocks):
        if block.kind == "heading":
            if wanted or block.level == 1 or _squeezed(page.text[block.start : block.end]) in main:
                kept.append(block)
            wanted = wanted and block.level > 1 and _has_parent(page.blocks, block)
        elif block.kind in ("table_row", "code") or _squeezed(page.text[block.start : block.end]) in main:
            kept.append(block)
            wanted = True
    return kept[::-1]


def _has_parent(blocks: Sequence[Block], heading: Block) -> bool:
    """Whether the heading just above is one that this heading is part of."""
    above = [each for each in blocks[: blocks.index(heading)] if each.kind == "heading"]
    return bool(above) and above[-1].level < heading.level


def _without_the_rest(ours: ParsedDocument, page: Page, kept: list[Block], limits: Limits) -> ParsedDocument:
    draft = DocumentDraft(limits, MEDIA_TYPE)
    draft.title = ours.title
    out = draft.page()
    for block in kept:
        text = page.text[block.start : block.end]
        if block.kind == "code":
            out.add_code(text)
        else:
            out.add(block.kind, text, block.level, block.header)
    for item in ours.dropped:
        draft.drop(item.page, item.what, item.why)
    left = [block for block in page.blocks if block not in kept]
    words = " · ".join(page.text[block.start : block.end] for block in left)
    draft.drop(1, words, f"{len(left)} stretch(es) of navigation and the like, not the page's main text")
    return draft.finish()
