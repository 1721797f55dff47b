"""all-MiniLM-L6-v2 as an ONNX graph, made from its published weights: in float32, or with matrices of 8 bits.

Token ids and their mask go in; unit vectors come out, the mean of the last layer over the tokens, and the last layer
itself for who asks for it. In 8 bits each output column of a matrix has its own scale, and what is multiplied with it
is scaled by the batch's largest value while it runs; everything else stays float32. Columns use 7 of the 8 bits,
because processors without VNNI add pairs of products in 16 bits and would cut off the sum.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Precision = Literal["int8", "float32"]
Array = NDArray[Any]

LAYERS, HEADS, EPSILON = 6, 12, 1e-12
LARGEST = 63  # of a column in 7 bits
FUSED = "com.microsoft"  # onnxruntime's own operators, several steps in one
LARGE = 1 << 14
"""Bytes from which numbers stand beside the graph: inside, they would be copied three times on the way."""


class Made(NamedTuple):
    """A graph as an ONNX file holds it, and the numbers that it names and does not hold."""

    graph: bytes
    beside: dict[str, Array]


def made(weights: Path, precision: Precision) -> Made:
    """The model with inputs `ids` and `mask`, int64 and float32 [n, tokens].

    Its outputs are the vectors, float32 [n, 384], and the last layer, float32 [n, tokens, 384].

    Args:
        weights: the published `model.safetensors`.
    """
    from safetensors.numpy import load_file

    graph = Graph(load_file(weights), precision)
    x = graph.embeddings()
    some = graph.node("Cast", "mask", to=6)  # int32
    for layer in range(LAYERS):
        x = graph.layer(x, some, f"encoder.layer.{layer}")
    return graph.finished(graph.mean_over_tokens(x), x)


class Graph:
    """Nodes and constants as they come together; methods return the name of what they compute."""

    def __init__(self, weights: Mapping[str, Array], precision: Precision) -> None:
        self._weights = weights
        self._precision = precision
        self._nodes: list[Any] = []
        self._constants: dict[str, Array] = {}

    def node(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """One operation."""
        from onnx import helper

        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], domain=domain, **attributes))
        return name

    def constant(self, name: str, value: Array | Sequence[int]) -> str:
        """Numbers that are part of the graph."""
        self._constants[name] = np.asarray(value)
        return name

    def weight(self, name: str) -> str:
        """A published tensor as it is, in float32."""
        return self.constant(name, self._weights[name].astype(np.float32, copy=False))

    def embeddings(self) -> str:
        """Word and position of each token; all tokens are of the first text."""
        places = self._weights["embeddings.position_embeddings.weight"]
        first = self._weights["embeddings.token_type_embeddings.weight"][0]
        words = self.node("Gather", self.weight("embeddings.word_embeddings.weight"), "ids")
        length = self.node("Shape", "ids", start=1, end=2)
        known = self.constant("places", (places + first).astype(np.float32))
        here = self.node("Slice", known, self.constant("from", [0]), length, self.constant("axis", [0]))
        return self.normal(self.node("Add", words, here), "embeddings.LayerNorm")

    def layer(self, x: str, mask: str, name: str) -> str:
        """One transformer layer."""
        x = self.normal(self.node("Add", x, self.attention(x, mask, name)), f"{name}.attention.output.LayerNorm")
        wide = self.node("Gelu", self.linear(x, f"{name}.intermediate.dense"), domain=FUSED)
        return self.normal(self.node("Add", x, self.linear(wide, f"{name}.output.dense")), f"{name}.output.LayerNorm")

    def attention(self, x: str, mask: str, name: str) -> str:
        """What tokens take from each other. In 8 bits a text goes alone: a mask of ones would cost the faster way."""
        parts = self.thirds(self.linear(x, *(f"{name}.attention.self.{part}" for part in ("query", "key", "value"))))
        masked = ("", mask) if self._precision == "float32" else ()
        seen = self.node("MultiHeadAttention", *parts, *masked, domain=FUSED, num_heads=HEADS)
        return self.linear(seen, f"{name}.attention.output.dense")

    def linear(self, x: str, *names: str) -> str:
        """`x` [n, tokens, in] by published matrices [out, in] side by side, as if they were one, their biases added."""
        matrix = np.concatenate([self._weights[f"{name}.weight"].T for name in names], 1).astype(np.float32)
        biases = np.concatenate([self._weights[f"{name}.bias"] for name in names]).astype(np.float32)
        bias = self.constant(f"{names[0]}.bias", biases)
        if self._precision == "float32":
            return self.node("Add", self.node("MatMul", x, self.constant(f"{names[0]}.weight", matrix)), bias)
        numbers, scales = in_7_bits(matrix)
        middle = self.constant(f"{names[0]}.middle", np.zeros_like(numbers[0]))
        parts = (self.constant(f"{names[0]}.weight", numbers), self.constant(f"{names[0]}.scales", scales), middle)
        return self.node("DynamicQuantizeMatMul", x, *parts, bias, domain=FUSED)

    def thirds(self, x: str) -> list[str]:
        """`x` [n, tokens, 3 * width] as three, each [n, tokens, width]."""
        from onnx import helper

        names = [f"{x}.{part}" for part in range(3)]
        self._nodes.append(helper.make_node("Split", [x], names, axis=2))
        return names

    def normal(self, x: str, name: str) -> str:
        """Layer normalisation."""
        parts = (self.weight(f"{name}.weight"), self.weight(f"{name}.bias"))
        return self.node("LayerNormalization", x, *parts, axis=-1, epsilon=EPSILON)

    def mean_over_tokens(self, x: str) -> str:
        """Mean where the mask is 1, scaled to unit length (which makes it the sum's direction)."""
        mask = self.node("Unsqueeze", "mask", self.constant("last", [2]))
        total = self.node("ReduceSum", self.node("Mul", x, mask), self.constant("tokens", [1]), keepdims=0)
        return self.node("LpNormalization", total, axis=1, p=2)

    def finished(self, output: str, states: str) -> Made:
        """What came together, with these two outputs."""
        from onnx import TensorProto, helper, numpy_helper

        ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["n", "tokens"])
        mask = helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", "tokens"])
        vectors = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n", "width"])
        layer = helper.make_tensor_value_info(states, TensorProto.FLOAT, ["n", "tokens", "width"])
        beside = {name: value for name, value in self._constants.items() if value.nbytes >= LARGE}
        constants = [
            _named(name, value) if name in beside else numpy_helper.from_array(value, name)
            for name, value in self._constants.items()
        ]
        body = helper.make_graph(self._nodes, "minilm", [ids, mask], [vectors, layer], constants)
        versions = [helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)]
        model = helper.make_model(body, opset_imports=versions, ir_version=9)
        return Made(model.SerializeToString(), {name: np.ascontiguousarray(value) for name, value in beside.items()})


def _named(name: str, value: Array) -> Any:
    """Numbers that the graph names only. ONNX wants a place for them, which nobody looks at: they are handed over."""
    from onnx import TensorProto, helper

    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    tensor = TensorProto(name=name, data_type=kind, dims=value.shape, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="beside")
    return tensor


def in_7_bits(matrix: Array) -> tuple[Array, Array]:
    """A matrix [in, out] as int8 of -63..63, and the scale of each column, float32 [out]."""
    scales = np.maximum(np.abs(matrix).max(0), 1e-8) / LARGEST
    return np.round(matrix / scales).astype(np.int8), scales.astype(np.float32)
