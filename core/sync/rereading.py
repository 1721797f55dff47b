"""Whether a web page that was sent with other bytes still says the same: nonces, counters and adverts are no change."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import UnreadableFile
from core.ingestion import personal
from core.ingestion.indexing import WEB_PAGE
from storage.rows import SourceItemRow, SourceRow

if TYPE_CHECKING:
    from core.workspace import Workspace


def says_the_same(ws: "Workspace", source: SourceRow, page: Path, media_type: str, item: SourceItemRow) -> bool:
    """Whether our reader makes the same title and text of a page as those of the document that stands for it.

    Args:
        page: the file with what was fetched.
        media_type: what the server calls it.
    """
    document = ws.corpora.documents_by_ids([item.document_id or 0]).get(item.document_id or 0)
    if document is None or (document.status, document.media_type, media_type) != ("ready", WEB_PAGE, WEB_PAGE):
        return False
    try:
        parsed = ws.sandbox.parse(page, f"{document.name}.html", web=True)
    except UnreadableFile:
        return False
    parsed = replace(parsed, title=parsed.title or document.title)
    if ws.domains.get(ws.corpora.get(source.corpus_id).domain).personal == "redact" and personal.counted(parsed):
        parsed = personal.redacted(parsed)
    kept = [(row.label, row.text) for row in ws.corpora.pages(document.id)]
    return (parsed.title, [(each.label, each.text) for each in parsed.pages]) == (document.title, kept)
