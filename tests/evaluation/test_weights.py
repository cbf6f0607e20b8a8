from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.document_weights import DocumentWeights, weights_from_documents
from llama_index_prod_rag.evaluation.names import Names
from llama_index_prod_rag.evaluation.tuning_plot import plot_tuning, profile
from llama_index_prod_rag.evaluation.weights import collect_labeled, tune_pipeline
from llama_index_prod_rag.fusion import Bounds
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from tests.pair_scorers import OverlapScorer

WORDS = ("apple", "pear", "plum", "grape", "lemon", "melon", "peach", "cherry", "mango", "kiwi", "fig", "lime")
NODES = [TextNode(text=f"{word} tree", id_=word, metadata={"file_path": f"fruit/{word}.md"}) for word in WORDS]


class Backwards(BaseRetriever):
    """A leg that is always wrong."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        word = query_bundle.query_str.split()[0]
        hits = [NodeWithScore(node=node, score=0.1 if node.node_id == word else 0.9) for node in NODES]
        return sorted(hits, key=lambda hit: -(hit.score or 0.0))


def test_a_passage_goes_by_many_names() -> None:
    node = TextNode(text="x", id_="n", metadata={"file_path": "C:\\docs\\a.md", "title": "A"})
    node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id="doc")
    for name in ("n", "doc", "a.md", "docs/a.md", "./a.md", "A"):
        assert Names([node]).relevant({name: 2}) == {"n": 2}
    assert Names([node]).relevant({"b.md": 1}) == {}


def test_a_source_stands_for_all_of_its_passages() -> None:
    parts = [TextNode(text="x", id_=i, metadata={"file_name": "a.md"}) for i in "xy"]
    assert Names(parts).relevant({"a.md": 1, "y": 3}) == {"x": 1, "y": 3}


def test_weights_lean_to_the_leg_that_is_right(tmp_path: Path) -> None:
    retriever = HybridFusionRetriever({"wrong": Backwards(), "bm25": BM25FRetriever(NODES)}, alpha=0.7, rule="min-max")
    labels = {f"{word} question": {f"{word}.md": 1} for word in WORDS}
    queries, rule = collect_labeled(labels, NODES, retriever)
    tuning = tune_pipeline(queries, rule, prior=0.0)
    assert str(rule) == "min-max"
    assert tuning.default == pytest.approx({"wrong": 0.7, "bm25": 0.3})
    assert tuning.weights["bm25"] > 0.5
    curve = profile(tuning, "bm25")
    assert [weight for weight, _ in curve] == pytest.approx([step / 20 for step in range(21)])
    assert curve[0][1] < curve[-1][1] == 1.0
    plot_tuning(tuning, tmp_path / "curve.svg")
    assert (tmp_path / "curve.svg").stat().st_size > 1000


class Halved:
    """A rule of the user's, whose name means nothing to `parse_rule`."""

    def bounds(self, scores: Collection[float], floor: float | None) -> Bounds:
        return Bounds(min(scores, default=0.0), max(scores, default=0.0))

    def marks(self, scores: Mapping[str, float], bounds: Bounds | None) -> dict[str, float]:
        return {node: 0.5 * (bounds or self.bounds(scores.values(), None)).normalize(s) for node, s in scores.items()}


def test_weights_of_a_rule_of_ones_own_are_tuned() -> None:
    retriever = HybridFusionRetriever({"wrong": Backwards(), "bm25": BM25FRetriever(NODES)}, alpha=0.7, rule=Halved())
    labels = {f"{word} question": {f"{word}.md": 1} for word in WORDS}
    queries, rule = collect_labeled(labels, NODES, retriever)
    assert tune_pipeline(queries, rule, prior=0.0).weights["bm25"] > 0.5


def test_labels_that_name_nothing_are_refused() -> None:
    with pytest.raises(InputError, match=r"'nowhere\.md'"):
        collect_labeled({"q": {"nowhere.md": 1}}, NODES, HybridFusionRetriever({"bm25": BM25FRetriever(NODES)}))


def test_a_retriever_without_records_is_refused() -> None:
    with pytest.raises(InputError, match="retrieval record"):
        collect_labeled({"apple": {"apple": 1}}, NODES, Backwards())


def test_labels_that_name_nothing_beside_others_that_do_are_told(caplog: pytest.LogCaptureFixture) -> None:
    retriever = HybridFusionRetriever({"bm25": BM25FRetriever(NODES)})
    queries, _ = collect_labeled({"apple": {"apple": 1}, "lost": {"nowhere.md": 1}}, NODES, retriever)
    assert len(queries) == 1
    assert "1 of 2 questions name nothing in the documents ('lost': 'nowhere.md'): left out" in caplog.text


class Embeds(BaseRetriever):
    """A leg that embeds, so it says, and finds the passage that a question was written from in some of the cases."""

    model_name = "some-embedder"

    def __init__(self, right: float) -> None:
        super().__init__()
        self.right = right

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        wanted = set(query_bundle.query_str.lower().split())
        scores = [len(wanted & set(node.text.lower().rstrip(".").split())) for node in LONG]
        best = max(range(len(LONG)), key=scores.__getitem__)
        hit = best if best / len(LONG) < self.right else (best + 7) % len(LONG)
        return [NodeWithScore(node=LONG[hit], score=0.9), NodeWithScore(node=LONG[(hit + 3) % len(LONG)], score=0.1)]


LONG = [
    TextNode(
        text=f"The {word} tree number {place} bears {other} coloured fruit in orchard {place + 40}.", id_=str(place)
    )
    for place, (word, other) in enumerate((one, two) for one in WORDS[:6] for two in WORDS[6:])
]


def test_weights_from_documents_follow_how_well_the_dense_leg_finds_them() -> None:
    def estimate(right: float) -> DocumentWeights:
        legs = {"dense": Embeds(right), "bm25": BM25FRetriever(LONG)}
        return weights_from_documents(HybridFusionRetriever(legs), LONG, questions=30)

    weak, middling, strong = estimate(0.1), estimate(0.7), estimate(1.0)
    assert weak.strength < middling.strength < strong.strength
    assert weak.weights["dense"] == 0.4 < middling.weights["dense"] < strong.weights["dense"] <= 0.9
    assert sum(middling.weights.values()) == pytest.approx(1.0)
    assert "no promise" in middling.statement
    assert middling.questions == 30


class Shuffled(BaseRetriever):
    """A leg that finds everything, in an order that has nothing to do with the question."""

    def __init__(self, seed: int, model_name: str = "") -> None:
        super().__init__()
        self.draw, self.model_name = random.Random(seed), model_name

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = [NodeWithScore(node=node, score=self.draw.random()) for node in LONG]
        return sorted(hits, key=lambda hit: -(hit.score or 0.0))


class Chance(OverlapScorer):
    """A reranker that does not read."""

    def score(self, pairs: Sequence[tuple[str, str]], progress: Callable[[int], None] | None = None) -> list[float]:
        return [float(zlib.crc32("".join(pair).encode()) % 1000) for pair in pairs]


def test_the_pair_scores_share_follows_written_questions_where_they_show_a_gain_and_else_stays() -> None:
    poor = HybridFusionRetriever({"dense": Shuffled(1, "m"), "bm25": Shuffled(2)}, similarity_top_k=36)
    reading = CrossEncoderRerank(scorer=OverlapScorer(), top_n=36)
    found = weights_from_documents(poor, LONG, reranker=reading, questions=30)
    assert found.share is not None
    assert found.share_gain is not None
    assert found.share > 0.3 > reading.blend
    assert found.share_gain.low > 0.0
    assert found.reranked["cross_encoder"] == pytest.approx(found.share)
    assert sum(found.reranked.values()) == pytest.approx(1.0)
    assert found.reranked["dense"] / found.reranked["bm25"] == pytest.approx(
        found.weights["dense"] / found.weights["bm25"]
    )
    assert CrossEncoderRerank(scorer=OverlapScorer(), weights=found.reranked).weights == found.reranked

    good = HybridFusionRetriever({"dense": Embeds(1.0), "bm25": BM25FRetriever(LONG)}, similarity_top_k=36)
    kept = weights_from_documents(good, LONG, reranker=CrossEncoderRerank(scorer=Chance(), top_n=36), questions=30)
    assert kept.share == pytest.approx(0.2)
    assert "share is 20%, the default" in kept.statement
    assert kept.weights == weights_from_documents(good, LONG, questions=30).weights


def test_weights_from_documents_need_two_legs_of_two_kinds_and_text_enough() -> None:
    alike = HybridFusionRetriever({"a": BM25FRetriever(LONG), "b": BM25FRetriever(LONG)})
    with pytest.raises(ConfigurationError, match="one leg that embeds queries and one that does not, not a, b"):
        weights_from_documents(alike, LONG)
    with pytest.raises(InputError, match="15 are needed"):
        weights_from_documents(HybridFusionRetriever({"dense": Embeds(1.0), "bm25": BM25FRetriever(NODES)}), NODES)
