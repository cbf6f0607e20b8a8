"""The gate's own texts. They are prompts, so `get_prompts` and `update_prompts` reach them."""

from __future__ import annotations

from collections.abc import Mapping

from llama_index.core.prompts import BasePromptTemplate, PromptTemplate

from llama_index_prod_rag.query_engine.texts import TEXTS, Texts


def default_prompts(texts: Mapping[str, Texts] = TEXTS) -> dict[str, BasePromptTemplate]:
    """Make the templates by name: `refusal_prompt` and others in English, `german_refusal_prompt` in German."""
    return {
        name_prompt(name, language): PromptTemplate(template)
        for language, of_language in texts.items()
        for name, template in of_language.prompts.items()
    }


def name_prompt(name: str, language: str) -> str:
    """Name a template of a language as `get_prompts` does.

    Examples:
        >>> name_prompt("refusal_prompt", "english"), name_prompt("refusal_prompt", "german")
        ('refusal_prompt', 'german_refusal_prompt')
    """
    return name if language == "english" else f"{language}_{name}"
