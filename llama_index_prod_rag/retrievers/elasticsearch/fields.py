"""What the mapping says of a field that a filter looks at, in each of the indices behind a name.

An alias may stand for indices that map one field differently: a keyword where this package wrote the index, analysed
text with a keyword sub-field where the server invented the mapping. Each of them needs a clause of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from llama_index_prod_rag.errors import InputError

FieldTypes: TypeAlias = Mapping[str, Mapping[str, frozenset[str]]]
"""Field path -> type in the mapping -> the indices where it has that type; no index names stands for all of them."""

NUMBERS = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"}
)
STRINGS = frozenset({"keyword", "constant_keyword", "wildcard"})
ANALYZED = frozenset({"text", "match_only_text", "search_as_you_type"})
BOOLEAN = "boolean"

_SUB_FIELD = ".keyword"
_WHOLE = frozenset({"flattened", "completion"})
_WORDLESS = frozenset(
    {"boolean", "date", "date_nanos", "ip", "version", "binary", "dense_vector", "sparse_vector", "rank_feature"}
)
_UNMAPPED = "unmapped"  # what the server calls the indices that lack a field which another one has
_NESTED = "nested"
_OPAQUE_PARENTS = frozenset({_NESTED, "flattened"})  # a plain clause on what is inside finds nothing, without an error
_EVERYWHERE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a filter can be applied to, in the indices that map it alike.

    Attributes:
        name: full name in the index.
        path: what is compared: the field itself, or its keyword sub-field.
        kind: type of `path` in the mapping.
        indices: the indices this is true of; empty for all of them.
    """

    name: str
    path: str
    kind: str
    indices: frozenset[str] = _EVERYWHERE


def as_truth(value: object) -> bool | None:
    """The boolean that a filter means; LlamaIndex's filters take none themselves.

    Examples:
        >>> as_truth("true"), as_truth(0), as_truth("yes")
        (True, False, None)
    """
    if isinstance(value, (int, float)):
        return bool(value) if value in (0, 1) else None
    return {"true": True, "false": False}.get(value) if isinstance(value, str) else None


def field_path(key: str, metadata_field: str | None) -> str:
    """Full name of a metadata key in the index.

    Raises:
        InputError: no field can have that name, or the server would read it as a pattern.
    """
    if "*" in key or not all(part.strip() for part in key.split(".")):
        raise InputError(f"cannot filter on the key {key!r}: Elasticsearch has no field of that name")
    return f"{metadata_field}.{key}" if metadata_field else key


def with_relatives(names: Iterable[str]) -> list[str]:
    """The fields, where dynamic mapping keeps their exact strings, and what they are inside of: a filter needs all."""
    return sorted({relative for name in names for relative in (name, name + _SUB_FIELD, *_parents(name))})


def read_field_types(response: Mapping[str, Any]) -> dict[str, dict[str, frozenset[str]]]:
    """Types by field, from the answer of the server's `_field_caps`.

    Examples:
        >>> caps = {"year": {"long": {"indices": ["new"]}, "unmapped": {"indices": ["old"]}}}
        >>> read_field_types({"fields": caps})["year"]["long"]
        frozenset({'new'})
    """
    return {
        path: {kind: frozenset(found.get("indices") or ()) for kind, found in kinds.items()}
        for path, kinds in response["fields"].items()
        if set(kinds) != {_UNMAPPED}
    }


def find_fields(name: str, types: FieldTypes) -> list[Field]:
    """Every way in which the indices map a field; empty where none of them has it.

    Raises:
        InputError: the field lies inside of one whose contents a filter cannot reach.
    """
    for parent in _parents(name):
        if opaque := _OPAQUE_PARENTS.intersection(types.get(parent, ())):
            raise InputError(f"cannot filter on {name}: {parent} is mapped as {min(opaque)}; map it as object")
    return [field for kind, indices in types.get(name, {}).items() for field in _readings(name, kind, indices, types)]


def why_no_words(name: str, types: FieldTypes) -> list[str]:
    """Why a search for words finds nothing in a field, or not in each of the indices; empty where it looks at words.

    Examples:
        >>> why_no_words("sku", {"sku": {"keyword": frozenset()}})[0][:60]
        'sku is mapped as keyword, which only its whole value finds: '
        >>> why_no_words("parts.text", {"parts": {"nested": frozenset()}, "parts.text": {"text": frozenset()}})
        ['parts.text lies in parts, which is mapped as nested: map it as object, or copy_to a field and search it']
    """
    inside = [
        f"{name} lies in {parent}, which is mapped as {min(opaque)}: map it as object, or copy_to a field and search it"
        for parent in _parents(name)
        if (opaque := _OPAQUE_PARENTS.intersection(types.get(parent, ())))
    ]
    if inside:
        return inside
    return [
        f"{name} is mapped as {kind}{_where(indices)}, {why}"
        for kind, indices in sorted(types.get(name, {}).items())
        if (why := _no_words(kind))
    ]


def _no_words(kind: str) -> str | None:
    if kind in STRINGS | _WHOLE:
        return "which only its whole value finds: map it as text, or copy_to a text field and search that"
    if kind in NUMBERS | _WORDLESS:
        return "which holds no words: take it out of fields"
    return None


def _where(indices: frozenset[str]) -> str:
    return f" in {', '.join(sorted(indices))}" if indices else ""


def holds_words(name: str, types: FieldTypes) -> bool:
    """Whether a search for words looks at a field in at least one index."""
    words = [kind for kind in types.get(name, {}) if kind != _UNMAPPED and not _no_words(kind)]
    return bool(words) and not any(_OPAQUE_PARENTS.intersection(types.get(parent, ())) for parent in _parents(name))


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _readings(name: str, kind: str, indices: frozenset[str], types: FieldTypes) -> Iterator[Field]:
    if kind == _UNMAPPED:
        return
    if kind not in ANALYZED:
        yield Field(name, name, kind, indices)
        return
    exact = name + _SUB_FIELD
    for sub_kind, sub_indices in (types.get(exact) or {_UNMAPPED: _EVERYWHERE}).items():
        shared = indices & sub_indices if indices and sub_indices else indices or sub_indices
        if indices and sub_indices and not shared:
            continue
        yield Field(name, exact, sub_kind, shared) if sub_kind in STRINGS else Field(name, name, kind, shared)
