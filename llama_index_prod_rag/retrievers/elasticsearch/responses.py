"""What a search answered, as pure functions: hits with their vectors, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Hit:
    """Holds one document of the server's answer to a search.

    Attributes:
        id: the document's `_id`; with its index before it where two indices have that id (`tell_apart`).
        score: the server's score, not negative.
        source: the document without its vector.
        fields: values by path of the fields that were asked for, as the index sees them.
        index: the index that holds it.
        shared: whether another index has a document of the same `_id`.
    """

    id: str
    score: float
    source: Mapping[str, Any]
    fields: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    index: str = ""
    shared: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """The index, and the document's `_id` in it."""
        return self.index, self.id.removeprefix(f"{self.index}/") if self.shared else self.id


@dataclass(frozen=True, slots=True)
class Answer:
    """One search of a request, answered.

    Attributes:
        hits: best first.
        seconds: the server's own time.
        failed: why there are no hits, or why they are not all there is; None when the search is complete.
        status: HTTP status of this search.
    """

    hits: Sequence[Hit] = ()
    seconds: float = 0.0
    failed: str | None = None
    status: int = 200


def read_answer(response: Mapping[str, Any]) -> Answer:
    """Read the response of one search, or one item of an `_msearch` response.

    Shards that failed and searches that were cut off by their timeout keep the hits they have, with the reason.

    Args:
        response: the JSON object.

    Examples:
        >>> hits = [{"_id": "a", "_score": 2.0, "_source": {"content": "x"}, "fields": {"v": [0.5, 0.5]}}]
        >>> read_answer({"took": 3, "status": 200, "hits": {"hits": hits}}).hits[0].fields["v"]
        [0.5, 0.5]
        >>> read_answer({"status": 429, "error": {"type": "x", "reason": "queue full"}}).failed
        'queue full'
    """
    if "error" in response:
        return Answer(failed=root_reason(response), status=int(response.get("status", 500)))
    hits = [_read_hit(hit) for hit in response["hits"]["hits"]]
    return Answer(hits, response.get("took", 0) / 1000.0, failed=_explain_incomplete(response))


def tell_apart(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """The same answers, in which documents of several indices that share an `_id` have their index before it.

    Examples:
        >>> hits = [Hit("7", 1.0, {}, index="old"), Hit("7", 0.5, {}, index="new"), Hit("8", 0.5, {}, index="new")]
        >>> [hit.id for hit in tell_apart({"bm25": Answer(hits)})["bm25"].hits]
        ['old/7', 'new/7', '8']
    """
    indices: dict[str, set[str]] = {}
    for answer in answers.values():
        for hit in answer.hits:
            indices.setdefault(hit.id, set()).add(hit.index)
    shared = {id_ for id_, names in indices.items() if len(names) > 1}
    if not shared:
        return dict(answers)
    return {
        leg: replace(
            answer,
            hits=[
                replace(hit, id=f"{hit.index}/{hit.id}", shared=True) if hit.id in shared else hit
                for hit in answer.hits
            ],
        )
        for leg, answer in answers.items()
    }


def root_reason(response: Mapping[str, Any]) -> str:
    """The server's own words for what went wrong, the innermost cause that it names.

    Examples:
        >>> root_reason({"error": {"reason": "all shards failed", "root_cause": [{"reason": "no such field"}]}})
        'no such field'
    """
    error = response.get("error")
    if not isinstance(error, Mapping):
        return str(error)
    causes = error.get("root_cause") or [error]
    return str(causes[0].get("reason") or error.get("reason") or error.get("type"))


def _read_hit(hit: Mapping[str, Any]) -> Hit:
    source, fields = hit.get("_source") or {}, hit.get("fields") or {}
    return Hit(hit["_id"], float(hit["_score"]), source, fields, hit.get("_index", ""))


def _explain_incomplete(response: Mapping[str, Any]) -> str | None:
    if response.get("timed_out"):
        return "incomplete: the search ran into its timeout; raise `timeout` or ask for fewer candidates"
    shards = response.get("_shards") or {}
    if shards.get("failed"):
        return f"incomplete: {shards['failed']} of {shards['total']} shards failed; look at the cluster's health"
    return None
