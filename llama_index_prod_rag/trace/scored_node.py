"""`NodeWithScore` with a reference to the records that explain its score."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.schema import NodeWithScore
from pydantic import Field

from llama_index_prod_rag.trace.records import Record, RerankRecord, RetrievalRecord


class ScoredNode(NodeWithScore):
    """A hit whose records travel with it.

    It is a `NodeWithScore` to everybody else: same class name, and JSON does not show the records. They survive stock
    query engines, streaming, pickling, deep copies and `model_copy`; a postprocessor that builds new hits loses them,
    and then only an open trace (`llama_index_prod_rag.tracing`) still has them.

    Attributes:
        retrieval: the retriever call this hit came from.
        rerank: the reranker call that last scored it.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> record = RetrievalRecord("q", fused={"n": 0.5})
        >>> hit = ScoredNode(node=TextNode(text="a", id_="n"), score=0.5, retrieval=record)
        >>> hit.retrieval.fused["n"], "retrieval" in hit.to_dict()
        (0.5, False)
    """

    retrieval: RetrievalRecord | None = Field(default=None, exclude=True, repr=False)
    rerank: RerankRecord | None = Field(default=None, exclude=True, repr=False)

    @classmethod
    def class_name(cls) -> str:
        """The base class's name: serialised hits stay readable by everybody."""
        return NodeWithScore.class_name()


def rescore(
    hit: NodeWithScore,
    score: float | None,
    *,
    retrieval: RetrievalRecord | None = None,
    rerank: RerankRecord | None = None,
) -> NodeWithScore:
    """A copy of a hit with another score, the input untouched.

    A subclass that is not ours keeps its class and fields, and then carries no record; the trace still has it.

    Args:
        hit: what came in.
        score: the new score.
        retrieval: record to attach; None keeps the one the hit already carries.
        rerank: record to attach; None keeps the one the hit already carries.
    """
    if isinstance(hit, ScoredNode):
        update: dict[str, object] = {"score": score}
        if retrieval is not None:
            update["retrieval"] = retrieval
        if rerank is not None:
            update["rerank"] = rerank
        return hit.model_copy(update=update)
    if type(hit) is NodeWithScore:
        return ScoredNode(node=hit.node, score=score, retrieval=retrieval, rerank=rerank)
    return hit.model_copy(update={"score": score})


def carried_records(hits: Sequence[NodeWithScore]) -> list[Record]:
    """Records that hits carry, retrievals first, each once, in hit order."""
    ours = [hit for hit in hits if isinstance(hit, ScoredNode)]
    records: list[Record] = [hit.retrieval for hit in ours if hit.retrieval is not None]
    records += [hit.rerank for hit in ours if hit.rerank is not None]
    return list({id(record): record for record in records}.values())
