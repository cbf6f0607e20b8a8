"""Whether a name in a question stands for several things, and nothing else in the question says which. Core.

A page goes by a name that others go by, too, and is told apart by what stands in brackets behind it ("Mercury
(planet)", "Mercury (element)", "Mercury"), as in encyclopedias, product lists and registers. A question that has the
bare name and words that both pages have is about either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.text.names import name_keys, split_qualifier
from llama_index_prod_rag.text.terms import found_terms, term_set

# Chosen on the train half of the names and the train questions of five sets: python -m benchmarks.whole_question.
_WORD = re.compile(r"[^\W_]+")
_DEPTH = 20  # candidates that are looked at
_MOST = 4  # readings that a person is asked to choose from
_CLOSE = 0.4  # share of the first reading's score: one that is further behind it is not meant


@dataclass(frozen=True, slots=True)
class Reading:
    """Is one thing that a name in the question may stand for.

    Attributes:
        name: the name as the question has it.
        label: what tells this one apart: the page's whole title.
        ids: its passages among the candidates, best first.
    """

    name: str
    label: str
    ids: tuple[str, ...]


def find_readings(
    query: str, passages: Sequence[Passage], language: str = "english", *, close: float = _CLOSE
) -> tuple[Reading, ...]:
    """Find the readings of a question, the best first; none where its words settle what is meant.

    Args:
        query: the question.
        passages: the candidates, best first, with their titles as headings.
        language: of both.
        close: how far a reading's score may lie behind the first one's, as a share of that.

    Examples:
        >>> planet = Passage("p", "The diameter of Mercury is 4,880 km.", 0.8, heading="Mercury (planet)")
        >>> singer = Passage("s", "Mercury was born in 1946 and sang.", 0.7, heading="Mercury (singer)")
        >>> [reading.label for reading in find_readings("Who or what is Mercury?", [planet, singer])]
        ['Mercury (planet)', 'Mercury (singer)']
        >>> find_readings("What is the diameter of Mercury?", [planet, singer])
        ()
    """
    found: dict[str, list[Passage]] = {}
    for passage in passages[:_DEPTH]:
        if label := _label_in(query, passage):
            found.setdefault(label, []).append(passage)
    if not passages or not found or _label_in(query, passages[0]) != next(iter(found)):
        return ()
    name = split_qualifier(next(iter(found)))[0]
    rivals = {label: held for label, held in found.items() if split_qualifier(label)[0].casefold() == name.casefold()}
    meant = _unsettled(query, name, rivals, language, close)
    if len(meant) < 2:
        return ()
    return tuple(Reading(name, label, tuple(passage.id for passage in rivals[label])) for label in meant[:_MOST])


def _label_in(query: str, passage: Passage) -> str:
    """The title or heading of a passage whose bare name the question has; empty where it has none."""
    words = _words(query)
    for heading in passage.heading.splitlines():
        name, _ = split_qualifier(heading)
        if name_keys(name) and f" {_words(name).strip()} " in words:
            return heading
    return ""


def _words(text: str) -> str:
    return " ".join(["", *_WORD.findall(text.casefold()), ""])


def _unsettled(query: str, name: str, rivals: dict[str, list[Passage]], language: str, close: float) -> list[str]:
    """Labels between which the question's other words do not choose."""
    asked = term_set(query, language) - term_set(name, language)
    qualified = {label: term_set(split_qualifier(label)[1], language) for label in rivals}
    if any(asked & terms for terms in qualified.values()):
        return []  # "Mercury the planet"
    covered = {
        label: len(asked & frozenset().union(*(found_terms(passage.wording, language) for passage in held)))
        for label, held in rivals.items()
    }
    most = max(covered.values())
    best = max((passage.score or 0.0) for held in rivals.values() for passage in held)
    return [
        label
        for label, held in rivals.items()
        if covered[label] == most and best - max(passage.score or 0.0 for passage in held) <= close * abs(best)
    ]
