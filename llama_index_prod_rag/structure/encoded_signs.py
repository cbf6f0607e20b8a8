"""Signs of formats whose source is not what people read: notebooks, mails, chat exports, docling documents. Core."""

from __future__ import annotations

import re

_NOTEBOOK_BEGINS = re.compile(r"\ufeff?\s*\{")
_CELLS = re.compile(r'"(?:cells|worksheets)"\s*:\s*\[')
_CELL_TYPE = re.compile(r'"cell_type"\s*:\s*"(?:code|markdown|raw|heading)"')
_JSON_BEGINS = re.compile(r"\ufeff?\s*[\[{]")
_DOCLING = re.compile(r'"schema_name"\s*:\s*"DoclingDocument"')
# Keys that say who speaks, what, and when; each occurs in the first message already.
_SAID_BY = re.compile(
    r'"(?:author|from|sender|sender_name|speaker|user|username|user_name|user_profile|from_name|author_name|role)"\s*:'
)
_SAID = re.compile(r'"(?:text|content|message|body|msg|parts)"\s*:')
_SAID_WHEN = re.compile(
    r'"(?:ts|timestamp|timestamp_ms|date|time|datetime|created_?[aA]t|create_time|createdDateTime|sent_?[aA]t|role)"\s*:'
)
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


def is_docling(text: str) -> bool:
    """Whether the beginning of a text is that of a document that docling made.

    Examples:
        >>> is_docling('{"schema_name": "DoclingDocument", "version": "1.0"}'), is_docling('{"schema_name": "x"}')
        (True, False)
    """
    return _JSON_BEGINS.match(text) is not None and _DOCLING.search(text) is not None


def is_chat(text: str) -> bool:
    """Whether the beginning of a text can be that of an exported chat; its reader knows for sure.

    Examples:
        >>> is_chat('[{"author": "Ann", "ts": 1, "text": "Hi"}]'), is_chat('{"author": "Ann", "version": "1.0"}')
        (True, False)
    """
    signs = (_SAID_BY, _SAID, _SAID_WHEN)
    return _JSON_BEGINS.match(text) is not None and all(sign.search(text) is not None for sign in signs)
