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


def fit(context: ContextUse) -> str:
    """How much of what was found went into the prompt."""
    if not context.retrieved:
        return "nothing found"
    cut = context.retrieved - context.fitted
    said = f"{context.fitted} of {count(context.retrieved, 'passage')} fit"
    return f"{said}, {cut} cut" if cut > 0 else said
