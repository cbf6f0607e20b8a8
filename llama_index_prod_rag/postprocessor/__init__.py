"""Second stage: the cross-encoder, as one more leg.

Names are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
    from llama_index_prod_rag.postprocessor.questions import is_question
    from llama_index_prod_rag.postprocessor.score_cache import CachedScorer, LruScores, ScoreStore

_HOMES = {
    "CachedScorer": "score_cache",
    "CrossEncoderRerank": "cross_encoder",
    "LruScores": "score_cache",
    "ScoreStore": "score_cache",
    "is_question": "questions",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "CachedScorer",
    "CrossEncoderRerank",
    "LruScores",
    "ScoreStore",
    "is_question",
]
