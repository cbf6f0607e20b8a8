"""A conversation that cannot go around the gate.

`index.as_chat_engine(chat_mode="context")` and `ContextChatEngine` take a retriever: passages go straight to the
language model, and nothing stands between a weak retrieval and a confident answer. `GatedChatEngine` takes a gate: each
message is a question that the gate answers, hedges or refuses. A message that leans on the one before ("And who does
it?") is asked with what that was about; with a language model, it is rewritten into a question that stands alone. The
gate judges what was asked, so show it: a model too small for the job (the bundled one is) turns a new question into the
last one, and the answer to that is well founded and beside the point.

    python -m examples.chat
"""

from __future__ import annotations

from llama_index.core.chat_engine.types import AgentChatResponse, StreamingAgentChatResponse
from llama_index.core.llms import LLM

from examples.pipeline import build_gate
from llama_index_prod_rag import ConfidenceGatedQueryEngine, GatedChatEngine


def build_chat(gate: ConfidenceGatedQueryEngine, llm: LLM | None = None) -> GatedChatEngine:
    """A chat over the gate; `llm` only rewrites follow-ups into questions that stand alone."""
    return GatedChatEngine(gate, llm=llm)


def decision_of(reply: AgentChatResponse | StreamingAgentChatResponse) -> str:
    """The gate's decision about a reply; refusals and hedges are told apart without reading the text."""
    response = reply.sources[0].raw_output
    return str(response.metadata["prod_rag"]["decision"])


def question_of(reply: AgentChatResponse | StreamingAgentChatResponse) -> str:
    """The question that was answered: the message, in the light of the conversation."""
    return str(reply.sources[0].raw_input["query"])


if __name__ == "__main__":
    chat = build_chat(build_gate())
    while message := input("> ").strip():
        reply = chat.chat(message)
        print(f"({question_of(reply)})\n[{decision_of(reply)}] {reply}\n")
