"""Questions whose evidence is there, and the same kind of questions whose evidence is not, as the gate would see them.

Near: the passages that answer a question are taken out of the collection, or the question was written so that nothing
in it answers. Far: questions asked of another collection. Every list leaves removed passages out altogether: a removed
passage that merely had a low score would leak the label through means and medians.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from rich.console import Console
from rich.progress import track

from benchmarks.pair_scores import remember
from llama_index_prod_rag.confidence.evidence import Evidence, Passage, gather
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.datasets import LabeledDocument, Split, load_beir
from llama_index_prod_rag.evaluation.pipelines import ExactDenseRetriever
from llama_index_prod_rag.evaluation.self_calibration import AskedRow, Pipeline
from llama_index_prod_rag.evaluation.synthetic_questions import far_questions, write_questions
from llama_index_prod_rag.json_lines import numbered_lines
from llama_index_prod_rag.models.embedding import embed_queries, embed_texts
from llama_index_prod_rag.models.pairs import PairScorer
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.weights import OFFLINE
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.query_engine.sources import passages_of, text_of
from llama_index_prod_rag.retrievers.bm25 import BM25FRetriever
from llama_index_prod_rag.retrievers.hybrid import DEFAULT_ALPHA, HybridFusionRetriever
from llama_index_prod_rag.retrievers.legs import model_of
from llama_index_prod_rag.retrievers.links import LinkedRetriever
from llama_index_prod_rag.text.terms import TermStatistics
from llama_index_prod_rag.trace.ports import HoldsVectors
from llama_index_prod_rag.trace.records import RerankRecord, tracing

DEPTH = 100  # a leg's list
CANDIDATES = 10  # pairs per question: twice what is shown, and a set of 200 questions takes minutes
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Question:
    """A question asked of a collection.

    Attributes:
        id: unique in its collection.
        text: its words.
        gold: ids of the documents that answer it.
        removed: ids that are taken out of the collection for this question.
        answerable: whether the collection, without what is removed, still has the evidence.
        answers: texts that would be right, where the set brings them.
    """

    id: str
    text: str
    gold: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    answerable: bool = True
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A collection and its questions.

    Attributes:
        name: the folder's name.
        documents: id -> title and text.
        train: questions to calibrate on.
        test: questions to report on.
    """

    name: str
    documents: Mapping[str, LabeledDocument]
    train: tuple[Question, ...]
    test: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A question with everything the gate would know about it.

    Attributes:
        question: what was asked.
        evidence: what was found.
        found: whether a gold passage is among those shown.
        ndcg: nDCG@10 of the candidates.
    """

    question: Question
    evidence: Evidence = field(repr=False)
    found: bool
    ndcg: float


def load_task(folder: Path, *, limit: int | None = 200) -> Task:
    """Read a folder in BEIR layout, or one with `data.jsonl` (and perhaps `gold_removed.jsonl`).

    Args:
        folder: the folder.
        limit: at most this many questions of each split, drawn by the hash of their ids.

    Raises:
        InputError: the folder is neither.
    """
    if (folder / "data.jsonl").is_file():
        return _question_set(folder, limit)
    if (folder / "corpus.jsonl").is_file():
        return _collection(folder, limit)
    raise InputError(f"{folder} has neither corpus.jsonl (BEIR layout) nor data.jsonl")


def _hash(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def _collection(folder: Path, limit: int | None) -> Task:
    def questions(split: Split) -> Iterable[Question]:
        data = load_beir(folder, split=split, limit=limit)
        for id_, text in data.queries.items():
            gold = frozenset(document for document, grade in data.qrels[id_].items() if grade > 0)
            yield Question(id_, text, gold & data.documents.keys())

    documents = load_beir(folder, split="all").documents
    # A head may see each training question with and without its evidence; a test question has one fate.
    train = [variant for question in questions("train") for variant in (question, _without_gold(question))]
    test = [_without_gold(q) if _hash(f"removed:{q.id}") % 2 else q for q in questions("test")]
    return Task(folder.resolve().name, documents, tuple(train), tuple(test))


def _without_gold(question: Question) -> Question:
    return replace(question, removed=question.gold, answerable=False)


def _question_set(folder: Path, limit: int | None) -> Task:
    documents: dict[str, LabeledDocument] = {}
    questions: list[Question] = []
    for row in _rows(folder / "data.jsonl"):
        ids = {_add(documents, context): context.get("gold") for context in row["contexts"]}
        gold = frozenset(id_ for id_, is_gold in ids.items() if is_gold) if row["answerable"] else frozenset[str]()
        questions.append(
            Question(
                row.get("id") or row["query"],
                row["query"],
                gold,
                answerable=row["answerable"],
                answers=tuple(row.get("answers") or ()),
            )
        )
    if (folder / "gold_removed.jsonl").is_file():
        doubtful = {
            row.get("id") or row["query"]
            for row in _rows(folder / "gold_removed.jsonl")
            if row.get("answer_string_in_contexts")
        }
        questions = [
            _without_gold(question) if _hash(f"removed:{question.id}") % 2 and question.id not in doubtful else question
            for question in questions
            if question.id not in doubtful
        ]
    questions = list({question.id: question for question in questions}.values())
    questions.sort(key=lambda question: _hash(question.id))
    train = [question for question in questions if _hash(question.id) % 2 == 0][:limit]
    test = [question for question in questions if _hash(question.id) % 2 == 1][:limit]
    return Task(folder.resolve().name, documents, tuple(train), tuple(test))


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for _, line in numbered_lines(path)]


def _add(documents: dict[str, LabeledDocument], context: Mapping[str, Any]) -> str:
    document = LabeledDocument(context.get("title") or "", context["text"])
    id_ = hashlib.sha256(document.full_text.encode()).hexdigest()[:16]
    documents[id_] = document
    return id_


class Collection:
    """One collection behind the package's own components with their defaults, as a gate would have them before it.

    Args:
        task: the collection.
        scorer: the cross-encoder; None takes the offline one, with its pair scores kept on disk.
    """

    def __init__(self, task: Task, *, scorer: PairScorer | None = None) -> None:
        self._scorer = scorer
        self._nodes = [
            TextNode(text=document.text, id_=id_, metadata={"title": document.title} if document.title else {})
            for id_, document in task.documents.items()
        ]
        texts = [document.full_text for document in task.documents.values()]
        self._vectors = embed_texts(texts)
        removed = max((len(question.gold) for question in (*task.train, *task.test)), default=0)
        self._depth = DEPTH + removed
        self.bm25 = BM25FRetriever(self._nodes, similarity_top_k=self._depth)
        self.statistics = TermStatistics.from_texts(texts)

    @property
    def passages(self) -> list[Passage]:
        """The documents as the gate sees them."""
        return passages_of([NodeWithScore(node=node) for node in self._nodes])

    def without(self, removed: frozenset[str]) -> list[TextNode]:
        """The documents but those that are removed for a question."""
        return [node for node in self._nodes if node.node_id not in removed]

    def dense(
        self,
        texts: Iterable[str],
        *,
        lengths: tuple[float, float] | None = None,
        added: Sequence[TextNode] = (),
    ) -> BaseRetriever:
        """A dense leg that can be asked these texts.

        Args:
            texts: what will be asked.
            lengths: median and logarithmic spread of the document vectors' lengths; None leaves them at 1.
            added: nodes to be found besides the collection's.
        """
        asked = list(dict.fromkeys(texts))
        vectors = self._vectors
        if lengths is not None:
            draw = np.random.default_rng(0).normal(np.log(lengths[0]), lengths[1], len(vectors))
            vectors = vectors * np.exp(draw)[:, None].astype(np.float32)
        if added:
            vectors = np.vstack([vectors, embed_texts([node.text for node in added])])
        by_text = dict(zip(asked, embed_queries(asked), strict=True))
        return _Dense([*self._nodes, *added], vectors, by_text, self._depth)

    def reranker(self, wrap: Callable[[PairScorer], PairScorer] = lambda scorer: scorer) -> CrossEncoderRerank:
        """The reranker with its defaults, over a wrapped scorer."""
        scorer = self._scorer or remember(load_scorer(OFFLINE))
        return CrossEncoderRerank(scorer=wrap(scorer), model=OFFLINE, top_n=SHOWN)


class Retrieval:
    """A collection's legs and reranker, asked as the gate would ask them.

    Args:
        task: the collection.
        candidates: passages that the cross-encoder reads.
        scorer: the cross-encoder; None takes the offline one, with its pair scores kept on disk.
        linked: follow what the first passages name.
    """

    def __init__(
        self, task: Task, *, candidates: int = CANDIDATES, scorer: PairScorer | None = None, linked: bool = False
    ) -> None:
        self._candidates, self._linked = candidates, linked
        self.collection = Collection(task, scorer=scorer)
        self.reranker = self.collection.reranker()

    def cases(self, questions: Sequence[Question]) -> list[Case]:
        """What the gate would know about each question."""
        dense = self.collection.dense(question.text for question in questions)
        shown = track(questions, "asking", console=Console(stderr=True), transient=True)
        legs = {"dense": dense, "bm25": self.collection.bm25}
        return [self.case(question, legs) for question in shown]

    def case(self, question: Question, legs: Mapping[str, BaseRetriever]) -> Case:
        """What the gate would know about a question that is asked of these legs."""
        retriever = self._retriever(legs, question.removed)
        with tracing() as trace:
            candidates = retriever.retrieve(question.text)[: self._candidates]
            hits = self.reranker.postprocess_nodes(candidates, query_str=question.text)
        evidence = gather(
            question.text,
            passages_of(hits),
            trace.records,
            candidates={hit.node.node_id: text_of(hit) for hit in candidates},
            statistics=self.collection.statistics,
        )
        reranked = next(record for record in reversed(trace.records) if isinstance(record, RerankRecord))
        left = question.gold - question.removed
        return Case(
            question, evidence, not left.isdisjoint(hit.node_id for hit in hits), _ndcg(list(reranked.scores), left)
        )

    def _retriever(self, legs: Mapping[str, BaseRetriever], removed: frozenset[str]) -> BaseRetriever:
        hybrid = HybridFusionRetriever(
            {name: _Without(leg, removed) for name, leg in legs.items()},
            alpha=DEFAULT_ALPHA,
            similarity_top_k=DEPTH if self._linked else self._candidates,  # a link moves up what is further down
        )
        return LinkedRetriever(hybrid, self.collection.without(removed)) if self._linked else hybrid

    def write_questions(self, number: int) -> list[AskedRow]:
        """Questions written from the documents, with their passage and without it, and far ones, as they are asked."""
        questions = write_questions(self.collection.passages, self.collection.statistics, number=number)
        far = far_questions()[:number]
        dense = self.collection.dense([*(question.text for question in questions), *far])
        retriever = HybridFusionRetriever(
            {"dense": dense, "bm25": self.collection.bm25}, similarity_top_k=self._candidates
        )
        return Pipeline(retriever, [self.reranker], self.collection.statistics).rows(questions, far, lambda _: None)


class _Dense(ExactDenseRetriever):
    """A dense leg that shows its vectors and names its model, as one over an index in memory does."""

    model_name = OFFLINE

    def node_vectors(self, node_ids: Iterable[str]) -> dict[str, Sequence[float]]:
        """Vectors by node id."""
        return {node_id: self._vectors[self._rows[node_id]].tolist() for node_id in node_ids}

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        query_bundle.embedding = self._query_vectors[query_bundle.query_str].tolist()
        return super()._retrieve(query_bundle)


class _Without(BaseRetriever):
    """A leg over a collection that some documents were taken out of before anything else could see them."""

    def __init__(self, leg: BaseRetriever, removed: frozenset[str]) -> None:
        super().__init__()
        self._leg, self._removed = leg, removed
        if isinstance(leg, HoldsVectors):
            self.node_vectors = leg.node_vectors
        self.model_name = model_of(leg)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [hit for hit in self._leg.retrieve(query_bundle) if hit.node_id not in self._removed][:DEPTH]


def _ndcg(ranking: Sequence[str], gold: frozenset[str]) -> float:
    gains = [1.0 / np.log2(place + 1) for place, id_ in enumerate(ranking[:10], start=1) if id_ in gold]
    ideal = sum(1.0 / np.log2(place + 1) for place in range(1, min(10, len(gold)) + 1))
    return float(sum(gains) / ideal) if ideal else 0.0
