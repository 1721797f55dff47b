"""A linear layer with its LoRA matrices as one step of the graph, forward and backward.

    y = x W^T + b + (x A^T) (s B)^T

peft computes the second part in the matrices' own float32 and scales and adds it over the whole width: three more
passes over activations that are many times larger than the matrices, and two casts where the base model is in bfloat16.
Here the matrices take the base's kind of number for the products (as autocast would have it), the scale goes into the
small one, and the sum into the product. The matrices themselves, their gradients and the optimizer stay float32.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class _Linear(torch.autograd.Function):  # type: ignore[misc]  # torch does not type it
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, first: Tensor, second: Tensor, scale: float
    ) -> Tensor:
        """Shapes: x [..., in], weight [out, in], bias [out], first [rank, in], second [out, rank] -> [..., out]."""
        rows = x.reshape(-1, x.shape[-1])
        low, high = first.to(x.dtype), (second * scale).to(x.dtype)
        inner = rows @ low.T
        y = rows @ weight.T if bias is None else torch.addmm(bias, rows, weight.T)
        y.addmm_(inner, high.T)
        ctx.save_for_backward(rows, inner, weight, low, high)
        ctx.scale, ctx.shape = scale, x.shape
        return y.view(*x.shape[:-1], weight.shape[0])

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rows, inner, weight, low, high = ctx.saved_tensors
        out = grad.reshape(-1, grad.shape[-1])
        back = out @ high
        to_first = (back.T @ rows).float()
        to_second = (out.T @ inner).float() * ctx.scale
        to_x = None
        if ctx.needs_input_grad[0]:
            to_x = (out @ weight).addmm_(back, low).view(ctx.shape)
        return to_x, None, None, to_first, to_second, None


def fuse(model: Any) -> Any:
    """Have a peft model's plain LoRA layers compute in one step while they learn; returns the model.

    Layers that drop out, are quantised, or have more than one adapter keep peft's own way.
    """
    from peft.tuners.lora import Linear

    for layer in model.modules():
        if isinstance(layer, Linear) and _plain(layer):
            layer.forward = _forward(layer)
    return model


def _plain(layer: Any) -> bool:
    names = list(layer.lora_A)
    return (
        len(names) == 1
        and type(layer.base_layer) is torch.nn.Linear
        and isinstance(layer.lora_dropout[names[0]], torch.nn.Identity)
        and not any(layer.use_dora.values())
        and not any(layer.lora_bias.values())
    )


def _forward(layer: Any) -> Callable[..., Tensor]:
    (name,) = layer.lora_A
    own = layer.forward

    def forward(x: Tensor, *rest: Any, **more: Any) -> Tensor:
        if layer.disable_adapters or layer.merged or rest or more or x.dtype != layer.base_layer.weight.dtype:
            return own(x, *rest, **more)
        base, first, second = layer.base_layer, layer.lora_A[name].weight, layer.lora_B[name].weight
        return _Linear.apply(x, base.weight, base.bias, first, second, layer.scaling[name])

    return forward
