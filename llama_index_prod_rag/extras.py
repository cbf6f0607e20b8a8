"""Which optional dependencies are installed, and the error that names the pip command where one is not."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from llama_index_prod_rag.errors import MissingExtraError


def is_installed(module: str) -> bool:
    """Whether a module could be imported; it is not imported.

    Examples:
        >>> is_installed("json"), is_installed("no_such_module.part")
        (True, False)
    """
    if module in sys.modules:
        return sys.modules[module] is not None
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package it would be in
        return False


def require(*modules: str, needed_for: str, extra: str) -> None:
    """Check that the modules of an extra are there.

    Args:
        modules: names of modules.
        needed_for: what the user was trying to do, as a noun phrase.
        extra: the extra of this package that brings the modules.

    Raises:
        MissingExtraError: one is not installed.

    Examples:
        >>> require("no_such_module", needed_for="the report", extra="eval")
        Traceback (most recent call last):
        ...
        llama_index_prod_rag.errors.MissingExtraError: the report needs an extra: pip install ...
    """
    if not all(map(is_installed, modules)):
        raise MissingExtraError(needed_for, extra=extra)
