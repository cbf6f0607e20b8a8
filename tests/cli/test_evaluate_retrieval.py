from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from llama_index_prod_rag.cli import tune
from llama_index_prod_rag.cli.evaluate_retrieval import register_retrieval
from llama_index_prod_rag.evaluation import pipelines
from llama_index_prod_rag.evaluation.retrieval import METRICS
from llama_index_prod_rag.evaluation.tuning_study import labeled_query, mean_default
from llama_index_prod_rag.fusion.normalizers import Bounds
from llama_index_prod_rag.fusion.tuning import LabeledQuery
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.trace.records import LegHit, RerankRecord, RetrievalRecord
from llama_index_prod_rag.trace.scored_node import ScoredNode

TOPICS = ("cats", "dogs", "birds", "fish", "horses", "bees")


def hashed_vectors(texts: Sequence[str], **_: Any) -> np.ndarray[Any, Any]:
    """A bag of words hashed into 64 places: a dense leg without a model."""
    matrix = np.full((len(texts), 64), 0.01, dtype=np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            matrix[row, hashlib.sha256(word.encode()).digest()[0] % 64] += 1.0
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pipelines, "embed_texts", hashed_vectors)
    monkeypatch.setattr(pipelines, "embed_queries", hashed_vectors)
    folder = tmp_path / "pets"
    folder.mkdir()
    documents = [(f"{topic}{n}", topic, f"{topic} fact number {n}") for topic in TOPICS for n in range(5)]
    corpus = [json.dumps({"_id": i, "title": title, "text": text}) for i, title, text in documents]
    queries = [json.dumps({"_id": f"q-{i}", "text": f"{title} fact {text[-1]}"}) for i, title, text in documents]
    qrels = ["query-id\tcorpus-id\tscore", *(f"q-{i}\t{i}\t1" for i, _, _ in documents)]
    (folder / "corpus.jsonl").write_text("\n".join(corpus))
    (folder / "queries.jsonl").write_text("\n".join(queries))
    (folder / "qrels.tsv").write_text("\n".join(qrels))
    return folder


def run(*arguments: str) -> Any:
    app = typer.Typer()
    register_retrieval(app)
    return CliRunner().invoke(app, list(arguments))


def test_retrieval_prints_the_agreed_json(data: Path) -> None:
    names = ["dense", "bm25", "hybrid", "llamaindex"]
    asked = [part for name in names for part in ("--pipeline", name)]
    result = run("retrieval", "--data", str(data), "--split", "all", *asked, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert set(report) == {"dataset", "queries", "documents", "settings", "pipelines", "differences", "seconds"}
    assert (report["dataset"], report["queries"], report["documents"]) == ("pets", 30, 30)
    assert list(report["pipelines"]) == names
    assert list(report["differences"]) == names[1:]
    assert set(report["seconds"]) == set(names)
    for metrics in [*report["pipelines"].values(), *report["differences"].values()]:
        assert tuple(metrics) == METRICS
        assert all(value["low"] <= value["mean"] <= value["high"] for value in metrics.values())
    assert report["pipelines"]["bm25"]["P@1"]["mean"] == 1.0
    gained = report["pipelines"]["hybrid"]["MRR@10"]["mean"] - report["pipelines"]["dense"]["MRR@10"]["mean"]
    assert report["differences"]["hybrid"]["MRR@10"]["mean"] == pytest.approx(gained)


def test_fusion_and_alpha_reach_the_hybrid(data: Path) -> None:
    asked = ["--split", "all", "--pipeline", "bm25", "--pipeline", "hybrid", "--json"]
    report = json.loads(run("retrieval", "--data", str(data), *asked, "--fusion", "rrf", "--alpha", "0").stdout)
    assert (report["settings"]["fusion"], report["settings"]["alpha"]) == ("rrf", 0.0)
    assert report["pipelines"]["hybrid"]["P@1"] == report["pipelines"]["bm25"]["P@1"]


def test_people_get_a_table(data: Path) -> None:
    result = run("retrieval", "--data", str(data), "--limit", "5")
    assert result.exit_code == 0
    assert "5 queries, 30 documents" in result.stdout
    assert "difference to dense" in result.stdout


def test_a_split_that_is_not_there_lists_those_that_are(data: Path) -> None:
    result = run("retrieval", "--data", str(data), "--split", "dev")
    assert "choose one of all, test, train" in str(result.exception)


@pytest.mark.parametrize("arguments", [["--pipeline", "magic"], ["--alpha", "1.5"], ["--limit", "0"]])
def test_wrong_use_exits_with_2(data: Path, arguments: list[str]) -> None:
    assert run("retrieval", "--data", str(data), *arguments).exit_code == 2


def test_a_missing_extra_is_told_before_the_work(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def embed(*_: Any, **__: Any) -> Any:
        raise AssertionError("nothing is to be embedded")

    monkeypatch.setattr(pipelines, "embed_texts", embed)
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    result = run("retrieval", "--data", str(data), "--split", "all")
    assert "pip install 'llama-index-prod-rag[eval]'" in str(result.exception)


def test_a_plot_that_cannot_be_drawn_is_told_before_the_questions_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    app = typer.Typer()
    tune.register(app)
    result = CliRunner().invoke(app, [str(tmp_path), "--labels", str(tmp_path / "none"), "--plot", "curve.png"])
    assert "the plot of a tuning needs an extra" in str(result.exception)


def test_tuning_prints_the_agreed_json(data: Path) -> None:
    result = run("tuning", "--data", str(data), "--split", "all", "--labels", "10", "--draws", "5", "--json")
    assert result.exit_code == 0, result.output
    study = json.loads(result.stdout)
    assert set(study) == {"dataset", "queries", "draws", "fixed", "tuned"}
    assert set(study["fixed"]) == {"dense", "bm25", "default"}
    assert set(study["tuned"]["10"]) == {"mean", "low", "high", "default", "dense"}
    assert study["fixed"]["dense"] - 0.05 <= study["tuned"]["10"]["mean"] <= 1.0
    assert study["draws"] == 5


def test_more_labels_than_queries_are_refused(data: Path) -> None:
    result = run("tuning", "--data", str(data), "--split", "all", "--labels", "30")
    assert "leave none to measure on" in str(result.exception)


def test_a_number_of_labels_that_is_too_large_does_not_cost_the_others(data: Path) -> None:
    asked = ["--split", "all", "--draws", "2", "--labels", "10", "--labels", "50", "--json"]
    assert list(json.loads(run("tuning", "--data", str(data), *asked).stdout)["tuned"]) == ["10"]


def test_fewer_labels_than_the_tuner_takes_are_refused_before_the_work(data: Path) -> None:
    result = run("tuning", "--data", str(data), "--split", "all", "--labels", "5")
    assert "ask for at least 10" in str(result.exception)


def test_pair_scores_become_a_leg_over_the_candidates_alone() -> None:
    from llama_index.core.schema import TextNode

    found = {"bm25": {"a": LegHit(1, 9.0), "b": LegHit(2, 3.0)}}
    reranker = CrossEncoderRerank(model="offline", blend=0.25)
    asked = []
    for text in ("a claim", "a question?"):
        retrieval = RetrievalRecord(text, legs=found, bounds={"bm25": Bounds(3.0, 9.0)}, weights={"bm25": 1.0})
        rerank = RerankRecord("m", logits={"a": -2.0})
        hit = ScoredNode(node=TextNode(text="a", id_="a"), score=1.0, retrieval=retrieval, rerank=rerank)
        asked.append(labeled_query([hit], {"a": 1}, reranker))
    claim = asked[0]
    assert claim.legs == {"bm25": {"a": 9.0}, "cross_encoder": {"a": -2.0}}
    assert claim.bounds == {"bm25": Bounds(3.0, 9.0), "cross_encoder": Bounds(-2.0, -2.0)}
    assert claim.default == {"bm25": 0.75, "cross_encoder": 0.25}
    assert mean_default([*asked, LabeledQuery({}, {"a": 1})]) == {"bm25": 0.75, "cross_encoder": 0.25}
    alone = labeled_query([hit.model_copy(update={"rerank": None})], {})
    assert (alone.legs, alone.default) == ({"bm25": {"a": 9.0, "b": 3.0}}, {"bm25": 1.0})
