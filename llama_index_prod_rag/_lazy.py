"""Public names of a room that are looked up on first use, so that naming a room loads no model library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module


def export(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        package: the package's `__name__`.
        homes: public name -> module below the package that defines it.

    Returns:
        The two functions, in this order.

    Examples:
        >>> look_up, _ = export("llama_index_prod_rag", {"ProdRagError": "errors"})
        >>> look_up("ProdRagError").__name__
        'ProdRagError'
    """

    def look_up(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return look_up, lambda: sorted(homes)
