"""What scores, words and vectors say about whether the evidence is there. Core: numbers and strings.

A signal that cannot be had is left out, never guessed: `compute_signals` returns only what was measured, and
`not_assessed` says why the rest is missing. Leg signals carry the leg's name (`dense.top`, `bm25.gap`).

Sources: top score, gap and spread of a ranking as confidence in it: Gisserot-Boukhlef et al., "Towards Trustworthy
Reranking: A Simple yet Effective Abstention Mechanism" (TMLR 2024); normalised deviation and entropy as query
performance predictors: Shtok et al., "Predicting Query Performance by Query-Drift Estimation" (TOIS 2012); coverage
of query terms by idf: Zhao, Scholer, Tsegay, "Effective Pre-retrieval Query Performance Prediction" (ECIR 2008), here
of the passages found; agreement of rankings: Webber, Moffat, Zobel, "A Similarity Measure for Indefinite Rankings"
(TOIS 2010); coherence of the top passages: Diaz, "Performance Prediction Using Spatial Autocorrelation" (SIGIR 2007).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations
from statistics import fmean, median
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.text.terms import TermStatistics

_AGREEMENT_DEPTH = 10
_TEXTBOOK_DEPTH = 5  # the textbook looks at the variance of the top five scores
_DRIFT_DEPTH = 3  # and at the similarity of the top three passages

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "<leg>.top": "the leg's best raw score",
        "<leg>.gap": "best minus second-best raw score of the leg",
        "<leg>.lift": "best minus median raw score of the leg's list",
        "<leg>.peak": "the leg's best score in standard deviations above its list's mean",
        "<leg>.entropy": "entropy of the leg's scores above their minimum, 1 when all are alike",
        "agreement": "share of the top ten that each pair of legs has in common, 0 to 1",
        "agreement_on_first": "mean over legs of 1 / rank of the passage shown first; 0 where a leg did not find it",
        "shown.variance": "variance of the top five scores as shown",
        "shown.gap": "first minus second score as shown",
        "pair.top": "the cross-encoder's highest logit",
        "pair.gap": "highest minus second-highest logit",
        "pair.lift": "highest minus median logit of the candidates",
        "pair.third": "third-highest logit",
        "pair.rank_change": "log2 of the place in the fused list of the cross-encoder's favourite; 0 when they agree",
        "coverage.first": "share of the question's terms in the passage shown first",
        "coverage.best": "highest share of the question's terms in one of the passages shown",
        "coverage.all": "share of the question's terms in all passages shown together",
        "missing.names": "how many of the question's names no passage shown mentions",
        "missing.numbers": "how many of the question's numbers no passage shown mentions",
        "rarity.first": "like coverage.first, each term weighted by how rare it is in the corpus",
        "rarity.best": "like coverage.best, weighted by rarity",
        "rarity.all": "like coverage.all, weighted by rarity",
        "similarity.passages": "mean cosine similarity between the top three passages",
        "similarity.query": "cosine similarity between the question and the centre of the passages shown",
        "entailment.best": "highest probability that one of the top three passages entails the question's words",
        "contradiction.best": "highest probability that one of the top three passages contradicts them",
    }
)
"""What each signal measures; `<leg>` stands for a leg's name."""


def compute_signals(evidence: Evidence) -> dict[str, float]:
    """Every signal that can be had from what is there.

    Args:
        evidence: passages and records, from `gather`.

    Returns:
        Signal name -> finite value. No passages, no signals.

    Examples:
        >>> from llama_index_prod_rag.confidence.evidence import Passage, gather
        >>> compute_signals(gather("wing drag", [Passage("a", "drag of a swept wing")]))["coverage.first"]
        1.0
    """
    if not evidence.passages:
        return {}
    measured: dict[str, float] = {}
    for group in _GROUPS.values():
        measured.update(group(evidence))
    return {name: float(value) for name, value in measured.items() if math.isfinite(value)}


def not_assessed(evidence: Evidence) -> dict[str, str]:
    """Kinds of signals that are missing, each with the reason.

    Examples:
        >>> from llama_index_prod_rag.confidence.evidence import Passage, gather
        >>> sorted(not_assessed(gather("q", [Passage("a", "text")])))
        ['legs', 'pairs', 'rarity', 'vectors']
    """
    why = {
        "legs": ("the retriever left no record of its legs", evidence.retrieval is None or not evidence.retrieval.legs),
        "pairs": ("no cross-encoder left its scores", evidence.rerank is None or not evidence.rerank.logits),
        "rarity": ("no term statistics of the corpus were given", evidence.statistics is None),
        "vectors": ("the passages came without embeddings", len(_vectors(evidence)) < 2),
    }
    return {kind: reason for kind, (reason, missing) in why.items() if missing}


def _leg_signals(evidence: Evidence) -> dict[str, float]:
    legs = evidence.retrieval.legs if evidence.retrieval else {}
    measured: dict[str, float] = {}
    for leg, hits in legs.items():
        scores = _descending(hit.score for id_, hit in hits.items() if id_ not in evidence.duplicates)
        measured.update({f"{leg}.{name}": value for name, value in _shape(scores).items()})
    return measured


def _shape(scores: Sequence[float]) -> dict[str, float]:
    """How a list of scores in falling order stands out at its top."""
    if not scores:
        return {}
    shape = {"top": scores[0]}
    if len(scores) > 1:
        spread = math.sqrt(_variance(scores))
        shape["gap"] = scores[0] - scores[1]
        shape["lift"] = scores[0] - median(scores)
        shape["peak"] = (scores[0] - fmean(scores)) / spread if spread > 0 else 0.0
        shape["entropy"] = _entropy(scores)
    return shape


def _variance(scores: Sequence[float]) -> float:
    # The standard library's is exact arithmetic on fractions, and costs more than all other signals together.
    mean = fmean(scores)
    return math.fsum((score - mean) ** 2 for score in scores) / len(scores)


def _entropy(scores: Sequence[float]) -> float:
    low, total = scores[-1], math.fsum(score - scores[-1] for score in scores)
    if not total > 0:
        return 1.0
    shares = [(score - low) / total for score in scores]
    return -math.fsum(share * math.log(share) for share in shares if share > 0) / math.log(len(scores))


def _agreement_signals(evidence: Evidence) -> dict[str, float]:
    legs = list(evidence.retrieval.legs.values()) if evidence.retrieval else []
    if len(legs) < 2:
        return {}
    tops = [{id_ for id_, hit in hits.items() if hit.rank <= _AGREEMENT_DEPTH} for hits in legs]
    first = evidence.passages[0].id
    return {
        "agreement": fmean(len(a & b) / max(1, min(_AGREEMENT_DEPTH, len(a | b))) for a, b in combinations(tops, 2)),
        "agreement_on_first": fmean(1.0 / hits[first].rank if first in hits else 0.0 for hits in legs),
    }


def _shown_signals(evidence: Evidence) -> dict[str, float]:
    scores = [passage.score for passage in evidence.passages if passage.score is not None]
    if len(scores) < 2:
        return {}
    return {"shown.variance": _variance(scores[:_TEXTBOOK_DEPTH]), "shown.gap": scores[0] - scores[1]}


def _pair_signals(evidence: Evidence) -> dict[str, float]:
    logits = evidence.rerank.logits if evidence.rerank else {}
    ranked = {id_: value for id_, value in logits.items() if id_ not in evidence.duplicates and math.isfinite(value)}
    scores = _descending(ranked.values())
    if not scores:
        return {}
    measured = {"pair.top": scores[0]}
    if len(scores) > 1:
        measured["pair.gap"] = scores[0] - scores[1]
        measured["pair.lift"] = scores[0] - median(scores)
    if len(scores) > 2:
        measured["pair.third"] = scores[2]
    fused = evidence.retrieval.fused if evidence.retrieval else {}
    favourite = max(ranked, key=lambda id_: ranked[id_])
    if favourite in fused:
        place = 1 + sum(score > fused[favourite] for id_, score in fused.items() if id_ not in evidence.duplicates)
        measured["pair.rank_change"] = math.log2(place)
    return measured


def _term_signals(evidence: Evidence) -> dict[str, float]:
    wanted, found = evidence.wanted, evidence.terms
    measured = _coverage("coverage", wanted, found, None)
    if evidence.statistics is not None:
        measured.update(_coverage("rarity", wanted, found, evidence.statistics))
    lost_names, lost_numbers = evidence.unmentioned()
    measured["missing.names"], measured["missing.numbers"] = len(lost_names), len(lost_numbers)
    return measured


def _coverage(
    prefix: str, wanted: frozenset[str], found: Sequence[frozenset[str]], statistics: TermStatistics | None
) -> dict[str, float]:
    weights = {term: 1.0 if statistics is None else statistics.rarity(term) for term in wanted}
    total = math.fsum(weights.values())
    if not total > 0:
        return {}

    def share(have: frozenset[str]) -> float:
        return math.fsum(weights[term] for term in wanted & have) / total

    return {
        f"{prefix}.first": share(found[0]),
        f"{prefix}.best": max(map(share, found)),
        f"{prefix}.all": share(frozenset().union(*found)),
    }


def _vectors(evidence: Evidence) -> list[Sequence[float]]:
    stored = evidence.retrieval.vectors if evidence.retrieval else {}
    found = (passage.vector if passage.vector is not None else stored.get(passage.id) for passage in evidence.passages)
    return [vector for vector in found if vector is not None]


def _vector_signals(evidence: Evidence) -> dict[str, float]:
    vectors = _vectors(evidence)
    if not vectors:
        return {}
    matrix = _unit(np.asarray(vectors, dtype=np.float64))
    measured: dict[str, float] = {}
    if len(matrix) > 1:
        top = matrix[:_DRIFT_DEPTH]
        similarities = (top @ top.T)[np.triu_indices(len(top), 1)]
        measured["similarity.passages"] = float(similarities.mean())
    query = evidence.retrieval.query_vector if evidence.retrieval else None
    if query is not None:
        measured["similarity.query"] = float(
            _unit(matrix.mean(axis=0, keepdims=True))[0] @ _unit(np.asarray([query], dtype=np.float64))[0]
        )
    return measured


def _unit(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.divide(matrix, np.maximum(lengths, 1e-12))


def _entailment_signals(evidence: Evidence) -> dict[str, float]:
    return dict(evidence.entailment)


def _descending(scores: Iterable[float]) -> list[float]:
    return sorted((score for score in scores if math.isfinite(score)), reverse=True)


_GROUPS: Mapping[str, Callable[[Evidence], dict[str, float]]] = {
    "legs": _leg_signals,
    "agreement": _agreement_signals,
    "shown": _shown_signals,
    "pairs": _pair_signals,
    "terms": _term_signals,
    "vectors": _vector_signals,
    "entailment": _entailment_signals,
}
