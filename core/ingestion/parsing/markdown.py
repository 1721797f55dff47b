"""Markdown and MDX: headings, lists, tables, code; a heading that asks a question makes what follows its answer.

HTML inside Markdown is read as HTML; MDX imports, exports and JSX tags are left out. Links keep their words only.
"""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.ingestion.limits import Limits
from core.ingestion.parsed import BlockKind, ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft, PageDraft
from core.ingestion.parsing.html import add_html, drop_pictures

MEDIA_TYPE = "text/markdown"
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(\n|\Z)", re.DOTALL)
_TITLE = re.compile(r"^title:\s*[\"']?(.+?)[\"']?\s*$", re.MULTILINE)
_MDX_LINE = re.compile(r"^(import\s.+\sfrom\s+[\"'].+|import\s+[\"'].+|export\s+(const|default|function)\b.*)$")
_ADMONITION = re.compile(r"^:::+\s*([a-z]+)?.*$")
_COMPONENT = re.compile(r"^\s*</?[A-Z][A-Za-z.]*[^>]*/?>\s*$")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>|\{/\*.*?\*/\}")


def parse_markdown(text: str, limits: Limits) -> ParsedDocument:
    """Markdown text as one page of blocks."""
    draft = DocumentDraft(limits, MEDIA_TYPE)
    front = _FRONT_MATTER.match(text)
    if front:
        title = _TITLE.search(front.group(1))
        draft.title = title.group(1) if title else ""
        text = text[front.end() :]
    reader = MarkdownIt("commonmark", {"maxNesting": 30}).enable("table")
    writer = _Writer(draft.page())
    writer.write(reader.parse(_without_mdx(text)))
    drop_pictures(draft, writer.pictures)
    return draft.finish()


def _without_mdx(text: str) -> str:
    """Import and export lines, component tags and `:::note` marks out; fenced code is left as it is."""
    kept, fence = [], ""
    for line in text.split("\n"):
        mark = line.lstrip()[:3]
        if mark in ("```", "~~~"):
            fence = "" if fence == mark else (fence or mark)
        if fence or not (_MDX_LINE.match(line) or _COMPONENT.match(line) or _ADMONITION.match(line)):
            kept.append(line)
        else:
            kept.append("")
    return "\n".join(kept)


class _Writer:
    """Turns the token stream into blocks; knows whether it is inside an answer, a list item or a table."""

    def __init__(self, page: PageDraft) -> None:
        self.pictures = 0
        self._page = page
        self._answering = 0  # the level of the question heading whose answer this is; 0 outside
        self._items: list[str] = []
        self._row: list[str] = []
        self._rows: list[list[str]] = []
        self._header: list[list[str]] = []

    def write(self, tokens: Sequence[Token]) -> None:
        """Adds every block of `tokens` to the page."""
        for index, token in enumerate(tokens):
            if token.type == "inline":
                self.pictures += sum(child.type == "image" for child in token.children or [])
                self._inline(token, tokens[index - 1])
            elif token.type in ("fence", "code_block"):
                self._page.add_code(token.content)
            elif token.type == "html_block":
                self.pictures += add_html(self._page, token.content)
            else:
                self._structure(token)

    def _structure(self, token: Token) -> None:
        if token.type == "list_item_open":
            self._items.append(f"{token.info}." if token.info else "•")
        elif token.type == "list_item_close":
            self._items.pop()
        elif token.type == "tr_open":
            self._row = []
        elif token.type == "tr_close":
            self._rows.append(self._row)
        elif token.type == "thead_close":
            self._header, self._rows = self._rows, []
        elif token.type == "table_close":
            self._page.add_table(self._header, self._rows)
            self._header, self._rows = [], []

    def _inline(self, token: Token, opener: Token) -> None:
        text = _words(token)
        if opener.type in ("th_open", "td_open"):
            self._row.append(text)
        elif opener.type == "heading_open":
            self._heading(text, int(opener.tag[1]))
        elif self._items:
            mark, self._items[-1] = self._items[-1], ""
            self._page.add("list_item", f"{mark} {text}" if mark else text)
        else:
            kind: BlockKind = "answer" if self._answering else "paragraph"
            self._page.add(kind, text)

    def _heading(self, text: str, level: int) -> None:
        if self._answering and level <= self._answering:
            self._answering = 0
        if text.rstrip().endswith("?"):
            self._answering = level
            self._page.add("question", text)
        else:
            self._page.add("heading", text, level)


def _words(token: Token) -> str:
    """What a reader sees of a line: no marks, link targets, tags or pictures (their description stays)."""
    parts = []
    for child in token.children or []:
        if child.type in ("text", "code_inline"):
            parts.append(child.content)
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "image" and child.content.lower() not in ("image", "img", "alt text"):
            parts.append(child.content)
    return _TAG.sub("", "".join(parts))
