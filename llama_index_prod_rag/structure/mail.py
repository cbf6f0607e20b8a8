"""Mails as they are stored (RFC 5322): subject, correspondents, the message, quotes and the signature. Core.

The text is read from its transfer encoding; of two versions the plain one is taken; attachments are named.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from email import message_from_string
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message

from llama_index_prod_rag.structure.html import HtmlText
from llama_index_prod_rag.structure.prose import prose_blocks, read_prose
from llama_index_prod_rag.structure.sections import nest_sections
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.structure.view import View, ViewBuilder, move_all

_FACTS = ("from", "to", "date")
_KNOWN = ("from", "to", "cc", "subject", "date")
# Lines of the mail that is answered, each behind a `>`.
_QUOTED = re.compile(r"(?m)(?:^[ \t]*>[^\n]*(?:\n|\Z))+")
# The line that parts a signature from its mail: two dashes and a blank (RFC 3676), which some programs drop.
_SIGNATURE = re.compile(r"(?m)^-- ?\r?\n(?=\S)")


def read_mail(text: str) -> View | Block:
    r"""Read a mail as a document whose title is its subject.

    Returns:
        A view of its header (the lines people read), text, and the names of attachments; `metadata` holds `from`, `to`
        and `date`. What is quoted from other mails is a `quote`.

    Examples:
        >>> view = read_mail("From: Ann <ann@x.org>\nSubject: =?utf-8?q?Caf=C3=A9?=\n\nHello Bob,\n\n> When?\n\nnow.\n")
        >>> view.root.title, [block.kind for block in view.root.children], view.text.splitlines()[0]
        ('Café', ['header', 'paragraph', 'quote', 'paragraph'], 'From: Ann <ann@x.org>')
    """
    try:
        return _Reader(text).read()
    except (MessageError, LookupError, ValueError, RecursionError):  # no mail after all, or one that cannot be read
        return read_prose(text)


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._message = message_from_string(source.removeprefix("\ufeff"))
        self._view = ViewBuilder()
        self._position = 0

    def read(self) -> View:
        blocks: list[tuple[int, Block]] = []
        shown = {name: words for name in _KNOWN if (words := _header(self._message, name))}
        self._add_header(shown, blocks)
        for part in _text_parts(self._message):
            self._add_part(part, blocks)
        for name in _attachments(self._message):
            self._add_line(f"Attachment: {name}", blocks)
        root = nest_sections(blocks, self._view.length)
        facts: dict[str, object] = {name: shown[name] for name in _FACTS if name in shown}
        return self._view.view(replace(root, title=shown.get("subject"), metadata=facts))

    def _add_header(self, shown: dict[str, str], blocks: list[tuple[int, Block]]) -> None:
        self._position = _body_start(self._source)
        lines = "\n".join(f"{name.title()}: {words}" for name, words in shown.items())
        self._view.add(lines, 0, self._position)
        if lines:
            blocks.append((0, Block("header", 0, len(lines), glued=True)))

    def _add_line(self, line: str, blocks: list[tuple[int, Block]]) -> None:
        self._view.separate()
        start = self._view.length
        self._view.add(line, len(self._source), len(self._source))
        blocks.append((0, Block("attachment", start, start + len(line))))

    def _add_part(self, part: Message, blocks: list[tuple[int, Block]]) -> None:
        payload = part.get_payload()
        if not isinstance(payload, str) or not payload.strip():
            return
        found = self._source.find(payload, self._position)
        begin = found if found >= 0 else self._position
        self._position = begin + (len(payload) if found >= 0 else 0)
        self._view.separate()
        start = self._view.length
        pieces = list(_decode_pieces(part, payload))
        text = "".join(piece for piece, _, _ in pieces)
        if part.get_content_type() == "text/html":
            page = HtmlText(text)
            text = page.render(0, len(page))
            pieces = [(text, 0, len(payload))]
        text = text.rstrip()
        for piece, first, last in _cut(pieces, len(text)):
            self._view.add(piece, begin + first, begin + last)
        blocks.extend(move_all(_body_blocks(text), start))


def _cut(pieces: Iterable[tuple[str, int, int]], length: int) -> Iterator[tuple[str, int, int]]:
    """The pieces up to so many characters."""
    for piece, first, last in pieces:
        kept = piece[:length]
        yield kept, first, first + len(kept) if last - first == len(piece) else last
        length -= len(kept)


def _body_start(source: str) -> int:
    match = re.search(r"\r?\n\r?\n", source)
    return match.end() if match is not None else len(source)


def _header(message: Message, name: str) -> str:
    raw = message.get(name)
    if raw is None:
        return ""
    try:
        words = str(make_header(decode_header(str(raw))))
    except (MessageError, LookupError, ValueError):
        words = str(raw)
    return " ".join(words.split())


def _text_parts(message: Message) -> Iterator[Message]:
    """The parts that are the message: of alternatives the plain one, else the one in HTML; no attachments."""
    if message.get_content_disposition() == "attachment":
        return
    if not message.is_multipart():
        if message.get_content_type() in {"text/plain", "text/html"} or message.get_content_maintype() == "text":
            yield message
        return
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    if message.get_content_type() == "multipart/alternative":
        plain = [part for part in parts if part.get_content_type() == "text/plain"]
        parts = plain or parts[-1:]
    for part in parts:
        yield from _text_parts(part)


def _attachments(message: Message) -> Iterator[str]:
    return (" ".join(name.split()) for part in message.walk() if (name := part.get_filename()))


def _decode_pieces(part: Message, payload: str) -> Iterator[tuple[str, int, int]]:
    """The text with where each stretch of it stands in the payload."""
    charset = part.get_content_charset() or "utf-8"
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding == "base64":
        yield _decode(_decode_base64(payload), charset), 0, len(payload)
    elif encoding == "quoted-printable":
        position = 0
        for line in re.split(r"(?<!=)(?<=\n)", payload):  # a line that ends with "=" goes on in the next
            shown = line if "=" not in line else _decode(quopri.decodestring(line.encode()), charset)
            yield shown, position, position + len(line)
            position += len(line)
    else:
        yield payload, 0, len(payload)


def _decode_base64(payload: str) -> bytes:
    try:
        return base64.b64decode(payload.encode())
    except binascii.Error:
        return payload.encode()


def _decode(raw: bytes, charset: str) -> str:
    try:
        return raw.decode(charset)
    except (LookupError, UnicodeDecodeError):
        return raw.decode("utf-8", "replace")


def _body_blocks(text: str) -> list[tuple[int, Block]]:
    """Paragraphs, quotes, and the signature in one block."""
    signature = next((match.start() for match in _SIGNATURE.finditer(text)), len(text))
    blocks: list[tuple[int, Block]] = []
    position = 0
    for match in _QUOTED.finditer(text, 0, signature):
        blocks.extend(move_all(prose_blocks(text[position : match.start()]), position))
        blocks.append((0, Block("quote", match.start(), match.start() + len(match.group().rstrip()))))
        position = match.end()
    blocks.extend(move_all(prose_blocks(text[position:signature]), position))
    if text[signature:].strip():
        blocks.append((0, Block("sign_off", signature, signature + len(text[signature:].rstrip()))))
    return blocks
