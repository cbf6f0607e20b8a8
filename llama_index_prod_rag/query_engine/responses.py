"""Responses in the type that the caller expects."""

from __future__ import annotations

from dataclasses import dataclass

from llama_index.core.base.response.schema import PydanticResponse, Response
from llama_index.core.response_synthesizers import BaseSynthesizer
from llama_index.core.response_synthesizers.no_text import NoText


@dataclass
class RefusedResponse(PydanticResponse):
    """Stands in place of a structured answer that the gate did not give.

    `response` is None, never text or an object that nobody filled in; `refused` has the refusal or the hedge for
    people, and `str()` gives it.

    Attributes:
        refused: the gate's own text.
    """

    refused: str = ""

    def __str__(self) -> str:
        return self.refused

    def get_response(self) -> Response:
        """Make a plain response with the gate's text."""
        return Response(self.refused, self.source_nodes, self.metadata)


def is_structured(synthesizer: BaseSynthesizer | None) -> bool:
    """Tell whether a synthesizer fills in objects: it has an `output_cls`, or a model that is bound to one."""
    from llama_index.core.llms.structured_llm import StructuredLLM

    bound = isinstance(getattr(synthesizer, "_llm", None), StructuredLLM)
    return bound or getattr(synthesizer, "_output_cls", None) is not None


def writes_nothing(synthesizer: BaseSynthesizer) -> bool:
    """Tell whether no text is asked of a synthesizer, so that none is not a fault (`response_mode="no_text"`)."""
    return isinstance(synthesizer, NoText)
