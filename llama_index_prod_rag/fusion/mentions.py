"""What a question names word for word, and which candidates hold it.

A leg's scores compare its hits with one another; they cannot say that one candidate holds the very code that was asked
for and no other does. Here rarity is counted among the candidates of all legs: what the question names and hardly any
of them holds tells the one that does from the rest, however many words they share otherwise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

_MOST_HOLDERS = 10
_MOST_WORD_HOLDERS = 3
_SHORTEST_WORD = 4  # shorter ones are mostly function words, which few passages of a short list may hold by chance
_WORD_SHARE = 0.05  # an ordinary word counts as rare where at most this share of the candidates holds it
_MOST_NAMED = 50  # things looked for: a question of a hundred pages names everything and nothing
_MOST_WORDS = 30  # of a question that may itself stand in a text, as titles and error messages do
_LONGEST_QUOTE = 300

_QUOTED = re.compile(
    rf'"([^"]{{2,{_LONGEST_QUOTE}}})"|“([^”]{{2,{_LONGEST_QUOTE}}})”|„([^“”]{{2,{_LONGEST_QUOTE}}})[“”]'
    rf"|«([^»]{{2,{_LONGEST_QUOTE}}})»|`([^`]{{2,{_LONGEST_QUOTE}}})`"
    rf"|(?<!\w)'([^']{{2,{_LONGEST_QUOTE}}})'(?!\w)"
)
# Codes are ASCII, so that one between characters of a script without spaces is found as well. A digit makes one
# (E1042, 482913), and so does punctuation inside (foo.bar, AX-4471-B, parse_date); an apostrophe does not.
_PIECE = re.compile(r"(?<!\w)\w+(?:[-./:#@+]+\w+)*", re.ASCII)
_CODE = re.compile(r"\d|\w[-./:#@+_]+\w", re.ASCII)
_SHORTEST_CODE = 3
_SHORTEST_NUMBER = 5
_WORD = re.compile(r"[^\W_]+")
_OUTER = " \t\n.,;:!?\"'“”„«»`()[]{}"


@dataclass(frozen=True, slots=True)
class Mentions:
    """How far what a question names points to each candidate, 0 to 1; candidates without anything are left out.

    Attributes:
        exact: by quotations, codes, names and the question as a whole: 1 where the candidate alone holds all of them.
        words: by ordinary words that hardly any other candidate holds. Weaker: how rare a word is among the candidates
            says only so much about how rare it is in the collection.
    """

    exact: Mapping[str, float] = field(default_factory=dict)
    words: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """What a question names, in lower case, each thing once.

    Attributes:
        codes: quotations and words with a digit: written to be found as they stand.
        names: other words with punctuation inside, words with a capital that does not begin the sentence, and the
            question as a whole, for that is how titles are asked for.
        words: the ordinary words.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    words: tuple[str, ...]


def find_mentions(question: str, texts: Mapping[str, str]) -> Mentions:
    """Find which candidates hold what the question names.

    A thing counts where at most ten candidates hold it: what half of them hold tells none from the other. It weighs
    1 / holders where it is a code and 1 / holders² otherwise, and a candidate gets its share of the weights of what is
    named, times the largest weight. On train questions of five public sets that leaves nDCG@10 where it was.

    Args:
        question: the question.
        texts: id -> text of every candidate.

    Examples:
        >>> texts = {"a": "Pumps (part AX-4471-B).", "b": "Valves (part AX-4471-C).", "c": "Parts of pumps and valves"}
        >>> find_mentions("What do we know of part AX-4471-B?", texts).exact
        {'a': 1.0}
    """
    named = named_in(question)
    lowered = {id_: text.lower() for id_, text in texts.items()}
    codes = _shares((_holders(_pattern(text), text, lowered) for text in named.codes), power=1)
    names = _shares((_holders(_pattern(text), text, lowered) for text in named.names), power=2)
    exact = {id_: max(codes.get(id_, 0.0), names.get(id_, 0.0)) for id_ in sorted(codes.keys() | names.keys())}
    return Mentions(exact, _shares(_rare_words(named.words, lowered), power=2))


def named_in(question: str) -> Named:
    """Find what a question names: codes and quotations, names, and its other words.

    Examples:
        >>> named_in('Did Wallis write "over the hill" in v2.14.3?').codes
        ('over the hill', 'v2.14.3')
        >>> named_in("where is parse_date called by Wallis")
        Named(codes=(), names=('parse_date', 'wallis', 'where is parse_date called by wallis'), words=('where', ...))
    """
    quoted = [next(filter(None, match.groups())) for match in _QUOTED.finditer(question)]
    pieces = [piece for piece in _PIECE.findall(question) if _is_code(piece)]
    whole = [question] if len(question.split()) <= _MOST_WORDS else []
    rest = _PIECE.sub(lambda piece: " " if _is_code(piece.group()) else piece.group(), _QUOTED.sub(" ", question))
    codes = _tidy([*quoted, *filter(_has_digit, pieces)])
    names = _tidy([*pieces, *_names(rest), *whole], known=codes)
    return Named(codes, names, _tidy(_WORD.findall(rest), known=(*codes, *names)))


def _is_code(piece: str) -> bool:
    return len(piece) >= _SHORTEST_CODE and _CODE.search(piece) is not None


def _has_digit(piece: str) -> bool:
    """Whether it has a digit and is neither a short number nor a year."""
    return re.search(r"\d", piece) is not None and (len(piece) >= _SHORTEST_NUMBER or not piece.isdigit())


def _names(question: str) -> list[str]:
    """Words with a capital, but for the first; none where capitals are the rule, as in headlines."""
    later = [match.group() for match in _WORD.finditer(question)][1:]
    capitals = [word for word in later if word[0].isupper()]
    return capitals if 2 * len(capitals) <= len(later) + 1 else []


def _tidy(found: Collection[str], known: Collection[str] = ()) -> tuple[str, ...]:
    trimmed = (" ".join(text.lower().split()).strip(_OUTER) for text in found)
    kept = dict.fromkeys(text for text in trimmed if len(text) > 1 and text not in known)
    return tuple(kept)[:_MOST_NAMED]


def _pattern(text: str) -> re.Pattern[str]:
    """The text between anything but ASCII letters and digits: scripts without spaces have no ends of words."""
    body = r"\s+".join(map(re.escape, text.split()))
    return re.compile(rf"(?<![a-z0-9_]){body}(?![a-z0-9_])")


def _holders(
    pattern: re.Pattern[str], text: str, lowered: Mapping[str, str], most: int = _MOST_HOLDERS
) -> frozenset[str]:
    """Ids of the candidates that hold it; none where more than `most` do."""
    first = text.split(maxsplit=1)[0]  # finding a plain string is many times as fast as the pattern
    found: set[str] = set()
    for id_, candidate in lowered.items():
        if first in candidate and pattern.search(candidate):
            found.add(id_)
            if len(found) > most:
                return frozenset()
    return frozenset(found)


def _rare_words(words: Collection[str], lowered: Mapping[str, str]) -> Iterator[frozenset[str]]:
    most = min(_MOST_WORD_HOLDERS, int(_WORD_SHARE * len(lowered)))
    for word in (word for word in words if most and len(word) >= _SHORTEST_WORD):
        # Other forms of the word count as well: what is rare must be the word, not its ending.
        beginning = word[: max(_SHORTEST_WORD, math.ceil(0.75 * len(word)))]
        if _holders(re.compile(rf"\b{re.escape(beginning)}"), beginning, lowered, most):
            yield _holders(_pattern(word), word, lowered, most)


def _shares(holders: Iterable[frozenset[str]], *, power: int) -> dict[str, float]:
    """Each holder's share of the weights, times the largest weight."""
    weighted = [(held_by, 1.0 / len(held_by) ** power) for held_by in holders if held_by]
    total, most = sum(weight for _, weight in weighted), max((weight for _, weight in weighted), default=0.0)
    shares: dict[str, float] = {}
    for held_by, weight in weighted:
        for id_ in held_by:
            shares[id_] = min(1.0, shares.get(id_, 0.0) + weight / total * most)  # sums of thirds can exceed 1
    return shares
