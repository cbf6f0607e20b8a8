"""Questions written from documents, without a language model, and what of the documents would answer them. Core.

They are easier than people's: whoever writes a question from a sentence uses its words. They are good for comparing
one pipeline with another on questions of the same kind, not for thresholds (`self_calibration` says how they are used).
Their words are kept: exchanged for words that the corpus uses in like surroundings, the questions are harder and no
nearer to people's, and neither thresholds nor weights set by them were better on public collections.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from llama_index_prod_rag.confidence.evidence import Passage
from llama_index_prod_rag.text.sentences import split_sentences
from llama_index_prod_rag.text.terms import TermStatistics, content_analyzer

_FEWEST_WORDS, _MOST_WORDS = 3, 8  # of a question: what people type into a search box
_SENTENCE_WORDS = range(6, 61)  # shorter ones are headings and leftovers, longer ones lists
_SALIENT = 3  # a question is written from one of the passage's most telling sentences
_SPELLED_TOGETHER = 12  # characters of a question in a script without blanks
_COPY = 0.6  # of the shorter text's terms, by rarity, in the longer one: from there it may answer the same question
_TELLING_TERMS = 10  # of a passage: a near duplicate has at least half of its rarest terms
_DEFINES = re.compile(r"^(?:(?:The|A|An|Der|Die|Das|Ein|Eine)\s+)?(\S+(?:\s\S+){0,3}?)\s+(?:is|are|ist|sind)\s+\w")
_TEMPLATES = {
    "english": ("what is {}", "{}", "how does {} relate to {}", "tell me about {}"),
    "german": ("was ist {}", "{}", "wie hängen {} und {} zusammen", "was steht über {}"),
}


@dataclass(frozen=True, slots=True)
class WrittenQuestion:
    """A question and what it was written from.

    Attributes:
        text: the question.
        source: id of the passage.
        answering: ids of the passages that may answer it: the source and its near duplicates.
    """

    text: str
    source: str
    answering: frozenset[str]


def write_questions(
    passages: Sequence[Passage], statistics: TermStatistics, *, number: int = 50, seed: int = 0
) -> list[WrittenQuestion]:
    """Questions about passages drawn at random, one each: from headings, definitions and telling sentences.

    Args:
        passages: the documents as they are indexed.
        statistics: of these passages.
        number: how many; fewer where there are not as many passages with a usable sentence.
        seed: of the draw.

    Examples:
        >>> text = "Sweep lowers the drag of a wing near the speed of sound. It was found in Germany in 1935."
        >>> passages = [Passage("a", text), Passage("b", "Bread rises when yeast eats sugar and gives off gas.")]
        >>> statistics = TermStatistics.from_texts(passage.text for passage in passages)
        >>> [question.source for question in write_questions(passages, statistics, number=2)]
        ['a', 'b']
    """
    draw = random.Random(seed)
    twins = _NearDuplicates(passages, statistics)
    order = sorted(passages, key=lambda passage: passage.id)
    draw.shuffle(order)
    written: list[WrittenQuestion] = []
    for passage in order:
        if len(written) >= number:
            break
        if text := _question(passage, statistics, draw):
            written.append(WrittenQuestion(text, passage.id, twins.of(passage)))
    return written


@lru_cache(maxsize=1)
def far_questions() -> tuple[str, ...]:
    """Two hundred everyday questions about cooking, travel, pets, sports, households."""
    text = files("llama_index_prod_rag.evaluation").joinpath("far_questions.txt").read_text("utf-8")
    return tuple(text.splitlines())


def _question(passage: Passage, statistics: TermStatistics, draw: random.Random) -> str:
    sentences = [passage.text[start:end] for start, end in split_sentences(passage.text)]
    usable = [sentence for sentence in sentences if len(sentence.split()) in _SENTENCE_WORDS]
    if not usable:
        return _of_an_unspaced_text(passage.text, draw)
    best = sorted(usable, key=lambda sentence: -_measure_rarity(sentence, statistics))[:_SALIENT]
    sentence = draw.choice(best)
    defined = _DEFINES.match(sentence)
    what, plain, relates, about = _TEMPLATES.get(statistics.language, ("{}",) * 4)
    if defined and _names_a_thing(defined.group(1), statistics) and draw.random() < 0.5:
        return what.format(defined.group(1))
    heading = passage.heading.splitlines()[-1].rstrip(" .:") if passage.heading else ""
    words = _keywords(sentence, statistics, draw)
    if heading and draw.random() < 0.3:
        extra = " ".join(words[: draw.randint(0, 2)])
        return about.format(f"{heading} {extra}".strip())
    if len(words) > 3 and relates.count("{}") == 2 and draw.random() < 0.15:
        return relates.format(" ".join(words[:2]), " ".join(words[2:4]))
    return plain.format(" ".join(words))


def _names_a_thing(text: str, statistics: TermStatistics) -> bool:
    """Whether every word of what is defined has a meaning: "Stroke", and not "Although they"."""
    analyzer = content_analyzer(statistics.language)
    words = [word for _, word in analyzer.spans(text)]
    return bool(words) and all(map(analyzer.terms_of, words)) and text[-1].isalnum()


def _measure_rarity(sentence: str, statistics: TermStatistics) -> float:
    """Mean rarity of its terms; a sentence without terms says nothing."""
    found = content_analyzer(statistics.language).terms(sentence)
    return sum(map(statistics.rarity, found)) / len(found) if found else 0.0


def _keywords(sentence: str, statistics: TermStatistics, draw: random.Random) -> list[str]:
    """Three to eight content words in their order, rare ones likelier."""
    analyzer = content_analyzer(statistics.language)
    words = [word for _, word in analyzer.spans(sentence) if analyzer.terms_of(word)]
    wanted = draw.randint(_FEWEST_WORDS, _MOST_WORDS)
    # Efraimidis and Spirakis, "Weighted Random Sampling" (2006): the largest of u ** (1 / weight).
    keys = [
        draw.random() ** (1.0 / (0.1 + max(map(statistics.rarity, analyzer.terms_of(word)), default=0.0)))
        for word in words
    ]
    kept = sorted(sorted(range(len(words)), key=lambda place: -keys[place])[:wanted])
    return [words[place] for place in kept]


def _of_an_unspaced_text(text: str, draw: random.Random) -> str:
    """A stretch of a text in a script without blanks; nothing of one that has them, or of a short one."""
    compact = text.strip().splitlines()[0] if text.strip() else ""
    if len(compact) < 2 * _SPELLED_TOGETHER or len(compact.split()) > len(compact) / 8:
        return ""
    start = draw.randrange(len(compact) - _SPELLED_TOGETHER)
    return compact[start : start + _SPELLED_TOGETHER].strip()


class _NearDuplicates:
    """Finds the passages that say nearly the same as a given one, through its rarest terms."""

    def __init__(self, passages: Sequence[Passage], statistics: TermStatistics) -> None:
        self._statistics = statistics
        analyzer = content_analyzer(statistics.language)
        self._terms: Mapping[str, frozenset[str]] = {one.id: analyzer.index_set(one.text) for one in passages}
        self._holders: dict[str, list[str]] = defaultdict(list)
        for id_, terms in self._terms.items():
            for term in terms:
                self._holders[term].append(id_)

    def of(self, passage: Passage) -> frozenset[str]:
        """Find the passage and its near duplicates."""
        mine = self._terms[passage.id]
        telling = sorted(mine, key=lambda term: (-self._statistics.rarity(term), term))[:_TELLING_TERMS]
        shared = Counter(id_ for term in telling for id_ in self._holders[term])
        near = [id_ for id_, count in shared.items() if 2 * count >= len(telling)]
        return frozenset(id_ for id_ in near if self._overlap(mine, self._terms[id_]) >= _COPY) | {passage.id}

    def _overlap(self, a: frozenset[str], b: frozenset[str]) -> float:
        """By rarity: records of one form share their words, and what tells them apart is rare."""
        weigh = self._statistics.rarity
        smaller = min(sum(map(weigh, a)), sum(map(weigh, b)))
        return sum(map(weigh, a & b)) / smaller if smaller > 0 else 1.0
