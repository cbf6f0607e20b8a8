"""Names that stand for several things: when to ask back. A part of `benchmarks.whole_question`.

Pages of hotpotqa and CLAPnq whose titles have a qualifier in brackets are put in pairs, and the second of a pair takes
the first one's name, in its title and in its text: "Alien (film)" and "Alien (band)", in every third pair without the
first one's qualifier. They lie among all other pages. Of each pair one question is `ambiguous` (it has the name, and a
word that both pages have, or none), two are `clear` (it has a word that one of the pages has alone; it has a qualifier,
where both have one). `precision` is the share of ambiguous ones among those that are asked back, `recall` the share of
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
from collections.abc import Sequence
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
from llama_index_prod_rag.text.names import split_qualifier
from llama_index_prod_rag.text.terms import found_terms, term_set

_OPEN = ("What is {}?", "Who or what is {}?", "Tell me about {}.", "What do we know about {}?")
_ABOUT = ("What does {} have to do with {}?", "How is {} related to {}?", "What about {} and {}?")


@dataclass(frozen=True)
class Question:
    """A question, and whether it has one meaning."""

    text: str
    clear: bool
    split: str


def read_pages(data: Path) -> dict[str, str]:
    """Title -> text of the pages of both collections."""
    pages = {document.title: document.text for document in load_beir(data / "hotpotqa").documents.values()}
    lines = (data / "rag" / "clapnq_dev" / "data.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line)["contexts"][0] for line in lines]
    return {**{row["title"]: row["text"] for row in rows}, **pages}


def make_questions(pages: dict[str, str], seed: int = 0) -> tuple[dict[str, str], list[Question]]:
    """The pages with shared names, and the questions about them."""
    random_ = random.Random(seed)
    titles = sorted(title for title in pages if split_qualifier(title)[1] and split_qualifier(title)[0] != title)
    random_.shuffle(titles)
    made, questions = dict(pages), []
    for number, (first, second) in enumerate(zip(titles[::2], titles[1::2], strict=False)):
        (name, kind), (other, other_kind) = split_qualifier(first), split_qualifier(second)
        shared = f"{name} ({other_kind})"
        if kind.casefold() == other_kind.casefold() or shared in made:
            continue
        bare = number % 3 == 0 and name not in made
        ours, theirs = made.pop(first), re.sub(re.escape(other), lambda _: name, made.pop(second))  # noqa: B023
        made |= {name if bare else first: ours, shared: theirs}
        split = "train" if int(sha256(name.encode()).hexdigest(), 16) % 2 == 0 else "test"
        questions += _ask(name, ("" if bare else kind, ours), (other_kind, theirs), split, random_)
    return made, questions


def _ask(
    name: str, first: tuple[str, str], second: tuple[str, str], split: str, random_: random.Random
) -> list[Question]:
    kinds = term_set(f"{first[0]} {second[0]} {name}")
    ours, theirs = found_terms(first[1]) - kinds, found_terms(second[1]) - kinds
    words = {word for word in re.findall(r"[a-z]{4,}", f"{first[1]} {second[1]}") if term_set(word)}
    both = sorted(word for word in words if term_set(word) <= ours & theirs)
    alone = sorted(word for word in words if term_set(word) <= ours ^ theirs)
    plain = not both or random_.random() < 0.5
    ambiguous = (
        random_.choice(_OPEN).format(name) if plain else random_.choice(_ABOUT).format(name, random_.choice(both))
    )
    found = [Question(ambiguous, False, split)]
    if alone:
        found.append(Question(random_.choice(_ABOUT).format(name, random_.choice(alone)), True, split))
    if first[0]:
        found.append(
            Question(
                f"{random_.choice(_OPEN).format(name)[:-1]}, the {random_.choice([first, second])[0]}?", True, split
            )
        )
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
    right = [float(not question.clear) for question, back in asked.items() if back]
    ambiguous = [float(back) for question, back in asked.items() if not question.clear]
    return {
        "ambiguous": len(ambiguous),
        "clear": len(questions) - len(ambiguous),
        "precision": bootstrap_mean(right or [0.0]).ends(),
        "gate": bootstrap_mean(list(map(float, decided)) or [0.0]).ends(),
        "recall": bootstrap_mean(ambiguous or [0.0]).ends(),
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
    documents = {title: LabeledDocument(title, text) for title, text in pages.items()}
    hybrid = take_any_question(Workbench(RetrievalDataset("names", documents, {}, {}), PipelineSettings())).hybrid
    halves = {split: [one for one in questions if one.split == split][:limit] for split in ("train", "test")}
    found: dict[str, object] = {split: measure(half, hybrid) for split, half in halves.items()}
    found["all"] = measure(questions[:limit], hybrid)
    found["ordinary"] = {name: measure_ordinary(load_beir(data / name, split="test", limit=limit)) for name in sets}
    return found
