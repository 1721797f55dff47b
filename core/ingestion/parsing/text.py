"""Plain text: finds the headings, clauses, pipe tables, lists, questions and page marks that people typed.

Also reads the `text` of corpus.jsonl lines (`parse_text`). Pure; knows nothing of files.
"""

import re
from collections.abc import Iterator

from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.cleaning import clean
from core.ingestion.parsing.draft import DocumentDraft, PageDraft
from core.ingestion.parsing.pipes import add_pipe_table, is_pipe_row

MEDIA_TYPE = "text/plain"
_MARKDOWN_HEADING = re.compile(r"^(#{1,6})\s+(\S.*?)\s*#*$")
_CLAUSE_HEADING = re.compile(
    r"^((article|section|item|part|chapter|schedule|annex|appendix|exhibit)\s+[0-9IVXLCA-Z]{1,6}\b|[0-9]{1,2}(\.[0-9]{1,2}){0,3}\.?\s)",
    re.IGNORECASE,
)
_LIST = re.compile(r"^\s*([•▪◦●○■□·*+-]|\(?[0-9]{1,2}[.)]|\([a-zA-Z]{1,4}\)|[a-z][.)])\s+\S")
_QUESTION = re.compile(r"^(Q(uestion)?\s*[0-9]*\s*[:.)]\s*)(.+)$", re.IGNORECASE)
_ANSWER = re.compile(r"^(A(nswer)?\s*[0-9]*\s*[:.)]\s*)(.*)$", re.IGNORECASE | re.DOTALL)
_PAGE_MARK = re.compile(r"^\s*(-\s*\d{1,4}\s*-|page\s+\d{1,4}(\s+of\s+\d{1,4})?|\[page \d{1,4}\])\s*$", re.IGNORECASE)
_RULE = re.compile(r"^\s*([-=_*~]\s*){4,}$")


def parse_text(text: str, title: str = "", limits: Limits | None = None) -> ParsedDocument:
    """Plain text as pages and blocks. Form feeds and lines such as "- 3 -" end a page."""
    draft = DocumentDraft(limits or Limits(), MEDIA_TYPE)
    draft.title = title
    for content in _pages(text, draft):
        add_paragraphs(draft.page(), content)
    return draft.finish()


def _pages(text: str, draft: DocumentDraft) -> Iterator[str]:
    for number, sheet in enumerate(text.split("\f"), start=1):
        lines: list[str] = []
        for line in clean(sheet).split("\n"):
            if _PAGE_MARK.match(line):
                draft.drop(len(draft.pages) + 1, line.strip(), "page mark")
                if any(part.strip() for part in lines):
                    yield "\n".join(lines)
                lines = []
            else:
                lines.append(line)
        if any(part.strip() for part in lines) or (number == 1 and not draft.pages and "\f" not in text):
            yield "\n".join(lines)


def add_paragraphs(page: PageDraft, text: str) -> None:
    """Adds text to a page, block by block."""
    table: list[str] = []
    for group in _groups(text):
        if is_pipe_row(group[0]):
            table.extend(group)
            continue
        add_pipe_table(page, table)
        table = []
        _add_group(page, group)
    add_pipe_table(page, table)


def _groups(text: str) -> Iterator[list[str]]:
    """Lines that belong together: up to an empty line, a heading, a list item, a question, a table's start or end."""
    group: list[str] = []
    for line in text.split("\n"):
        if not line.strip() or _RULE.match(line):
            if group:
                yield group
            group = []
            continue
        if group and (
            _begins(line) or is_pipe_row(line) != is_pipe_row(group[-1]) or _is_heading(group[-1], alone=False)
        ):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _begins(line: str) -> bool:
    return bool(
        _LIST.match(line) or _MARKDOWN_HEADING.match(line) or _QUESTION.match(line) or _ANSWER.match(line)
    ) or _is_heading(line, alone=False)


def _add_group(page: PageDraft, group: list[str]) -> None:
    first, text = group[0].strip(), "\n".join(group)
    markdown = _MARKDOWN_HEADING.match(first)
    if markdown and len(group) == 1:
        page.add("heading", markdown.group(2), len(markdown.group(1)))
    elif match := _QUESTION.match(text if len(group) == 1 else " ".join(group)):
        page.add("question", match.group(0))
    elif _ANSWER.match(first) and len(first) > 2:
        page.add("answer", text)
    elif len(group) == 1 and _is_heading(first, alone=True):
        page.add("heading", first, _depth(first))
    elif _LIST.match(group[0]):
        page.add("list_item", text)
    else:
        page.add("paragraph", text)


def _is_heading(line: str, alone: bool) -> bool:
    """A title in capitals, or a short numbered one ("12.2 Notice."). `alone`: nothing stands right below it."""
    line = line.strip()
    letters = [sign for sign in line if sign.isalpha()]
    if len(letters) < 3 or len(line) > 90 or line.endswith((",", ";")) or is_pipe_row(line) or "  |" in line:
        return False
    if _MARKDOWN_HEADING.match(line):
        return True
    capitals = sum(1 for sign in letters if sign.isupper())
    if capitals == len(letters) and len(letters) >= 4 and len(letters) >= 0.6 * len(line.replace(" ", "")):
        return not _LIST.match(line) or alone
    numbered = _CLAUSE_HEADING.match(line)
    return bool(
        alone and numbered and len(line.split()) <= 9 and line[numbered.end() :][:1].isupper() | ("." in line[:6])
    )


def _depth(line: str) -> int:
    number = re.match(r"^[0-9]+(\.[0-9]+)*", line)
    return min(number.group().count(".") + 1, 6) if number else 1
