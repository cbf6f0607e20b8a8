"""The gate's own texts. They are prompts, so `get_prompts` and `update_prompts` reach them."""

from __future__ import annotations

from llama_index.core.prompts import BasePromptTemplate, PromptTemplate

REFUSAL = "I cannot answer this from the documents: {reason}.{nearest}"
NEAREST = "\n\nWhat comes closest in them:\n\n{summary}"
HEDGE = "I am not sure that the documents answer this: {reason}. The closest passages say:\n\n{summary}"
EXTRACT = "From the documents:\n\n{summary}"
INTERRUPTED = "\n\n[The answer broke off: {reason}.] The closest passages say:\n\n{summary}"
DOWNGRADED = "\n\n[Do not rely on the answer above: {reason}.] The closest passages say:\n\n{summary}"


def default_prompts() -> dict[str, BasePromptTemplate]:
    """Make the default templates, by name.

    `refusal_prompt` takes {reason} and {nearest}, which is empty or made with `nearest_prompt`; that and
    `extract_prompt` take {summary}, the others {reason} and {summary}.
    """
    texts = {
        "refusal_prompt": REFUSAL,
        "nearest_prompt": NEAREST,
        "hedge_prompt": HEDGE,
        "extract_prompt": EXTRACT,
        "interrupted_prompt": INTERRUPTED,
        "downgraded_prompt": DOWNGRADED,
    }
    return {name: PromptTemplate(text) for name, text in texts.items()}
