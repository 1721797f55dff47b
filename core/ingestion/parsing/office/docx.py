"""Word documents: headings by style, numbered lists, tables, footnotes, text boxes; pages where Word left its breaks.

Word stores no pages; it leaves a mark where each page began when it last drew the document. Where there are no
such marks, page breaks that the author set divide the pages; without those, the document is one page.
"""

from collections import Counter
from pathlib import Path

from lxml import etree

from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft, PageDraft, row_line
from core.ingestion.parsing.encodings import decode
from core.ingestion.parsing.html import add_html
from core.ingestion.parsing.office.package import Package, Relation, attribute, child, children, local, value
from core.ingestion.parsing.office.words import Styles, Words
from core.ingestion.parsing.pipes import header_rows

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_PICTURES = {"image": "picture", "chart": "chart", "diagramData": "diagram"}
_WRAPPERS = {"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag", "body", "AlternateContent", "Choice"}


def parse_docx(path: Path, name: str, limits: Limits) -> ParsedDocument:
    """A Word document. Raises `UnreadableFile` when it is encrypted, damaged or over a limit."""
    draft = DocumentDraft(limits, MEDIA_TYPE)
    with Package(path, name, limits) as package:
        draft.title = package.title()
        main = package.main("word/document.xml")
        body = child(package.xml(main), "body")
        if body is None:
            raise package.broken()
        _Writer(package, main, draft).write(body)
    return draft.finish()


class _Writer:
    """Walks the body in order and opens a page wherever a break stands."""

    def __init__(self, package: Package, main: str, draft: DocumentDraft) -> None:
        self._package, self._draft, self._page = package, draft, draft.page()
        self._relations = package.relations(main)
        self._styles = Styles(self._part("styles"), self._part("numbering"))
        self._notes = {**self._note_texts("footnotes"), **self._note_texts("endnotes")}
        self._list_left_out()

    def _part(self, kind: str) -> etree._Element | None:
        target = next((r.target for r in self._relations.values() if r.kind == kind and not r.external), "")
        return self._package.optional(target) if target else None

    def _note_texts(self, kind: str) -> dict[tuple[str, str], str]:
        root, reader = self._part(kind), Words(rendered=False)
        notes = [e for e in (root if root is not None else ()) if attribute(e, "type") in ("", "normal")]
        return {(kind[:-1], attribute(e, "id")): " ".join(reader.text(p) for p in e.iter("{*}p")) for e in notes}

    def _list_left_out(self) -> None:
        for relation in self._relations.values():
            text = self._text_of(relation) if relation.kind in ("header", "footer", "comments") else ""
            if relation.kind in ("header", "footer") and text:
                self._draft.drop(0, text, f"page {relation.kind}")
            elif relation.kind in ("comments", "oleObject", "package", "vbaProject"):
                self._draft.drop(0, text or relation.kind, "comments, embedded files and macros are not read")
        drawn = Counter(_PICTURES[each.kind] for each in self._relations.values() if each.kind in _PICTURES)
        if drawn:
            what = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in drawn.items())
            self._draft.drop(0, what, "pictures and charts are not read")

    def _text_of(self, relation: Relation) -> str:
        root = None if relation.external else self._package.optional(relation.target)
        return " ".join(Words(rendered=False).text(p) for p in root.iter("{*}p")).strip() if root is not None else ""

    def write(self, body: etree._Element) -> None:
        """Adds the whole body."""
        rendered = next(body.iter("{*}lastRenderedPageBreak"), None) is not None
        self._words = Words(rendered)
        self._blocks(body, 0)
        if self._words.hidden:
            self._draft.drop(0, " ".join(self._words.hidden), "hidden text")

    def _blocks(self, parent: etree._Element, depth: int) -> None:
        for element in parent:
            kind = local(element)
            if kind == "p":
                self._paragraph(element)
            elif kind == "tbl":
                self._table(element)
            elif kind == "altChunk":
                self._chunk(attribute(element, "id"))
            elif kind in _WRAPPERS and depth < 50:
                self._blocks(element, depth + 1)

    def _paragraph(self, paragraph: etree._Element) -> None:
        look = self._styles.look(child(paragraph, "pPr"))
        parts = self._words.parts(paragraph)
        if look.page_break_before and not self._words.rendered and not self._page.empty:
            self._page = self._draft.page()
        label = look.label if any(part.strip() for part in parts) else ""
        for index, part in enumerate(parts):
            if index:
                self._page = self._draft.page()
            text = f"{label} {part.strip()}".strip() if part.strip() else ""
            label = "" if text else label
            if look.level and len(text) < 400:
                self._page.add("heading", text, look.level)
            else:
                self._page.add("list_item" if look.listed else "paragraph", text)
        for key in self._words.taken_notes():
            if self._notes.get(key):
                self._page.add("paragraph", f"[{key[1]}] {self._notes[key]}")
        for box in self._words.taken_boxes():
            self._blocks(box, 1)

    def _table(self, table: etree._Element) -> None:
        rows = [row for row in table.iter("{*}tr") if _owner(row) is table]
        if len(rows) == 1 and len(list(children(rows[0], "tc"))) == 1:
            self._blocks(next(children(rows[0], "tc")), 1)
            return
        texts = [self._cells(row) for row in rows]
        marked = sum(1 for row in rows[:5] if child(row, "trPr", "tblHeader") is not None)
        count = marked or header_rows(texts)
        header = "\n".join(row_line(cells) for cells in texts[:count])
        for index, (row, cells) in enumerate(zip(rows, texts, strict=True)):
            if self._words.rendered and next(row.iter("{*}lastRenderedPageBreak"), None) is not None:
                self._page = self._draft.page()
            _add_row(self._page, cells, "" if index < count else header)

    def _cells(self, row: etree._Element) -> list[str]:
        texts: list[str] = []
        for cell in row.iter("{*}tc"):
            if _owner(cell, "tr") is not row:
                continue
            merged = child(cell, "tcPr", "vMerge")
            goes_on = merged is not None and attribute(merged, "val") in ("", "continue")
            words = " ".join(self._words.text(p) for p in cell.iter("{*}p"))
            texts.append("" if goes_on else words)
            span = value(cell, "tcPr", "gridSpan")
            texts.extend([""] * (min(int(span), 60) - 1 if span.isdigit() else 0))
        return texts

    def _chunk(self, relation_id: str) -> None:
        """A part in HTML or plain text that Word shows as part of the document."""
        relation = self._relations.get(relation_id)
        if relation is None or relation.external or not self._package.has(relation.target):
            return
        text = decode(self._package.read(relation.target))
        if "<" in text[:2000]:
            add_html(self._page, text)
        else:
            self._page.add("paragraph", text)


def _add_row(page: PageDraft, cells: list[str], header: str) -> None:
    page.add("table_row", row_line(cells), header=header)


def _owner(element: etree._Element, kind: str = "tbl") -> etree._Element | None:
    """The nearest element around this one of that kind."""
    parent = element.getparent()
    while parent is not None and local(parent) != kind:
        parent = parent.getparent()
    return parent
