"""Names that stand for several things: when to ask back. A part of `benchmarks.whole_question`.

Pages of hotpotqa and CLAPnq whose titles have a qualifier in brackets are put in pairs, and the second of a pair takes
the first one's name, in its title and in its text: "Alien (film)" and "Alien (band)", in every third pair without the
first one's qualifier. Titles are written in turn with brackets, a comma, a colon and a dash ("Alien, film"). Other
pages of hotpotqa are paired in the same way under one title, or under none (`same`, `none`), so that only their texts
tell them apart. All lie among all other pages. Of each pair one question is `ambiguous` (it has the name, and a word
that both pages have, or none), up to two are `clear` (it has a word that one of the pages has alone; it has a
qualifier, where both have one). Clear as well are questions about a page that lies there in two halves, with its title
on both or on none. `precision` is the share of ambiguous ones among those that are asked back, `recall` the share of
ambiguous ones that are. Words of both kinds of questions are drawn from the pages: real questions are worded less
neatly. `ordinary` is the share of the questions of the five sets that are asked back. The hybrid searches, without a
reranker; `gate` is the share of ambiguous questions that the whole gate with its ten best passages and the shipped
calibration asks back, for it refuses some. Settings were chosen on `train`, half of the pairs.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle

from benchmarks.whole_follow_ups import take_any_question
from llama_index_prod_rag.confidence.readings import find_readings
from llama_index_prod_rag.evaluation import PipelineSettings, RetrievalDataset, Workbench, load_beir
from llama_index_prod_rag.evaluation.datasets import LabeledDocument
from llama_index_prod_rag.query_engine import ConfidenceGatedQueryEngine
from llama_index_prod_rag.query_engine.sources import passages_of
from llama_index_prod_rag.retrievers.hybrid import HybridFusionRetriever
from llama_index_prod_rag.significance import bootstrap_mean
from llama_index_prod_rag.text.terms import found_terms, term_set

_TITLES = {"brackets": "{} ({})", "comma": "{}, {}", "colon": "{}: {}", "dash": "{} \u2013 {}"}
_PAIRS = 120  # of pages that only their texts tell apart, and as many pages in two halves
_OPEN = ("What is {}?", "Who or what is {}?", "Tell me about {}.", "What do we know about {}?")
_ABOUT = ("What does {} have to do with {}?", "How is {} related to {}?", "What about {} and {}?")


@dataclass(frozen=True)
class Question:
    """A question, and whether it has one meaning."""

    text: str
    clear: bool
    split: str
    style: str


def read_pages(data: Path) -> dict[str, str]:
    """Title -> text of the pages of both collections."""
    pages = {document.title: document.text for document in load_beir(data / "hotpotqa").documents.values()}
    lines = (data / "rag" / "clapnq_dev" / "data.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line)["contexts"][0] for line in lines]
    return {**{row["title"]: row["text"] for row in rows}, **pages}


def split_title(title: str) -> tuple[str, str]:
    """A title without what stands in brackets behind it, and that."""
    found = re.fullmatch(r"(.+?)\s*\(([^)]*)\)", title)
    return (found[1], found[2]) if found else (title, "")


def make_questions(pages: dict[str, str], seed: int = 0) -> tuple[list[LabeledDocument], list[Question]]:
    """The pages, among them those with shared names, and the questions about them."""
    random_ = random.Random(seed)
    titles = sorted(title for title in pages if split_title(title)[1])
    random_.shuffle(titles)
    left, made, questions = dict(pages), list[tuple[str, str]](), list[Question]()
    for number, (first, second) in enumerate(zip(titles[::2], titles[1::2], strict=False)):
        (name, kind), (other, other_kind) = split_title(first), split_title(second)
        if kind.casefold() == other_kind.casefold() or f"{name} ({other_kind})" in left:
            continue
        bare = number % 3 == 0 and name not in left
        style = list(_TITLES)[number % len(_TITLES)]
        ours, theirs = left.pop(first), _rename(left.pop(second), other, name)
        made += [
            (name if bare else _TITLES[style].format(name, kind), ours),
            (_TITLES[style].format(name, other_kind), theirs),
        ]
        questions += _ask(name, ("" if bare else kind, ours), (other_kind, theirs), style, random_)
    for style, (page, other) in _without_qualifiers(left, random_):
        ours, theirs = left.pop(page), _rename(left.pop(other), other, page)
        made += [(page if style == "same" else "", text) for text in (ours, theirs)]
        questions += _ask(page, ("", ours), ("", theirs), style, random_)
    for style, (page, _) in _without_qualifiers(left, random_):
        made += [(page if style == "same" else "", half) for half in _halves(left.pop(page))]
        questions.append(Question(random_.choice(_OPEN).format(page), True, _split(page), f"halves, {style}"))
    made += left.items()
    return [LabeledDocument(title, text) for title, text in made], questions


def _rename(text: str, name: str, new: str) -> str:
    return text.replace(name, new)


def _without_qualifiers(pages: dict[str, str], random_: random.Random) -> list[tuple[str, tuple[str, str]]]:
    """Pairs of pages whose titles are plain names, in turn for one title and for none."""
    named = sorted(page for page in pages if re.fullmatch(r"[A-Z][\w' ]+[\w']", page) and page in pages[page][:100])
    drawn = random_.sample(named, 2 * _PAIRS)
    pairs = zip(drawn[::2], drawn[1::2], strict=True)
    return [("same" if number % 2 else "none", pair) for number, pair in enumerate(pairs)]


def _halves(text: str) -> tuple[str, str]:
    sentences = re.split(r"(?<=[.!?])\s+", text)
    middle = max(1, len(sentences) // 2)
    return " ".join(sentences[:middle]), " ".join(sentences[middle:])


def _split(name: str) -> str:
    return "train" if int(sha256(name.encode()).hexdigest(), 16) % 2 == 0 else "test"


def _ask(
    name: str, first: tuple[str, str], second: tuple[str, str], style: str, random_: random.Random
) -> list[Question]:
    kinds, split = term_set(f"{first[0]} {second[0]} {name}"), _split(name)
    ours, theirs = found_terms(first[1]) - kinds, found_terms(second[1]) - kinds
    words = {word for word in re.findall(r"[a-z]{4,}", f"{first[1]} {second[1]}") if term_set(word)}
    both = sorted(word for word in words if term_set(word) <= ours & theirs)
    alone = sorted(word for word in words if term_set(word) <= ours ^ theirs)
    plain = not both or random_.random() < 0.5
    ambiguous = (
        random_.choice(_OPEN).format(name) if plain else random_.choice(_ABOUT).format(name, random_.choice(both))
    )
    found = [Question(ambiguous, False, split, style)]
    if alone:
        found.append(Question(random_.choice(_ABOUT).format(name, random_.choice(alone)), True, split, style))
    if first[0]:
        meant = f"{random_.choice(_OPEN).format(name)[:-1]}, the {random_.choice([first, second])[0]}?"
        found.append(Question(meant, True, split, style))
    return found


def asks_back(question: str, retriever: HybridFusionRetriever) -> bool:
    """Whether the candidates of a question fall into readings."""
    return bool(find_readings(question, passages_of(retriever.retrieve(question))))


class _Ten(BaseRetriever):
    """The ten best of a retriever."""

    def __init__(self, retriever: BaseRetriever) -> None:
        super().__init__()
        self._retriever = retriever

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return self._retriever.retrieve(query_bundle)[:10]


def decision_of(gate: ConfidenceGatedQueryEngine, question: str) -> str:
    """What the gate decides."""
    return str((gate.query(question).metadata or {})["prod_rag"]["decision"])


def measure(questions: Sequence[Question], retriever: HybridFusionRetriever) -> dict[str, object]:
    """Precision and recall of asking back."""
    asked = {question: asks_back(question.text, retriever) for question in questions}
    gate = ConfidenceGatedQueryEngine(_Ten(retriever))
    decided = [decision_of(gate, question.text) == "clarify" for question in questions if not question.clear]
    return {**_figures(asked), "gate": bootstrap_mean(list(map(float, decided)) or [0.0]).ends()}


def _figures(asked: Mapping[Question, bool]) -> dict[str, object]:
    right = [float(not question.clear) for question, back in asked.items() if back]
    ambiguous = [float(back) for question, back in asked.items() if not question.clear]
    return {
        "ambiguous": len(ambiguous),
        "clear": len(asked) - len(ambiguous),
        "precision": bootstrap_mean(right or [0.0]).ends(),
        "recall": bootstrap_mean(ambiguous or [0.0]).ends(),
        "styles": {style: _counts(asked, style) for style in sorted({question.style for question in asked})},
    }


def _counts(asked: Mapping[Question, bool], style: str) -> dict[str, int]:
    """How many of one style there are, and how many of them are asked back."""
    of_style = {question: back for question, back in asked.items() if question.style == style}
    kinds = {"ambiguous": False, "clear": True}
    return {
        **{kind: sum(one.clear == clear for one in of_style) for kind, clear in kinds.items()},
        **{
            f"{kind}_asked_back": sum(back for one, back in of_style.items() if one.clear == clear)
            for kind, clear in kinds.items()
        },
    }


def measure_ordinary(dataset: RetrievalDataset) -> dict[str, float]:
    """Share of ordinary questions that are asked back."""
    hybrid = Workbench(dataset, PipelineSettings()).hybrid
    asked = [asks_back(text, hybrid) for text in dataset.queries.values()]
    return {"questions": len(asked), "asked_back": sum(asked) / len(asked)}


def run(data: Path, sets: Sequence[str], limit: int | None) -> dict[str, object]:
    """Measure both halves of the names, and the test questions of the sets."""
    print("readings", file=sys.stderr)
    pages, questions = make_questions(read_pages(data))
    documents = {f"page {number}": page for number, page in enumerate(pages)}
    hybrid = take_any_question(Workbench(RetrievalDataset("names", documents, {}, {}), PipelineSettings())).hybrid
    halves = {split: [one for one in questions if one.split == split][:limit] for split in ("train", "test")}
    found: dict[str, object] = {split: measure(half, hybrid) for split, half in halves.items()}
    found["all"] = measure(questions[:limit], hybrid)
    found["ordinary"] = {name: measure_ordinary(load_beir(data / name, split="test", limit=limit)) for name in sets}
    return found
