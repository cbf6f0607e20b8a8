"""Questions that name one document by what it alone holds, made from any collection in BEIR layout.

Codes, part numbers, error messages and versions are planted into the middle of documents; rare names, quoted phrases
and exact titles are found there. Each is asked bare and inside a sentence.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from llama_index_prod_rag.evaluation.datasets import LabeledDocument, RetrievalDataset

PER_KIND = 10
"""Documents of each kind in each collection."""

_Documents: TypeAlias = Mapping[str, LabeledDocument]
_WORD = re.compile(r"\w+")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{4,}\b")  # a capital that does not begin a sentence
_PHRASE_WORDS = 5

_SENTENCES = {
    "number": ("What does report {} say?", "Who worked on {} and what came out of it?", "summary of {} please"),
    "part": ("Which document describes part {}?", "Do we still have {} in stock?", "How is {} installed?"),
    "error": ("What does the message {} mean?", "The screen shows {} and nothing else happens", "how to fix {}"),
    "version": ("What changed in version {}?", "Is it safe to upgrade to {}?", "known problems of release {}"),
    "name": ("Who or what is {}?", "What is said about {} here?", "Find the passage that mentions {}"),
    "phrase": ("Where does it say {}?", "Which text has the words {} in it?", "What follows after {}?"),
    "title": ("Show me {}", "What is {} about?", "I am looking for {}"),
}


@dataclass(frozen=True, slots=True)
class Identifier:
    """What names a document.

    Attributes:
        kind: a key of the sentences it is asked in.
        text: what is asked for, bare.
        document: the id of the one document that holds it.
    """

    kind: str
    text: str
    document: str

    @property
    def in_training(self) -> bool:
        """Whether it belongs to the half that settings are chosen on."""
        return hashlib.sha256(f"{self.kind} {self.document}".encode()).digest()[0] % 2 == 0


def identifier_sets(
    dataset: RetrievalDataset, *, per_kind: int = PER_KIND
) -> tuple[RetrievalDataset, RetrievalDataset]:
    """The collection with codes planted, and the questions to choose settings on and to report on.

    Query ids read `kind/form/document`; the same collection gives the same questions.
    """
    documents, planted = _plant(dataset.documents, random.Random(dataset.name), per_kind)
    found = [*planted, *_find_natural(documents, random.Random(dataset.name), per_kind)]
    training, testing = ([one for one in found if one.in_training is wanted] for wanted in (True, False))
    return _questions(dataset.name, documents, training), _questions(dataset.name, documents, testing)


def _questions(name: str, documents: _Documents, identifiers: Iterable[Identifier]) -> RetrievalDataset:
    queries, qrels = {}, {}
    for number, one in enumerate(identifiers):
        sentence = _SENTENCES[one.kind][number % 3].format(one.text)
        for form, query in (("bare", one.text), ("sentence", sentence)):
            key = f"{one.kind}/{form}/{one.document}"
            queries[key], qrels[key] = query, {one.document: 1}
    return RetrievalDataset(name, documents, queries, qrels)


def _number(rng: random.Random) -> tuple[str, str]:
    code = str(rng.randrange(100_000, 1_000_000))
    return code, f"(report {code})"


def _part(rng: random.Random) -> tuple[str, str]:
    letters = "".join(rng.choices("ABCDEFGHKLMNPRSTVWXZ", k=3))
    code = f"{letters[:2]}-{rng.randrange(1000, 10_000)}-{letters[2]}"
    return code, f"(part no. {code})"


def _error(rng: random.Random) -> tuple[str, str]:
    what = rng.choice(
        ("checksum mismatch", "handshake timed out", "pointer is not valid", "no space left", "lost link")
    )
    message = f"E{rng.randrange(1000, 10_000)}: {what} in block {rng.randrange(10, 100)}"
    return message, f'(it printed "{message}")'


def _version(rng: random.Random) -> tuple[str, str]:
    code = (
        f"{rng.randrange(1, 10)}.{rng.randrange(10, 40)}.{rng.randrange(10)}{rng.choice(('', '-rc1', '-beta', 'b2'))}"
    )
    return code, f"(since {code})"


_PLANTS: Mapping[str, Callable[[random.Random], tuple[str, str]]] = {
    "number": _number,
    "part": _part,
    "error": _error,
    "version": _version,
}


def _plant(documents: _Documents, rng: random.Random, per_kind: int) -> tuple[_Documents, list[Identifier]]:
    long_enough = [id_ for id_, document in documents.items() if len(document.text.split()) >= 20]
    chosen = iter(rng.sample(long_enough, per_kind * len(_PLANTS)))
    changed, identifiers = dict(documents), []
    for kind, plant in _PLANTS.items():
        for _ in range(per_kind):
            document, (code, inserted) = next(chosen), plant(rng)
            words = changed[document].text.split(" ")
            middle = len(words) // 2
            text = " ".join([*words[:middle], inserted, *words[middle:]])
            changed[document] = replace(changed[document], text=text)
            identifiers.append(Identifier(kind, code, document))
    return changed, identifiers


def _find_natural(documents: _Documents, rng: random.Random, per_kind: int) -> Iterator[Identifier]:
    holders = Counter(word for document in documents.values() for word in _words(document.full_text))
    titles = Counter(document.title.strip().lower() for document in documents.values())
    all_text = "\n".join(" ".join(document.text.split()) for document in documents.values()).lower()
    order = rng.sample(sorted(documents), len(documents))
    finders: Mapping[str, Callable[[LabeledDocument], str | None]] = {
        "name": lambda document: _rare_name(document, holders),
        "phrase": lambda document: _lone_phrase(document, all_text),
        "title": lambda document: document.title if titles[document.title.strip().lower()] == 1 else None,
    }
    for kind, find in finders.items():
        found = (Identifier(kind, text, id_) for id_ in order if (text := find(documents[id_])))
        yield from (one for one, _ in zip(found, range(per_kind), strict=False))


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def _rare_name(document: LabeledDocument, holders: Mapping[str, int]) -> str | None:
    return next((name for name in _NAME.findall(document.text) if holders[name.lower()] == 1), None)


def _lone_phrase(document: LabeledDocument, all_text: str) -> str | None:
    words = document.text.split()
    middle = len(words) // 2
    phrase = " ".join(words[middle : middle + _PHRASE_WORDS])
    if len(words) < 20 or len(_words(phrase)) < _PHRASE_WORDS or all_text.count(phrase.lower()) != 1:
        return None
    return f'"{phrase}"'
