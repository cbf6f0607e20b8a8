"""The index behind `prod-rag`: made once, kept on disk, and only what changed is made again.

Embeddings are stored as they are computed, so a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import json
import logging
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode, Document, MetadataMode

from llama_index_prod_rag._version import __version__
from llama_index_prod_rag.cli.kept_files import KeptFile, KeptFiles
from llama_index_prod_rag.cli.kept_indexes import claim_index, delete_unused
from llama_index_prod_rag.cli.kept_terms import update_terms
from llama_index_prod_rag.cli.progress import errors_console, progress_bar
from llama_index_prod_rag.cli.reading import is_converted
from llama_index_prod_rag.cli.sources import Source
from llama_index_prod_rag.durable_files import write_whole
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.models.disk_cache import cache_folder, digest
from llama_index_prod_rag.models.embedding import embed_texts, load_embedding
from llama_index_prod_rag.models.weights import Weights, find_weights, has_onnx
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.retrievers.embedded.store import EmbeddedStore
from llama_index_prod_rag.text.terms import TermStatistics

_log = logging.getLogger(__name__)

_STAMP = "stamp.json"


@dataclass(frozen=True, slots=True)
class Corpus:
    """An index that is ready to be searched.

    Attributes:
        index: the vector index, over an `EmbeddedStore`.
        folder: where it is kept; tuned weights and calibrations are kept beside it.
        chunks: how many nodes it holds.
        terms: how rare terms are in them.
        fresh: whether this run made it.
    """

    index: VectorStoreIndex
    folder: Path
    chunks: int
    terms: TermStatistics
    fresh: bool

    def nodes(self) -> list[BaseNode]:
        """Every node; all of them are parsed."""
        return self.index.vector_store.get_nodes()


def open_corpus(source: Source, *, embed_model: str = "offline") -> Corpus:
    """The index of a source; files that did not change come from disk.

    Args:
        source: the documents.
        embed_model: as `llama_index_prod_rag.models.weights.find_weights` takes it.

    Raises:
        InputError: the documents hold no text.
        ModelError: the embedding model cannot be found.
    """
    weights = find_weights(embed_model, "embedding")
    parser = DocumentAwareNodeParser(tokenizer=embed_model)
    settings = json.dumps([__version__, weights.fingerprint, parser.to_dict()], sort_keys=True, default=str)
    folder = cache_folder() / "indexes" / digest(source.name, settings).hex()[:24]
    claim_index(folder)
    kept = KeptFiles(folder)
    store = _open_store(folder)
    known = kept.read()
    files = {file.name: known[file.name] for file in source.files if _is_kept(known.get(file.name), file.stamp, store)}
    changed = [file for file in source.files if file.name not in files]
    if changed and not files and _is_kept_with_another_model(source.name, weights.fingerprint):
        errors_console.print(
            f"The kept index of {source.name} is of another embedding model than {weights.name}: made again",
            highlight=False,
        )
    documents, left_out = source.read(changed)
    source.say_left_out({**{name: file.left_out for name, file in files.items() if file.left_out}, **left_out})
    model = _load_model(weights)
    nodes = _parse_documents(parser, documents) if documents else {}
    counts = {name: len(file.chunks) for name, file in files.items()} | _count(nodes)
    _say_one_file_is_most(counts)
    nodes = _embed_chunks(nodes, embed_model, model)
    fresh = {
        file.name: KeptFile(
            file.stamp, left_out.get(file.name), tuple(node.node_id for node in nodes.get(file.name, ()))
        )
        for file in changed
    }
    files |= fresh
    terms = _replace_nodes(folder, store, files, [node for group in nodes.values() for node in group])
    kept.replace(fresh, known.keys() - files.keys())
    _write_stamp(folder, {"name": source.name, "model": weights.fingerprint})
    if changed:
        delete_unused(folder.parent)
    if not any(counts.values()):
        raise InputError(f"{source.name} holds no text")
    index = VectorStoreIndex.from_vector_store(store, embed_model=model)
    return Corpus(index, folder, sum(counts.values()), terms, fresh=bool(changed))


def _open_store(folder: Path) -> EmbeddedStore:
    """The store in a folder: begun anew where it is damaged, in memory where there can be none."""
    try:
        store = EmbeddedStore(folder)
        store.verify()
        return store
    except InputError as error:
        _log.warning("the kept index is made again: %s", error)
        for file in folder.glob("nodes.sqlite*"):
            file.unlink(missing_ok=True)
        return EmbeddedStore(folder)
    except OSError as error:  # no rights, no space: `KeptFiles` says so, and the question can be answered all the same
        _log.debug("the index is not kept: %s", error)
        return EmbeddedStore()


def _is_kept(file: KeptFile | None, stamp: str, store: EmbeddedStore) -> bool:
    return file is not None and file.stamp == stamp and all(map(store.holds, file.chunks))


def _replace_nodes(
    folder: Path, store: EmbeddedStore, files: Mapping[str, KeptFile], come: Sequence[BaseNode]
) -> TermStatistics:
    """Bring the store to what its files are now, and count their terms."""
    before, wanted = store.last_change(), {id_ for file in files.values() for id_ in file.chunks}
    new = {node.node_id for node in come}
    stale = [id_ for id_ in store.ids() if id_ not in wanted or id_ in new]
    gone = store.get_nodes(stale)
    store.add(come)
    store.delete_nodes([id_ for id_ in stale if id_ not in new])
    return update_terms(folder, store, before, gone, come)


def _parse_documents(
    parser: DocumentAwareNodeParser, documents: dict[str, list[Document]]
) -> dict[str, list[BaseNode]]:
    """Chunks by file name, each with the lines it stands in."""
    owner = {document.doc_id: name for name, group in documents.items() for document in group}
    ends = {document.doc_id: _line_ends(document.text) for group in documents.values() for document in group}
    chunks: dict[str, list[BaseNode]] = {name: [] for name in documents}
    for node in parser.get_nodes_from_documents([document for group in documents.values() for document in group]):
        source_id = str(node.ref_doc_id)
        if not is_converted(str(node.metadata.get("file_name"))):
            _add_lines(node, ends[source_id])
        chunks[owner[source_id]].append(node)
    return chunks


def _line_ends(text: str) -> list[int]:
    return [match.start() for match in re.finditer("\n", text)]


def _add_lines(node: BaseNode, ends: Sequence[int]) -> None:
    """Note the first and the last line of a chunk, counted from 1: what a person opens an editor at."""
    start, end = getattr(node, "start_char_idx", None), getattr(node, "end_char_idx", None)
    if start is None or end is None:
        return
    node.metadata["lines"] = [bisect_left(ends, start) + 1, bisect_left(ends, end) + 1]
    node.excluded_embed_metadata_keys.append("lines")
    node.excluded_llm_metadata_keys.append("lines")


def _load_model(weights: Weights) -> BaseEmbedding:
    """The embedding model; a bar that fills in a hundredth of a second tells nobody anything, downloads keep theirs."""
    if weights.local and not has_onnx(Path(weights.source)):
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call] # theirs has no annotations
    return load_embedding(weights.name)


def _read_stamp(folder: Path) -> object:
    try:
        return json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _is_kept_with_another_model(name: str, fingerprint: str) -> bool:
    """Whether there are indexes of these documents, and none of them is of this model: their vectors cannot be used."""
    stamps = [_read_stamp(folder) for folder in (cache_folder() / "indexes").glob("*")]
    models = [stamp.get("model") for stamp in stamps if isinstance(stamp, dict) and stamp.get("name") == name]
    return bool(models) and fingerprint not in models


def _write_stamp(folder: Path, stamp: object) -> None:
    if _read_stamp(folder) != stamp:
        try:
            write_whole(folder / _STAMP, json.dumps(stamp))
        except OSError as error:  # no rights, no space: the question can be answered all the same
            _log.debug("%s is not kept: %s", _STAMP, error)


def _embed_chunks(chunks: dict[str, list[BaseNode]], name: str, model: BaseEmbedding) -> dict[str, list[BaseNode]]:
    """The chunks with their embeddings, computed or from the cache."""
    nodes = [node for group in chunks.values() for node in group]
    if not nodes:
        return chunks
    texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
    with progress_bar("embedding", total=len(texts)) as advance:
        vectors = embed_texts(texts, model=name, embedding=model, progress=advance)
    for node, vector in zip(nodes, vectors.tolist(), strict=True):
        node.embedding = vector
    return chunks


_MANY = 1_000  # chunks: fewer are embedded in less than a minute


def _count(chunks: Mapping[str, Sequence[BaseNode]]) -> dict[str, int]:
    return {name: len(group) for name, group in chunks.items()}


def _say_one_file_is_most(counts: Mapping[str, int]) -> None:
    """Warn before the work begins: whoever did not mean the file can stop here."""
    total = sum(counts.values())
    name = max(counts, key=lambda each: counts[each], default="")
    if total > _MANY and len(counts) > 1 and 2 * counts[name] > total:
        _log.warning("%s is %d of %d chunks: --exclude '%s' leaves it out", name, counts[name], total, name)
