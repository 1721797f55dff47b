"""How a content is recognised of which no original is kept: by a keyed hash; the key is in this process's memory alone.

Of a redacted text little is missing: nine digits can be tried out in minutes against a plain hash of the original, or
against a keyed one whose key lies beside it. So the key is never written down, and nobody has it afterwards.
After a restart, or from another process, such a content is not recognised: it is read and redacted once more.
"""

import hmac
import secrets
from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage.corpora import parts
from storage.tables import Document, SourceItem

KEY = secrets.token_bytes(32)
MARK = "redacted"
"""What stands in place of a hash begins with it; no hash does."""


def keyed(sha256: str) -> str:
    """What stands in place of a hash: as long as that, and no path to any file."""
    return MARK + hmac.new(KEY, sha256.encode(), "sha256").hexdigest()[: len(sha256) - len(MARK)]


def same(kept: str, sha256: str) -> bool:
    """Whether what is written down of a content is of the content with that hash."""
    return bool(kept) and kept in (sha256, keyed(sha256))


def plain(session: Session) -> set[str]:
    """The hashes of originals that are not kept, where they still stand."""
    gone = Document.original_removed & ~Document.content_sha256.startswith(MARK)
    return set(session.scalars(select(Document.content_sha256).where(gone)))


def hide(session: Session, hashes: Collection[str]) -> None:
    """Put keyed hashes in place of plain ones, in documents without an original and in the items of their sources."""
    for part in parts(sorted(hashes)):
        gone = select(Document.id).where(Document.original_removed, Document.content_sha256.in_(part))
        ids = list(session.scalars(gone))
        for sha256 in part:
            for some in parts(ids):
                items = SourceItem.document_id.in_(some) & (SourceItem.content_sha256 == sha256)
                session.execute(update(SourceItem).where(items).values(content_sha256=keyed(sha256)))
                documents = Document.id.in_(some) & (Document.content_sha256 == sha256)
                session.execute(update(Document).where(documents).values(content_sha256=keyed(sha256)))
