"""The settings of a LlamaIndex component and of what it is made of: what a configuration hash is taken over."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

from llama_index.core.prompts import BasePromptTemplate
from llama_index.core.prompts.mixin import PromptMixin
from llama_index.core.schema import BaseComponent, BaseNode
from pydantic import BaseModel

from llama_index_prod_rag._version import __version__
from llama_index_prod_rag.query_log.record import config_hash

_NO_SETTING = re.compile(
    r"api_key|secret|password|credential|headers"  # not even as a digest
    r"|cache_folder|callback|verbose|show_progress"  # change no answer
    r"|node_ids|doc_ids|object_map|^kwargs$"  # the corpus
)
_LONG = 64  # a longer list or mapping is data, not a setting
_DEPTH = 8  # engine, retriever, leg, its model ...: deeper is a cycle


def engine_hash(engine: object) -> str:
    """Take the `config_hash` of a component's settings and this package's version.

    Two engines have the same hash when they are built of the same classes with the same constructor arguments and
    prompts. Indexes, stores and clients of others, and long lists, count with their class alone: the corpus is not
    a setting. Credentials, cache folders and verbosity are left out.

    Args:
        engine: a component, or a mapping from names to components and values.
    """
    return config_hash({"llama-index-prod-rag": __version__, "engine": _json(engine, _DEPTH)})


def settings_of(component: object, depth: int = _DEPTH) -> dict[str, Any]:
    """Read a component's class and constructor arguments as JSON values, its parts likewise.

    Args:
        component: a LlamaIndex component, a pydantic model or a dataclass.
        depth: how many parts of parts to follow.

    Examples:
        >>> from llama_index.core.postprocessor import SimilarityPostprocessor
        >>> settings_of(SimilarityPostprocessor(similarity_cutoff=0.3))["similarity_cutoff"]
        0.3
    """
    settings = {name: _json(value, depth - 1) for name, value in _arguments(component)} if depth > 0 else {}
    return {"class": _name(type(component)), **settings}


def _arguments(component: Any) -> Iterable[tuple[str, object]]:  # noqa: ANN401 - any component
    kept = getattr(component, "__dict__", None)
    for name in _argument_names(type(component)):  # type: ignore[arg-type]  # mypy takes a class for its instance
        if kept is None:  # a dataclass with slots
            yield name, getattr(component, name)
        elif name in kept:
            yield name, kept[name]
        elif (private := f"_{name}") in kept:  # LlamaIndex keeps most constructor arguments like this
            yield name, kept[private]


@lru_cache(maxsize=256)
def _argument_names(kind: type[Any]) -> tuple[str, ...]:
    if issubclass(kind, BaseModel):
        names: Iterable[str] = kind.model_fields
    elif dataclasses.is_dataclass(kind):
        names = (field.name for field in dataclasses.fields(kind))
    else:
        names = _parameters(kind)
    return tuple(name for name in names if not _NO_SETTING.search(name))


def _parameters(kind: type[Any]) -> Iterable[str]:
    try:
        return inspect.signature(kind).parameters
    except (TypeError, ValueError):  # classes written in C, and those that inherit their constructor from one
        return ()


def _json(value: object, depth: int) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Enum):
        value = value.value
    elif isinstance(value, BasePromptTemplate):
        value = value.get_template()
    elif isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return _collection(value, depth)
    if isinstance(value, PromptMixin | BaseComponent) or _is_dataclass(value) or _is_ours(value):
        return settings_of(value, depth)
    return _name(value if isinstance(value, type) or callable(value) else type(value))


def _collection(values: Mapping[Any, Any] | Sequence[Any], depth: int) -> Any:  # noqa: ANN401 - any JSON value
    if len(values) > _LONG:
        return _name(type(values))
    if isinstance(values, Mapping):
        return {str(key): _json(part, depth) for key, part in values.items()}
    return [_json(part, depth) for part in values if not isinstance(part, BaseNode)]


def _is_dataclass(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _is_ours(value: object) -> bool:
    return type(value).__module__.partition(".")[0] == __name__.partition(".")[0]


def _name(thing: Any) -> str:  # noqa: ANN401 - a class or a function
    return f"{thing.__module__}.{getattr(thing, '__qualname__', type(thing).__qualname__)}"
