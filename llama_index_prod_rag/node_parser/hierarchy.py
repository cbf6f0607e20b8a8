"""Relations between nodes: neighbours in a document, and sections above the chunks they were cut into."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from llama_index.core.schema import BaseNode, NodeRelationship, RelatedNodeInfo, TextNode

from llama_index_prod_rag.chunking.units import Unit
from llama_index_prod_rag.structure.tree import Block


def link_neighbors(nodes: Sequence[BaseNode]) -> None:
    """Set PREVIOUS and NEXT between chunks that follow each other in one document; sections above them have none."""
    chunks = [node for node in nodes if NodeRelationship.CHILD not in node.relationships]
    for before, after in pairwise(chunks):
        if before.ref_doc_id == after.ref_doc_id:
            before.relationships[NodeRelationship.NEXT] = after.as_related_node_info()
            after.relationships[NodeRelationship.PREVIOUS] = before.as_related_node_info()


def cut_sections(units: Sequence[Unit]) -> list[tuple[Block, ...]]:
    """Find the titled blocks that did not stay whole, each with the blocks around it, outermost first."""
    found: dict[int, tuple[Block, ...]] = {}
    for unit in units:
        for depth, block in enumerate(unit.owners, start=1):
            if block.title is not None and (block.start, block.end) != (unit.start, unit.end):
                found.setdefault(id(block), unit.owners[:depth])
    return list(found.values())


def link_family(sections: Sequence[TextNode], chunks: Sequence[TextNode]) -> list[TextNode]:
    """Set PARENT and CHILD from the spans: a node's parent is the innermost section that holds all of it.

    Returns:
        The sections that have children, in reading order.
    """
    order = sorted([*sections, *chunks], key=lambda node: (_start(node), -_end(node)))
    above = {id(section) for section in sections}
    children: dict[str, list[RelatedNodeInfo]] = {}
    opened: list[TextNode] = []
    for node in order:
        while opened and _end(opened[-1]) <= _start(node):
            opened.pop()
        parent = next((section for section in reversed(opened) if _end(section) >= _end(node)), None)
        if parent is not None:
            node.relationships[NodeRelationship.PARENT] = parent.as_related_node_info()
            children.setdefault(parent.node_id, []).append(node.as_related_node_info())
        if id(node) in above:
            opened.append(node)
    for section in sections:
        if section.node_id in children:
            section.relationships[NodeRelationship.CHILD] = list(children[section.node_id])
    return [section for section in order if section.node_id in children]


def _start(node: TextNode) -> int:
    return node.start_char_idx or 0


def _end(node: TextNode) -> int:
    return node.end_char_idx or 0
