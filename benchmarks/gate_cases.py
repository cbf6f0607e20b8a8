"""Questions whose evidence is there, and the same kind of questions whose evidence is not, as the gate would see them.

Near: the passages that answer a question are taken out of the collection, or the question was written so that nothing
in it answers. Far: questions asked of another collection. Every list leaves removed passages out altogether: a removed
passage that merely had a low score would leak the label through means and medians.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.pair_scores import remembered
from llama_index_prod_rag.confidence.evidence import Evidence, Passage, gather
from llama_index_prod_rag.confidence.terms import TermStatistics
from llama_index_prod_rag.embedding import embed_texts
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.datasets import Split, load_beir
from llama_index_prod_rag.fusion.rules import ConvexCombination, fuse
from llama_index_prod_rag.models import OFFLINE
from llama_index_prod_rag.postprocessor.blending import blend_with_legs
from llama_index_prod_rag.postprocessor.passages import score_passages
from llama_index_prod_rag.postprocessor.scorers import PairScorer, load_scorer
from llama_index_prod_rag.retrievers.analysis import Analyzer
from llama_index_prod_rag.retrievers.bm25_index import BM25FIndex
from llama_index_prod_rag.trace import LegHit, RerankRecord, RetrievalRecord

DEPTH = 100  # a leg's list
CANDIDATES = 10  # pairs a question: twice what is shown, and a set of 200 questions takes minutes
SHOWN = 5
_BLEND = 0.3  # CrossEncoderRerank's default share of the pair score
_RULE = ConvexCombination("min-max")


@dataclass(frozen=True, slots=True)
class Question:
    """A question asked of a collection.

    Attributes:
        id: unique in its collection.
        text: its words.
        gold: ids of the documents that answer it.
        removed: ids that are taken out of the collection for this question.
        answerable: whether the collection, without what is removed, still has the evidence.
    """

    id: str
    text: str
    gold: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    answerable: bool = True


@dataclass(frozen=True, slots=True)
class Task:
    """A collection and its questions.

    Attributes:
        name: the folder's name.
        documents: id -> text.
        train: questions to calibrate on.
        test: questions to report on.
    """

    name: str
    documents: Mapping[str, str]
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

    documents = {id_: document.full_text for id_, document in load_beir(folder, split="all").documents.items()}
    # A head may see each training question with and without its evidence; a test question has one fate.
    train = [variant for question in questions("train") for variant in (question, _without_gold(question))]
    test = [_without_gold(q) if _hash(f"removed:{q.id}") % 2 else q for q in questions("test")]
    return Task(folder.resolve().name, documents, tuple(train), tuple(test))


def _without_gold(question: Question) -> Question:
    return replace(question, removed=question.gold, answerable=False)


def _question_set(folder: Path, limit: int | None) -> Task:
    documents: dict[str, str] = {}
    questions: list[Question] = []
    for row in _rows(folder / "data.jsonl"):
        ids = {_add(documents, context): context.get("gold") for context in row["contexts"]}
        gold = frozenset(id_ for id_, is_gold in ids.items() if is_gold) if row["answerable"] else frozenset[str]()
        questions.append(Question(row.get("id") or row["query"], row["query"], gold, answerable=row["answerable"]))
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
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def _add(documents: dict[str, str], context: Mapping[str, Any]) -> str:
    text = f"{context.get('title') or ''}\n{context['text']}".strip()
    id_ = hashlib.sha256(text.encode()).hexdigest()[:16]
    documents[id_] = text
    return id_


class Retrieval:
    """Dense and BM25 legs over one collection, fused, reranked and blended as the package does by default."""

    def __init__(self, task: Task, scorer: PairScorer | None = None) -> None:
        self.task = task
        self._ids = list(task.documents)
        self._places = {id_: place for place, id_ in enumerate(self._ids)}
        self._matrix = embed_texts(list(task.documents.values()))
        self._analyzer = Analyzer()
        self._bm25 = BM25FIndex()
        for id_, text in task.documents.items():
            self._bm25.put(id_, [(self._analyzer.terms(text), 1.0)])
        self.statistics = TermStatistics.from_texts(task.documents.values())
        self._scorer = scorer or remembered(load_scorer(OFFLINE))

    def cases(self, questions: Sequence[Question]) -> list[Case]:
        """What the gate would know about each question."""
        vectors = embed_texts([question.text for question in questions])
        return [self._case(question, vector) for question, vector in zip(questions, vectors, strict=True)]

    def _case(self, question: Question, vector: NDArray[np.float32]) -> Case:
        legs = {"dense": self._dense(question, vector), "bm25": self._lexical(question)}
        weights = dict.fromkeys(legs, 1.0 / len(legs))
        fusion = fuse(legs, rule=_RULE, weights=weights)
        candidates = list(fusion.scores)[:CANDIDATES]
        retrieval = RetrievalRecord(
            question.text,
            legs={
                leg: {id_: LegHit(rank, score) for rank, (id_, score) in enumerate(scores.items(), start=1)}
                for leg, scores in legs.items()
            },
            bounds=fusion.bounds,
            weights=weights,
            rule=str(_RULE),
            fused=fusion.scores,
            vectors={id_: self._matrix[self._places[id_]].tolist() for id_ in candidates},
            query_vector=vector.tolist(),
        )
        texts = [self.task.documents[id_] for id_ in candidates]
        logits = dict(zip(candidates, score_passages(self._scorer, question.text, texts).logits, strict=True))
        blended = blend_with_legs(candidates, retrieval, None, _BLEND).scores(logits)
        shown = list(blended)[:SHOWN]
        evidence = gather(
            question.text,
            [Passage(id_, self.task.documents[id_], blended[id_]) for id_ in shown],
            [retrieval, RerankRecord(OFFLINE, logits, blended)],
            candidates={id_: self.task.documents[id_] for id_ in candidates},
            statistics=self.statistics,
        )
        left = question.gold - question.removed
        return Case(question, evidence, bool(left & set(shown)), _ndcg(list(blended), left))

    def _dense(self, question: Question, vector: NDArray[np.float32]) -> dict[str, float]:
        scores = self._matrix @ vector
        order = np.argsort(-scores, kind="stable")[: DEPTH + len(question.removed)]
        found = {self._ids[place]: float(scores[place]) for place in order.tolist()}
        return _kept(found, question.removed)

    def _lexical(self, question: Question) -> dict[str, float]:
        terms = self._analyzer.terms(question.text)
        return _kept(dict(self._bm25.search(terms, DEPTH + len(question.removed))), question.removed)


def _kept(found: Mapping[str, float], removed: frozenset[str]) -> dict[str, float]:
    kept = [(id_, score) for id_, score in found.items() if id_ not in removed]
    return dict(kept[:DEPTH])


def _ndcg(ranking: Sequence[str], gold: frozenset[str]) -> float:
    gains = [1.0 / np.log2(place + 1) for place, id_ in enumerate(ranking[:10], start=1) if id_ in gold]
    ideal = sum(1.0 / np.log2(place + 1) for place in range(1, min(10, len(gold)) + 1))
    return float(sum(gains) / ideal) if ideal else 0.0
