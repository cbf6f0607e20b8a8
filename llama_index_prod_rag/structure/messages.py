"""Who says what and when in decoded JSON: the names that chat programs give to it. Core."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TypeAlias

from llama_index_prod_rag.structure.json_text import Located, dicts

_AUTHORS = (
    *("user_profile", "author", "from", "sender_name", "sender", "speaker", "username", "user_name", "from_name"),
    *("author_name", "nickname", "user", "role", "name"),
)
_NAMES = ("real_name", "display_name", "displayName", "nickname", "global_name", "name", "username", "login", "role")
"""Of an object that stands for a person, the best first."""
_TEXTS = ("text", "content", "message", "body", "msg", "parts", "value")
_DATES = (
    *("ts", "timestamp", "date", "time", "datetime", "created_at", "create_time", "createdAt", "createdDateTime"),
    *("sent_at", "sentAt", "timestamp_ms", "created"),
)
_SUBJECTS = ("subject",)
_EXTRAS = ("attachments", "embeds", "files", "photos", "media")
_EXTRA_TEXTS = ("title", "name", "fileName", "filename", "file_name", "description", "text", "fallback", "uri")
_TITLES = ("title", "name", "topic", "channel", "conversation_name")
_LISTS = ("messages", "chat_messages", "conversations", "chats", "list", "value", "items", "data", "history", "chat")
_THREADS = ("replies", "comments", "responses", "children")
"""Of a message, those that answer it."""
_FACTS = (
    *("level", "levelname", "loglevel", "log_level", "severity", "logger", "exception", "stacktrace", "stack_trace"),
    *("status_code", "http_status", "price", "amount", "currency", "quantity", "qty", "sku", "product", "rating"),
    *("stars", "email", "phone", "company", "city", "country"),
)
"""What logs, orders, reviews and forms say about somebody in one word or number, and no chat of a message."""
_DEEPEST = 6
_MOST_FOREIGN = 0.1
"""Share of messages that may hold words under a name that is not known here: more are not a chat but other records."""
_MILLISECONDS = 100_000_000_000
"""Seconds are below it until the year 5138."""
_FIRST_SECOND = 100_000_000
"""In 1973; smaller numbers are places in a recording, years or days written as one number."""
_NUMBER = re.compile(r"\d{9,13}(?:\.\d+)?")
# To the minute: seconds say nothing to a reader, and cost as much as three words.
_ISO = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<minute>\d\d:\d\d)(?::\d\d(?:[.,]\d+)?)?(?:Z|\+00:?00|(?P<zone>[+-]\d\d:?\d\d))?"
)
# Not worth a place in the text: ids, addresses and states have no blanks between words.
_WORDS = re.compile(r"\w\s+\w+\s+\w")


Said: TypeAlias = tuple[str, Located]
"""What parts a text from the one before it, and the text."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        author: who says it; empty where that is not told.
        date: when, to the minute where it is a number in the file, else as it stands; empty where that is not told.
        texts: what is said, at least one; what stands before each, and the text.
    """

    author: str
    date: str
    texts: tuple[Said, ...]

    @property
    def lead(self) -> str:
        """What stands before the text: `Ann (2024-03-01 10:00): `."""
        date = f" ({self.date})" if self.author and self.date else self.date
        return f"{self.author}{date}: " if self.author or date else ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Some messages in the order of the file.

    Attributes:
        title: what it is called, if anything.
        messages: at least one.
    """

    title: Located | None
    messages: tuple[Message, ...]


def find_conversations(value: object, title: Located | None = None, depth: int = 0) -> list[Conversation]:
    """Find the conversations in decoded JSON, in the order of the file.

    Args:
        value: what `json_text.decode` gave.
        title: of what is around it.
        depth: levels above it.

    Returns:
        Nothing where the values are other records: none may lose words that are not those of a message.
    """
    if depth > _DEEPEST:
        return []
    if isinstance(value, list):
        if messages := _messages(value):
            return [Conversation(title, messages)]
        parts = [(each, find_conversations(each, title, depth + 1)) for each in value]
    elif isinstance(value, dict):
        title = next((each for key in _TITLES if (each := _name(value.get(key))) is not None), title)
        parts = [(each, _conversations_under(key, each, title, depth)) for key, each in value.items()]
    else:
        return []
    found = [each for _, conversations in parts for each in conversations]
    beside = (words for each, conversations in parts if not conversations for words in _words_in(each))
    said = tuple(Message("", "", (("", words),)) for words in beside if words is not title)
    return [replace(found[0], messages=(*said, *found[0].messages)), *found[1:]] if found else []


def _conversations_under(key: str, value: object, title: Located | None, depth: int) -> list[Conversation]:
    if key == "mapping":
        return _tree(value, title)
    return find_conversations(value, title, depth + 1) if key in _LISTS else []


def _words_in(value: object) -> Iterator[Located]:
    """The words anywhere in what holds no conversation."""
    if isinstance(value, Located):
        if _WORDS.search(value):
            yield value
    elif isinstance(value, (list, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _words_in(each)


def _messages(values: list[object]) -> tuple[Message, ...]:
    """The messages of a list, if it is one of messages; each is followed by those that answer it."""
    rows = [(row, _message(row)) for row in dicts(values)]
    found = [each for row, message in rows for each in (message, *_replies(row)) if each is not None]
    foreign = sum(1 for row, _ in rows if _other_words(row) or _has_facts(row))
    known = 2 * sum(1 for _, message in rows if message is not None and message.author) >= max(1, len(values))
    return tuple(found) if found and known and foreign <= _MOST_FOREIGN * len(rows) else ()


def _replies(row: Mapping[str, object], depth: int = 0) -> Iterator[Message]:
    for reply in (each for key in _THREADS for each in dicts(row.get(key))):
        if (message := _message(reply)) is not None:
            yield message
        if depth < _DEEPEST:
            yield from _replies(reply, depth + 1)


def _has_facts(row: Mapping[str, object]) -> bool:
    """Whether an object says something that would be lost with all but its author, date and text."""
    return any(key.lower() in _FACTS and value not in (None, "") for key, value in row.items())


def _message(row: Mapping[str, object]) -> Message | None:
    author = next((name for key in _AUTHORS if (name := _name(row.get(key)))), "")
    texts = [text for key in (*_SUBJECTS, *_TEXTS) for text in _texts(row.get(key))]
    texts += [("\n", text) for key in _EXTRAS for extra in dicts(row.get(key)) for text in _extra(extra)]
    texts += [("\n", words) for words in _other_words(row)]
    if not texts:
        return None
    date = next((date for key in _DATES if (date := _date(row.get(key)))), "")
    return Message(author, date, tuple(_drop_repeated(texts)))


def _drop_repeated(texts: Iterable[Said]) -> Iterator[Said]:
    """Some exports hold a text under two names; fragments of a sentence may repeat."""
    seen: set[str] = set()
    for between, text in texts:
        if text not in seen or not between:
            yield between, text
        seen.add(text)


def _name(value: object) -> Located | None:
    """A name, or the best name of an object that stands for a person or a channel."""
    if isinstance(value, Located):
        return value if value.strip() else None
    if isinstance(value, dict):
        inner = (*_NAMES, *(key for key in ("user", "profile", "application") if isinstance(value.get(key), dict)))
        return next((name for key in inner if (name := _name(value.get(key))) is not None), None)
    return None


def _texts(value: object, between: str = "\n\n", depth: int = 0) -> Iterator[Said]:
    """The words of a text: one string, or fragments of it in lists and objects."""
    if isinstance(value, Located):
        if value.strip():
            yield between, value
    elif isinstance(value, list) and depth < _DEEPEST:
        # Strings with links and mentions between them are one sentence.
        mixed = {isinstance(each, str) for each in value} == {True, False}
        for each in value:
            yield from _texts(each, "" if mixed else "\n\n", depth + 1)
    elif isinstance(value, dict) and depth < _DEEPEST:
        for key in _TEXTS:
            yield from _texts(value.get(key), between, depth + 1)


def _extra(extra: Mapping[str, object]) -> list[Located]:
    """The title and the words of an attachment."""
    found = [value for key in _EXTRA_TEXTS if isinstance(value := extra.get(key), Located) and value.strip()]
    return list({str(each): each for each in found}.values())[:2]


def _date(value: object) -> str:
    number = float(value) if isinstance(value, Located) and _NUMBER.fullmatch(value) else value
    if isinstance(number, (int, float)) and not isinstance(number, bool):
        if number < _FIRST_SECOND:
            return str(number)
        seconds = number / 1000 if number >= _MILLISECONDS else number
        try:
            return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M")
        except (ValueError, OverflowError, OSError):
            return ""
    if not isinstance(value, str):
        return ""
    match = _ISO.fullmatch(value.strip())
    return value.strip() if match is None else f"{match['day']} {match['minute']}{match['zone'] or ''}"


def _other_words(row: Mapping[str, object]) -> list[Located]:
    """The words that an object has under names that no message has."""
    known = {*_AUTHORS, *_TEXTS, *_DATES, *_SUBJECTS, *_EXTRAS}
    return [v for key, v in row.items() if key not in known and isinstance(v, Located) and _WORDS.search(v)]


def _tree(mapping: object, title: Located | None) -> list[Conversation]:
    """A conversation that is kept as a tree of turns, each below the one it answers, as ChatGPT exports it."""
    if not isinstance(mapping, dict):
        return []
    rows = [node.get("message") for node in mapping.values() if isinstance(node, dict)]
    messages = tuple(message for row in dicts(rows) if (message := _message(row)) is not None)
    return [Conversation(title, messages)] if messages else []
