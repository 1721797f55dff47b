"""A sentence-transformers folder with random weights and another dimension than the packaged model's."""

import json
import shutil
from pathlib import Path

from core.models import embedding_folder

DIMENSION = 48


def small_model(folder: Path, seed: int = 0, dimension: int = DIMENSION) -> Path:
    """Write the folder: a two-layer BERT over the packaged tokeniser's words."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    config = BertConfig(
        hidden_size=dimension, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96, vocab_size=30522
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder, safe_serialization=True)
    shutil.copy(embedding_folder() / "tokenizer.json", folder / "tokenizer.json")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 128}))
    return folder
