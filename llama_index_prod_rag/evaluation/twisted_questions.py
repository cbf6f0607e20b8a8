"""Questions twisted so that the passage they were written from no longer answers them. Core.

A number, a word and its opposite, a name, or else the rarest word is exchanged. They show what a gate cannot see: the
passage stays on the topic (Rajpurkar et al., "Know What You Don't Know", ACL 2018, write such questions by hand).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.evaluation.synthetic_questions import WrittenQuestion
from llama_index_prod_rag.text.terms import TermStatistics, content_analyzer, content_words, names

_NUMBER = re.compile(r"(?<![\w.,])\d+(?![\w]|[.,]\d)")
_OPPOSITES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "english": (
            "increase decrease", "increases decreases", "increased decreased", "high low", "higher lower", "more less",
            "most least", "before after", "above below", "with without", "maximum minimum", "first last", "start stop",
            "open closed", "internal external", "positive negative", "success failure", "buy sell", "gain loss",
            "hot cold", "enable disable", "enabled disabled", "required optional", "allowed forbidden",
            "inside outside", "upper lower", "long short", "large small", "fast slow", "same different",
        ),
        "german": (
            "steigt sinkt", "hoch niedrig", "höher niedriger", "mehr weniger", "vor nach", "über unter", "mit ohne",
            "maximal minimal", "erste letzte", "offen geschlossen", "innen außen", "positiv negativ",
            "kaufen verkaufen", "gewinn verlust", "warm kalt", "erlaubt verboten", "groß klein", "lang kurz",
            "schnell langsam",
        ),
    }
)  # fmt: skip


def twist_questions(
    questions: Sequence[WrittenQuestion], passages: Sequence[Passage], statistics: TermStatistics, *, seed: int = 0
) -> list[WrittenQuestion]:
    """Twist each question once; those in which nothing can be exchanged are left out.

    What comes in stands in none of the passages that may answer the question, so that none of them answers the twisted
    one.

    Args:
        questions: from `write_questions`.
        passages: the same.
        statistics: of these passages.
        seed: of the draw.

    Examples:
        >>> passages = [Passage("a", "Stroke rises to 12 mm."), Passage("b", "Torque falls near Geneva.")]
        >>> statistics = TermStatistics.from_texts(passage.text for passage in passages)
        >>> asked = [WrittenQuestion("stroke 12 mm", "a", frozenset("a"))]
        >>> twisted = twist_questions(asked, passages, statistics)[0].text
        >>> twisted != "stroke 12 mm", twisted.startswith("stroke"), "12" in twisted
        (True, True, False)
    """
    draw = random.Random(seed)
    by_id = {passage.id: passage for passage in passages}
    pool = _rare_words(passages, statistics, draw)
    twisted = []
    for question in questions:
        known = "\n".join(by_id[id_].wording for id_ in sorted(question.answering)).casefold()
        text = next(
            (one for one in _twists(question.text, pool, statistics, draw) if _is_new(one, question, known)), None
        )
        if text is not None:
            twisted.append(replace(question, text=text))
    return twisted


def _twists(text: str, pool: Sequence[str], statistics: TermStatistics, draw: random.Random) -> Iterator[str]:
    """Ways to exchange one thing, the most telling first."""
    for found in _NUMBER.finditer(text):
        other = int(found.group()) + draw.randint(1, 9) * 10 ** max(0, len(found.group()) - 2)
        yield f"{text[: found.start()]}{other}{text[found.end() :]}"
    for pair in _OPPOSITES.get(statistics.language, ()):
        one, other = pair.split()
        for word, opposite in ((one, other), (other, one)):
            if re.search(rf"\b{word}\b", text, re.IGNORECASE):
                yield re.sub(rf"\b{word}\b", opposite, text, count=1, flags=re.IGNORECASE)
    analyzer = content_analyzer(statistics.language)
    words = [word for word, _ in content_words(text, statistics.language)]
    named = [word for word in names(text, statistics.language) if word in words]
    rarest = sorted(words, key=lambda word: -max(map(statistics.rarity, analyzer.terms_of(word))))
    for word in dict.fromkeys([*named, *rarest]):
        for other in draw.sample(pool, min(5, len(pool))):
            yield other.join(re.split(rf"(?<!\w){re.escape(word)}(?!\w)", text, maxsplit=1))


def _is_new(text: str, question: WrittenQuestion, known: str) -> bool:
    old = set(question.text.casefold().split())
    fresh = [word for word in text.casefold().split() if word not in old]
    return bool(fresh) and all(word not in known for word in fresh)


def _rare_words(passages: Sequence[Passage], statistics: TermStatistics, draw: random.Random) -> list[str]:
    """A rare word of each passage, as it is written there."""
    analyzer = content_analyzer(statistics.language)

    def rarity(word: str) -> float:
        return max(map(statistics.rarity, analyzer.terms_of(word)))

    sample = draw.sample(list(passages), min(200, len(passages)))
    found = [content_words(passage.text, statistics.language) for passage in sample]
    spelled = [[word for word, _ in words if word.isalpha()] for words in found]
    return [max(words, key=rarity) for words in spelled if words]
