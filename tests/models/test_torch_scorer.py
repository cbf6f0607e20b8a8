from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models.scorers import _load_once
from llama_index_prod_rag.models.torch_scorer import TorchScorer, token_batches
from llama_index_prod_rag.models.weights import find_weights
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.postprocessor.settings import Runtime

_PAIRS = [("berlin", "large"), ("berlin is large", "madrid " * 20), ("madrid", ""), ("large", "berlin is " * 40)]


@given(st.lists(st.integers(1, 512), max_size=60), st.integers(1, 2048))
def test_batches_hold_every_pair_once_within_the_budget(lengths: list[int], budget: int) -> None:
    batches = list(token_batches(lengths, budget))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget


def test_a_score_does_not_depend_on_its_batch(tiny_model: Path) -> None:
    weights = find_weights(tiny_model, "cross-encoder")
    together = TorchScorer(weights, device="cpu").score(_PAIRS)
    apart = TorchScorer(weights, device="cpu", batch_tokens=1).score(_PAIRS)
    assert together == pytest.approx(apart, abs=1e-5)
    assert len(set(apart)) == len(_PAIRS)


def test_a_batch_that_the_card_has_no_room_for_is_halved(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    scorer = TorchScorer(find_weights(tiny_model, "cross-encoder"), device="cpu", batch_tokens=1024)
    expected = scorer.score(_PAIRS)
    network: Any = scorer._model.model
    forward, rows_read = network.forward, []

    def crowded(**columns: Any) -> Any:
        rows_read.append(len(columns["input_ids"]))
        if rows_read[-1] > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(**columns)

    monkeypatch.setattr(network, "forward", crowded)
    assert scorer.score(_PAIRS) == pytest.approx(expected, abs=1e-5)
    assert rows_read == [4, 2, 1, 1, 2, 1, 1]


def test_on_a_card_half_precision_is_near(tiny_model: Path) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    weights = find_weights(tiny_model, "cross-encoder")
    whole = TorchScorer(weights, device="cpu").score(_PAIRS)
    assert TorchScorer(weights, device="cuda").score(_PAIRS) == pytest.approx(whole, abs=0.02)
    assert TorchScorer(weights, device="cuda", batch_tokens=1).score(_PAIRS) == pytest.approx(whole, abs=0.02)
    assert TorchScorer(weights, device="cuda", dtype="float32").score(_PAIRS) == pytest.approx(whole, abs=1e-3)


def test_threads_share_one_model(tiny_model: Path) -> None:
    scorer = TorchScorer(find_weights(tiny_model, "cross-encoder"), device="cpu")
    expected = scorer.score(_PAIRS)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: scorer.score(_PAIRS), range(16)))
    assert all(result == pytest.approx(expected, abs=1e-6) for result in results)


def test_limits_and_offsets_are_the_models_own(tiny_model: Path) -> None:
    scorer = TorchScorer(find_weights(tiny_model, "cross-encoder"), device="cpu")
    assert (scorer.max_tokens, scorer.special_tokens) == (32, 3)
    assert scorer.token_offsets("berlin  is large " * 20)[:2] == [(0, 6), (8, 10)]
    assert len(scorer.token_offsets("berlin  is large " * 20)) == 60


def test_progress_counts_every_pair(tiny_model: Path) -> None:
    counted: list[int] = []
    TorchScorer(find_weights(tiny_model, "cross-encoder"), device="cpu", batch_tokens=64).score(_PAIRS, counted.append)
    assert sum(counted) == len(_PAIRS)


def test_a_model_with_two_labels_is_refused(two_label_model: Path) -> None:
    with pytest.raises(ModelError, match="has 2 labels"):
        TorchScorer(find_weights(two_label_model, "cross-encoder"), device="cpu")


def test_a_bi_encoder_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bi-encoder"
    shutil.copytree(tiny_model, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}))
    with pytest.raises(ModelError, match=r"bi-encoder.*use a cross-encoder"):
        TorchScorer(find_weights(folder, "cross-encoder"), device="cpu")


def test_weights_cut_off_in_the_middle_are_refused(tiny_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(tiny_model, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(ModelError, match="damaged or incomplete"):
        TorchScorer(find_weights(folder, "cross-encoder"), device="cpu")


_CODE = """
from pathlib import Path
from transformers import BertConfig, BertForSequenceClassification

Path({witness!r}).touch()

class OwnConfig(BertConfig):
    model_type = "own"

class OwnModel(BertForSequenceClassification):
    config_class = OwnConfig
"""


def test_code_in_a_model_folder_runs_only_when_asked_for(tiny_model: Path, tmp_path: Path) -> None:
    folder, witness = tmp_path / "own-code", tmp_path / "the-code-ran"
    shutil.copytree(tiny_model, folder)
    (folder / "own.py").write_text(_CODE.format(witness=str(witness)))
    config = json.loads((folder / "config.json").read_text())
    auto = {"AutoConfig": "own.OwnConfig", "AutoModelForSequenceClassification": "own.OwnModel"}
    own = {**config, "model_type": "own", "architectures": ["OwnModel"], "auto_map": auto}
    (folder / "config.json").write_text(json.dumps(own))
    weights = find_weights(folder, "cross-encoder")
    with pytest.raises(ModelError, match="trust_remote_code"):
        TorchScorer(weights, device="cpu")
    assert not witness.exists()
    expected = TorchScorer(find_weights(tiny_model, "cross-encoder"), device="cpu").score(_PAIRS)
    assert TorchScorer(weights, device="cpu", trust_remote_code=True).score(_PAIRS) == pytest.approx(expected, abs=1e-5)
    assert witness.exists()


def test_rerankers_in_eight_threads_load_one_model(tiny_model: Path) -> None:
    nodes = [NodeWithScore(node=TextNode(text=passage), score=0.5) for _, passage in _PAIRS]

    def rerank(_: int) -> list[float | None]:
        reranker = CrossEncoderRerank(model=str(tiny_model), runtime=Runtime(device="cpu"), weights="cross_encoder")
        return [hit.score for hit in reranker.postprocess_nodes(nodes, query_str="berlin")]

    before = _load_once.cache_info().misses
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(rerank, range(16)))
    assert _load_once.cache_info().misses == before + 1
    assert all(result == pytest.approx(results[0], abs=1e-6) for result in results)
