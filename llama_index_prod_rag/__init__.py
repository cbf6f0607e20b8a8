"""LlamaIndex components for retrieval you can trust. The public names, nothing else.

Names are looked up on first use, so importing the package loads no model library.
"""

from __future__ import annotations

from importlib import import_module

from llama_index_prod_rag._version import __version__

_HOMES: dict[str, str] = {}

__all__ = ["__version__"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
