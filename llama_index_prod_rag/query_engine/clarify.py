"""Asking back: which of several things a name in the question stands for, and the question that takes the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.schema import NodeWithScore, QueryBundle

from llama_index_prod_rag.confidence.readings import Reading, find_readings
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.query_engine.sources import passages_of
from llama_index_prod_rag.text.ellipsis import correction_in
from llama_index_prod_rag.text.languages import detect_language
from llama_index_prod_rag.text.terms import term_set

AMBIGUOUS = "“{}” stands for several things in the documents"

_AROUND = " .:)(#"  # a number, as people write one: "2.", "(2)", "#2"
_POLITE = re.compile(
    r"\b(?:please|bitte|of course|natürlich|s'il vous plaît|por favor|option|number|nummer|nr\.|no\.)(?!\w)"
)
_PLACES = {
    1: ("first", "former", "one", "erste", "eins", "premier", "première", "primero", "primera"),
    2: ("second", "two", "zweite", "zwei", "deuxième", "segundo", "segunda"),
    3: ("third", "three", "dritte", "drei"),
    4: ("fourth", "four", "vierte", "vier"),
    -1: ("last", "latter", "letzte", "letztere", "dernier", "dernière"),
}
_ORDINAL = re.compile(r"(?:(?:the|der|die|das|den|le|la|el)\s)?(?P<place>\w+)(?:\s(?:one|meaning|reading|bedeutung))?")
_SHORT = 6  # words of a message that only chooses: a longer one is a question of its own


@dataclass
class NarrowedQuery(QueryBundle):
    """Is a question whose name has been settled; what the other readings are about is not searched.

    Attributes:
        others: labels of the readings that were not chosen.
        left_out: ids of their passages.
    """

    others: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()

    def keep(self, hits: Sequence[NodeWithScore]) -> list[NodeWithScore]:
        """Leave out the passages of other readings: those that were seen, and what has a title of theirs."""
        headings = (passage.heading.splitlines() for passage in passages_of(hits))
        return [
            hit
            for hit, lines in zip(hits, headings, strict=True)
            if hit.node_id not in self.left_out and not set(lines) & set(self.others)
        ]


def readings_shown(
    question: str, candidates: Sequence[NodeWithScore], shown: Sequence[NodeWithScore], language: str
) -> tuple[Reading, ...]:
    """Find the readings of a question whose passages came through every stage; none where fewer than two did."""
    ids = {hit.node_id for hit in shown}
    found = find_readings(question, passages_of(candidates), language)
    kept = tuple(reading for reading in found if ids & set(reading.ids))
    return kept if len(kept) > 1 else ()


def narrow_query(response: RESPONSE_TYPE, choice: int | str) -> NarrowedQuery:
    """Make the question that a choice among a response's readings stands for.

    Args:
        response: of a gate that asked back.
        choice: the reading's number, from 1, its label, or words of it that no other label has.

    Raises:
        InputError: the response did not ask back, or no reading or more than one goes by that name.
    """
    report = (response.metadata or {}).get("prod_rag", {})
    readings = report.get("readings", ())
    if not readings:
        raise InputError("this response has no readings to choose from: its decision is not 'clarify'")
    narrowed = settle(report["attempts"][0]["query"], choice, readings)
    if narrowed is None:
        raise InputError(f"{choice!r} is none of the readings: {'; '.join(one['label'] for one in readings)}")
    return narrowed


def settle(question: str, choice: int | str, readings: Sequence[Mapping[str, Any]]) -> NarrowedQuery | None:
    """Put the title that a choice means in the place of the name; None where it means none of the readings.

    Where pages have no titles of their own, the question stays as it is, and what the others are about is left out.

    Args:
        question: the question that was asked back.
        choice: as `find_choice` takes it.
        readings: what it may be about, as `to_json` gives them.

    Examples:
        >>> readings = to_json([Reading("Mercury", "Mercury (planet)", ("p",)), Reading("Mercury", "Mercury", ("m",))])
        >>> narrowed = settle("Who or what is Mercury?", "the planet", readings)
        >>> narrowed.query_str, narrowed.others, narrowed.left_out
        ('Who or what is Mercury (planet)?', ('Mercury',), frozenset({'m'}))
    """
    label = find_choice(choice, [str(one["label"]) for one in readings])
    if label is None:
        return None
    name = re.compile(rf"(?<!\w){re.escape(str(readings[0]['name']))}(?!\w)", re.IGNORECASE)
    others = [one for one in readings if one["label"] != label]
    titled = any(one["titled"] for one in readings if one["label"] == label)
    return NarrowedQuery(
        name.sub(lambda _: label, question, count=1) if titled else question,
        others=tuple(str(one["label"]) for one in others),
        left_out=frozenset(str(id_) for one in others for id_ in one["node_ids"]),
    )


def find_choice(choice: int | str, labels: Sequence[str]) -> str | None:
    """Find the label that a choice means: as a whole, by its place, or by words that it alone has; None where none is.

    Examples:
        >>> labels = ["Mercury (planet)", "Mercury (singer)"]
        >>> [find_choice(choice, labels) for choice in (2, "1.", "the singer", "mercury (planet)", "Mercury")]
        ['Mercury (singer)', 'Mercury (planet)', 'Mercury (singer)', 'Mercury (planet)', None]
        >>> [find_choice(choice, labels) for choice in ("the second one", "I meant the planet, please", "neither")]
        ['Mercury (singer)', 'Mercury (planet)', None]
    """
    said = str(choice).strip().casefold()
    if whole := [label for label in labels if label.casefold() == said]:
        return whole[0]
    said = _POLITE.sub(" ", correction_in(said) or said).strip(_AROUND)
    if place := _place_of(said, len(labels)):
        return labels[place - 1]
    if len(said.split()) > _SHORT:
        return None
    for language in dict.fromkeys((detect_language([said]), detect_language(labels), "english")):
        words = term_set(said, language)
        found = [label for label in labels if words and words <= term_set(label, language)]
        if len(found) == 1:
            return found[0]
    return None


def _place_of(said: str, many: int) -> int:
    """The place in the list that a message names, from 1; 0 where it names none."""
    if said in (numbers := [str(number) for number in range(1, many + 1)]):
        return numbers.index(said) + 1
    named = _ORDINAL.fullmatch(said)
    forms = (named["place"], named["place"][:-1]) if named else ()  # "zweites"
    place = next((number for number, words in _PLACES.items() if not set(words).isdisjoint(forms)), 0)
    return (many if place < 0 else place) if place <= many else 0


def to_json(readings: Sequence[Reading]) -> list[Mapping[str, Any]]:
    """Make readings JSON objects: `name`, `label`, `node_ids`, `titled`."""
    return [{"name": one.name, "label": one.label, "node_ids": list(one.ids), "titled": one.titled} for one in readings]
