"""Read a passage behind the one that names it: a second hop answers the question with its partner, not alone. Core.

Question and second passage hardly share a word ("When was the director of Ed Wood born?" and a life of Tim Burton); the
first passage is what joins them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llama_index_prod_rag.trace.records import Link

_AROUND = 400  # characters on each side of the mention: a paragraph, so that half of the model's window stays free


def choose_linked(links: Mapping[str, Link], ranked: Sequence[str], most: int) -> dict[str, Link]:
    """Choose the links that are read: those of the best candidates, whose partners are candidates as well.

    Args:
        links: node id -> what names it.
        ranked: ids of the candidates, best first.
        most: pairs that the model reads.

    Examples:
        >>> choose_linked({"b": Link("a", 1.0), "c": Link("gone", 1.0)}, ["c", "a", "b"], most=4)
        {'b': Link(partner='a', strength=1.0, start=0)}
    """
    known = set(ranked)
    read = [node for node in ranked if node in links and links[node].partner in known]
    return {node: links[node] for node in read[:most]}


def cut_around(text: str, start: int) -> str:
    """Cut a text to whole words around a place in it.

    Examples:
        >>> cut_around("Directed by Tim Burton.", 12)
        'Directed by Tim Burton.'
        >>> len(cut_around("word " * 1000, 2500)) <= 800
        True
    """
    first, last = max(0, start - _AROUND), start + _AROUND
    if first:
        first = text.find(" ", first, start) + 1 or first
    if last < len(text):
        last = max(text.rfind(" ", start, last), start) or last
    return text[first:last].strip()


def count_joint(logits: Mapping[str, float], joint: Mapping[str, float], links: Mapping[str, Link]) -> dict[str, float]:
    """Keep the logits of pairs that say more than both of their passages alone.

    Args:
        logits: node id -> the model's output for the passage alone.
        joint: node id -> its output for the passage behind its partner.
        links: node id -> what names it.

    Examples:
        >>> count_joint({"a": 3.0, "b": -9.0, "c": -9.0}, {"b": 5.0, "c": 2.0}, {"b": Link("a", 1), "c": Link("a", 1)})
        {'b': 5.0}
    """
    return {node: logit for node, logit in joint.items() if logit > max(logits[node], logits[links[node].partner])}
