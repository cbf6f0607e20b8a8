"""Leg weights for one's own documents: labelled questions, retrieved and reranked, tuned."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import BaseNode

from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.names import Names
from llama_index_prod_rag.evaluation.tuning_study import labeled_query, mean_default
from llama_index_prod_rag.fusion.rules import FusionRule, parse_rule
from llama_index_prod_rag.fusion.tuning import PRIOR, LabeledQuery, Tuning, tune_weights
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.trace.scored_node import ScoredNode

_log = logging.getLogger(__name__)


def collect_labeled(
    labels: Mapping[str, Mapping[str, int]],
    nodes: Iterable[BaseNode],
    retriever: BaseRetriever,
    reranker: CrossEncoderRerank | None = None,
    *,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[LabeledQuery], FusionRule | str]:
    """Ask every labelled question, and note what each leg said.

    Questions whose labels name nothing are left out, with a warning.

    Args:
        labels: question -> name of what is relevant -> grade; names as in `Names`.
        nodes: every passage of the corpus.
        retriever: a hybrid retriever of this package, or one that keeps its hits.
        reranker: returns every candidate; its pair score becomes a leg.
        progress: called with 1 after each question.

    Returns:
        The labelled queries, and the rule that the retriever fused by, or its name where the retriever keeps it.

    Raises:
        InputError: no label names anything in the corpus, or the retriever's hits carry no record.
    """
    known = _resolve_labels(labels, Names(nodes))
    queries: list[LabeledQuery] = []
    rule: FusionRule | str = ""
    for question, grades in known.items():
        hits = retriever.retrieve(question)
        record = next((hit.retrieval for hit in hits if isinstance(hit, ScoredNode) and hit.retrieval), None)
        rule = record.rule if record is not None else rule
        if reranker is not None and hits:
            hits = reranker.postprocess_nodes(hits, query_str=question)
        queries.append(labeled_query(hits, grades, reranker))
        progress(1)
    if not rule:
        raise InputError("no question brought a hit with a retrieval record: tune a retriever of this package")
    own = getattr(retriever, "rule", None)  # a name would not bring a rule of the user's back
    return queries, own if isinstance(own, FusionRule) else rule


def _resolve_labels(labels: Mapping[str, Mapping[str, int]], names: Names) -> dict[str, dict[str, int]]:
    """Question -> node id -> grade, of the questions that have something relevant in the corpus."""
    relevant = {question: names.relevant(label) for question, label in labels.items()}
    known = {question: grades for question, grades in relevant.items() if any(g > 0 for g in grades.values())}
    if left_out := [question for question in labels if question not in known]:
        named = ", ".join(map(repr, labels[left_out[0]])) or "nothing"
        says = f"{len(left_out)} of {len(labels)} questions name nothing in the documents ({left_out[0]!r}: {named})"
        if not known:
            raise InputError(f"{says}: give ids, file names or paths")
        _log.warning("%s: left out", says)
    return known


def tune_pipeline(
    queries: Sequence[LabeledQuery],
    rule: FusionRule | str,
    *,
    floors: Mapping[str, float] | None = None,
    prior: float = PRIOR,
    seed: int = 0,
) -> Tuning:
    """Tune the weights on the labeled queries that `collect_labeled` brought.

    Args:
        queries: labelled queries.
        rule: what they were fused by, or its name.
        floors: as `fuse` takes them.
        prior: how many labels the default is worth.
        seed: of the resampling.

    Raises:
        InputError: fewer labels than the tuner takes.
    """
    default = mean_default(queries)
    return tune_weights(queries, default=default, rule=parse_rule(rule), floors=floors, prior=prior, seed=seed)
