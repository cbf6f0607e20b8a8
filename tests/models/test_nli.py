"""The NLI adapter, on a tiny random model: labels are found by name, wherever they stand."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.nli import CrossEncoderNLI


def write_model(folder: Path, labels: list[str]) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "drag", "falls"]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=32, id2label=dict(enumerate(labels)), label2id={n: i for i, n in enumerate(labels)},
        initializer_range=0.5,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
        model_max_length=32,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def test_probabilities_follow_the_labels_names(tmp_path: Path) -> None:
    pairs = [("drag falls", "falls"), ("drag", "drag falls")]
    one = CrossEncoderNLI(write_model(tmp_path / "a", ["contradiction", "entailment", "neutral"]), device="cpu")
    other = CrossEncoderNLI(write_model(tmp_path / "b", ["ENTAILMENT", "CONTRADICTION", "NEUTRAL"]), device="cpu")
    for first, second in zip(one.judge(pairs), other.judge(pairs), strict=True):
        assert first.supports == pytest.approx(second.contradicts)  # the same weights, the columns swapped
        assert first.contradicts == pytest.approx(second.supports)
        assert 0.0 < first.supports + first.contradicts < 1.0
    assert one.judge([]) == []
    assert deepcopy(one).judge(pairs) == one.judge(pairs)


def test_a_model_without_these_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has the labels LABEL_0, LABEL_1, LABEL_2"):
        CrossEncoderNLI(write_model(tmp_path, ["LABEL_0", "LABEL_1", "LABEL_2"]), device="cpu")
