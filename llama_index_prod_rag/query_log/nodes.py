"""LlamaIndex's hits as the log's plain values."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.schema import NodeWithScore

from llama_index_prod_rag.query_log.record import LoggedPassage


def scores_of(hits: Sequence[NodeWithScore]) -> dict[str, float | None]:
    """Map node ids to scores, in list order; of a node that comes twice, its first place counts."""
    scores: dict[str, float | None] = {}
    for hit in hits:
        scores.setdefault(hit.node.node_id, hit.score)
    return scores


def log_passages(hits: Sequence[NodeWithScore]) -> tuple[LoggedPassage, ...]:
    """List each node's own text and document, each node once."""
    first = {hit.node.node_id: hit.node for hit in reversed(hits)}
    return tuple(
        LoggedPassage(node_id, first[node_id].get_content(), first[node_id].ref_doc_id or "")
        for node_id in scores_of(hits)
    )
