"""XML: no DTD is loaded, no entity expanded, nothing fetched. Question-and-answer files come as pairs.

Knows MedQuAD's shape (`Focus`, `QAPair`); any other XML gives the text of its elements, a paragraph each.
"""

from lxml import etree

from core.errors import UnreadableFile
from core.ingestion.limits import Limits
from core.ingestion.parsed import ParsedDocument
from core.ingestion.parsing.draft import DocumentDraft, PageDraft

MEDIA_TYPE = "application/xml"
_TITLES = ("title", "focus", "name", "headline", "subject")


def safe_parser() -> etree.XMLParser:
    """The one way XML is parsed here."""
    return etree.XMLParser(
        resolve_entities=False, load_dtd=False, dtd_validation=False, attribute_defaults=False, no_network=True,
        huge_tree=False, recover=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip


def parse_xml(data: bytes, name: str, limits: Limits) -> ParsedDocument:
    """An XML file. Raises `UnreadableFile` when it is not well-formed."""
    try:
        root = etree.fromstring(data, safe_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        reason = str(error).split("\n")[0][:160]
        raise UnreadableFile(f"{name} is not well-formed XML: {reason}.", "Save it again and retry.") from error
    draft = DocumentDraft(limits, MEDIA_TYPE)
    page = draft.page()
    if any(isinstance(child, etree._Entity) for child in root.iter()):
        draft.drop(1, "entities", "entities defined in the file are not expanded")
    if _local(root) in ("html", "body"):
        from core.ingestion.parsing.html import add_html

        add_html(page, "".join(etree.tostring(root, encoding="unicode")))
        return draft.finish()
    draft.title = _title(root)
    pairs = [element for element in root.iter() if _local(element) == "qapair"]
    if pairs:
        _add_pairs(page, draft.title, pairs)
    else:
        _add_elements(page, root)
    return draft.finish()


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def _title(root: etree._Element) -> str:
    for child in list(root)[:20]:
        if _local(child) in _TITLES and child.text:
            return str(child.text)
    return ""


def _add_pairs(page: PageDraft, title: str, pairs: list[etree._Element]) -> None:
    page.add("heading", title, 1)
    for pair in pairs:
        for child in pair:
            text = _text(child)
            if _local(child) == "question":
                page.add("question", text)
            elif _local(child) == "answer":
                for part in text.split("\n\n"):
                    page.add("answer", part)


def _text(element: etree._Element) -> str:
    lines = "".join(element.itertext(with_tail=False)).split("\n")
    return "\n".join(" ".join(line.split()) for line in lines)


def _add_elements(page: PageDraft, root: etree._Element) -> None:
    """Each element's own text is a paragraph; elements inside running text stay in it."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        parent = element.getparent()
        if parent is not None and _is_mixed(parent):
            continue
        text = _text(element) if _is_mixed(element) else (element.text or "")
        kind = "heading" if _local(element) in ("title", "heading", "h1", "h2", "h3") else "paragraph"
        page.add("heading" if kind == "heading" else "paragraph", text, 1)


def _is_mixed(element: etree._Element) -> bool:
    """Whether elements and text alternate inside: running text with marked words."""
    return len(element) > 0 and any((child.tail or "").strip() for child in element)
