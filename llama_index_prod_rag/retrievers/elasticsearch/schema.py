"""What the server says of an index's fields, kept for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index_prod_rag.errors import ConfigurationError, RetrievalError
from llama_index_prod_rag.retrievers.elasticsearch.connection import Connection
from llama_index_prod_rag.retrievers.elasticsearch.embedder_note import model_name, noted_models, refuse_other_models
from llama_index_prod_rag.retrievers.elasticsearch.failures import call
from llama_index_prod_rag.retrievers.elasticsearch.fields import (
    FieldTypes,
    holds_words,
    read_field_types,
    why_no_words,
    with_relatives,
)
from llama_index_prod_rag.retrievers.elasticsearch.queries import SIMILARITIES, Similarity

_logger = logging.getLogger(__name__)

# Seconds after which types and similarities are asked for again: an alias may have been switched. Until then the check
# of each hit keeps back what must not be returned; what the new index holds under another type may be missing.
_LIFETIME = 30.0
_FORBIDDEN = 403
_RESCORES = (8, 18)  # the version whose kNN search takes `rescore_vector`
_SHOWN = 8  # names of fields in a message


class IndexSchema:
    """Types and similarities of an index's fields, asked for when they are first needed.

    Args:
        index: index or alias.
        connection: names the server in messages.
    """

    def __init__(self, index: str, connection: Connection | None = None) -> None:
        self._index = index
        self._connection = connection
        self._types: dict[str, dict[str, frozenset[str]]] = {}
        self._asked: dict[str, float] = {}
        self._vectors = MappedVectors()
        self._vectors_asked = 0.0
        self._told: set[str] = set()
        self._models: set[str] = set()
        self._models_asked = 0.0

    async def types_of(self, names: Collection[str], *, anew: bool = False) -> tuple[FieldTypes, bool]:
        """Types of fields and their relatives, and whether all of them were asked for just now.

        A field that is missing today may be there tomorrow, so only finds are kept.
        """
        oldest = time.time() - _LIFETIME
        wanted = {name for name in names if anew or self._asked.get(name, 0.0) < oldest}
        if wanted:
            paths = with_relatives(wanted)
            response = await call(
                "field_caps", self._connection, index=self._index, fields=paths, include_unmapped=True
            )
            found = read_field_types(response)
            self._types = {**{path: kinds for path, kinds in self._types.items() if path not in paths}, **found}
            self._asked |= dict.fromkeys(wanted & found.keys(), time.time())
        types = {path: self._types[path] for path in with_relatives(names) if path in self._types}
        return types, wanted == set(names)

    async def why_missing(self, names: Collection[str], *, setting: str) -> str | None:
        """The error when none of the fields is in the mapping; None when one is."""
        types, _ = await self.types_of(names)
        if any(types.get(name) for name in names):
            return None
        has = sorted(await self._names_of_type("text" if setting != "vector_field" else "dense_vector"))
        shown = ", ".join(has[:_SHOWN]) + (", ..." if len(has) > _SHOWN else "")
        known = f" (it has {shown})" if has else ""
        return f"index {self._index} has no field {' or '.join(sorted(names))}: set {setting} to one that it has{known}"

    async def _names_of_type(self, kind: str) -> list[str]:
        try:
            found = await call("field_caps", self._connection, index=self._index, fields="*", types=[kind])
        except RetrievalError as error:  # it would only have helped
            _logger.debug("the fields of %s are not known: %s", self._index, error)
            return []
        return [name for name, kinds in found["fields"].items() if kind in kinds]

    async def why_unread(self, names: Collection[str]) -> str | None:
        """The error when no field is one whose words a search looks at; None when one is."""
        types, _ = await self.types_of(names)
        reasons = {name: found for name in sorted(names) if (found := why_no_words(name, types))}
        if not reasons or any(holds_words(name, types) for name in names):
            return None
        return "; ".join(reason for found in reasons.values() for reason in found)

    async def warn_unread(self, names: Collection[str]) -> None:
        """Tell once of the fields whose words no search looks at, where others are found all the same."""
        if "fields" in self._told:
            return
        self._told.add("fields")
        try:
            types, _ = await self.types_of(names)
        except RetrievalError as error:  # of whatever is wrong there the search itself tells more
            _logger.debug("the types of %s are not known: %s", self._index, error)
            return
        for reason in (reason for name in sorted(names) for reason in why_no_words(name, types)):
            self.warn_once(reason, f"index {self._index}: {reason}")

    def warn_once(self, what: str, message: str) -> None:
        """Warn of something that every search would tell again."""
        if what not in self._told:
            self._told.add(what)
            _logger.warning("%s", message)

    async def vectors_as_mapped(self, field: str) -> MappedVectors:
        """What the mapping says of a vector field; nothing where it does not tell or may not be read.

        Raises:
            ConfigurationError: the indices behind an alias disagree.
            RetrievalError: the server cannot be reached.
        """
        if self._vectors_asked < time.time() - _LIFETIME:
            self._vectors = await self._ask_vectors(field) or self._vectors
            self._vectors_asked = time.time()
        return self._vectors

    async def refuse_other_embedder(self, model: object, field: str) -> None:
        """Raise where the index was filled with another embedding model than the one that embeds the question.

        Raises:
            ConfigurationError: another model is noted in the mapping; names both.
            RetrievalError: the server cannot be reached.
        """
        name = model_name(model)
        if name is None:
            return
        if self._models_asked < time.time() - _LIFETIME:
            self._models = await noted_models(self._index, field, self._connection)
            self._models_asked = time.time()
        refuse_other_models(self._index, name, self._models)

    async def _ask_vectors(self, field: str) -> MappedVectors | None:
        asked = {"index": self._index, "fields": field, "include_defaults": True}
        try:
            mappings = await call("indices.get_field_mapping", self._connection, **asked)
        except RetrievalError as error:
            if _status(error) == _FORBIDDEN:
                _logger.warning(
                    "vectors of %s are taken to be compared by cosine, or give similarity=: %s", field, error
                )
            return None  # of whatever else is wrong with the index the search itself tells more
        found = [
            mapping
            for of_index in mappings.values()
            for mapping in of_index["mappings"].get(field, {}).get("mapping", {}).values()
        ]
        rescore = _is_quantised(found) and await self._can_rescore()
        return MappedVectors(_read_similarity(found, self._index, field), rescore)

    async def _can_rescore(self) -> bool:
        try:
            version = str((await call("info", self._connection))["version"]["number"])
        except RetrievalError as error:
            _logger.debug("%s (HTTP %s): the version of the server is not known", error, _status(error))
            return False
        return tuple(int(part) for part in version.split(".")[:2]) >= _RESCORES


@dataclass(frozen=True, slots=True)
class MappedVectors:
    """Is what a mapping says of a vector field.

    Attributes:
        similarity: by which vectors are compared; None where it does not tell.
        rescore: whether they are searched in fewer bits, and the server can compare the nearest ones again.
    """

    similarity: Similarity | None = None
    rescore: bool = False


def _status(error: RetrievalError) -> int:
    """The HTTP status of a refusal.

    Raises:
        RetrievalError: the server cannot be reached.
    """
    status = getattr(error.__cause__, "status_code", None)
    if status is None:
        raise error
    return int(status)


def _is_quantised(mappings: Sequence[Mapping[str, Any]]) -> bool:
    """Whether vectors are walked in 8 or 4 bits, and nowhere in the bits of `bbq`, which the server rescores itself."""
    kinds = {str(mapping.get("index_options", {}).get("type")) for mapping in mappings}
    return any(kind.startswith(("int8", "int4")) for kind in kinds) and not any(
        kind.startswith("bbq") for kind in kinds
    )


def _read_similarity(mappings: Sequence[Mapping[str, Any]], index: str, field: str) -> Similarity | None:
    found = {mapping.get("similarity") for mapping in mappings}
    known = [similarity for similarity in SIMILARITIES if similarity in found]
    if len(known) > 1:
        raise ConfigurationError(f"the indices of {index} compare {field} by {' and by '.join(known)}: search one kind")
    return known[0] if known else None
