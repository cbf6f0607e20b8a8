"""Settings by name, sorted into the objects that hold them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from llama_index_prod_rag.errors import ConfigurationError

T = TypeVar("T")

BASE_SETTINGS = ("access", "callback_manager", "object_map", "objects", "verbose")
"""What `FilteredRetriever` and LlamaIndex's `BaseRetriever` take."""

_NOT_SETTINGS = {"lost"}


def split_settings(settings: Mapping[str, Any], *holders: type | Collection[str]) -> list[dict[str, Any]]:
    """Settings by the dataclass, or list of names, that has them.

    Raises:
        ConfigurationError: nothing has a setting of that name; suggests the nearest one.

    Examples:
        >>> split_settings({"verbose": True}, BASE_SETTINGS)
        [{'verbose': True}]
    """
    names = [_names(holder) for holder in holders]
    known = sorted(set().union(*names))
    for name in settings:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
            raise ConfigurationError(f"there is no setting {name!r}: {hint}")
    return [{name: value for name, value in settings.items() if name in holder} for holder in names]


def merge(holder: T, settings: Mapping[str, Any]) -> T:
    """The same dataclass with some of its attributes set."""
    return replace(holder, **settings) if settings else holder  # type: ignore[type-var]


def _names(holder: type | Collection[str]) -> set[str]:
    names = {field.name for field in fields(holder)} if isinstance(holder, type) else set(holder)
    return names - _NOT_SETTINGS
