"""The parts that a gate is made of: natural first calls that cannot work say what to write instead."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.callbacks import CallbackManager
from llama_index.core.indices.base import BaseIndex
from llama_index.core.indices.vector_store.base import VectorStoreIndex
from llama_index.core.llms import LLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.response_synthesizers import Accumulate, BaseSynthesizer, get_response_synthesizer

from llama_index_prod_rag.errors import ConfigurationError

_SHAPES = frozenset(inspect.signature(get_response_synthesizer).parameters) - {"llm", "callback_manager"}
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
    if synthesizer is not None:
        check_can_stream(synthesizer, streaming=synthesizer._streaming)
    if not isinstance(stages, Sequence) or not all(isinstance(stage, BaseNodePostprocessor) for stage in stages):
        raise ConfigurationError("node_postprocessors takes a list of postprocessors: [CrossEncoderRerank(...)]")


def check_can_stream(synthesizer: BaseSynthesizer, *, streaming: bool) -> None:
    """Refuse to stream what is put together from several whole answers.

    Raises:
        ConfigurationError: with what to write instead.
    """
    if streaming and isinstance(synthesizer, Accumulate):
        raise ConfigurationError(
            f"{type(synthesizer).__name__} cannot stream, and every answer would be a hedge: leave out streaming, or "
            "take another response_mode"
        )


def make_synthesizer(
    llm: LLM | None,
    synthesizer: BaseSynthesizer | None,
    callback_manager: CallbackManager | None,
    settings: Mapping[str, Any],
) -> tuple[BaseSynthesizer | None, dict[str, Any]]:
    """Make the synthesizer of a language model, if there is one, from the settings that shape its answers.

    Returns:
        The synthesizer, or None, and the settings that are left.

    Raises:
        ConfigurationError: the settings contradict one another.
    """
    shapes = {name: value for name, value in settings.items() if name in _SHAPES}
    rest = {name: value for name, value in settings.items() if name not in _SHAPES}
    if llm is not None and synthesizer is not None:
        raise ConfigurationError("give llm= or response_synthesizer=, not both: a synthesizer has its own model")
    if llm is not None:
        return get_response_synthesizer(llm=llm, callback_manager=callback_manager, **shapes), rest
    if "streaming" in shapes:  # the gate's own texts can be streams, too
        rest["streaming"] = shapes.pop("streaming")
    if shapes:
        remedy = "give them to the synthesizer" if synthesizer is not None else "give llm=, which writes the answers"
        raise ConfigurationError(f"{', '.join(sorted(shapes))}: {remedy}")
    return synthesizer, rest


def _instead_of(given: object) -> str:
    if isinstance(given, VectorStoreIndex):
        return f"write {_GATE}.from_index(index)"
    if isinstance(given, BaseIndex):
        return f"write {_GATE}(index.as_retriever())"
    if isinstance(given, BaseQueryEngine):
        return f"write {_GATE}(engine.retriever, ...) with the parts that the other engine was made of"
    if isinstance(given, (list, tuple)):
        return f"write {_GATE}(HybridFusionRetriever({{'dense': ..., 'bm25': ...}}))"
    return f"write {_GATE}.from_index(index), or {_GATE}(index.as_retriever())"
