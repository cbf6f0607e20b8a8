"""From a message that leans on the conversation to a question that stands alone, without a language model.

What a conversation is about travels in its messages: each assistant's message notes the question that was answered and
the topics of that turn in its `additional_kwargs`, so that a memory that was stored and loaded again still knows them.
A history from elsewhere has only its words, and then the names in them are the topics.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.schema import NodeWithScore

from llama_index_prod_rag.query_engine.clarify import NarrowedQuery, settle
from llama_index_prod_rag.query_engine.sources import source_of, text_of
from llama_index_prod_rag.text.ellipsis import correction_in, names_nothing
from llama_index_prod_rag.text.follow_up import leans, names_in
from llama_index_prod_rag.text.languages import detect_language
from llama_index_prod_rag.text.terms import term_set
from llama_index_prod_rag.text.versions import is_version

NOTE = "prod_rag_turn"
"""Key of an assistant's message under which its turn is noted."""

_MOST_TOPICS = 6
_MOST_WORDS = 12  # of a heading or name: a longer one is a sentence
# Of 1 to 4, the fewest that find most of the train follow-ups of benchmarks.whole_follow_ups.
_MOST_NAMES = 3
_OF_THE_SAME = re.compile(
    r"\b(?:version|edition|release|ones?|fassung|ausgabe|auflage|versión|versione|versie|\d[\d.]*)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Says how a message was understood.

    Attributes:
        message: the user's words.
        question: what was asked of the documents; the message itself where that stands alone.
        topics: what was added to the message, the nearest first; empty where nothing was, or a model rewrote it.
    """

    message: str
    question: str
    topics: tuple[str, ...] = ()

    @property
    def leans(self) -> bool:
        """Whether something else was asked than the message."""
        return self.question != self.message

    def to_json(self) -> dict[str, Any]:
        """Make the JSON object that a reply's metadata holds."""
        return {"message": self.message, "question": self.question, "topics": list(self.topics)}


def condense(message: str, history: Sequence[ChatMessage]) -> FollowUp:
    """Add what the last turn was about to a message that leans on it; one that stands alone stays as it is.

    Args:
        message: the user's words.
        history: the messages before, oldest first.

    Examples:
        >>> history = [ChatMessage(role="user", content="Who designed the Eiffel Tower?")]
        >>> condense("When was it built?", history).question
        'When was it built? (Eiffel Tower)'
        >>> condense("When was the Louvre built?", history).question
        'When was the Louvre built?'
        >>> condense("No, I meant the Louvre", history).question
        'the Louvre (designed)'
    """
    if not leans(message):
        return FollowUp(message, message)
    said = correction_in(message) or message
    # Of something else is asked what was asked before; of another version of it, it is asked of the same.
    asked = topics_before(history, continued=True) if said != message or names_in(said) else []
    if not asked or (said != message and not names_in(said) and _OF_THE_SAME.search(said)):
        asked = [topic for topic in _distinct([*topics_before(history), *asked]) if not is_version(topic)]
    held = said.casefold()
    topics = tuple(topic for topic in asked if topic.casefold() not in held)[:_MOST_TOPICS]
    return FollowUp(message, f"{said} ({', '.join(topics)})" if topics else message, topics)


def note_of(understood: FollowUp, hits: Sequence[NodeWithScore]) -> dict[str, Any]:
    """What a turn was about, as its message keeps it: the question, its topics, and what was asked of them.

    Args:
        understood: the turn's question.
        hits: the passages that it was answered from, best first; empty where it was refused.
    """
    said = (correction_in(understood.message) or understood.message) if understood.topics else understood.question
    continued = bool(names_in(said)) or _names_title(said, hits)
    kept = () if continued else understood.topics
    asked = _distinct([*asked_of(said), *(understood.topics if continued else ())])
    return {"question": understood.question, "topics": topics_of(said, hits, kept), "asked": asked}


def _names_title(said: str, hits: Sequence[NodeWithScore]) -> bool:
    """Whether the words of a message that goes on are what the passage is called that answered it."""
    language = detect_language([said])
    words = term_set(said, language)
    return bool(hits and words) and any(words <= term_set(title, language) for title in _called(hits[0]))


def chosen_reading(message: str, history: Sequence[ChatMessage]) -> NarrowedQuery | None:
    """Make the question that a message stands for which answers the gate's question back; None for any other."""
    noted = history[-1].additional_kwargs.get(NOTE) if history else None
    readings = noted.get("readings", ()) if isinstance(noted, dict) else ()
    return settle(str(noted["question"]), message, readings) if noted and readings else None


def topics_before(history: Sequence[ChatMessage], *, continued: bool = False) -> list[str]:
    """What the last turn was about: as it was noted, or as its words say.

    Args:
        history: the messages before, oldest first.
        continued: the same is asked of something else ("And the Louvre?"): what was asked counts, not of what.
    """
    for message in reversed(history):
        noted = message.additional_kwargs.get(NOTE)
        if isinstance(noted, dict):
            return [str(topic) for topic in noted.get("asked" if continued else "topics", ())]
        if message.role == MessageRole.USER:
            said = str(message.content or "")
            return asked_of(said) if continued else topics_of(said, ())
    return []


def asked_of(question: str) -> list[str]:
    """The words of a question that say what is asked, without the names that say of what.

    Examples:
        >>> asked_of("When was the Eiffel Tower opened to visitors?")
        ['opened', 'visitors']
    """
    language = detect_language([question])
    for name in names_in(question, language):
        question = question.replace(name, " ")
    return _distinct(word for word in re.findall(r"[\w'-]+", question) if not names_nothing(word, language))


def topics_of(question: str, hits: Sequence[NodeWithScore], kept: Sequence[str] = ()) -> list[str]:
    """What one turn was about, the nearest first.

    Args:
        question: the question as it was asked of the documents.
        hits: the passages that it was answered from, best first; empty where it was refused.
        kept: topics that were added to the question, which stay.

    Returns:
        The names of the question (its words where it has none), those that were added, and what the first passage is
        called: its title and last heading, or its most frequent name, with others that it repeats.
    """
    asked = names_in(question) or ([] if kept else asked_of(question))
    return _distinct([*asked, *kept, *(_called(hits[0]) if hits else ())])[:_MOST_TOPICS]


def _called(hit: NodeWithScore) -> list[str]:
    title = hit.node.metadata.get("title")
    headings = [*([str(title)] if title else []), *source_of(hit)["heading_path"][-1:]]
    if headings:
        return [heading for heading in headings if len(heading.split()) <= _MOST_WORDS]
    text = text_of(hit)
    counts = Counter({name: text.count(name) for name in names_in(text)}).most_common(_MOST_NAMES)
    return [name for place, (name, count) in enumerate(counts) if place == 0 or count > 1]


def _distinct(names: Iterable[str]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return list(found.values())
