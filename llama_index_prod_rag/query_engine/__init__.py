"""The gate: answer with sources, hedge or refuse. The only room that puts stages together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.query_engine.access_check import AccessCheck
    from llama_index_prod_rag.query_engine.chat import GatedChatEngine
    from llama_index_prod_rag.query_engine.clarify import NarrowedQuery, narrow_query
    from llama_index_prod_rag.query_engine.events import AssessmentEvent, DecisionEvent
    from llama_index_prod_rag.query_engine.extract import Quote, SentenceScorer, best_sentences
    from llama_index_prod_rag.query_engine.follow_ups import FollowUp, condense
    from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
    from llama_index_prod_rag.query_engine.guardrail_spans import GuardrailSpans
    from llama_index_prod_rag.query_engine.llm_judge import LLMEvidenceJudge
    from llama_index_prod_rag.query_engine.prompts import default_prompts
    from llama_index_prod_rag.query_engine.responses import RefusedResponse
    from llama_index_prod_rag.query_engine.retry import QueryRewriter, Retry
    from llama_index_prod_rag.query_engine.texts import TEXTS, Texts

_HOMES = {
    "AccessCheck": "access_check",
    "AssessmentEvent": "events",
    "ConfidenceGatedQueryEngine": "gated",
    "DecisionEvent": "events",
    "FollowUp": "follow_ups",
    "GatedChatEngine": "chat",
    "GuardrailSpans": "guardrail_spans",
    "LLMEvidenceJudge": "llm_judge",
    "NarrowedQuery": "clarify",
    "QueryRewriter": "retry",
    "Quote": "extract",
    "RefusedResponse": "responses",
    "Retry": "retry",
    "SentenceScorer": "extract",
    "TEXTS": "texts",
    "Texts": "texts",
    "best_sentences": "extract",
    "condense": "follow_ups",
    "default_prompts": "prompts",
    "narrow_query": "clarify",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "TEXTS",
    "AccessCheck",
    "AssessmentEvent",
    "ConfidenceGatedQueryEngine",
    "DecisionEvent",
    "FollowUp",
    "GatedChatEngine",
    "GuardrailSpans",
    "LLMEvidenceJudge",
    "NarrowedQuery",
    "QueryRewriter",
    "Quote",
    "RefusedResponse",
    "Retry",
    "SentenceScorer",
    "Texts",
    "best_sentences",
    "condense",
    "default_prompts",
    "narrow_query",
]
