"""A mailbox (`.mbox`, RFC 4155) as its mails, each as it was sent."""

from __future__ import annotations

import re
from pathlib import Path

from llama_index_prod_rag.readers.encodings import decode

# The line that begins a mail: who sent it, and when; below a blank line, for others may begin with this word.
_BEGINS = re.compile(r"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]*\d{4}[^\n]*\n")
_ESCAPED = re.compile(r"(?m)^>(?=>*From )")


def read_mailbox(file: Path) -> list[str]:
    """Read the mails of a mailbox, in their order.

    Raises:
        OSError: it may not be read.
    """
    return [_ESCAPED.sub("", mail) for mail in _BEGINS.split(decode(file.read_bytes()))]
