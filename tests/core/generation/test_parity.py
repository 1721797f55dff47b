"""The engine against torch on the dequantized weights: the guard of everything that is served.

Each answer of the engine is read by torch once: where torch's most probable token is the engine's at every
place, torch alone would have written the same answer. Measured when this was written: Q8_0 6 of 8 the same;
the packaged Q4_1 file read by OpenVINO directly 0 of 8.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from core.generation import gguf
from core.generation.batching import Batcher, openvino
from core.generation.embedded import EmbeddedChat
from core.generation.engine import Sampling
from core.generation.stepping import silence
from core.generation.tokens import Tokens

TOKENS = 24
END = 2
PROMPTS = [
    ("You answer questions about documents.", "Context: The Apollo program landed twelve people on the Moon between "
     "1969 and 1972. It cost 25.4 billion dollars.\n\nQuestion: How many people walked on the Moon?"),
    ("You are a careful assistant.", "Name three causes of inflation and explain each of them in one sentence."),
    ("You answer briefly.", "What is photosynthesis?"),
    ("You are a legal assistant.", "Context: The tenant shall give sixty days' written notice before leaving. The "
     "deposit of 1,500 euros is returned within thirty days.\n\nQuestion: When is the deposit returned?"),
    ("You are a finance assistant.", "Summarise: revenue rose 12 % to 340 million, while operating costs rose 18 % "
     "owing to energy prices; the margin fell to 9 %."),
    ("You help customers.", "My router's red light blinks after the update. What should I do first?"),
    ("You are a nurse.", "List the early signs of dehydration in older people."),
    ("You translate and explain.", "Explain what the French word 'déjà vu' means, with an example sentence."),
]  # fmt: skip
MESSAGES: list[list[BaseMessage]] = [[SystemMessage(system), HumanMessage(user)] for system, user in PROMPTS]


@dataclass(frozen=True)
class Agreement:
    same: int
    mean: float


@pytest.fixture(scope="module")
def torch_model(packaged: Path) -> Any:
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig

    torch.set_num_threads(2)
    dense = GgufConfig(dequantize=True)  # the same weights, computed with in full precision
    return AutoModelForCausalLM.from_pretrained(
        packaged.parent, gguf_file=packaged.name, dtype=torch.float32, quantization_config=dense
    ).eval()


def agreement(torch_model: Any, prompts: list[list[int]], answers: list[list[int]]) -> Agreement:
    """How many answers torch would have written too, and the mean share of tokens it would have chosen."""
    import torch

    shares = []
    for prompt, answer in zip(prompts, answers, strict=True):
        closed = answer if len(answer) == TOKENS else [*answer, END]
        with torch.inference_mode():
            logits = torch_model(torch.tensor([prompt + closed])).logits[0]  # [tokens, vocabulary]
        chosen = logits[len(prompt) - 1 : -1].argmax(-1).tolist()
        shares.append(sum(a == b for a, b in zip(chosen, closed, strict=True)) / len(closed))
    return Agreement(sum(share == 1 for share in shares), sum(shares) / len(shares))


def test_the_engine_writes_what_torch_writes(engine: EmbeddedChat, torch_model: Any) -> None:
    streams = [engine.open_stream(messages, Sampling(max_tokens=TOKENS)) for messages in MESSAGES]
    answers = [[token for tokens in stream for token in tokens] for stream in streams]
    found = agreement(torch_model, [engine.token_ids(messages) for messages in MESSAGES], answers)
    # Where the processor computes in bfloat16 (OpenVINO's choice there), more near ties fall the other way.
    assert found.same >= 4, found
    assert found.mean >= 0.93, found


def test_the_packaged_file_read_directly_is_wrong_hence_never_served(
    packaged: Path, engine: EmbeddedChat, torch_model: Any
) -> None:
    """When this fails OpenVINO has mended its reader, and the rewriting can go."""
    prompts = [engine.token_ids(messages) for messages in MESSAGES]
    direct = Batcher(packaged, openvino(packaged, 300))
    try:
        streams = [direct.submit(prompt, Sampling(max_tokens=TOKENS)) for prompt in prompts]
        answers = [[token for tokens in stream for token in tokens] for stream in streams]
    finally:
        direct.close()
    found = agreement(torch_model, prompts, answers)
    assert found.same <= 2, found


ODD = "naïve  😀 déjà\tvu 12345.67 €\n\n\nx=  y_z's I'LL 日本語 A\u00a0B <b>"


def test_prompt_and_tokens_are_those_of_transformers(packaged: Path) -> None:
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(packaged.parent, gguf_file=packaged.name)
    ours = Tokens(gguf.metadata(packaged))
    for system, user in [*PROMPTS, (ODD, ODD)]:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        expected = theirs.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        text = ours.prompt([("system", system), ("user", user)])
        assert text == expected
        ids = ours.encode(text)
        assert ids == theirs(expected, add_special_tokens=False).input_ids
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=True)


def test_tokens_are_those_of_openvino_also_where_transformers_differs(q8: Path) -> None:
    """transformers' GGUF reader does not split numerals such as ½ off, as this model was trained."""
    silence()
    import openvino_genai

    theirs, ours = openvino_genai.Tokenizer(str(q8)), Tokens(gguf.metadata(q8))
    for text in [ODD, "1½ cups, ²³, Ⅳ, ٣ and 7", *(user for _, user in PROMPTS)]:
        ids = theirs.encode(text, add_special_tokens=False).input_ids.data[0].tolist()
        assert ours.encode(text) == ids


def test_the_likelihood_of_an_answer_is_torchs_but_for_eight_bits_and_the_same_when_asked_again(
    engine: EmbeddedChat, torch_model: Any
) -> None:
    import torch

    messages: list[BaseMessage] = [HumanMessage("What is the capital of France?")]
    answer = "The capital of France is Paris."
    found = engine.log_likelihood(messages, answer)
    prompt = engine.token_ids(messages)
    whole = [*prompt, *engine._model().tokens.encode(answer)]
    with torch.inference_mode():
        chances = torch.log_softmax(torch_model(torch.tensor([whole])).logits[0].float(), -1)
    wanted = [float(chances[at - 1, whole[at]]) for at in range(len(prompt), len(whole))]
    assert found is not None
    assert len(found) == len(wanted)
    assert abs(sum(found) - sum(wanted)) / len(wanted) < 0.1
    assert engine.log_likelihood(messages, answer) == pytest.approx(found, abs=1e-3)
    wrong = engine.log_likelihood(messages, "The capital of France is Berlin.")
    assert wrong is not None
    assert sum(wrong) < sum(found)
    assert engine.log_likelihood(messages, "") is None
