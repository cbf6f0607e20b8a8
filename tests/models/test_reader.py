"""The extractive reader: spans from windows, and no answer where the null score wins."""

from __future__ import annotations

import pickle
from copy import deepcopy
from pathlib import Path

import pytest

from llama_index_prod_rag.errors import ConfigurationError, ModelError
from llama_index_prod_rag.models import ExtractiveReader, Ruling
from llama_index_prod_rag.models.pairs import sigmoid
from tests.models.tiny_onnx import write_embedder, write_reader


@pytest.fixture
def reader(tmp_path: Path) -> ExtractiveReader:
    return ExtractiveReader(write_reader(tmp_path))


def test_the_best_span_of_all_passages_is_quoted_as_the_passage_writes_it(reader: ExtractiveReader) -> None:
    ruling = reader("the city", ["Berlin is large", "", "MADRID is a city"])
    assert ruling == Ruling(sigmoid(6.0 - 2.0), "MADRID")


def test_no_answer_wins_where_no_span_beats_it(reader: ExtractiveReader) -> None:
    assert reader("the city", ["Berlin is large"]).answers == pytest.approx(sigmoid(0.0 - 2.0))
    assert reader("the city", ["", " "]) == Ruling(0.0)


def test_a_copy_reads_alike(tmp_path: Path) -> None:
    reader = ExtractiveReader(write_reader(tmp_path), threshold=4.0)
    for copied in (deepcopy(reader), pickle.loads(pickle.dumps(reader))):  # noqa: S301 - our own bytes
        assert copied("city", ["madrid"]) == reader("city", ["madrid"])


def test_a_long_passage_is_read_to_its_end(reader: ExtractiveReader) -> None:
    assert reader("the city", ["berlin is large " * 40 + "madrid"]).quote == "madrid"


def test_a_question_longer_than_the_model_reads_is_cut(reader: ExtractiveReader) -> None:
    assert reader("the city of " * 40, ["is madrid large"]).quote == "madrid"


def test_the_threshold_moves_one_half(tmp_path: Path) -> None:
    assert ExtractiveReader(write_reader(tmp_path), threshold=4.0)("city", ["madrid"]).answers == pytest.approx(0.5)


def test_a_model_without_spans_and_a_span_without_tokens_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a reader gives start_logits and end_logits"):
        ExtractiveReader(write_embedder(tmp_path))
    with pytest.raises(ConfigurationError, match="longest=0"):
        ExtractiveReader(tmp_path, longest=0)


def test_torch_reads_a_random_model(tmp_path: Path) -> None:
    import torch
    from transformers import BertConfig, BertForQuestionAnswering, PreTrainedTokenizerFast

    write_reader(tmp_path / "tokens")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=13, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=16, initializer_range=0.5,
    )  # fmt: skip
    BertForQuestionAnswering(config).save_pretrained(tmp_path / "model")
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(tmp_path / "tokens" / "tokenizer.json"), pad_token="[PAD]", unk_token="[UNK]",
        cls_token="[CLS]", sep_token="[SEP]", model_max_length=16,
    ).save_pretrained(tmp_path / "model")  # fmt: skip
    ruling = ExtractiveReader(tmp_path / "model", backend="torch")("the city", ["berlin is large " * 10 + "madrid"])
    assert 0.0 < ruling.answers < 1.0
    assert ruling.quote
    assert ruling.quote in "berlin is large " * 10 + "madrid"
