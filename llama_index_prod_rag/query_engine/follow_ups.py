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
from llama_index_prod_rag.text.follow_up import leans, names_in
from llama_index_prod_rag.text.terms import term_set

NOTE = "prod_rag_turn"
"""Key of an assistant's message under which its turn is noted."""

_MOST_TOPICS = 6
_MOST_WORDS = 12  # of a heading or name: a longer one is a sentence
# Of 1 to 4, the fewest that find most of the train follow-ups of benchmarks.whole_follow_ups.
_MOST_NAMES = 3


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
    """
    if not leans(message):
        return FollowUp(message, message)
    held = message.casefold()
    before = topics_before(history, continued=bool(names_in(message)))
    topics = tuple(topic for topic in before if topic.casefold() not in held)[:_MOST_TOPICS]
    return FollowUp(message, f"{message} ({', '.join(topics)})" if topics else message, topics)


def note_of(understood: FollowUp, hits: Sequence[NodeWithScore]) -> dict[str, Any]:
    """What a turn was about, as its message keeps it: the question, its topics, and what was asked of them.

    Args:
        understood: the turn's question.
        hits: the passages that it was answered from, best first; empty where it was refused.
    """
    said = understood.message if understood.topics else understood.question
    continued = bool(names_in(said))
    kept = () if continued else understood.topics
    asked = _distinct([*asked_of(said), *(understood.topics if continued else ())])
    return {"question": understood.question, "topics": topics_of(said, hits, kept), "asked": asked}


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
    for name in names_in(question):
        question = question.replace(name, " ")
    return _distinct(word for word in re.findall(r"[\w'-]+", question) if term_set(word))


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
