"""Conversations that programs export as JSON: messages whole, with who said them and when. Core.

Read are exports of Slack, Discord, Telegram, Messenger, Teams, ChatGPT and Claude, message lists of language models'
interfaces, and whatever else is a list of objects with an author and a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from llama_index_prod_rag.structure.json_text import Located, decode, pieces
from llama_index_prod_rag.structure.markdown import markdown_blocks
from llama_index_prod_rag.structure.messages import Conversation, Message, Said, find_conversations
from llama_index_prod_rag.structure.records import read_lines
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.structure.view import View, ViewBuilder, move


def read_chat(text: str) -> View | Block:
    r"""Read the conversations of an export, each under its title.

    Returns:
        A view: of each message one block, with its author and date before its text. A slice of it knows its `authors`
        and the `date` of its first message. JSON without conversations is read line by line.

    Examples:
        >>> said = '{"author": "Ann", "ts": 1700000000, "text": "Hi\\nBob"}, {"author": "Bob", "text": "Oh"}'
        >>> view = read_chat(f"[{said}]")
        >>> view.text, [block.kind for block in view.root.children]
        ('Ann (2023-11-14 22:13): Hi\nBob\n\nBob: Oh', ['message', 'message'])
        >>> view.facts(0, len(view.text))
        {'authors': ['Ann', 'Bob'], 'date': '2023-11-14 22:13'}
    """
    try:
        conversations = find_conversations(decode(text))
    except (ValueError, RecursionError):
        conversations = []
    return _Reader(text).read(conversations) if conversations else read_lines(text)


def merge_speakers(notes: Sequence[Mapping[str, str]]) -> Mapping[str, object]:
    """Name the authors of some messages, in the order they speak in, and when the first of them was written.

    Examples:
        >>> merge_speakers([{"author": "Ann", "date": "2024"}, {"author": "Bob"}, {"author": "Ann"}])
        {'authors': ['Ann', 'Bob'], 'date': '2024'}
    """
    authors = list(dict.fromkeys(note["author"] for note in notes if note.get("author")))
    dates = [note["date"] for note in notes if note.get("date")]
    return {**({"authors": authors} if authors else {}), **({"date": dates[0]} if dates else {})}


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._view = ViewBuilder()

    def read(self, conversations: Iterable[Conversation]) -> View:
        blocks = [block for each in conversations for block in self._conversation(each)]
        return self._view.view(Block("document", 0, self._view.length, tuple(blocks)), merge_speakers)

    def _conversation(self, conversation: Conversation) -> list[Block]:
        """A section under its title; without one its messages stand for themselves."""
        title = " ".join((conversation.title or "").split())
        heads = [self._title(conversation.title)] if title and conversation.title is not None else []
        messages = [self._message(message) for message in conversation.messages]
        if not heads:
            return messages
        inside = (*heads, *messages)
        return [Block("section", inside[0].start, inside[-1].end, inside, title=title)]

    def _title(self, title: Located) -> Block:
        self._view.separate()
        start = self._view.length
        self._view.note({})
        self._view.add(title.strip(), title.start, title.end)
        return Block("heading", start, self._view.length, glued=True)

    def _message(self, message: Message) -> Block:
        self._view.separate()
        start = self._view.length
        self._view.note({"author": message.author, "date": message.date})
        place = message.texts[0][1].start
        self._view.add(message.lead, place, place)
        said = "".join(self._texts(message.texts))
        end = start + len((message.lead + said).rstrip())
        return Block("message", start, end, tuple(_parts(said, start, start + len(message.lead), end)))

    def _texts(self, texts: Sequence[Said]) -> Iterator[str]:
        for index, (between, text) in enumerate(texts):
            if index:
                self._view.add(between, text.start, text.start)
                yield between
            for part in pieces(self._source, text):
                self._view.add(*part)
                yield part[0]


def _parts(said: str, start: int, begin: int, end: int) -> Iterator[Block]:
    """Where a long message can be cut: its paragraphs, lists and code, the first with the author before it."""
    blocks = [move(block, begin) for _, block in markdown_blocks(said)[0]]
    for index, block in enumerate(blocks):
        kind = "paragraph" if block.kind == "heading" else block.kind
        shown = replace(block, kind=kind, title=None, glued=kind != block.kind, dropped=False)
        yield replace(shown, start=start if index == 0 else shown.start, end=min(shown.end, end))
