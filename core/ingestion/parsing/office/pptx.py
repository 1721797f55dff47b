"""PowerPoint: a page a slide, its title as heading, texts, tables, diagrams, and the speaker's notes at its end."""

from collections.abc import Iterator
from pathlib import Path

from lxml import etree

from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft, PageDraft
from core.ingestion.parsing.lists import BULLET, written
from core.ingestion.parsing.office.package import Package, child, children, local
from core.ingestion.parsing.pipes import header_rows

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_TITLES = ("title", "ctrTitle")
_FORMS = {"alphaLc": "a", "alphaUc": "A", "romanLc": "i", "romanUc": "I"}
_FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")


def parse_pptx(path: Path, name: str, limits: Limits) -> ParsedDocument:
    """A presentation. Raises `UnreadableFile` when it is encrypted, damaged or over a limit."""
    draft = DocumentDraft(limits, MEDIA_TYPE)
    with Package(path, name, limits) as package:
        title = package.title()
        draft.title = "" if title.lower() in ("powerpoint presentation", "slide 1") else title
        main = package.main("ppt/presentation.xml")
        relations = package.relations(main)
        slides = [attribute_id(e) for e in children(child(package.xml(main), "sldIdLst"), "sldId")]
        for number, relation_id in enumerate(slides, start=1):
            relation = relations.get(relation_id)
            page = draft.page(f"Slide {number}")
            if relation is None or relation.external or not package.has(relation.target):
                draft.note(f"slide {number} is missing from the file")
                continue
            _slide(package, relation.target, page, draft)
    if not slides:
        draft.note("it has no slides")
    return draft.finish()


def attribute_id(element: etree._Element) -> str:
    """The relationship id: `r:id`, not the slide's own `id`."""
    return next((str(v) for key, v in element.attrib.items() if str(key).endswith("}id")), "")


def _slide(package: Package, part: str, page: PageDraft, draft: DocumentDraft) -> None:
    root = package.optional(part)
    if root is None:
        draft.note(f"slide {page.number} is damaged")
        return
    if root.get("show") in ("0", "false"):
        draft.drop(page.number, f"Slide {page.number}", "the slide is hidden")
        return
    shapes = list(_shapes(child(root, "cSld", "spTree"), 0))
    for shape in sorted(shapes, key=lambda shape: _placeholder(shape) not in _TITLES):
        _shape(shape, page)
    for relation in package.relations(part).values():
        if relation.kind == "diagramData" and not relation.external:
            _diagram(package.optional(relation.target), page)
        elif relation.kind == "notesSlide" and not relation.external:
            _notes(package.optional(relation.target), page)
        elif relation.kind in ("chart", "image", "oleObject", "package", "video", "audio", "media"):
            draft.drop(page.number, relation.kind, "pictures, charts and embedded files are not read")


def _shapes(tree: etree._Element | None, depth: int) -> Iterator[etree._Element]:
    for element in tree if tree is not None else ():
        if local(element) in ("sp", "graphicFrame"):
            yield element
        elif local(element) in ("grpSp", "AlternateContent", "Choice") and depth < 30:
            yield from _shapes(element, depth + 1)


def _placeholder(shape: etree._Element) -> str:
    """What the layout made the shape for ("title", "body", ...); "" for a free one."""
    holder = child(shape, "nvSpPr", "nvPr", "ph")
    return (holder.get("type") or "body") if holder is not None else ""


def _shape(shape: etree._Element, page: PageDraft) -> None:
    table = next(shape.iter("{*}tbl"), None)
    if table is not None:
        rows = [[_text(cell) for cell in children(row, "tc")] for row in children(table, "tr")]
        count = header_rows(rows)
        page.add_table(rows[:count], rows[count:])
        return
    role = _placeholder(shape)
    if role in _FURNITURE:
        return
    body = child(shape, "txBody")
    paragraphs = [_text(p) for p in children(body, "p")]
    if role in _TITLES:
        page.add("heading", " ".join(paragraphs), 1)
        return
    listed = role == "body" and sum(map(bool, paragraphs)) > 1
    for text, number in zip(paragraphs, numbers(body), strict=True):
        mark = number or (BULLET if listed else "")
        page.add("list_item" if mark else "paragraph", f"{mark} {text}" if mark and text else text)


def numbers(body: etree._Element | None) -> Iterator[str]:
    """For each paragraph of a text the number that PowerPoint shows before it ("2.", "(b)"), "" where it shows none.

    Only what the paragraph or its shape says: what a layout or a master numbers is not known here.
    """
    styles, counts = child(body, "lstStyle"), dict[int, tuple[str, int]]()
    for paragraph in children(body, "p"):
        own = child(paragraph, "pPr")
        depth = _whole(own, "lvl", 0)
        told = _numbering(own, child(styles, f"lvl{depth + 1}pPr"))
        if not _text(paragraph):
            yield ""  # an empty paragraph shows no number and does not end the list
            continue
        counts = {each: count for each, count in counts.items() if each < depth or (each == depth and told is not None)}
        if told is None:
            yield ""
            continue
        form, first = told.get("type") or "", _whole(told, "startAt", 1)
        before = counts.get(depth)
        number = before[1] + 1 if before and before[0] == f"{form} {first}" else first
        counts[depth] = f"{form} {first}", number
        yield _written(number, form)


def _numbering(*properties: etree._Element | None) -> etree._Element | None:
    """The automatic numbering that the first of these asks for which says anything of bullets."""
    for each in properties:
        for bullet in each if each is not None else ():
            if local(bullet) in ("buNone", "buChar", "buBlip", "buAutoNum"):
                return bullet if local(bullet) == "buAutoNum" else None
    return None


def _written(number: int, form: str) -> str:
    """A number as `type` of `a:buAutoNum` says: "arabicPeriod", "alphaLcParenR", "romanUcParenBoth", ..."""
    kind = next((sign for begins, sign in _FORMS.items() if form.startswith(begins)), "1")
    text = written(number, kind)
    if form.endswith("ParenBoth"):
        return f"({text})"
    return text if form.endswith("Plain") else f"{text})" if form.endswith("ParenR") else f"{text}."


def _whole(element: etree._Element | None, name: str, otherwise: int) -> int:
    told = element.get(name, "") if element is not None else ""
    return int(told) if told.isascii() and told.isdigit() and len(told) < 6 else otherwise


def _text(element: etree._Element) -> str:
    """The text of an element, line breaks kept, paragraphs as lines."""
    parts: list[str] = []
    for node in element.iter():
        kind = local(node)
        if kind == "t":
            parts.append(node.text or "")
        elif kind == "br" or (kind == "p" and parts):
            parts.append("\n")
    return "".join(parts).strip()


def _diagram(root: etree._Element | None, page: PageDraft) -> None:
    for point in root.iter("{*}pt") if root is not None else ():
        page.add("list_item", _text(point))


def _notes(root: etree._Element | None, page: PageDraft) -> None:
    texts = []
    for shape in _shapes(child(root, "cSld", "spTree"), 0):
        if _placeholder(shape) not in _FURNITURE:
            texts += [_text(p) for p in children(child(shape, "txBody"), "p")]
    text = "\n".join(text for text in texts if text.strip())
    if text:
        page.add("paragraph", f"Notes: {text}")
