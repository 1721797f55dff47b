"""A linear layer with its LoRA matrices computed in one step gives what peft's own way gives, forward and backward."""

from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from core.finetuning.fused import fuse


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(24, 40), nn.Linear(40, 24, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(torch.nn.functional.silu(self.up(x)))  # type: ignore[no-any-return]


def adapted(kind: torch.dtype, dropout: float = 0.0) -> Any:
    torch.manual_seed(3)
    config = LoraConfig(r=4, lora_alpha=8, lora_dropout=dropout, target_modules=["up", "down"])
    model = get_peft_model(Small().to(kind), config)  # type: ignore[arg-type]
    for name, value in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(value)
    return model


def learned(model: Any, x: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    x = x.clone().requires_grad_()
    said = model(x)
    said.float().square().mean().backward()
    grads = {name: value.grad.float() for name, value in model.named_parameters() if value.requires_grad}
    assert x.grad is not None
    return said.detach().float(), grads | {"x": x.grad.float()}


def apart(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm())


@pytest.mark.parametrize(("kind", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_it_says_and_learns_what_peft_does(kind: torch.dtype, close: float) -> None:
    x = torch.randn(2, 7, 24, dtype=kind)
    theirs, their_grads = learned(adapted(kind), x)
    ours, our_grads = learned(fuse(adapted(kind)), x)
    assert apart(ours, theirs) < close
    assert our_grads.keys() == their_grads.keys()
    assert all(apart(our_grads[name], their_grads[name]) < close for name in their_grads)
    assert all(value.dtype is torch.float32 for name, value in our_grads.items() if "lora" in name)


def test_with_the_adapter_off_the_base_model_answers() -> None:
    model, x = fuse(adapted(torch.float32)), torch.randn(3, 24)
    with model.disable_adapter():
        off = model(x).detach()
    assert apart(model(x).detach(), off) > 0.01
    assert torch.equal(off, _base(x).detach())


def _base(x: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(3)
    return Small()(x)  # type: ignore[no-any-return]


def test_what_drops_out_keeps_pefts_own_way() -> None:
    model = adapted(torch.float32, dropout=0.5)
    forwards = [module.forward for module in model.modules()]
    fuse(model)
    assert [module.forward for module in model.modules()] == forwards
