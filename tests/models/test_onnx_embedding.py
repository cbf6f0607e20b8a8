"""Vectors without torch: the same for the same text, whoever asks and whatever else is embedded."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import pickle
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from llama_index.core.schema import TextNode

from llama_index_prod_rag.errors import ConfigurationError, ModelError
from llama_index_prod_rag.models import runtimes
from llama_index_prod_rag.models.embedding import embed_queries, embed_texts, load_embedding
from llama_index_prod_rag.models.onnx_embedding import OnnxEmbedding
from llama_index_prod_rag.models.recipes import Recipe, read_recipe
from llama_index_prod_rag.models.tokenizers import embedder_tokenizer
from llama_index_prod_rag.node_parser.base import restore_embed_model
from tests.models.tiny_onnx import write_embedder

TEXTS = ["berlin is large", "madrid", "", "the city of berlin is the city of madrid", "a\ud800b"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_embedder(tmp_path / "model")


@pytest.fixture
def model(folder: Path) -> OnnxEmbedding:
    return OnnxEmbedding(model_name=str(folder), pooling="mean")


def by_hand(folder: Path, ids: list[int], pooling: str) -> np.ndarray:
    table = np.random.default_rng(0).normal(size=(13, 4)).astype(np.float32)
    rows = table[ids]
    vector = rows.mean(axis=0) if pooling == "mean" else rows[0]
    return vector / np.linalg.norm(vector)


def test_a_vector_is_the_mean_of_its_tokens_special_ones_included(model: OnnxEmbedding, folder: Path) -> None:
    assert model.get_text_embedding("berlin is") == pytest.approx(by_hand(folder, [2, 4, 5, 3], "mean"), abs=1e-6)


def test_or_the_first_tokens(folder: Path) -> None:
    first = OnnxEmbedding(model_name=str(folder), pooling="cls")
    assert first.get_text_embedding("berlin is") == pytest.approx(by_hand(folder, [2], "cls"), abs=1e-6)


def test_a_vector_does_not_depend_on_what_is_embedded_beside_it(model: OnnxEmbedding) -> None:
    alone = [model.get_text_embedding(text) for text in TEXTS]
    assert model.get_text_embedding_batch(TEXTS) == alone
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(model.get_text_embedding, TEXTS * 8)) == alone * 8


async def test_async_gives_the_same_and_does_not_block(model: OnnxEmbedding) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    assert await model.aget_text_embedding_batch(TEXTS) == model.get_text_embedding_batch(TEXTS)
    assert await model.aget_query_embedding("berlin") == model.get_query_embedding("berlin")
    ticking.cancel()
    assert ticks > 1


def test_what_is_longer_than_the_limit_is_cut(folder: Path) -> None:
    model = OnnxEmbedding(model_name=str(folder), pooling="mean", max_length=4)
    assert model.get_text_embedding("berlin is large city") == model.get_text_embedding("berlin is madrid")


def test_a_limit_above_the_models_own_is_the_models_own(folder: Path) -> None:
    longer = OnnxEmbedding(model_name=str(folder), pooling="mean", max_length=1000)
    own = OnnxEmbedding(model_name=str(folder), pooling="mean")
    assert longer.get_text_embedding("madrid " * 100) == own.get_text_embedding("madrid " * 14)


@pytest.mark.parametrize(("kind", "limit"), [("bert", 12), ("roberta", 10), ("xlm-roberta", 10)])
def test_positions_that_begin_behind_the_paddings_are_fewer_than_stated(folder: Path, kind: str, limit: int) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": kind, "max_position_embeddings": 12}))
    model = OnnxEmbedding(model_name=str(folder), pooling="mean")
    assert len(model.tokenizer.encode("berlin " * 20).ids) == limit


def test_a_text_that_the_weights_cannot_read_is_a_model_error(tmp_path: Path) -> None:
    model = OnnxEmbedding(model_name=str(write_embedder(tmp_path / "small", rows=8)), pooling="mean")
    assert len(model.get_text_embedding("berlin")) == 4
    with pytest.raises(ModelError, match=r"small cannot read 3 tokens \("):
        model.get_text_embedding("city")


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "modules.json", "1_Pooling/config.json"])
@pytest.mark.parametrize("content", ["{cut", '"text"', "\udcff"])
def test_a_damaged_settings_file_is_named(folder: Path, file: str, content: str) -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModelError, match=f"{file}.*get the file again"):
        OnnxEmbedding(model_name=str(folder))


def test_what_stands_for_no_limit_is_none(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1e30}))
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": None}))
    assert len(OnnxEmbedding(model_name=folder, pooling="mean").tokenizer.encode("berlin " * 600).ids) == 512


_UNASKED = """
import os, sys
from llama_index_prod_rag.models.onnx_model import import_runtime
import_runtime()
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""


@pytest.mark.parametrize(("given", "kept"), [({}, "1"), ({"ORT_DISABLE_TELEMETRY": "0"}, "0")])
def test_the_runtime_sends_no_events_unless_asked_to(given: dict[str, str], kept: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | given
    done = subprocess.run([sys.executable, "-c", _UNASKED], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == kept


def test_copies_embed_alike_over_the_same_loaded_model(model: OnnxEmbedding) -> None:
    settings = model.to_dict()
    copies = [
        pickle.loads(pickle.dumps(model)),  # noqa: S301 - our own
        copy.deepcopy(model),
        model.model_copy(),
        OnnxEmbedding.from_dict(dict(settings)),
        restore_embed_model(settings),
    ]
    for each in copies:
        assert each.get_text_embedding("berlin") == model.get_text_embedding("berlin")
        assert each._model is model._model
        assert each.to_dict() == settings


def test_instructions_precede_queries_and_texts(folder: Path) -> None:
    plain = OnnxEmbedding(model_name=str(folder), pooling="mean")
    told = OnnxEmbedding(
        model_name=str(folder), pooling="mean", query_instruction="query ", text_instruction="the city of "
    )
    assert told.get_query_embedding("berlin") == plain.get_query_embedding("query berlin")
    assert told.get_text_embedding("berlin") == plain.get_text_embedding("the city of berlin")


def test_vectors_may_keep_their_length(folder: Path) -> None:
    raw = OnnxEmbedding(model_name=str(folder), pooling="mean", normalize=False).get_text_embedding("berlin")
    assert np.linalg.norm(raw) != pytest.approx(1.0, abs=1e-3)


def test_it_embeds_nodes_as_a_transformation(model: OnnxEmbedding) -> None:
    (node,) = model([TextNode(text="berlin")])
    assert node.embedding == model.get_text_embedding("berlin")


def test_progress_counts_every_text(model: OnnxEmbedding) -> None:
    done: list[int] = []
    model.embed(TEXTS, progress=done.append)
    assert sum(done) == len(TEXTS)


def test_a_folder_that_does_not_say_how_to_pool_is_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match="pooling='cls' or pooling='mean'"):
        OnnxEmbedding(model_name=str(folder))


def test_a_misspelled_setting_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'pooling'"):
        OnnxEmbedding(model_name=str(folder), poolings="mean")


@pytest.mark.parametrize("settings", [{"threads": 0}, {"max_length": 2}])
def test_settings_out_of_range_are_refused(folder: Path, settings: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="give"):
        OnnxEmbedding(model_name=str(folder), pooling="mean", **settings)


@pytest.mark.parametrize(
    ("written", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "mean", "include_prompt": True}, "mean"),  # sentence-transformers 6
        ({"pooling_mode_max_tokens": True}, None),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, None),
    ],
)
def test_pooling_is_read_from_the_models_files(tmp_path: Path, written: dict[str, object], pooling: str) -> None:
    (tmp_path / "modules.json").write_text(
        json.dumps(
            [
                {"path": "", "type": "sentence_transformers.models.Transformer"},
                {"path": "pool", "type": "sentence_transformers.models.Pooling"},
            ]
        )
    )
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "config.json").write_text(json.dumps(written))
    assert read_recipe(tmp_path, "m").pooling == pooling


def test_instructions_are_read_from_the_models_files(tmp_path: Path) -> None:
    prompts = {"query": "query: ", "passage": "passage: "}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    assert read_recipe(tmp_path, "intfloat/e5-small-v2") == Recipe(None, "query: ", "passage: ")


@pytest.mark.parametrize("name", ["BAAI/bge-base-en-v1.5", "Xenova/bge-small-en"])
def test_the_english_bge_models_are_known(tmp_path: Path, name: str) -> None:
    assert read_recipe(tmp_path, name).pooling == "cls"
    assert read_recipe(tmp_path, name).query_instruction.startswith("Represent this sentence")


@pytest.mark.parametrize("name", ["BAAI/bge-m3", "BAAI/bge-base-zh-v1.5", "all-MiniLM-L6-v2"])
def test_others_are_not(tmp_path: Path, name: str) -> None:
    assert read_recipe(tmp_path, name) == Recipe()


def test_queries_and_texts_are_remembered_apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = OnnxEmbedding(model_name=str(folder), pooling="mean", query_instruction="query ")
    text, query = (
        embed(["berlin"], model=str(folder), embedding=told)[0].tolist() for embed in (embed_texts, embed_queries)
    )
    assert query == pytest.approx(told.get_query_embedding("berlin"), abs=1e-6)
    assert text == pytest.approx(told.get_text_embedding("berlin"), abs=1e-6)
    monkeypatch.setattr(OnnxEmbedding, "embed", None)  # from here on all comes from the cache
    assert embed_queries(["berlin"], model=str(folder), embedding=told)[0].tolist() == query


def test_the_parsers_count_in_its_tokens(model: OnnxEmbedding) -> None:
    assert embedder_tokenizer(model) is model.tokenizer
    assert embedder_tokenizer(None) is None


def test_a_folder_with_onnx_weights_needs_no_torch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "cls"}))
    monkeypatch.setattr(runtimes, "is_installed", lambda module: module == "onnxruntime")
    assert isinstance(load_embedding(folder), OnnxEmbedding)


@pytest.mark.integration
def test_the_offline_vectors_are_the_committed_ones() -> None:
    committed = json.loads((Path(__file__).parent / "bge_small_vectors.json").read_text(encoding="utf-8"))
    model = load_embedding("offline")
    for query, expected in committed["queries"].items():
        assert model.get_query_embedding(query) == pytest.approx(expected, abs=1e-3)
    vectors = model.get_text_embedding_batch(list(committed["texts"]))
    for vector, expected in zip(vectors, committed["texts"].values(), strict=True):
        assert vector == pytest.approx(expected, abs=1e-3)


@pytest.mark.integration
def test_a_query_of_the_offline_model_does_not_wait_for_a_batch() -> None:
    model = load_embedding("offline")
    with ThreadPoolExecutor(1) as pool:
        batch = pool.submit(model.get_text_embedding_batch, ["The city of Berlin is large. " * 30] * 40)
        time.sleep(0.05)
        model.get_query_embedding("berlin")
        assert not batch.done()
        batch.result()
