"""Create an index with a sensible mapping, and fill it: nothing is lost in silence.

The client library's bulk helpers retry rejected documents but end at a lost connection, without saying which documents
are in. Here every document ends up indexed or in the report, whatever happens to the server. Documents are written
under their node's id, so sending one twice is harmless.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from llama_index.core.schema import MetadataMode

from llama_index_prod_rag.errors import ConfigurationError, InputError, RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch.client import call, explain, translate, with_remedy
from llama_index_prod_rag.retrievers.elasticsearch.documents import node_document
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body, Similarity
from llama_index_prod_rag.retrievers.elasticsearch.responses import root_reason
from llama_index_prod_rag.retrievers.elasticsearch.steps import Steps, arun, client_call, embed_texts, pause, run

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.schema import BaseNode

_logger = logging.getLogger(__name__)

_WORTH_ANOTHER_TRY = frozenset({429, 502, 503, 504})


def index_definition(
    dims: int,
    *,
    analyzer: str = "english",
    text_field: str = "content",
    title_field: str = "title",
    vector_field: str = "embedding",
    similarity: Similarity = "cosine",
    metadata: Mapping[str, Body] | None = None,
) -> Body:
    """Mappings of an index for hybrid retrieval; also right for LlamaIndex's `ElasticsearchStore`.

    Title and text share one analyser, which is what lets `cross_fields` and `combined_fields` treat them as one field.
    Vectors are searched as int8 in an HNSW graph. Metadata strings are keywords without a length limit, so that
    filters see them whole, and numbers keep double precision.

    Args:
        dims: dimensions of the embeddings.
        analyzer: the server's analyser for the language of the texts, such as `"english"` or `"german"`.
        text_field: field for the text.
        title_field: field for the title.
        vector_field: field for the embedding.
        similarity: `"cosine"` unless the embedding model asks for another.
        metadata: mappings of metadata fields that need another type than the first document would give them.

    Raises:
        ConfigurationError: `dims` is not positive.
    """
    if dims < 1:
        raise ConfigurationError(f"an embedding has at least one dimension, not {dims}")
    text: Body = {"type": "text", "analyzer": analyzer}
    hidden: Body = {"type": "keyword", "index": False, "doc_values": False}
    exact: Body = {"type": "keyword"}
    return {
        "mappings": {
            "properties": {
                title_field: text,
                text_field: text,
                vector_field: {
                    "type": "dense_vector",
                    "dims": dims,
                    "index": True,
                    "similarity": similarity,
                    "index_options": {"type": "int8_hnsw", "m": 16, "ef_construction": 100},
                },
                "metadata": {
                    "properties": {
                        "_node_content": hidden,
                        "_node_type": exact,
                        "document_id": exact,
                        "doc_id": exact,
                        "ref_doc_id": exact,
                        **(metadata or {}),
                    }
                },
            },
            "date_detection": False,
            "dynamic_templates": [
                {"strings": {"path_match": "metadata.*", "match_mapping_type": "string", "mapping": exact}},
                {
                    "decimals": {
                        "path_match": "metadata.*",
                        "match_mapping_type": "double",
                        "mapping": {"type": "double"},
                    }
                },
            ],
        }
    }


def create_index(client: Elasticsearch, index: str, definition: Body) -> bool:
    """Create an index, unless it exists.

    Args:
        client: a client that may create indices.
        index: its name.
        definition: from `index_definition`, or your own.

    Returns:
        Whether it was created now; an existing index is left as it is.

    Raises:
        RetrievalError: the server cannot be reached or refuses.
    """
    return run(_create(index, definition), client)


async def acreate_index(client: AsyncElasticsearch, index: str, definition: Body) -> bool:
    """`create_index` with an asynchronous client."""
    return await arun(_create(index, definition), client)


def _create(index: str, definition: Body) -> Steps[bool]:
    try:
        yield client_call("indices.create", {"index": index, **definition})
    except Exception as error:
        if getattr(error, "message", "") == "resource_already_exists_exception":
            return False
        raise translate(error) from error
    return True


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the documents.

    Attributes:
        indexed: number of documents that the server acknowledged.
        failed: node id -> why it is not in the index.
        retries: number of times a batch, or a part of one, was sent again.
    """

    indexed: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    retries: int = 0

    def raise_for_failures(self) -> None:
        """Raise if anything failed.

        Raises:
            InputError: some documents are not in the index.
        """
        if self.failed:
            node_id, reason = next(iter(self.failed.items()))
            raise InputError(f"{len(self.failed)} documents were not indexed; the first, {node_id}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """How documents are written.

    Attributes:
        text_field: field for the text.
        title_field: field for `node.metadata["title"]`; None keeps it in the metadata alone.
        vector_field: field for the embedding.
        embed_model: embeds nodes that have no embedding; without one they are reported as failed.
        batch_size: documents in a request, at most.
        batch_bytes: bytes in a request, roughly, at most; the server refuses requests over 100 MB.
        max_retries: times a rejected document is sent again before it counts as failed.
        backoff: seconds before the first retry; they double with each one, up to 30.
        on_progress: called after each request with the documents indexed and failed so far.
    """

    text_field: str = "content"
    title_field: str | None = "title"
    vector_field: str = "embedding"
    embed_model: BaseEmbedding | None = None
    batch_size: int = 500
    batch_bytes: int = 10_000_000
    max_retries: int = 8
    backoff: float = 0.5
    on_progress: Callable[[int, int], None] | None = None


def ingest(
    client: Elasticsearch, index: str, nodes: Iterable[BaseNode], options: IngestOptions | None = None
) -> IngestReport:
    """Write nodes into an index, and make them searchable.

    An overloaded server (429) and a lost connection are waited for, longer each time; the nodes themselves are left
    unchanged. Nodes are read one batch at a time, so an iterator over a large collection is fine.

    Args:
        client: a client that may write to the index.
        index: its name; it must exist, since the server would otherwise invent a mapping without vectors.
        nodes: nodes with embeddings, or with an `embed_model` in the options.
        options: field names, batches, retries, progress.

    Returns:
        What was indexed, and what was not, with the reason. Call `raise_for_failures()` on it to insist on all.

    Raises:
        RetrievalError: the index does not exist or cannot be refreshed.
    """
    return run(_ingest(index, nodes, options or IngestOptions()), client)


async def aingest(
    client: AsyncElasticsearch, index: str, nodes: Iterable[BaseNode], options: IngestOptions | None = None
) -> IngestReport:
    """`ingest` with an asynchronous client; the event loop stays free while the server writes."""
    return await arun(_ingest(index, nodes, options or IngestOptions()), client)


def _ingest(index: str, nodes: Iterable[BaseNode], options: IngestOptions) -> Steps[IngestReport]:
    if not (yield from call("indices.exists", index=index)):
        raise RetrievalError(f"no such index [{index}]: create it first, with create_index(...)")
    indexed, retries, failed = 0, 0, dict[str, str]()
    for batch in _batches(nodes, options.batch_size):
        documents = yield from _documents(batch, options, failed)
        for part in _parts(documents, options.batch_bytes):
            reasons, again = yield from _write(index, part, options)
            indexed += len(part) - len(reasons)
            retries += again
            failed.update(reasons)
            if options.on_progress is not None:
                options.on_progress(indexed, len(failed))
    if failed:
        _logger.warning("%d of %d documents were not indexed into %s", len(failed), indexed + len(failed), index)
    yield from call("indices.refresh", index=index)
    return IngestReport(indexed, failed, retries)


def _batches(nodes: Iterable[BaseNode], size: int) -> Iterator[list[BaseNode]]:
    iterator = iter(nodes)
    while batch := list(islice(iterator, size)):
        yield batch


def _documents(batch: Sequence[BaseNode], options: IngestOptions, failed: dict[str, str]) -> Steps[dict[str, str]]:
    """JSON by node id; nodes that cannot be embedded go to `failed`."""
    bare = [node for node in batch if node.embedding is None]
    vectors: dict[str, list[float]] = {}
    if bare and options.embed_model is not None:
        try:
            found = yield embed_texts(
                options.embed_model, [node.get_content(metadata_mode=MetadataMode.EMBED) for node in bare]
            )
            vectors = dict(zip((node.node_id for node in bare), found, strict=True))
        except Exception as error:
            failed.update({node.node_id: f"could not be embedded: {error!r}" for node in bare})
    elif bare:
        failed.update({node.node_id: "has no embedding: embed it, or give an embed_model" for node in bare})
    documents = {}
    for node in batch:
        if node.node_id in failed:
            continue
        document = node_document(
            node, text_field=options.text_field, title_field=options.title_field, vector_field=options.vector_field
        )
        document.setdefault(options.vector_field, vectors.get(node.node_id))
        documents[node.node_id] = json.dumps(document, ensure_ascii=False)
    return documents


def _parts(documents: Mapping[str, str], limit: int) -> Iterator[dict[str, str]]:
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


def _write(index: str, documents: Mapping[str, str], options: IngestOptions) -> Steps[tuple[dict[str, str], int]]:
    """Reasons by node id for what could not be written, and the number of retries."""
    waiting = dict(documents)
    reasons: dict[str, str] = {}
    for attempt in range(options.max_retries + 1):
        if attempt:
            yield pause(min(30.0, options.backoff * 2.0 ** (attempt - 1)))
        rejected: dict[str, str] = {}
        try:
            response = yield client_call("bulk", {"operations": _operations(index, waiting)})
        except Exception as error:  # the connection, or the request as a whole
            status = getattr(error, "status_code", 503)
            outcome: dict[str, tuple[int, str | None]] = {node_id: (status, explain(error)) for node_id in waiting}
        else:
            outcome = dict(_item_outcome(item) for item in response["items"])
        for node_id, (status, reason) in outcome.items():
            if reason is not None:
                (rejected if status in _WORTH_ANOTHER_TRY else reasons)[node_id] = reason
        waiting = {node_id: waiting[node_id] for node_id in rejected}
        if not waiting:
            return reasons, attempt
    return reasons | rejected, options.max_retries


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
