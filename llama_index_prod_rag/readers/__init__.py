"""Files that are not text, read so that their structure stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.readers.office import OfficeReader

_HOMES = {"OfficeReader": "office"}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = ["OfficeReader"]
