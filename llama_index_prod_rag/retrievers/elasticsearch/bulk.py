"""Bulk requests that lose nothing: what fails is sent again, alone, or reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llama_index_prod_rag.calls import Call
from llama_index_prod_rag.retrievers.elasticsearch.failures import explain, with_remedy
from llama_index_prod_rag.retrievers.elasticsearch.responses import root_reason

_WORTH_ANOTHER_TRY = frozenset({429, 502, 503, 504})
# The request as a whole was refused for something in it: a document that is not valid, or too many bytes.
_WORTH_HALVING = frozenset({400, 413})
_LONGEST_ID = 512  # bytes; the server refuses a whole request for one longer id
_LONGEST_PAUSE = 30.0


def unusable_id(node_id: str) -> str | None:
    """Why the server would not take an id; None where it does.

    Examples:
        >>> unusable_id("a" * 600)
        'its id has 600 bytes, and Elasticsearch takes at most 512: give it a shorter one'
    """
    if not node_id:
        return "its id is empty: give it one"
    try:
        size = len(node_id.encode())
    except UnicodeEncodeError:
        return "its id is not valid Unicode: it holds a lone surrogate"
    if size > _LONGEST_ID:
        return f"its id has {size} bytes, and Elasticsearch takes at most {_LONGEST_ID}: give it a shorter one"
    return None


def parts(documents: Mapping[str, str], limit: int) -> Iterator[dict[str, str]]:
    """The documents in parts of at most `limit` characters, a longer document by itself."""
    part: dict[str, str] = {}
    size = 0
    for node_id, document in documents.items():
        if part and size + len(document) > limit:
            yield part
            part, size = {}, 0
        part[node_id] = document
        size += len(document)
    if part:
        yield part


async def write(
    index: str, documents: Mapping[str, str], *, max_retries: int, backoff: float
) -> tuple[dict[str, str], int]:
    """Write documents to an index under their ids with bulk requests, and send again what was turned away.

    Args:
        index: where to.
        documents: id -> JSON.
        max_retries: times a rejected document is sent again.
        backoff: seconds before the first retry; they double with each one.

    Returns:
        Reasons by id for what could not be written, and the number of retries.
    """
    waiting = dict(documents)
    reasons: dict[str, str] = {}
    for attempt in range(max_retries + 1):
        if attempt:
            await Call.pause(min(_LONGEST_PAUSE, backoff * 2.0 ** (attempt - 1)))
        try:
            response = await Call.of_client("bulk", operations=_operations(index, waiting))
        except Exception as error:  # the connection, or the request as a whole
            status = getattr(error, "status_code", 503)
            if status in _WORTH_HALVING and len(waiting) > 1:
                rest, again = await _write_halves(index, waiting, max_retries=max_retries, backoff=backoff)
                return reasons | rest, attempt + again
            outcome: dict[str, tuple[int, str | None]] = dict.fromkeys(waiting, (status, explain(error)))
        else:
            outcome = dict(_item_outcome(item) for item in response["items"])
        rejected: dict[str, str] = {}
        for node_id, (status, reason) in outcome.items():
            if reason is not None:
                (rejected if status in _WORTH_ANOTHER_TRY else reasons)[node_id] = reason
        waiting = {node_id: waiting[node_id] for node_id in rejected}
        if not waiting:
            return reasons, attempt
    return reasons | rejected, max_retries


async def _write_halves(
    index: str, documents: Mapping[str, str], *, max_retries: int, backoff: float
) -> tuple[dict[str, str], int]:
    reasons: dict[str, str] = {}
    retries = 0
    ids, middle = list(documents), len(documents) // 2
    for half in (ids[:middle], ids[middle:]):
        some = {node_id: documents[node_id] for node_id in half}
        found, again = await write(index, some, max_retries=max_retries, backoff=backoff)
        reasons |= found
        retries += 1 + again
    return reasons, retries


def _operations(index: str, documents: Mapping[str, str]) -> list[Any]:
    return [
        line
        for node_id, document in documents.items()
        for line in ({"index": {"_index": index, "_id": node_id}}, document)
    ]


def _item_outcome(item: Mapping[str, Any]) -> tuple[str, tuple[int, str | None]]:
    (result,) = item.values()
    reason = with_remedy(root_reason(result), result["status"]) if "error" in result else None
    return result["_id"], (result["status"], reason)
