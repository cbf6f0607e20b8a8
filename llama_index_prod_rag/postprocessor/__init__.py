"""Second stage: the cross-encoder, as one more leg.

Names are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
    from llama_index_prod_rag.postprocessor.score_cache import CachedScorer, LruScores, ScoreStore
    from llama_index_prod_rag.postprocessor.settings import Cascade, Runtime
    from llama_index_prod_rag.postprocessor.versions import NewestVersion, detect_versions

_HOMES = {
    "CachedScorer": "score_cache",
    "Cascade": "settings",
    "CrossEncoderRerank": "cross_encoder",
    "LruScores": "score_cache",
    "NewestVersion": "versions",
    "Runtime": "settings",
    "ScoreStore": "score_cache",
    "detect_versions": "versions",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "CachedScorer",
    "Cascade",
    "CrossEncoderRerank",
    "LruScores",
    "NewestVersion",
    "Runtime",
    "ScoreStore",
    "detect_versions",
]
