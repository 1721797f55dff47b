"""Whether an adapter from elsewhere is what it says, and fits a base model: plain LoRA, whole, of the right shapes.

Everything is held against the base's own weights before anything is loaded. Of the config nothing is kept but what
plain LoRA needs: the names of its targets are those of its tensors, so no pattern of a stranger is ever matched.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.finetuning import safetensors_file
from core.finetuning.incoming import CARD, CONFIG, WEIGHTS
from core.finetuning.merged_folder import named
from core.finetuning.safetensors_file import Tensor
from core.generation import checking
from core.generation.folder_tokens import read_json

PLAIN: dict[str, tuple[Any, ...]] = {
    "bias": ("none", None),
    "task_type": ("CAUSAL_LM", None),
    "init_lora_weights": (True, False, None, "gaussian", "eva", "orthogonal"),
}
"""Fields that may have these values only; others, such as `pissa`, go with a base model that was changed for them."""
NOT_PLAIN = (
    *("use_dora", "use_qalora", "use_bdlora", "modules_to_save", "layer_replication", "trainable_token_indices"),
    *("target_parameters", "rank_pattern", "alpha_pattern", "lora_bias", "alora_invocation_tokens"),
    *("arrow_config", "kasa_config", "velora_config", "monteclora_config", "loftq_config"),
)
"""Fields that ask for more than plain LoRA when they hold anything.

`auto_mapping` does not: it names the base model's class (Unsloth always writes it), and nothing of it is kept.
"""
TURNED = ("gpt2", "openai-gpt", "imagegpt")
"""Kinds of models that keep their weights as [in, out]."""
RANK_AT_MOST = 1024
NAME = re.compile(r"base_model\.model\.([A-Za-z0-9_.]{1,200})\.lora_([AB])\.weight")
OURS = re.compile(r"^\| Base model \| .{0,200}, sha256 `([0-9a-f]{64})` \|$", re.MULTILINE)
"""How our own exports name the base model in their card."""
OTHER = "Choose the base model that it was trained on for this corpus, or export the adapter again."


@dataclass(frozen=True, slots=True)
class Foreign:
    """Attributes:
    rank, alpha: of its matrices.
    named: the base model that its config names; a stranger's words.
    """

    rank: int
    alpha: float
    named: str


def checked(folder: Path, base: Path, base_sha256: str) -> Foreign:
    """Hold the files of an adapter against the folder of a base model, and rewrite its config to what is plain.

    Raises:
        BadInput: it is no plain LoRA adapter, it is damaged, or it is of another base model; the message says why.
    """
    config = _config(folder / CONFIG)
    found = _plain(config)
    card = (folder / CARD).read_text("utf-8", errors="replace") if (folder / CARD).is_file() else ""
    if (of := OURS.search(card)) and of[1] != base_sha256:
        raise BadInput(f"Its card says that it was trained on another base model ({of[1][:12]}…).", OTHER)
    turned = config.get("fan_in_fan_out") is True
    if turned and read_json(base / "config.json").get("model_type") not in TURNED:
        raise BadInput("The adapter is of a model that keeps its weights the other way round (fan_in_fan_out).", OTHER)
    targets = _targets(safetensors_file.header(folder / WEIGHTS).tensors, found.rank, _shapes(base), turned)
    _finite(folder / WEIGHTS)
    kept = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": found.rank,
        "lora_alpha": found.alpha,
        "use_rslora": config.get("use_rslora") is True,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": turned,
        "inference_mode": True,
        "target_modules": targets,
    }
    (folder / CONFIG).write_text(json.dumps(kept, indent=2), "utf-8")
    (folder / CARD).unlink(missing_ok=True)
    return found


def _config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{CONFIG} is not JSON.", "Save the adapter again.") from error
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise BadInput(f"{CONFIG} is not that of a LoRA adapter.", "Only LoRA adapters can be used here.")
    return config


def _plain(config: Mapping[str, Any]) -> Foreign:
    more = [name for name in NOT_PLAIN if config.get(name)]
    more += [name for name, allowed in PLAIN.items() if config.get(name) not in allowed]
    if more:
        raise BadInput(
            f"The adapter is more than plain LoRA ({', '.join(more)}).", "Train it without, and import that."
        )
    rank, alpha = config.get("r"), config.get("lora_alpha")
    if isinstance(rank, bool) or not isinstance(rank, int) or not 1 <= rank <= RANK_AT_MOST:
        raise BadInput(f"The rank of the adapter is no number from 1 to {RANK_AT_MOST}.", "Save the adapter again.")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < 1e6:
        raise BadInput("The alpha of the adapter is no sensible number.", "Save the adapter again.")
    return Foreign(rank, alpha, str(config.get("base_model_name_or_path") or "")[:200])


def _shapes(base: Path) -> dict[str, Tensor]:
    files = sorted(base.glob("*.safetensors"))
    return {name: tensor for file in files for name, tensor in safetensors_file.header(file).tensors.items()}


def _targets(tensors: Mapping[str, Tensor], rank: int, base: Mapping[str, Tensor], turned: bool) -> list[str]:
    """The names of the modules that it changes; raises BadInput when they are not the base's, or not of its shapes."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = NAME.fullmatch(name)
        if match is None or tensor.kind not in ("F32", "F16", "BF16") or len(tensor.shape) != 2:
            raise BadInput(f"The adapter holds {name[:120]!r}, which is no matrix of plain LoRA.", "Save it again.")
        found.setdefault(match[1], {})[match[2]] = tensor
    if not found:
        raise BadInput("The adapter holds no matrix.", "Save it again.")
    for module, pair in found.items():
        if set(pair) != {"A", "B"}:
            raise BadInput(f"Of {module} one of the two matrices is missing.", "Save the adapter again.")
        weight = base.get(named(f"{module}.weight", base))
        if weight is None:
            raise BadInput(f"The adapter changes {module}, which the base model does not have.", OTHER)
        first, second = pair["A"].shape, pair["B"].shape
        if first[0] != rank or second[1] != rank:
            raise BadInput(f"The matrices of {module} are of rank {first[0]}, not {rank} as its config says.", OTHER)
        if (second[0], first[1]) != (weight.shape[::-1] if turned else weight.shape):
            shown = f"{second[0]} x {first[1]}, the base model's is {' x '.join(map(str, weight.shape))}"
            raise BadInput(f"What the adapter adds to {module} is {shown}.", OTHER)
    return sorted(found)


def _finite(file: Path) -> None:
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - it is no dict
                if not bool(torch.isfinite(tensors.get_tensor(name)).all()):
                    raise BadInput(f"{name} holds values that are no numbers.", "Train the adapter again.")
    except SafetensorError as error:
        raise BadInput(f"{WEIGHTS} cannot be read.", checking.DAMAGED) from error
