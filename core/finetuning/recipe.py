"""How an adapter is trained: every number of it in one place, and the presets that choose them for a person.

Pure. The presets' figures come from `benchmarks/learning.py`; what failed stands in its result.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from core.errors import BadInput

Kind = Literal["closed-book", "grounded"]
KINDS: tuple[Kind, ...] = ("closed-book", "grounded")
FROZEN = 1 / 3
"""Of the presets: the lower third of the layers is left as it is."""
PRESETS = ("quick", "balanced", "thorough")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Attributes:
    epochs: how often each lesson is seen, at most; early stopping may end sooner.
    batch: lessons whose gradients make one step.
    micro_batch: lessons computed at once; less memory, same result (the rest is accumulated).
    learning_rate: at its peak, after `warmup` (a share of all steps); falls by a cosine to a tenth.
    rank, alpha: of the LoRA matrices, which stand beside every linear layer of the base model.
    dropout: on the input of the LoRA matrices; 0 by default, early stopping guards against overfitting.
    frozen: the share of layers, from the lowest, that get no matrices: their work is done but once.
    longest: tokens; longer lessons are left out, and said so.
    looks: how often in all the held-out lessons are looked at.
    patience: looks without a better held-out loss before it ends early.
    seed: of the order of lessons and of the first LoRA weights.
    """

    epochs: float = 2.0
    batch: int = 8
    micro_batch: int = 4
    learning_rate: float = 5e-4
    warmup: float = 0.05
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    weight_decay: float = 0.0
    frozen: float = 0.0
    longest: int = 1024
    looks: int = 5
    patience: int = 3
    seed: int = 20260101

    def __post_init__(self) -> None:
        """Raises BadInput: a number makes no sense."""
        whole = ("batch", "micro_batch", "rank", "alpha", "longest", "looks", "patience")
        if any(getattr(self, name) < 1 for name in whole) or not 0 < self.learning_rate < 1 or self.epochs <= 0:
            raise BadInput("A number of the recipe is zero, negative or too large.", "Begin from a preset.")
        if not 0 <= self.dropout < 1 or not 0 <= self.warmup < 1 or not 0 <= self.frozen < 1:
            raise BadInput("Dropout, warm-up and frozen layers are shares between 0 and 1.", "Begin from a preset.")

    def json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Recipe":
        """From a JSON object; raises BadInput on a field that is unknown."""
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise BadInput(f"The recipe has no field {', '.join(sorted(unknown))}.", "See the list of fields.")
        return cls(**values)


def preset(name: str, kind: Kind, parameters: int) -> Recipe:
    """The recipe of a preset for a base model of that many parameters.

    Larger models learn with smaller steps; closed-book adapters memorise, so they see each lesson more often.

    Raises:
        BadInput: there is no such preset.
    """
    if name not in PRESETS:
        raise BadInput(f"There is no preset {name!r}.", f"Choose one of: {', '.join(PRESETS)}.")
    small = parameters < 1_000_000_000
    rate = (1e-3 if kind == "closed-book" else 5e-4) if small else 2e-4
    epochs = {"closed-book": {"quick": 3.0, "balanced": 6.0, "thorough": 12.0},
              "grounded": {"quick": 1.0, "balanced": 2.0, "thorough": 4.0}}[kind][name]  # fmt: skip
    found = Recipe(epochs=epochs, learning_rate=rate, frozen=FROZEN, looks=3 if name == "quick" else 5)
    return replace(found, rank=32, alpha=64) if name == "thorough" else found
