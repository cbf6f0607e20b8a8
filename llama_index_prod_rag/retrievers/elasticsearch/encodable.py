"""Values that every reader of JSON accepts: no lone surrogates, no numbers that are not finite."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from llama_index_prod_rag.text.graphemes import replace_surrogates

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def make_encodable(value: Any) -> Any:  # noqa: ANN401 - JSON
    r"""A copy in which lone surrogates are U+FFFD and numbers that are not finite are None; mappings keep their order.

    A file name in another encoding than the system's brings lone surrogates. They have no UTF-8 form: the server takes
    them, and from then on every answer that holds them is unreadable.

    Examples:
        >>> make_encodable({"file": "caf\udce9.md", "scores": [1.5, float("nan")]}) == {
        ...     "file": "caf\ufffd.md", "scores": [1.5, None]
        ... }
        True
    """
    if isinstance(value, str):
        return value if value.isascii() else replace_surrogates(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {make_encodable(key): make_encodable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [make_encodable(item) for item in value]
    return value


def make_encodable_json(content: str) -> str:
    r"""The same for JSON inside of a string, where a surrogate may hide behind its escape.

    Examples:
        >>> make_encodable_json(r'{"file": "caf\udce9.md"}') == r'{"file": "caf\ufffd.md"}'
        True
    """
    if content.isascii() and not _ESCAPED_SURROGATE.search(content):
        return content
    return json.dumps(make_encodable(json.loads(content)))
