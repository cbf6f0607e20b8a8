"""Natural first calls that cannot work, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.indices.base import BaseIndex
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.response_synthesizers import BaseSynthesizer

from llama_index_prod_rag.errors import ConfigurationError

_GATE = "ConfidenceGatedQueryEngine"


def check_parts(retriever: object, synthesizer: object, stages: object) -> None:
    """Refuse parts of the wrong kind.

    Raises:
        ConfigurationError: with the call to write instead.
    """
    if not isinstance(retriever, BaseRetriever):
        raise ConfigurationError(f"{_GATE} needs a retriever, not {type(retriever).__name__}: {_instead_of(retriever)}")
    if isinstance(synthesizer, LLM):
        raise ConfigurationError(f"a language model is not a synthesizer: write {_GATE}.from_args(retriever, llm=...)")
    if synthesizer is not None and not isinstance(synthesizer, BaseSynthesizer):
        raise ConfigurationError(
            f"response_synthesizer is {type(synthesizer).__name__}: give what get_response_synthesizer() makes, or None"
        )
    if not isinstance(stages, Sequence) or not all(isinstance(stage, BaseNodePostprocessor) for stage in stages):
        raise ConfigurationError("node_postprocessors takes a list of postprocessors: [CrossEncoderRerank(...)]")


def _instead_of(given: object) -> str:
    if isinstance(given, BaseIndex):
        return f"write {_GATE}.from_index(index)"
    if isinstance(given, BaseQueryEngine):
        return f"write {_GATE}(engine.retriever, ...) with the parts that the other engine was made of"
    if isinstance(given, (list, tuple)):
        return f"write {_GATE}(HybridFusionRetriever({{'dense': ..., 'bm25': ...}}))"
    return f"write {_GATE}.from_index(index), or {_GATE}(index.as_retriever())"
