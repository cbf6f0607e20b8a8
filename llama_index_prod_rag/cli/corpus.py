"""The index behind `prod-rag`: made once, kept on disk, made again when a document changes.

Embeddings are stored as they are computed, so a run that was interrupted goes on where it stopped; an index becomes
visible only when it is complete.
"""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llama_index.core import StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import BaseNode, MetadataMode

from llama_index_prod_rag._version import __version__
from llama_index_prod_rag.cli.progress import errors_console, progress_bar
from llama_index_prod_rag.cli.sources import Source
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.models.disk_cache import cache_folder, digest
from llama_index_prod_rag.models.embedding import embed_texts, load_embedding
from llama_index_prod_rag.models.weights import Weights, find_weights, has_onnx
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser

_log = logging.getLogger(__name__)

_STAMP = "stamp.json"


@dataclass(frozen=True, slots=True)
class Corpus:
    """An index that is ready to be searched.

    Attributes:
        index: the vector index, its nodes in its docstore.
        folder: where it is kept; tuned weights and calibrations are kept beside it.
        chunks: how many nodes it holds.
        fresh: whether this run made it.
    """

    index: VectorStoreIndex
    folder: Path
    chunks: int
    fresh: bool


def open_corpus(source: Source, *, embed_model: str = "offline") -> Corpus:
    """The index of a source, from disk when nothing changed.

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
    stamp = {"name": source.name, "stamp": source.stamp, "model": weights.fingerprint}
    if _read_stamp(folder) == stamp:
        storage = StorageContext.from_defaults(persist_dir=str(folder))
        kept = load_index_from_storage(storage, embed_model=_load_model(weights))
        if isinstance(kept, VectorStoreIndex):
            return Corpus(kept, folder, len(kept.docstore.docs), fresh=False)
    if _kept_with_another_model(source.name, weights.fingerprint):
        errors_console.print(
            f"The kept index of {source.name} is of another embedding model than {weights.name}: made again",
            highlight=False,
        )
    nodes = parser.get_nodes_from_documents(source.load())
    if not nodes:
        raise InputError(f"{source.name} holds no text")
    model = _load_model(weights)  # takes seconds, so only once there is something to embed
    index = VectorStoreIndex(_embedded(nodes, embed_model, model), embed_model=model, store_nodes_override=True)
    try:
        _persist(index, folder, stamp)
    except OSError as error:  # no rights, no space: the question can be answered all the same
        _log.warning(
            "the index is not kept (%s): make room in %s, or set PROD_RAG_CACHE to another folder",
            (error.strerror or str(error)).lower(),
            cache_folder(),
        )
    return Corpus(index, folder, len(nodes), fresh=True)


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


def _kept_with_another_model(name: str, fingerprint: str) -> bool:
    """Whether there are indexes of these documents, and none of them is of this model: their vectors are no use."""
    stamps = [_read_stamp(folder) for folder in (cache_folder() / "indexes").glob("*")]
    models = [stamp.get("model") for stamp in stamps if isinstance(stamp, dict) and stamp.get("name") == name]
    return bool(models) and fingerprint not in models


def _embedded(nodes: Sequence[BaseNode], name: str, model: BaseEmbedding) -> list[BaseNode]:
    """Copies of the nodes with their embeddings, computed or from the cache."""
    texts = [node.get_content(metadata_mode=MetadataMode.EMBED) for node in nodes]
    with progress_bar("embedding", total=len(texts)) as advance:
        vectors = embed_texts(texts, model=name, embedding=model, progress=advance)
    return [node.model_copy(update={"embedding": vector}) for node, vector in zip(nodes, vectors.tolist(), strict=True)]


def _persist(index: VectorStoreIndex, folder: Path, stamp: object) -> None:
    """Write the index whole or not at all, keeping what the user saved beside an older one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as partial:
        target = Path(partial) / "index"
        if folder.is_dir():
            shutil.copytree(folder, target, ignore=shutil.ignore_patterns(_STAMP, "*store.json"))
        index.storage_context.persist(persist_dir=str(target))
        (target / _STAMP).write_text(json.dumps(stamp), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        try:
            target.rename(folder)
        except OSError:
            if _read_stamp(folder) != stamp:  # else a run beside this one has just kept the same index
                raise
