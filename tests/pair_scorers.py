"""A scorer whose scores can be computed by hand, for tests of everything around a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest


class OverlapScorer:
    """Logit = 2 x words of the query in the passage - 1; one word is one token. Remembers what it was asked."""

    name = "overlap"
    fingerprint = "overlap"
    special_tokens = 3

    def __init__(self, max_tokens: int = 512) -> None:
        self.max_tokens = max_tokens
        self.seen: list[tuple[str, str]] = []

    def token_offsets(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\S+", text)]

    def score(self, pairs: Sequence[tuple[str, str]], progress: Callable[[int], None] | None = None) -> list[float]:
        self.seen += pairs
        if progress is not None:
            progress(len(pairs))
        return [2.0 * len(set(query.split()) & set(passage.split())) - 1.0 for query, passage in pairs]


@pytest.fixture
def scorer() -> OverlapScorer:
    return OverlapScorer()


@pytest.fixture
def short_scorer() -> OverlapScorer:
    """Reads ten tokens: a query of one word leaves six for the passage."""
    return OverlapScorer(max_tokens=10)


def _write_tiny_model(folder: Path, labels: int) -> None:
    """A random BERT of one layer over seven words, as `save_pretrained` writes it."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "berlin", "is", "large", "madrid"]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    torch.manual_seed(0)
    config = BertConfig(  # type: ignore[call-arg]
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        num_labels=labels,
        initializer_range=0.5,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=32,
    ).save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A torch cross-encoder with one output that reads 32 tokens."""
    folder = tmp_path_factory.mktemp("tiny")
    _write_tiny_model(folder, labels=1)
    return folder


@pytest.fixture(scope="session")
def two_label_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with two labels: a classifier of pairs, no reranker."""
    folder = tmp_path_factory.mktemp("two-labels")
    _write_tiny_model(folder, labels=2)
    return folder
