"""A conversation that cannot go around the gate.

`index.as_chat_engine(chat_mode="context")` and `ContextChatEngine` take a retriever: passages go straight to the
language model, and nothing stands between a weak retrieval and a confident answer. `CondenseQuestionChatEngine` takes
a query engine: it rewrites each message into a question that stands alone, the gate answers it, and its words reach
the reader as they are. The gate judges the rewritten question, so show it: a model too small for the job (the bundled
one is) turns a new question into the last one, and the answer to that is well founded and beside the point.

    python -m examples.chat          # with the bundled language model: make llm
"""

from __future__ import annotations

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.chat_engine import CondenseQuestionChatEngine
from llama_index.core.chat_engine.types import AgentChatResponse, StreamingAgentChatResponse
from llama_index.core.llms import LLM

from examples.pipeline import build_gate
from llama_index_prod_rag.models import OfflineLLM


def build_chat(gate: BaseQueryEngine, llm: LLM) -> CondenseQuestionChatEngine:
    """A chat over the gate; `llm` only rewrites follow-ups into questions that stand alone."""
    return CondenseQuestionChatEngine.from_defaults(query_engine=gate, llm=llm)


def decision_of(reply: AgentChatResponse | StreamingAgentChatResponse) -> str:
    """The gate's decision about a reply; refusals and hedges are told apart without reading the text."""
    response = reply.sources[0].raw_output
    return str(response.metadata["prod_rag"]["decision"])


def question_of(reply: AgentChatResponse | StreamingAgentChatResponse) -> str:
    """The question that was answered: the message, rewritten in the light of the conversation."""
    return str(reply.sources[0].raw_input["query"])


if __name__ == "__main__":
    model = OfflineLLM()
    chat = build_chat(build_gate(llm=model), model)
    while message := input("> ").strip():
        reply = chat.chat(message)
        print(f"({question_of(reply)})\n[{decision_of(reply)}] {reply}\n")
