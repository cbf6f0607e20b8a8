"""Is a query a question? Cross-encoders are trained on questions, and deserve more weight on them."""

from __future__ import annotations

import re

# English only: other languages are known by their question mark.
_INTERROGATIVE = re.compile(
    r"\s*(?:what|who|whom|whose|when|where|which|why|how|is|are|was|were|do|does|did|can|could|should|would|will|has"
    r"|have)\b",
    re.IGNORECASE,
)
_MARKS = "?\uff1f\u061f\u037e"  # Latin, full-width, Arabic, Greek


def is_question(query: str) -> bool:
    """Whether a query is put as a question: it ends in a question mark, or begins with an English question word.

    Examples:
        >>> is_question("how long is the life cycle of a flea"), is_question("Wo liegt Berlin?")
        (True, True)
        >>> is_question("python sort list of dicts"), is_question("Aspirin lowers the risk of stroke.")
        (False, False)
    """
    return query.rstrip().endswith(tuple(_MARKS)) or _INTERROGATIVE.match(query) is not None
