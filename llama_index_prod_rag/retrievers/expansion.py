"""Further wordings of a question, written by a language model."""

from __future__ import annotations

import re

EXPANSION_PROMPT = (
    "Write {num_queries} other search queries for the question below, one on each line, without numbers or comments. "
    "Use other words that a relevant passage could contain.\n"
    "Question: {query}\n"
    "Queries:\n"
)
"""Template of the request; `{num_queries}` and `{query}` are filled in."""

_MARKER = re.compile(r"^\s*(?:[-*•]|\(?\d+[.):])\s*")


def parse_wordings(answer: str, query: str, limit: int) -> list[str]:
    r"""Read the new wordings out of a model's answer.

    List markers, code fences, empty lines, repetitions and the question itself are dropped.

    Args:
        answer: what the model wrote.
        query: the question.
        limit: at most this many.

    Examples:
        >>> parse_wordings("1. cat food\n2) What do cats eat?\n- cat food", "what do cats eat?", 3)
        ['cat food']
    """
    seen = {query.strip().lower()}
    wordings: list[str] = []
    for line in answer.splitlines():
        wording = _MARKER.sub("", line).strip().strip('"')
        if wording and not wording.startswith("```") and wording.lower() not in seen:
            seen.add(wording.lower())
            wordings.append(wording)
    return wordings[:limit]
