"""What happened, question by question: records, the store, the handler, samples and sheets to label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.query_log.configuration import engine_hash, settings_of
    from llama_index_prod_rag.query_log.handler import QueryLogHandler
    from llama_index_prod_rag.query_log.record import (
        Feedback,
        HitRecord,
        LoggedPassage,
        QueryRecord,
        config_hash,
        hits_of,
        seconds_of,
    )
    from llama_index_prod_rag.query_log.sampling import Sampled, sample
    from llama_index_prod_rag.query_log.sheets import export_sheet, import_sheet
    from llama_index_prod_rag.query_log.store import QueryLog
    from llama_index_prod_rag.query_log.writer import LogStats

_HOMES = {
    "Feedback": "record",
    "HitRecord": "record",
    "LogStats": "writer",
    "LoggedPassage": "record",
    "QueryLog": "store",
    "QueryLogHandler": "handler",
    "QueryRecord": "record",
    "Sampled": "sampling",
    "config_hash": "record",
    "engine_hash": "configuration",
    "export_sheet": "sheets",
    "hits_of": "record",
    "import_sheet": "sheets",
    "sample": "sampling",
    "seconds_of": "record",
    "settings_of": "configuration",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "Feedback",
    "HitRecord",
    "LogStats",
    "LoggedPassage",
    "QueryLog",
    "QueryLogHandler",
    "QueryRecord",
    "Sampled",
    "config_hash",
    "engine_hash",
    "export_sheet",
    "hits_of",
    "import_sheet",
    "sample",
    "seconds_of",
    "settings_of",
]
