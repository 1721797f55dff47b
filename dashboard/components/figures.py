"""Numbers and times as people read them; pure."""

from datetime import UTC, datetime

from core.assistants.answer import ContextUse, Timings

UNITS = ("bytes", "KB", "MB", "GB")


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 document`, `2,318 chunks`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Bytes in the largest unit that keeps at least one whole: `1.2 MB`."""
    value = float(number)
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            break
        value /= 1000
    return f"{number} bytes" if unit == "bytes" else f"{value:.3g} {unit}"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """How long ago, in the unit one would say: `just now`, `2 min ago`, `3 h ago`, `on 4 Mar 2026`."""
    if moment is None:
        return "never"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86400:
        return f"{seconds // 3600:.0f} h ago"
    return f"on {moment.day} {moment:%b %Y}"


def cost(timings: Timings) -> list[str]:
    """What an answer cost in time: first word and speed, as far as they are known."""
    said = []
    if timings.first_token_s is not None:
        said.append(f"{timings.first_token_s:.1f} s to first word")
    if timings.tokens_per_s:
        said.append(f"{timings.tokens_per_s:.0f} tok/s")
    return said


def fit(context: ContextUse, sentences: bool) -> str:
    """How much of what was found the base model was shown.

    `sentences`: it is shown the relevant sentences alone, on purpose; else whole passages, as many as fit.
    """
    if not context.retrieved:
        return "nothing found"
    found = count(context.retrieved, "passage")
    if not context.fitted:
        return f"{found} searched"
    if sentences:
        return f"best sentences from {context.fitted} of {found} read"
    cut = context.retrieved - context.fitted
    said = f"{context.fitted} of {found} read"
    return f"{said}, {cut} did not fit" if cut > 0 else said


KINDS = {
    "": "All",
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "PowerPoint",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "application/x-corpus-line": "Line of a corpus",
    "application/jsonl": "JSONL",
    "application/xml": "XML",
    "message/rfc822": "E-mail",
    "text/csv": "CSV",
    "text/html": "HTML",
    "text/markdown": "Markdown",
    "text/plain": "Text",
}


def kind(media_type: str) -> str:
    """What people call a media type."""
    return KINDS.get(media_type, media_type.rpartition("/")[2])
