"""Stands behind every postprocessor of a gate with an access policy: nothing that they fetched goes round it."""

from __future__ import annotations

import logging

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import Field

from llama_index_prod_rag.retrievers.access import AccessPolicy
from llama_index_prod_rag.retrievers.filters import passing

_log = logging.getLogger(__name__)


class AccessCheck(BaseNodePostprocessor):
    """Drops what the one who asks may not see: neighbours, parents and merged nodes come from the docstore unfiltered.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> from llama_index_prod_rag.retrievers.access import Principal, acting_as
        >>> nodes = [TextNode(text=group, metadata={"groups": [group]}) for group in ("staff", "board")]
        >>> with acting_as(Principal(groups=["staff"])):
        ...     hits = [NodeWithScore(node=node) for node in nodes]
        ...     [hit.text for hit in AccessCheck(policy=AccessPolicy()).postprocess_nodes(hits)]
        ['staff']
    """

    policy: AccessPolicy = Field(description="Who may see what.")

    @classmethod
    def class_name(cls) -> str:
        """Give the component's name in LlamaIndex's serialized form."""
        return "AccessCheck"

    def _postprocess_nodes(
        self,
        nodes: list[NodeWithScore],
        query_bundle: QueryBundle | None = None,  # noqa: ARG002 - LlamaIndex's signature
    ) -> list[NodeWithScore]:
        left = passing(nodes, self.policy.filters(self.policy.principal()))
        if len(left) < len(nodes):
            _log.info("%d passages that a postprocessor added were taken out again: no access", len(nodes) - len(left))
        return left
