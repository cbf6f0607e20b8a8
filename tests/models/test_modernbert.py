"""A newer architecture, without sides of tokens and with byte-level words, in both backends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from llama_index_prod_rag.models.onnx_scorer import OnnxScorer
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.torch_scorer import TorchScorer

PAIRS = [("berlin", "the city is large"), ("madrid", "swans " * 15), ("q", ""), ("Größe", "swans " * 200)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random ModernBERT of three layers, as `save_pretrained` writes it, with ONNX weights beside."""
    import torch
    from transformers import ModernBertConfig, ModernBertForSequenceClassification, PreTrainedTokenizerFast

    made = tmp_path_factory.mktemp("modernbert")
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=300, hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2,
        max_position_embeddings=64, num_labels=1, pad_token_id=3, cls_token_id=1, sep_token_id=2, bos_token_id=1,
        eos_token_id=2, global_attn_every_n_layers=2, local_attention=16, initializer_range=0.3,
        attn_implementation="eager",
    )  # fmt: skip
    model = ModernBertForSequenceClassification(config)
    model.train(False)
    model.save_pretrained(made)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=_byte_level_tokenizer(),
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(made)
    _export(model, made / "onnx" / "model.onnx")
    return made


def _byte_level_tokenizer() -> Tokenizer:
    from tokenizers import models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["[UNK]", "[CLS]", "[SEP]", "[PAD]"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(["berlin is large", "the city of madrid is the city of swans"] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return tokenizer


def _export(model: Any, path: Path) -> None:
    import torch

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    path.parent.mkdir()
    ids = torch.tensor([[1, 10, 11, 2, 12, 2]])
    names = ["input_ids", "attention_mask"]
    axes = {name: {0: "batch", 1: "tokens"} for name in names}
    torch.onnx.export(
        Logits(), (ids, torch.ones_like(ids)), str(path), input_names=names, dynamic_axes=axes, dynamo=False
    )


@pytest.mark.filterwarnings("ignore")
def test_a_modern_cross_encoder_scores_alike_in_both_backends(folder: Path) -> None:
    onnx, torch = load_scorer(folder), load_scorer(folder, backend="torch", device="cpu")
    assert (type(onnx), type(torch)) == (OnnxScorer, TorchScorer)
    assert torch.by_hand
    expected = [float(torch._predict([pair])[0]) for pair in PAIRS]  # sentence-transformers' own way
    assert torch.score(PAIRS) == pytest.approx(expected, abs=1e-5)
    assert onnx.score(PAIRS) == pytest.approx(expected, abs=1e-4)
