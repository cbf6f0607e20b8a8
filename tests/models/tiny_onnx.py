"""Random ONNX models of a few kilobytes, with their tokenizers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "berlin", "is", "large", "madrid", "the", "city", "of", "query", "##s"]


def write_tokenizer(folder: Path, *, limit: int, template: bool = True) -> None:
    """BERT's way of reading words and pairs, over a dozen of words."""
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = (
        processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
        if template
        else processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    )
    tokenizer.enable_padding(length=limit)  # as published files have it
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": limit}))


def write_embedder(
    folder: Path,
    *,
    limit: int = 16,
    dimensions: int = 4,
    output: str = "last_hidden_state",
    rows: int = len(WORDS),
) -> Path:
    """A vector per token that depends on the token alone; with fewer rows than words it fails on the others."""
    folder.mkdir(parents=True, exist_ok=True)
    table = np.random.default_rng(0).normal(size=(rows, dimensions)).astype(np.float32)
    nodes = [helper.make_node("Gather", ["table", "input_ids"], [output])]
    _save(folder / "model.onnx", nodes, {"table": table}, {output: ["batch", "tokens", dimensions]}, ["input_ids"])
    write_tokenizer(folder, limit=limit)
    return folder


def write_scorer(folder: Path, *, limit: int = 32, template: bool = True) -> Path:
    """A logit that depends on every token, its place and its side."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(1)
    constants = {
        "table": draw.normal(size=(len(WORDS),)).astype(np.float32),
        "one": np.array(1.0, dtype=np.float32),
        "axis": np.array([1], dtype=np.int64),
        "exclusive": np.array(1, dtype=np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["of_tokens"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["token_type_ids"], ["side"], to=TensorProto.FLOAT),
        helper.make_node("CumSum", ["mask", "exclusive"], ["place"]),
        helper.make_node("Sqrt", ["place"], ["root"]),
        helper.make_node("Add", ["side", "one"], ["of_side"]),
        helper.make_node("Mul", ["of_tokens", "root"], ["placed"]),
        helper.make_node("Mul", ["placed", "of_side"], ["sided"]),
        helper.make_node("ReduceSum", ["sided", "axis"], ["logits"], keepdims=1),
    ]
    inputs = ["input_ids", "attention_mask", "token_type_ids"]
    _save(folder / "model.onnx", nodes, constants, {"logits": ["batch", 1]}, inputs)
    write_tokenizer(folder, limit=limit, template=template)
    return folder


def write_reader(folder: Path, *, limit: int = 16) -> Path:
    """A start and an end for each token: `madrid` is the best of both, and [CLS] beats every other word."""
    folder.mkdir(parents=True, exist_ok=True)
    scores = np.zeros(len(WORDS), dtype=np.float32)
    scores[WORDS.index("[CLS]")], scores[WORDS.index("madrid")] = 1.0, 3.0
    outputs: dict[str, list[str | int]] = {name: ["batch", "tokens"] for name in ("start_logits", "end_logits")}
    nodes = [helper.make_node("Gather", ["scores", "input_ids"], [name]) for name in outputs]
    _save(folder / "model.onnx", nodes, {"scores": scores}, outputs, ["input_ids"])
    write_tokenizer(folder, limit=limit)
    return folder


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    constants: dict[str, np.ndarray],
    outputs: dict[str, list[str | int]],
    inputs: list[str],
) -> None:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in inputs],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(path))
