"""Of several versions of one passage, the one that is meant."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from itertools import combinations
from typing import TypeVar

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore, QueryBundle
from pydantic import Field

from llama_index_prod_rag.text.meant_version import choose, meant_time
from llama_index_prod_rag.text.versions import Stamp, detect_version, similarity, stamp_of
from llama_index_prod_rag.trace.records import leave_out
from llama_index_prod_rag.trace.scored_node import rescore

_MARKS = re.compile(r"\b(?:v|ver|version|rev|revision|release|edition)\b|[\d\W_]+", re.IGNORECASE)

Node = TypeVar("Node", bound=BaseNode)


class NewestVersion(BaseNodePostprocessor):
    """Shows of several versions of one passage the newest, or the one of the time or version that a question names.

    A question that compares versions ("What has changed?") is shown those that it compares.

    Versions are passages whose metadata says that they hold at different times (`date`, `version`, `valid_from`,
    `valid_to`) and that are near duplicates with the same title, or of which one says that it `supersedes` the other
    (by document id, node id or title; then neither needs a date). With titles, the other passages of their documents go
    with them: what only the old version said is not shown either. The one that is shown takes the best place and score
    of its versions; why the others are left out stands in the open trace and in the gate's
    `metadata["prod_rag"]["left_out"]`. Without such metadata nothing changes. What filters excluded never comes here,
    so a version that the asker may not see hides nothing.

    Put it before a reranker, which then has nothing to read twice.

    Attributes:
        similarity: least share of three-word runs that two versions have in common, 0 to 1. At the default, documents
            with one to three changed facts are told to be versions: `python -m benchmarks.whole_question`.
        half_life_days: for news: a passage's score above the lowest one halves with each such span between its date
            and the newest one's, or the time that the question names; None for no decay.
        today: versions that begin later are not in force yet; None for the current day.

    Examples:
        >>> from llama_index.core.schema import TextNode
        >>> fees = {"2020-01-01": 5, "2024-01-01": 9}
        >>> texts = {day: f"A new card costs {fee} euros." for day, fee in fees.items()}
        >>> hits = [NodeWithScore(node=TextNode(text=texts[day], metadata={"date": day})) for day in texts]
        >>> [hit.text for hit in NewestVersion().postprocess_nodes(hits, query_str="What does a card cost?")]
        ['A new card costs 9 euros.']
        >>> [hit.text for hit in NewestVersion().postprocess_nodes(hits, query_str="What did a card cost in 2021?")]
        ['A new card costs 5 euros.']
    """

    similarity: float = Field(default=0.5, ge=0.0, le=1.0)
    half_life_days: float | None = Field(default=None, gt=0.0)
    today: date | None = None

    @classmethod
    def class_name(cls) -> str:
        """Give the name under which LlamaIndex knows the class."""
        return "NewestVersion"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        question = query_bundle.query_str if query_bundle is not None else ""
        stamps = _stamps(nodes)
        if not stamps:
            return nodes
        shown = self._collapse(nodes, stamps, question)
        return shown if self.half_life_days is None else self._decay(shown, question, self.half_life_days)

    def _collapse(self, hits: Sequence[NodeWithScore], stamps: dict[int, Stamp], question: str) -> list[NodeWithScore]:
        alike = self._find_alike(hits, stamps)
        place_of, left = {place: place for place in range(len(hits))}, set[int]()
        for group in _families(hits, stamps, alike):
            chosen = choose([stamps[place] for place in group], question, self.today or date.today())  # noqa: DTZ011
            orders = {stamp.order for stamp in chosen}
            meant = [place for place in group if stamps[place].order in orders]
            for place in set(group).difference(meant):
                left.add(place)
                reason = f"the version {stamps[place]} gives way to {hits[meant[0]].node_id} ({chosen[-1]})"
                leave_out(hits[place].node_id, reason)
            for place in meant:
                place_of[place] = min([place, *(other for pair in alike if place in pair for other in pair)])
        shown = sorted(set(place_of) - left, key=lambda place: (place_of[place], place))
        return [
            hits[place] if place_of[place] == place else rescore(hits[place], hits[place_of[place]].score)
            for place in shown
        ]

    def _find_alike(self, hits: Sequence[NodeWithScore], stamps: dict[int, Stamp]) -> list[tuple[int, int]]:
        """Pairs of places whose passages are versions of one."""
        texts = {place: hits[place].node.get_content(MetadataMode.NONE) for place in stamps}
        return [
            (first, second)
            for first, second in combinations(sorted(stamps), 2)
            if stamps[first].order != stamps[second].order
            and (
                _supersedes(hits, stamps, first, second)
                or (
                    _may_be_one(hits[first].node, hits[second].node)
                    and similarity(texts[first], texts[second]) >= self.similarity
                )
            )
        ]

    def _decay(self, hits: list[NodeWithScore], question: str, half_life: float) -> list[NodeWithScore]:
        days = {hit.node_id: stamp.since for hit in hits if (stamp := stamp_of(hit.node.metadata)) and stamp.since}
        if not days:
            return hits
        asked = meant_time(question, self.today or date.today())  # noqa: DTZ011
        around = asked[1] if asked else max(days.values())
        low = min((hit.score or 0.0 for hit in hits), default=0.0)
        decayed = [
            rescore(hit, low + ((hit.score or 0.0) - low) * 0.5 ** (abs((around - days[hit.node_id]).days) / half_life))
            if hit.node_id in days
            else hit
            for hit in hits
        ]
        return sorted(decayed, key=lambda hit: -(hit.score or 0.0))


def detect_versions(documents: Sequence[Node]) -> list[Node]:
    """Copy documents with what their names, front matter and first lines say of their version; metadata goes first.

    Args:
        documents: documents or nodes with `file_path` or `file_name`, as LlamaIndex's readers write them.

    Examples:
        >>> from llama_index.core import Document
        >>> detect_versions([Document(text="Ten days.", metadata={"file_name": "leave-v2.md"})])[0].metadata["version"]
        '2'
    """
    copies = []
    for document in documents:
        name = str(document.metadata.get("file_path") or document.metadata.get("file_name") or "")
        found = detect_version(name, document.get_content(MetadataMode.NONE))
        copies.append(document.model_copy(update={"metadata": {**found, **document.metadata}}))
    return copies


def _stamps(hits: Sequence[NodeWithScore]) -> dict[int, Stamp]:
    """Place -> when the passage holds, of those whose metadata says so, and of those that others supersede."""
    stamps = {place: stamp for place, hit in enumerate(hits) if (stamp := stamp_of(hit.node.metadata))}
    follows = [
        (later, former)
        for later, stamp in stamps.items()
        if stamp.supersedes
        for former, hit in enumerate(hits)
        if stamps.get(former) != stamp and _names(stamp, hit.node)
    ]
    stamps |= {former: Stamp() for _, former in follows if former not in stamps}
    placed, undated = dict(stamps), [pair for pair in follows if stamps[pair[0]].since is None]
    for _ in set(stamps.values()):  # one that follows may be followed itself
        before = dict(placed)
        for later, former in undated:
            placed[later] = placed[later].follow(placed[former])
        if placed == before:
            return placed
    return stamps  # they say that each follows the other


def _families(
    hits: Sequence[NodeWithScore], stamps: dict[int, Stamp], alike: Sequence[tuple[int, int]]
) -> list[list[int]]:
    """Places of what belongs to versions of one: passages that are alike, and what else of titled documents was found.

    A passage that only one version has goes with that version.
    """
    family = {place: place for place in stamps}

    def join(first: int, second: int) -> None:
        joined, into = family[second], family[first]
        if joined != into:
            family.update({place: into for place, one in family.items() if one == joined})

    for pair in alike:
        join(*pair)
    for member in {place for pair in alike for place in pair}:
        for place in stamps:
            if _same_document(hits[member].node, hits[place].node):
                join(member, place)
    groups: dict[int, list[int]] = defaultdict(list)
    for place in sorted(stamps):
        groups[family[place]].append(place)
    return [group for group in groups.values() if len({stamps[place].order for place in group}) > 1]


def _same_document(first: BaseNode, second: BaseNode) -> bool:
    source = first.ref_doc_id
    return source is not None and source == second.ref_doc_id and bool(first.metadata.get("title"))


def _supersedes(hits: Sequence[NodeWithScore], stamps: dict[int, Stamp], place: int, other: int) -> bool:
    return _names(stamps[place], hits[other].node) or _names(stamps[other], hits[place].node)


def _names(stamp: Stamp, node: BaseNode) -> bool:
    known = {node.node_id, node.ref_doc_id, node.metadata.get("title")}
    return any(former in known for former in stamp.supersedes)


def _may_be_one(first: BaseNode, second: BaseNode) -> bool:
    """Whether two nodes can be versions of one: they have no titles that differ in more than numbers."""
    titles = [str(node.metadata.get("title") or "") for node in (first, second)]
    first_, second_ = (_MARKS.sub(" ", title).casefold().split() for title in titles)
    return not all(titles) or first_ == second_
