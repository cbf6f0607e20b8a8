"""Signs of formats whose source is not what people read: notebooks and stored mails. Core."""

from __future__ import annotations

import re

_NOTEBOOK_BEGINS = re.compile(r"\ufeff?\s*\{")
_CELLS = re.compile(r'"(?:cells|worksheets)"\s*:\s*\[')
_CELL_TYPE = re.compile(r'"cell_type"\s*:\s*"(?:code|markdown|raw|heading)"')
_SIGNS = re.compile(
    r"(?im)^(from|to|subject|date|message-id|received|return-path|reply-to|mime-version|delivered-to|x-[\w-]+):"
)
# Header fields, folded lines and all, down to the blank line that ends them; `From ` begins a mail in an mbox.
_HEADER_BLOCK = re.compile(r"\ufeff?(?:From [^\n]*\n)?(?:[\w-]{1,60}:[^\n]*(?:\n[ \t][^\n]*)*\n)+(?=\r?\n|\Z)")


def is_notebook(text: str) -> bool:
    """Whether the beginning of a text is that of a notebook.

    Examples:
        >>> is_notebook('{"cells": [], "nbformat": 4}'), is_notebook('{"cells": 3}')
        (True, False)
    """
    return _NOTEBOOK_BEGINS.match(text) is not None and (
        _CELLS.search(text) is not None or _CELL_TYPE.search(text) is not None
    )


def is_mail(text: str) -> bool:
    r"""Whether a text begins with the header of a mail.

    Examples:
        >>> is_mail("From: ann@x.org\nSubject: Hi\n\nHello."), is_mail("Note: a\nPrice: b\n\nHello.")
        (True, False)
    """
    match = _HEADER_BLOCK.match(text)
    found = set() if match is None else {each.lower() for each in _SIGNS.findall(match.group())}
    return "from" in found and len(found) > 1
