"""What a passage can be called by, and which of many names a text mentions. Core.

A document goes by its title, with and without what tells it apart in brackets ("Mercury (planet)"), by its headings and
by its file's name. Names are compared as they are written, capitals included: "Inception" the film is named in a text,
"inception" the word is not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.checked_arrays import check_groups

_TOKEN = re.compile(r"\w+(?:[.\-_']\w+)*")
_QUALIFIER = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*$")
_SET_OFF = re.compile(r",\s+|:\s+|\s+[-\u2013\u2014|]\s+|\u2014")
# Legal forms as registers write them behind a company's name (ISO 20275 lists thousands; these are the common ones).
_LEGAL_FORM = re.compile(
    r"\s+(?:Inc|Incorporated|Ltd|Limited|LLC|LLP|Corp|Corporation|Co|Company|plc|PLC|GmbH|AG|SE|KG|SA|SAS|SARL|SpA|BV|NV"
    r"|AB|AS|Oy|Pty)\.?$"
)
_LONGEST = 12  # tokens of a name: a longer one is a sentence
_SHORTEST = 3  # characters
_PLACE = ("@",)  # before a place: no token of a text is written so


def name_keys(name: str) -> list[tuple[str, ...]]:
    """List the ways in which a name may stand in a text, as tokens; none for what is too short, too long or no name.

    Examples:
        >>> name_keys("Mercury (planet)")
        [('Mercury', 'planet'), ('Mercury',)]
        >>> name_keys("on"), name_keys("introduction")
        ([], [])
    """
    found = [_key(form) for form in dict.fromkeys((name, _QUALIFIER.sub("", name)))]
    return [key for key in dict.fromkeys(found) if key]


def split_qualifier(name: str) -> tuple[str, str]:
    """Split a name from what tells it apart: brackets, a legal form, or what a comma, colon or dash sets off.

    Examples:
        >>> split_qualifier("Mercury (planet)"), split_qualifier("Springfield, Illinois"), split_qualifier("Apple Inc.")
        (('Mercury', 'planet'), ('Springfield', 'Illinois'), ('Apple', 'Inc.'))
        >>> split_qualifier("Mercury: the planet"), split_qualifier("Mercury - planet"), split_qualifier("Ed Wood")
        (('Mercury', 'the planet'), ('Mercury', 'planet'), ('Ed Wood', ''))
    """
    for mark in (_QUALIFIER, _SET_OFF, _LEGAL_FORM):
        found = mark.search(name)
        if found and (bare := name[: found.start()].strip()):
            return bare, name[len(bare) :].strip(" ()[],:|-\u2013\u2014")
    return name, ""


def _key(name: str) -> tuple[str, ...]:
    tokens = tuple(_TOKEN.findall(name))
    written = len(name) >= _SHORTEST and 0 < len(tokens) <= _LONGEST
    # One word without a capital, digit or sign inside stands in every text.
    telling = len(tokens) > 1 or any(not (character.islower()) for token in tokens for character in token)
    return tokens if written and telling else ()


class Mentioned:
    """Says which names stand in a text.

    Examples:
        >>> names = Mentioned()
        >>> names.add("n1", ["Ed Wood (film)"])
        >>> names.add("n2", ["Scott Derrickson"])
        >>> names.find("Scott Derrickson admires the film Ed Wood.")
        {'n2': 1.0, 'n1': 1.0}
        >>> names.discard("n1")
        >>> names.find("Ed Wood")
        {}
    """

    def __init__(self) -> None:
        self._owners: dict[tuple[str, ...], dict[str, None]] = {}
        self._keys: dict[str, list[tuple[str, ...]]] = {}
        self._longest: dict[str, int] = {}  # first token -> tokens of the longest name that begins so

    def owners(self) -> Collection[str]:
        """Whatever was added, with or without a name that can be mentioned."""
        return self._keys.keys()

    def add(self, owner: str, names: Iterable[str], places: Iterable[tuple[str, ...]] = ()) -> None:
        """Note what something is called, and where it lies (`text.pointers`); what was known before is forgotten."""
        self.discard(owner)
        keys = (key for name in names for key in name_keys(name))
        self._keys[owner] = list(dict.fromkeys([*keys, *((*_PLACE, *place) for place in places)]))
        for key in self._keys[owner]:
            self._know(key)[owner] = None

    def _know(self, key: tuple[str, ...]) -> dict[str, None]:
        """The owners of a name, which may be new."""
        if key not in self._owners:
            self._owners[key] = {}
            self._longest[key[0]] = max(self._longest.get(key[0], 0), len(key))
        return self._owners[key]

    def to_arrays(self) -> tuple[dict[str, NDArray[np.generic]], list[str], list[str]]:
        """Give who owns which name as arrays, the owners and the names; `from_arrays` is the way back.

        Examples:
            >>> names = Mentioned()
            >>> names.add("n1", ["Ed Wood (film)"])
            >>> arrays, owners, known = names.to_arrays()
            >>> owners, known, arrays["owners"].tolist(), arrays["starts"].tolist()
            (['n1'], ['Ed Wood film', 'Ed Wood'], [0, 0], [0, 1, 2])
            >>> Mentioned.from_arrays(arrays, owners, known).find("Ed Wood")
            {'n1': 1.0}
        """
        numbers = {owner: number for number, owner in enumerate(self._keys)}
        owned = [numbers[owner] for owners in self._owners.values() for owner in owners]
        starts = np.cumsum([0, *map(len, self._owners.values())])
        arrays: dict[str, NDArray[np.generic]] = {"starts": starts, "owners": np.asarray(owned, dtype=np.int64)}
        return arrays, list(numbers), [" ".join(key) for key in self._owners]  # tokens have no spaces

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], owners: Sequence[str], names: Sequence[str]) -> Mentioned:
        """Make what `to_arrays` was called on.

        Raises:
            InputError: the arrays are something else, or do not fit together.
        """
        check_groups(names, owners, arrays["starts"], arrays["owners"])
        made = cls()
        made._keys = {owner: [] for owner in owners}
        owned, starts = arrays["owners"].tolist(), arrays["starts"].tolist()
        for name, start, end in zip(names, starts[:-1], starts[1:], strict=True):
            key = tuple(name.split(" "))
            known = made._know(key)
            for number in owned[start:end]:
                known[owners[number]] = None
                made._keys[owners[number]].append(key)
        return made

    def discard(self, owner: str) -> None:
        """Forget something; unknown ones are ignored."""
        for key in self._keys.pop(owner, ()):
            owners = self._owners[key]
            owners.pop(owner, None)
            if not owners:
                del self._owners[key]

    def find(self, text: str) -> dict[str, float]:
        """Owners of the names that a text mentions, in the order of their first mention.

        Args:
            text: any text.

        Returns:
            owner -> strength: 1 / number of owners of the name, the highest of its names.
        """
        return {owner: strength for owner, (strength, _) in self.find_places(text).items()}

    def find_places(
        self, text: str, pointers: Iterable[tuple[tuple[str, ...], int]] = ()
    ) -> dict[str, tuple[float, int]]:
        """Do what `find` does, with the character where the strongest mention begins beside the strength.

        Args:
            text: any text.
            pointers: places that it points to, each with the character where it does so.
        """
        tokens = list(_TOKEN.finditer(text))
        named = ((key, tokens[at].start()) for key, at in self._mentions([token.group() for token in tokens]))
        pointed = (((*_PLACE, *place), start) for place, start in pointers)
        found: dict[str, tuple[float, int]] = {}
        for key, start in chain(named, pointed):
            owners = self._owners.get(key, {})
            for owner in owners:
                strength = 1.0 / len(owners)
                if owner not in found or found[owner][0] < strength:
                    found[owner] = strength, start
        return found

    def _mentions(self, tokens: list[str]) -> Iterator[tuple[tuple[str, ...], int]]:
        """Names and their places from left to right, the longest first: who reads "Ed Wood" does not read "Wood"."""
        start = 0
        while start < len(tokens):
            key = self._longest_name(tokens, start)
            if key:
                yield key, start
            start += max(1, len(key))

    def _longest_name(self, tokens: list[str], start: int) -> tuple[str, ...]:
        for length in range(min(self._longest.get(tokens[start], 0), len(tokens) - start), 0, -1):
            key = tuple(tokens[start : start + length])
            if key in self._owners:
                return key
        return ()
