"""Which embedding model an index was filled with: a note in its mapping's `_meta`.

Vectors of two models with the same number of dimensions compare without an error, and mean nothing to each other. So
`ingest` notes the model's name, and a question or a document embedded by another model is refused. The note stands
under `{"prod_rag": {"embedding": {vector field: model}}}`, beside whatever else the index's owner keeps there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding

from llama_index_prod_rag.errors import ConfigurationError, RetrievalError
from llama_index_prod_rag.models.weights import OFFLINE, PUBLISHED_AS
from llama_index_prod_rag.retrievers.elasticsearch.connection import Connection
from llama_index_prod_rag.retrievers.elasticsearch.failures import call

_logger = logging.getLogger(__name__)

_OURS, _EMBEDDING = "prod_rag", "embedding"
_NAMELESS = BaseEmbedding.model_fields["model_name"].default  # what LlamaIndex calls a model that has no name
_PATH = re.compile(r"[./~\\]|\w:\\|.*[/\\].*[/\\]")  # anything but "model" and "owner/model"


def model_name(model: object) -> str | None:
    """The name under which an embedding model is noted: of a folder its last part alone; None where it has none.

    Examples:
        >>> from llama_index.core.embeddings import MockEmbedding
        >>> for name in ("BAAI/bge-small-en-v1.5", "/models/bge-small-en-v1.5/", "unknown"):
        ...     print(model_name(MockEmbedding(2, model_name=name)))
        BAAI/bge-small-en-v1.5
        bge-small-en-v1.5
        None
    """
    name = getattr(model, "model_name", None)
    if not isinstance(name, str) or name in ("", _NAMELESS):
        return None
    return _last_part(name) if _PATH.match(name) else name


async def noted_models(index: str, field: str, connection: Connection | None = None) -> set[str]:
    """The models that the indices behind a name were filled with; empty where none is noted or it may not be read.

    Args:
        index: index or alias.
        field: of the vectors.
        connection: names the server in messages.

    Raises:
        RetrievalError: the server cannot be reached.
    """
    metas = await _metas(index, connection)
    return {noted for meta in metas.values() if (noted := _noted(meta, field)) is not None}


def refuse_other_models(index: str, name: str, noted: set[str]) -> None:
    """Raise where an index holds vectors of another model than the one in use.

    Raises:
        ConfigurationError: there is another model in the index; names both.
    """
    others = sorted(other for other in noted if not _same(other, name))
    if others:
        raise ConfigurationError(
            f"index {index} was filled with the embedding model {' and '.join(others)}, not {name}, and their vectors "
            f"cannot be compared: give the embed_model {others[0]}, or ingest all documents into a new index with "
            f"{name}; if both names mean one model, change _meta.{_OURS}.{_EMBEDDING} in the index's mapping"
        )


async def note_model(index: str, field: str, model: object) -> None:
    """Note the model that an index is filled with, unless it is noted; an empty index takes any model.

    Behind an alias of several indices the server alone knows which of them is written: nothing is noted there. Nor is
    it where the user may not change mappings.

    Args:
        index: index or alias that is about to be written.
        field: of the vectors.
        model: embeds the documents; one without a name is not noted.

    Raises:
        ConfigurationError: the index holds vectors of another model.
        RetrievalError: the server cannot be reached.
    """
    name = model_name(model)
    metas = await _metas(index) if name is not None else {}
    if name is None or len(metas) != 1:
        return
    (meta,) = metas.values()
    noted = _noted(meta, field)
    if noted is not None and _same(noted, name):
        return
    if noted is not None and not await _is_empty(index):
        refuse_other_models(index, name, {noted})
    ours = {**_inside(meta, _OURS), _EMBEDDING: {**_inside(meta, _OURS, _EMBEDDING), field: name}}
    try:
        await call("indices.put_mapping", index=index, meta={**meta, _OURS: ours})  # replaces the whole of `_meta`
    except RetrievalError as error:
        _logger.debug("the embedding model of %s is not noted: %s", index, error)


async def _metas(index: str, connection: Connection | None = None) -> dict[str, Mapping[str, Any]]:
    """The `_meta` of each index behind a name; nothing where it may not be read."""
    try:
        mappings = await call("indices.get_mapping", connection, index=index)
    except RetrievalError as error:
        if getattr(error.__cause__, "status_code", None) is None:
            raise
        _logger.debug("whether %s was filled with this embedding model is not known: %s", index, error)
        return {}
    return {name: _inside(of_index, "mappings", "_meta") for name, of_index in mappings.items()}


async def _is_empty(index: str) -> bool:
    await call("indices.refresh", index=index)
    return bool((await call("count", index=index))["count"] == 0)


def _noted(meta: Mapping[str, Any], field: str) -> str | None:
    name = _inside(meta, _OURS, _EMBEDDING).get(field)
    return name if isinstance(name, str) else None


def _inside(body: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The object under some keys; an empty one where there is none."""
    for key in keys:
        found = body.get(key)
        body = found if isinstance(found, Mapping) else {}
    return body


def _same(one: str, other: str) -> bool:
    """Whether two names mean one model: by its folder, by its owner and name, or as the one that comes along."""
    return _published(one) == _published(other)


def _published(name: str) -> str:
    return _last_part(PUBLISHED_AS["embedding"] if name == OFFLINE else name).lower()


def _last_part(name: str) -> str:
    return re.split(r"[/\\]", name.rstrip("/\\"))[-1]
