"""What a run's progress means: curves for a chart, and a traffic light in words. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

RISE = 0.03
"""A held-out loss this share above its best is more than noise between two looks."""

FORGOTTEN = 0.25
"""A rise of the loss on general questions by this share says that the model is losing what it could."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at what is not learned from: losses per token, None without lessons; `samples` as text."""

    step: int
    held_out: float | None
    general: float | None
    best: bool
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Light:
    """`colour`: "grey" (too early), "green", "amber", "red"; `words` says why."""

    colour: Literal["grey", "green", "amber", "red"]
    words: str


@dataclass(frozen=True, slots=True)
class Curves:
    """`steps`: (step, loss, learning rate); `now` the last step line; `notes` what was said on the way."""

    steps: tuple[tuple[int, float, float], ...]
    looks: tuple[Look, ...]
    now: Mapping[str, Any]
    notes: tuple[str, ...]
    light: Light


def curves(lines: Sequence[Mapping[str, Any]], samples: Sequence[Sequence[str]] = ()) -> Curves:
    """Read the lines of a run's progress; `samples` are the texts of each look's sample answers, if decoded."""
    steps = tuple((int(line["step"]), float(line["loss"]), float(line["rate"])) for line in lines if "loss" in line)
    found = [line for line in lines if "look" in line]
    looks = tuple(
        Look(
            int(line["look"]),
            line.get("held_out"),
            line.get("general"),
            bool(line.get("best")),
            tuple(samples[number]) if number < len(samples) else (),
        )
        for number, line in enumerate(found)
    )
    now: Mapping[str, Any] = next((line for line in reversed(lines) if "loss" in line), {})
    notes = tuple(str(line["note"]) for line in lines if "note" in line)
    return Curves(steps, looks, now, notes, light(looks))


def light(looks: Sequence[Look]) -> Light:
    """Whether it learns, stands still, or learns by heart."""
    seen = [look.held_out for look in looks if look.held_out is not None]
    if len(seen) < 2:
        return Light("grey", "Too early to tell.")
    best, last = min(seen), seen[-1]
    general = [look.general for look in looks if look.general is not None]
    if general and general[-1] > general[0] * (1 + FORGOTTEN):
        return Light("amber", "It learns the examples but forgets general knowledge; fewer epochs would keep more.")
    if last > best * (1 + 2 * RISE):
        return Light("red", "Learning by heart: held-out questions get worse. The best checkpoint is kept.")
    if last > best * (1 + RISE):
        return Light("amber", "Held-out questions no longer get better. It ends soon if this goes on.")
    if last >= seen[0]:
        return Light("amber", "Held-out questions have not got better yet.")
    return Light("green", "Learning well: held-out questions get better.")
