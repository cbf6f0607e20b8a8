"""A dense and a lexical leg's weights from the documents alone: no questions, no labels, no language model.

Questions written from documents use their words, so words alone find them best everywhere, and weights tuned on them
would harm. What carries over is the comparison: the better the dense leg does on written questions beside the lexical
one, the more weight serves people's questions. The line between the two was fitted on train questions of five public
collections; leaving out each in turn, `python -m benchmarks.document_weights` measures what it is worth.

How much a cross-encoder's pair score counts beside the legs is tried on the same questions: another share than the
default is taken where it finds more on questions that were held out, by more than chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from llama_index.core.schema import BaseNode, NodeWithScore

from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.synthetic_questions import write_questions
from llama_index_prod_rag.evaluation.weights import collect_labeled
from llama_index_prod_rag.fusion.rules import FusionRule, parse_rule
from llama_index_prod_rag.fusion.tuning import LabeledQuery, Tuning, WeightTable
from llama_index_prod_rag.postprocessor.blending import CROSS_ENCODER
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.query_engine.sources import passages_of
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.retrievers.legs import model_of
from llama_index_prod_rag.significance import Interval
from llama_index_prod_rag.text.terms import TermStatistics

SLOPE, START = 1.45, -0.44
"""Dense weight = START + SLOPE * strength: least squares over the best weights for train questions of cranfield,
fiqa_mini, scifact, hotpotqa and cosqa (`python -m benchmarks.document_weights`)."""

_LEAST, _MOST = 0.4, 0.9  # no collection that the line was fitted on wanted less or much more
_FEWEST = 15  # questions, as for scales
_STEPS = 20  # of the pair score's share


@dataclass(frozen=True, slots=True)
class DocumentWeights:
    """Holds weights estimated from documents; labels do better, and start from these (`tune_weights(default=...)`).

    Attributes:
        weights: leg -> weight, summing to 1.
        default: the retriever's own.
        strength: nDCG@10 of the dense leg on the written questions, divided by the lexical leg's.
        questions: how many were written.
        share: the pair score's weight beside them, 0 to 1; None without a reranker.
        share_gain: what shares found without a question gain on it, in nDCG@10 over the reranker's own share; the
            share is that one unless this is above 0 by more than chance.
    """

    weights: Mapping[str, float]
    default: Mapping[str, float]
    strength: float
    questions: int
    share: float | None = None
    share_gain: Interval | None = None

    @property
    def reranked(self) -> dict[str, float]:
        """Give the weights that `CrossEncoderRerank(weights=...)` takes; without a share the legs' alone."""
        return dict(self.weights) if self.share is None else beside(self.weights, self.share)

    @property
    def statement(self) -> str:
        """Say in a sentence what was found."""
        return (
            f"On {self.questions} questions written from the documents the dense leg is worth {self.strength:.0%} of "
            f"the lexical one. {self._of_the_share}Estimated, no promise: tune on questions of your own as they come."
        )

    @property
    def _of_the_share(self) -> str:
        if self.share is None or self.share_gain is None:
            return ""
        gain, span = f"{self.share_gain.mean:+.3f}", f"{self.share_gain.low:+.3f} to {self.share_gain.high:+.3f}"
        kept = "" if self.share_gain.low > 0.0 else ", the default, as no other is better within noise"
        return f"The pair score's share is {self.share:.0%}{kept} ({gain} nDCG@10, 95 % interval {span}). "


def weights_from_documents(
    retriever: HybridFusionRetriever,
    nodes: Iterable[BaseNode],
    *,
    reranker: CrossEncoderRerank | None = None,
    questions: int = 80,
    term_statistics: TermStatistics | None = None,
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> DocumentWeights:
    """Estimate a dense and a lexical leg's weights from what the index holds, in one search per question.

    Args:
        retriever: two legs, one of which embeds its queries.
        nodes: what the index holds.
        reranker: returns every candidate; its pair score's share is estimated too, in a second search per question and
            a reading of every candidate: minutes on two processor cores.
        questions: how many to write, at least 15.
        term_statistics: of the nodes; None counts them.
        seed: of the draw.
        progress: called with 1 after each search.

    Raises:
        ConfigurationError: the retriever has other legs.
        InputError: too few passages to write questions from.
    """
    dense, lexical = _two_legs(retriever)
    nodes = list(nodes)
    passages = passages_of([NodeWithScore(node=node) for node in nodes])
    labels = _write_labels(passages, term_statistics, questions, seed)
    queries, rule = collect_labeled(labels, nodes, retriever, progress=progress)
    strength = measure_strength(queries, retriever.weights, rule, dense, floors=retriever.floors)
    weight = weight_of(strength)
    weights = {dense: weight, lexical: 1.0 - weight}
    found = DocumentWeights(weights, dict(retriever.weights), strength, len(queries))
    if reranker is None:
        return found
    queries, rule = collect_labeled(labels, nodes, retriever, reranker, progress=progress)
    tuning = tune_share(queries, weights, rule, share_of(reranker), floors=retriever.floors, seed=seed)
    share = (tuning.weights if tuning.gain.low > 0.0 else tuning.default)[CROSS_ENCODER]
    return replace(found, share=share, share_gain=tuning.gain)


def beside(weights: Mapping[str, float], share: float) -> dict[str, float]:
    """Give the pair score a share, and the legs the rest.

    Examples:
        >>> beside({"dense": 0.5, "bm25": 0.5}, 0.2)
        {'dense': 0.4, 'bm25': 0.4, 'cross_encoder': 0.2}
    """
    return {leg: (1.0 - share) * weight for leg, weight in weights.items()} | {CROSS_ENCODER: share}


def share_of(reranker: CrossEncoderRerank) -> float:
    """Give the share that a reranker's pair score has of itself."""
    if isinstance(reranker.weights, dict):
        return reranker.weights[CROSS_ENCODER] / sum(reranker.weights.values())
    return 1.0 if reranker.weights == CROSS_ENCODER else reranker.blend


def tune_share(
    queries: Sequence[LabeledQuery],
    weights: Mapping[str, float],
    rule: FusionRule | str,
    share: float,
    *,
    floors: Mapping[str, float] | None = None,
    seed: int = 0,
) -> Tuning:
    """Tune the pair score's share alone, the legs' weights among themselves staying as they are.

    Args:
        queries: reranked ones, from `collect_labeled`.
        weights: of the legs.
        rule: what they were fused by, or its name.
        share: the default, towards which few questions are shrunk.
        floors: as `fuse` takes them.
        seed: of the resampling.
    """
    table = WeightTable.build(
        [replace(query, default=None) for query in queries if query.legs],
        default=beside(weights, share),
        rule=rule if isinstance(rule, FusionRule) else parse_rule(rule),
        floors=floors,
        grid=[beside(weights, step / _STEPS) for step in range(_STEPS + 1)],
    )
    return table.tune(np.arange(len(table.values)), seed=seed)


def weight_of(strength: float, *, slope: float = SLOPE, start: float = START) -> float:
    """Give the dense leg's weight for its strength.

    Examples:
        >>> round(weight_of(0.75), 2), weight_of(0.2), weight_of(1.2)
        (0.65, 0.4, 0.9)
    """
    return min(_MOST, max(_LEAST, start + slope * strength))


def measure_strength(
    queries: list[LabeledQuery],
    weights: Mapping[str, float],
    rule: FusionRule | str,
    dense: str,
    *,
    floors: Mapping[str, float] | None = None,
) -> float:
    """Divide the dense leg's nDCG@10 by the other leg's."""
    fused_by = rule if isinstance(rule, FusionRule) else parse_rule(rule)
    found = [query for query in queries if query.legs]
    table = WeightTable.build(found, default=weights, rule=fused_by, floors=floors)
    rows = np.arange(len(found))
    (lexical,) = (leg for leg in table.legs if leg != dense)
    means = {leg: float(table.at(rows, table.only(leg)).mean()) for leg in (dense, lexical)}
    return means[dense] / means[lexical] if means[lexical] > 0 else 1.0


def _two_legs(retriever: HybridFusionRetriever) -> tuple[str, str]:
    embedding = [name for name, leg in retriever.legs.items() if model_of(leg)]
    others = [name for name in retriever.legs if name not in embedding]
    if len(embedding) != 1 or len(others) != 1:
        raise ConfigurationError(
            f"weights from documents need one leg that embeds queries and one that does not, not "
            f"{', '.join(retriever.legs)}: tune on labels with `tune_weights`"
        )
    return embedding[0], others[0]


def _write_labels(
    passages: list[Passage], statistics: TermStatistics | None, number: int, seed: int
) -> dict[str, dict[str, int]]:
    counted = statistics or TermStatistics.from_texts(passage.wording for passage in passages)
    written = write_questions(passages, counted, number=number, seed=seed)
    if len(written) < _FEWEST:
        raise InputError(
            f"questions could be written from {len(written)} of {len(passages)} passages, and {_FEWEST} are needed: "
            "index more text, or label questions of your own"
        )
    return {one.text: dict.fromkeys(one.answering, 1) for one in written}
