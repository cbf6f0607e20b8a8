"""How each signal is worked out, from what was measured once per question. Core: numbers and strings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.confidence.evidence import Evidence
from llama_index_prod_rag.trace.records import LegHit

_AGREEMENT_DEPTH = 10
_TEXTBOOK_DEPTH = 5  # the textbook looks at the variance of the top five scores
_DRIFT_DEPTH = 3  # and at the similarity of the top three passages


@dataclass(frozen=True)
class Measured:
    """One question's evidence, and what several signals share of it.

    Attributes:
        evidence: passages and records, from `gather`; at least one passage.
    """

    evidence: Evidence

    @cached_property
    def leg_scores(self) -> dict[str, list[float]]:
        """List each leg's raw scores in falling order, duplicates left out; legs without a hit are not there.

        Nor are those whose scores were distances or a mere order: they are on no scale that was ever labelled.
        """
        duplicates = self.evidence.duplicates
        readings = self.evidence.retrieval.readings if self.evidence.retrieval else {}
        scores = {
            leg: _sort_descending(hit.score for id_, hit in hits.items() if id_ not in duplicates)
            for leg, hits in legs_of(self.evidence).items()
            if leg not in readings
        }
        return {leg: falling for leg, falling in scores.items() if falling}

    @cached_property
    def logits(self) -> dict[str, float]:
        """List the cross-encoder's finite logits by node id, duplicates left out.

        A passage with rows, records or lines counts as its best one does, where that says more than the whole; one that
        another names, as both do together, where that says more than each of them.
        """
        rerank, duplicates = self.evidence.rerank, self.evidence.duplicates
        if rerank is None:
            return {}
        more = (rerank.pieces, rerank.joint)
        logits = {id_: max(value, *(one.get(id_, value) for one in more)) for id_, value in rerank.logits.items()}
        return {id_: value for id_, value in logits.items() if id_ not in duplicates and math.isfinite(value)}

    @cached_property
    def pair_scores(self) -> list[float]:
        """Sort the logits in falling order."""
        return _sort_descending(self.logits.values())

    @cached_property
    def shown(self) -> list[float]:
        """List the scores of the passages as shown, in their order."""
        return [passage.score for passage in self.evidence.passages if passage.score is not None]

    @cached_property
    def coverage(self) -> tuple[float, float, float] | None:
        """Share of the question's terms in the first passage, the best one, and all together."""
        return self._shares(dict.fromkeys(self.evidence.wanted, 1.0))

    @cached_property
    def rarity(self) -> tuple[float, float, float] | None:
        """The same, each term weighted by how rare it is in the corpus."""
        statistics = self.evidence.statistics
        if statistics is None:
            return None
        return self._shares({term: statistics.rarity(term) for term in self.evidence.wanted})

    def _shares(self, weights: Mapping[str, float]) -> tuple[float, float, float] | None:
        total = math.fsum(weights.values())
        if not total > 0:
            return None

        def share(have: frozenset[str]) -> float:
            return math.fsum(weights[term] for term in weights.keys() & have) / total

        found = self.evidence.terms
        return share(found[0]), max(map(share, found)), share(frozenset().union(*found))

    @cached_property
    def unmentioned(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Find names and numbers of the question that no passage mentions."""
        return self.evidence.find_unmentioned()

    @cached_property
    def directions(self) -> NDArray[np.float64]:
        """Scale the passages' embeddings to rows of length 1."""
        return _unit(np.asarray(vectors_of(self.evidence), dtype=np.float64))


def legs_of(evidence: Evidence) -> Mapping[str, Mapping[str, LegHit]]:
    """List what each leg returned; empty without a record."""
    return evidence.retrieval.legs if evidence.retrieval else {}


def vectors_of(evidence: Evidence) -> list[Sequence[float]]:
    """Embeddings of the passages that have one, on themselves or in the record, as long as the first: by one model."""
    stored = evidence.retrieval.vectors if evidence.retrieval else {}
    found = (passage.vector if passage.vector is not None else stored.get(passage.id) for passage in evidence.passages)
    vectors = [vector for vector in found if vector is not None]
    return [vector for vector in vectors if len(vector) == len(vectors[0])]


def _measure_each_leg(
    shape: Callable[[Sequence[float]], float], *, least: int
) -> Callable[[Measured], dict[str, float]]:
    """The shape of each leg's list that has at least so many scores."""

    def by_leg(measured: Measured) -> dict[str, float]:
        return {leg: shape(scores) for leg, scores in measured.leg_scores.items() if len(scores) >= least}

    return by_leg


def _gap(scores: Sequence[float]) -> float:
    return scores[0] - scores[1]


def _lift(scores: Sequence[float]) -> float:
    return scores[0] - median(scores)


def _peak(scores: Sequence[float]) -> float:
    spread = math.sqrt(_variance(scores))
    return (scores[0] - fmean(scores)) / spread if spread > 0 else 0.0


def _entropy(scores: Sequence[float]) -> float:
    low, total = scores[-1], math.fsum(score - scores[-1] for score in scores)
    if not total > 0:
        return 1.0
    shares = [(score - low) / total for score in scores]
    return -math.fsum(share * math.log(share) for share in shares if share > 0) / math.log(len(scores))


def _variance(scores: Sequence[float]) -> float:
    # The standard library's is exact arithmetic on fractions, and costs more than all other signals together.
    mean = fmean(scores)
    return math.fsum((score - mean) ** 2 for score in scores) / len(scores)


leg_top = _measure_each_leg(lambda scores: scores[0], least=1)
leg_gap = _measure_each_leg(_gap, least=2)
leg_lift = _measure_each_leg(_lift, least=2)
leg_peak = _measure_each_leg(_peak, least=2)
leg_entropy = _measure_each_leg(_entropy, least=2)


def agreement(measured: Measured) -> float | None:
    """Share of the top ten that each pair of legs has in common."""
    legs = list(legs_of(measured.evidence).values())
    if len(legs) < 2:
        return None
    tops = [{id_ for id_, hit in hits.items() if hit.rank <= _AGREEMENT_DEPTH} for hits in legs]
    return fmean(len(a & b) / max(1, min(_AGREEMENT_DEPTH, len(a | b))) for a, b in combinations(tops, 2))


def agreement_on_first(measured: Measured) -> float | None:
    """Mean over legs of 1 / rank of the passage shown first."""
    legs, first = list(legs_of(measured.evidence).values()), measured.evidence.passages[0].id
    return fmean(1.0 / hits[first].rank if first in hits else 0.0 for hits in legs) if len(legs) > 1 else None


def shown_variance(measured: Measured) -> float | None:
    """Measure the variance of the top five scores as shown."""
    return _variance(measured.shown[:_TEXTBOOK_DEPTH]) if len(measured.shown) > 1 else None


def shown_gap(measured: Measured) -> float | None:
    """Measure how far the first score lies above the second, as shown."""
    return measured.shown[0] - measured.shown[1] if len(measured.shown) > 1 else None


def pair_top(measured: Measured) -> float | None:
    """Find the highest logit that the cross-encoder gave a passage."""
    return measured.pair_scores[0] if measured.pair_scores else None


def pair_gap(measured: Measured) -> float | None:
    """Measure how far the highest logit lies above the second-highest."""
    return _gap(measured.pair_scores) if len(measured.pair_scores) > 1 else None


def pair_lift(measured: Measured) -> float | None:
    """Measure how far the highest logit lies above the median."""
    return _lift(measured.pair_scores) if len(measured.pair_scores) > 1 else None


def pair_third(measured: Measured) -> float | None:
    """Find the third-highest logit that the cross-encoder gave a passage."""
    return measured.pair_scores[2] if len(measured.pair_scores) > 2 else None


def pair_low(measured: Measured) -> float | None:
    """Find the lowest logit that the cross-encoder gave a passage."""
    return measured.pair_scores[-1] if len(measured.pair_scores) > 1 else None


def pair_rank_change(measured: Measured) -> float | None:
    """How far down the fused list the cross-encoder's favorite was."""
    fused = measured.evidence.retrieval.fused if measured.evidence.retrieval else {}
    favorite = max(measured.logits, key=lambda id_: measured.logits[id_], default=None)
    if favorite is None or favorite not in fused:
        return None
    duplicates = measured.evidence.duplicates
    return math.log2(1 + sum(score > fused[favorite] for id_, score in fused.items() if id_ not in duplicates))


def coverage_first(measured: Measured) -> float | None:
    """Measure the share of the question's terms that the first passage holds."""
    return measured.coverage[0] if measured.coverage else None


def coverage_best(measured: Measured) -> float | None:
    """Measure the highest share of the question's terms that one passage holds."""
    return measured.coverage[1] if measured.coverage else None


def coverage_all(measured: Measured) -> float | None:
    """Measure the share of the question's terms that all passages together hold."""
    return measured.coverage[2] if measured.coverage else None


def rarity_first(measured: Measured) -> float | None:
    """Measure `coverage_first` with each term weighted by its rarity in the corpus."""
    return measured.rarity[0] if measured.rarity else None


def rarity_best(measured: Measured) -> float | None:
    """Measure `coverage_best` with each term weighted by its rarity in the corpus."""
    return measured.rarity[1] if measured.rarity else None


def rarity_all(measured: Measured) -> float | None:
    """Measure `coverage_all` with each term weighted by its rarity in the corpus."""
    return measured.rarity[2] if measured.rarity else None


def missing_names(measured: Measured) -> float:
    """Count the names of the question that no passage mentions."""
    return len(measured.unmentioned[0])


def missing_numbers(measured: Measured) -> float:
    """Count the numbers of the question that no passage mentions."""
    return len(measured.unmentioned[1])


def similarity_passages(measured: Measured) -> float:
    """Measure the mean cosine similarity between the top three passages."""
    top = measured.directions[:_DRIFT_DEPTH]
    return float((top @ top.T)[np.triu_indices(len(top), 1)].mean())


def similarity_query(measured: Measured) -> float | None:
    """Measure the cosine similarity between the question and the center of the passages, of one model's vectors."""
    query = measured.evidence.retrieval.query_vector if measured.evidence.retrieval else None
    if query is None or len(query) != measured.directions.shape[1]:
        return None
    center = _unit(measured.directions.mean(axis=0, keepdims=True))[0]
    return float(center @ _unit(np.asarray([query], dtype=np.float64))[0])


def entailment_best(measured: Measured) -> float | None:
    """Find the best probability of entailment, where an NLI model gave one."""
    return measured.evidence.entailment.get("entailment.best")


def contradiction_best(measured: Measured) -> float | None:
    """Find the best probability of a contradiction, where an NLI model gave one."""
    return measured.evidence.entailment.get("contradiction.best")


def judge_answers(measured: Measured) -> float | None:
    """Give what a judge said of the passages, where one was asked."""
    return measured.evidence.ruling


def _unit(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.linalg.norm(matrix, axis=1, keepdims=True)
    return np.divide(matrix, np.maximum(lengths, 1e-12))


def _sort_descending(scores: Iterable[float]) -> list[float]:
    return sorted((score for score in scores if math.isfinite(score)), reverse=True)
