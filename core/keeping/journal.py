"""The audit log in words: one line an entry, with the name of what it is about for as long as that exists."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from core.errors import BadInput, Conflict
from core.errors import NotFound as Nobody
from storage import people
from storage.audit import Verdict
from storage.errors import Busy, NotFound
from storage.rows import AuditRow

if TYPE_CHECKING:
    from core.workspace import Workspace

AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as people read it. `which` is the name now, "" when it is gone or has none; `details` are figures."""

    number: int
    at: datetime
    who: str
    what: str
    which: str
    details: str


def lines(ws: "Workspace", limit: int = AT_ONCE, offset: int = 0, since: datetime | None = None) -> list[Line]:
    """Entries, the newest first."""
    return [told(ws, row) for row in ws.audit.newest(limit, offset, since)]


def told(ws: "Workspace", row: AuditRow) -> Line:
    """One entry in words."""
    number = f" {row.subject_id}" if row.subject_id is not None else ""
    shown = [f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in row.detail.items() if value != ""]
    corpus = [f"corpus: {_corpus(ws, row.corpus_id)}"] if row.corpus_id and row.subject != "corpus" else []
    return Line(
        number=row.number,
        at=row.at,
        who=f"{row.actor} ({row.through})",
        what=f"{row.subject}{number} {row.action}",
        which=_name(ws, row),
        details=", ".join([*corpus, *shown]),
    )


def as_json(ws: "Workspace", row: AuditRow) -> dict[str, Any]:
    """An entry with all its fields, and its name while there is one."""
    return asdict(row) | {"at": row.at.isoformat(), "name": _name(ws, row)}


def verdict_words(found: Verdict) -> str:
    """What verifying came to, in a sentence."""
    if found.whole:
        return f"All {found.entries:,} entries of the audit log are as they were written."
    return f"The audit log was tampered with or damaged: {found.why}; the {found.entries:,} before it are whole."


def forget(ws: "Workspace", name: str) -> str:
    """Take a person out of the log; what came of it, in a sentence. Raises NotFound or Conflict, with nothing done."""
    try:
        entries = people.forget(ws.database, name)
    except NotFound as error:
        known = ", ".join(people.people(ws.database)) or "nobody"
        raise Nobody(f"Nobody called {name!r} is in the audit log.", f"In it is: {known}.") from error
    except Busy as error:
        remedy = "See triptych audit --verify: forgetting somebody now would hide what was done to it."
        raise Conflict(f"The audit log is not whole: {error}.", remedy) from error
    stood = f"{entries:,} entries" if entries != 1 else "one entry"
    return f"{name} stood in {stood} of the audit log, and stands in none now. Backups made before keep the name."


def moment(text: str) -> datetime:
    """A date or a date with time as people type it, UTC unless it says otherwise; raises BadInput."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no date.", "Write it like 2026-11-28 or 2026-11-28T14:00.") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _name(ws: "Workspace", row: AuditRow) -> str:
    """What it is called now; a conversation's title is a person's words and is not shown."""
    if row.subject_id is None:
        return ""
    try:
        if row.subject == "document":
            return ws.corpora.document(row.subject_id).name
        if row.subject == "corpus":
            return _corpus(ws, row.subject_id)
        if row.subject == "base model":
            return ws.base_models.get(row.subject_id).name
        if row.subject == "adapter":
            adapter = ws.adapters.get(row.subject_id)
            return f"{adapter.kind} v{adapter.version}"
        if row.subject == "domain":
            return next((each.name for each in ws.domains.rows() if each.id == row.subject_id), "")
    except NotFound:
        return ""
    return ""


def _corpus(ws: "Workspace", corpus_id: int) -> str:
    try:
        corpus = ws.corpora.get(corpus_id)
    except NotFound:
        return f"{corpus_id}, deleted since"
    return "files of a conversation" if corpus.hidden else corpus.name


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
