"""Fill an index: nothing is lost in silence.

The client library's bulk helpers retry rejected documents but end at a lost connection, without saying which documents
are in. Here every document ends up indexed or in the report, whatever happens to the server. Documents are written
under their node's id, so sending one twice is harmless.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING

from llama_index.core.schema import MetadataMode
from llama_index.core.utils import get_tqdm_iterable

from llama_index_prod_rag.calls import Call, arun, run
from llama_index_prod_rag.errors import InputError, RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch.bulk import parts, unusable_id, write
from llama_index_prod_rag.retrievers.elasticsearch.documents import node_document
from llama_index_prod_rag.retrievers.elasticsearch.embedder_note import note_model
from llama_index_prod_rag.retrievers.elasticsearch.encodable import make_encodable
from llama_index_prod_rag.retrievers.elasticsearch.failures import call
from llama_index_prod_rag.retrievers.elasticsearch.replacing import Replacement, refreshes_held

if TYPE_CHECKING:
    from elasticsearch import AsyncElasticsearch, Elasticsearch
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.schema import BaseNode

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Tells which documents the server took, and why it did not take the others.

    Attributes:
        indexed: number of documents that the server acknowledged.
        failed: node id -> why it is not in the index.
        retries: number of times a batch, or a part of one, was sent again.
        removed: number of old chunks that were removed with `replace=True`.
    """

    indexed: int = 0
    failed: Mapping[str, str] = field(default_factory=dict)
    retries: int = 0
    removed: int = 0

    def raise_for_failures(self) -> None:
        """Raise an error if any document failed to be indexed.

        Raises:
            InputError: some documents are not in the index.
        """
        if self.failed:
            node_id, reason = next(iter(self.failed.items()))
            raise InputError(f"{len(self.failed)} documents were not indexed; the first, {node_id}: {reason}")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestOptions:
    """Holds how documents are written to an index.

    Attributes:
        text_field: field for the text.
        title_field: field for `node.metadata["title"]`; None keeps it in the metadata alone.
        vector_field: field for the embedding.
        embed_model: embeds nodes that have no embedding; without one they are reported as failed. Its name is noted in
            the index's mapping, so that a search with another model is an error rather than nonsense.
        batch_size: documents in a request, at most.
        batch_bytes: bytes in a request, roughly, at most; the server refuses requests over 100 MB.
        max_retries: times a rejected document is sent again before it counts as failed.
        backoff: seconds before the first retry; they double with each one, up to 30.
        on_progress: called after each request with the documents indexed and failed so far.
        show_progress: show a progress bar.
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
    show_progress: bool = False


def ingest(
    client: Elasticsearch,
    index: str,
    nodes: Iterable[BaseNode],
    options: IngestOptions | None = None,
    *,
    replace: bool = False,
) -> IngestReport:
    """Write nodes into an index, and make them searchable.

    An overloaded server (429) and a lost connection are waited for, longer each time; a batch that is refused as a
    whole is halved until the culprit stands alone. The nodes themselves are left unchanged. They are read one batch at
    a time, so an iterator over a large collection is fine.

    Args:
        client: a client that may write to the index.
        index: its name; it must exist, since the server would otherwise invent a mapping without vectors.
        nodes: nodes with embeddings, or with an `embed_model` in the options.
        options: field names, batches, retries, progress.
        replace: the nodes are all there is of their source documents: what else the index holds of a source
            (`ref_doc_id`) is removed. Readers see the old chunks until all new ones are written, then the new ones; see
            `replacing.refreshes_held` for how. A source with a node that failed keeps its old chunks.

    Returns:
        What was indexed, and what was not, with the reason. Call `raise_for_failures()` on it to insist on all.

    Raises:
        ConfigurationError: the index was filled with another `embed_model`; nothing is written.
        RetrievalError: the index does not exist or cannot be refreshed, or old chunks could not be removed.
    """
    return run(_ingest(index, nodes, options or IngestOptions(), replace), client)


async def aingest(
    client: AsyncElasticsearch,
    index: str,
    nodes: Iterable[BaseNode],
    options: IngestOptions | None = None,
    *,
    replace: bool = False,
) -> IngestReport:
    """`ingest` with an asynchronous client; the event loop stays free while the server writes."""
    return await arun(_ingest(index, nodes, options or IngestOptions(), replace), client)


async def _ingest(index: str, nodes: Iterable[BaseNode], options: IngestOptions, replacing: bool) -> IngestReport:
    if not (await call("field_caps", index=index, fields=["_id"], ignore_unavailable=True))["indices"]:
        raise RetrievalError(f"no such index [{index}]: create it first, with create_index(...)")
    await note_model(index, options.vector_field, options.embed_model)
    if not replacing:
        report = await _write_all(index, nodes, options)
        await call("indices.refresh", index=index)
        return report
    replacement = Replacement(index)
    async with refreshes_held(index):
        report = await _write_all(index, replacement.note_sources(nodes), options)
        removed = await replacement.remove_old_chunks(report.failed)
        await call("indices.refresh", index=index)
    return replace(report, removed=removed)


async def _write_all(index: str, nodes: Iterable[BaseNode], options: IngestOptions) -> IngestReport:
    indexed, retries, failed = 0, 0, dict[str, str]()
    for batch in _batches(get_tqdm_iterable(nodes, options.show_progress, "Indexing nodes"), options.batch_size):
        documents = await _documents(batch, options, failed)
        for part in parts(documents, options.batch_bytes):
            reasons, again = await write(index, part, max_retries=options.max_retries, backoff=options.backoff)
            indexed += len(part) - len(reasons)
            retries += again
            failed.update(reasons)
            if options.on_progress is not None:
                options.on_progress(indexed, len(failed))
    if failed:
        _logger.warning("%d of %d documents were not indexed into %s", len(failed), indexed + len(failed), index)
    return IngestReport(indexed, failed, retries)


def _batches(nodes: Iterable[BaseNode], size: int) -> Iterator[list[BaseNode]]:
    iterator = iter(nodes)
    while batch := list(islice(iterator, size)):
        yield batch


async def _documents(batch: Sequence[BaseNode], options: IngestOptions, failed: dict[str, str]) -> dict[str, str]:
    """JSON by node id; nodes that cannot be written go to `failed`."""
    failed.update({node.node_id: why for node in batch if (why := unusable_id(node.node_id)) is not None})
    usable = [node for node in batch if node.node_id not in failed]
    vectors = await _embed([node for node in usable if node.embedding is None], options, failed)
    documents = {}
    for node in usable:
        if node.node_id in failed:
            continue
        try:
            documents[node.node_id] = _json(node, vectors.get(node.node_id), options)
        except (TypeError, ValueError) as error:  # metadata may hold anything
            failed[node.node_id] = f"cannot be written as JSON: {error}"
    return documents


def _json(node: BaseNode, vector: list[float] | None, options: IngestOptions) -> str:
    document = node_document(
        node, text_field=options.text_field, title_field=options.title_field, vector_field=options.vector_field
    )
    document.setdefault(options.vector_field, vector)
    return json.dumps(document, ensure_ascii=False)


async def _embed(bare: Sequence[BaseNode], options: IngestOptions, failed: dict[str, str]) -> Mapping[str, list[float]]:
    if not bare:
        return {}
    model = options.embed_model
    if model is None:
        failed.update({node.node_id: "has no embedding: embed it, or give an embed_model" for node in bare})
        return {}
    texts = [make_encodable(node.get_content(metadata_mode=MetadataMode.EMBED)) for node in bare]
    try:
        found = await Call(
            lambda: model.get_text_embedding_batch(texts), lambda: model.aget_text_embedding_batch(texts)
        )
        return dict(zip((node.node_id for node in bare), found, strict=True))
    except Exception as error:  # an embedder is anybody's code
        failed.update({node.node_id: f"could not be embedded: {error!r}" for node in bare})
        return {}
