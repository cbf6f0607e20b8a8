"""Follow-ups: a question that leans on the one before it, asked without a language model. A part of `whole_question`.

Two questions of SQuAD on one paragraph make a conversation: in the second, names that the first one or the paragraph
has become pronouns. Searched are all paragraphs of the sample and hotpotqa's 2,960 beside them. `alone` is the second
question as it was written, `bare` the follow-up asked as it stands, `condensed` what `query_engine.condense` makes of
it after the first question was searched for. The rules were made looking at half of the paragraphs (`train`); `test` is
the other half.

Whether ordinary questions are left alone is counted on the five sets: `leaning` is the share that would be asked with
the last turn's topics, and for those the loss of recall@10 after a question that has nothing to do with them.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import ChatMessage
from numpy.typing import NDArray

from llama_index_prod_rag.evaluation import PipelineSettings, RetrievalDataset, Workbench, load_beir
from llama_index_prod_rag.evaluation.datasets import LabeledDocument
from llama_index_prod_rag.evaluation.pipelines import ExactDenseRetriever
from llama_index_prod_rag.models.embedding import embed_queries, embed_texts
from llama_index_prod_rag.query_engine.follow_ups import NOTE, FollowUp, condense, note_of
from llama_index_prod_rag.significance import bootstrap_mean
from llama_index_prod_rag.text.follow_up import leans, names_in

_SHOWN = 10
_UNRELATED = "Who designed the Sydney Opera House?"


class AnyQuestion(dict[str, NDArray[np.float32]]):
    """Vectors of questions that are not known before they are asked."""

    def __missing__(self, text: str) -> NDArray[np.float32]:
        self[text] = embed_queries([text], model="offline")[0]
        return self[text]


@dataclass(frozen=True)
class Pair:
    """Two questions on one paragraph, and the second as a follow-up."""

    paragraph: str
    first: str
    second: str
    follow_up: str
    named: bool  # in the first question, else in the paragraph alone

    @property
    def split(self) -> str:
        """Half that it belongs to, by its paragraph."""
        return "train" if int(sha256(self.paragraph.encode()).hexdigest(), 16) % 2 == 0 else "test"


def make_follow_up(question: str, context: str) -> str | None:
    """Names that the context has become pronouns, awkward or not; None where there are none to replace."""
    made = question
    for name in sorted(names_in(question), key=len, reverse=True):
        if name.casefold() in context.casefold():
            pattern = re.compile(rf"(?:\b[Tt]he )?(?<!\w){re.escape(name)}(?P<own>['\u2019]s?)?(?!\w)")
            made = pattern.sub(lambda found: "its" if found["own"] else "it", made)
    return None if made == question else made


def make_pairs(rows: Sequence[Mapping[str, object]]) -> list[Pair]:
    """Every ordered pair of questions on one paragraph whose second names something that the first or it has."""
    questions: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        questions[str(row["contexts"][0]["text"])].append(str(row["query"]))  # type: ignore[index]
    pairs = []
    for paragraph, asked in questions.items():
        for first in dict.fromkeys(asked):
            for second in dict.fromkeys(asked):
                by_first = make_follow_up(second, first)
                made = by_first or make_follow_up(second, paragraph)
                if first != second and made is not None:
                    pairs.append(Pair(paragraph, first, second, made, by_first is not None))
    return pairs


def open_bench(rows: Sequence[Mapping[str, object]], others: RetrievalDataset) -> Workbench:
    """The hybrid over all paragraphs; the SQuAD ones go by their text."""
    squad = {str(row["contexts"][0]["text"]): "" for row in rows}  # type: ignore[index]
    documents = {text: LabeledDocument("", text) for text in squad} | dict(others.documents)
    bench = Workbench(RetrievalDataset("follow-ups", documents, {}, {}), PipelineSettings())
    return take_any_question(bench)


def take_any_question(bench: Workbench) -> Workbench:
    """Have the dense leg embed questions when they are asked."""
    texts = [document.full_text for document in bench.dataset.documents.values()]
    vectors = embed_texts(texts, model=bench.settings.embedding)
    bench.dense = ExactDenseRetriever(bench.nodes, vectors, AnyQuestion(), bench.settings.depth)
    return bench


def note(question: str, retriever: BaseRetriever) -> list[ChatMessage]:
    """The history after a question was answered from what was found."""
    turn = note_of(FollowUp(question, question), retriever.retrieve(question)[:5])
    return [ChatMessage(role="user", content=question), ChatMessage(content="", additional_kwargs={NOTE: turn})]


def found(question: str, gold: set[str], retriever: BaseRetriever) -> float:
    """Recall among the first ten."""
    return len(gold & {hit.node_id for hit in retriever.retrieve(question)[:_SHOWN]}) / len(gold)


def measure(pairs: Sequence[Pair], retriever: BaseRetriever) -> dict[str, object]:
    """Recall of the second question alone, bare and condensed; how many follow-ups were seen to lean."""
    values: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        history = note(pair.first, retriever)
        gold = {pair.paragraph}
        condensed, alone = condense(pair.follow_up, history), condense(pair.second, history)
        values["alone"].append(found(pair.second, gold, retriever))
        values["alone_in_chat"].append(found(alone.question, gold, retriever))
        values["bare"].append(found(pair.follow_up, gold, retriever))
        values["condensed"].append(found(condensed.question, gold, retriever))
        values["leaning"].append(float(condensed.leans))
    figures = {name: bootstrap_mean(list_).ends() for name, list_ in values.items()}
    kept = sum(values["condensed"]) / max(sum(values["alone"]), 1e-9)
    return {"questions": len(pairs), **figures, "kept": kept}


def measure_ordinary(dataset: RetrievalDataset) -> dict[str, float]:
    """Share of ordinary questions taken for follow-ups, and what that costs them."""
    questions = {query: text for query, text in dataset.queries.items() if leans(text)}
    loss = 0.0
    if questions:
        bench = take_any_question(Workbench(dataset, PipelineSettings()))
        history = note(_UNRELATED, bench.hybrid)
        for query, text in questions.items():
            gold = {document for document, grade in dataset.qrels[query].items() if grade > 0}
            loss += found(text, gold, bench.hybrid) - found(condense(text, history).question, gold, bench.hybrid)
    total = len(dataset.queries)
    return {"questions": total, "leaning": len(questions) / total, "recall_lost": loss / total}


def run(data: Path, sets: Sequence[str], limit: int | None) -> dict[str, object]:
    """Measure follow-ups on both halves, and ordinary questions of each set's test split."""
    print("follow-ups", file=sys.stderr)
    lines = (data / "rag" / "squad2_dev_sample" / "data.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    retriever = open_bench(rows, load_beir(data / "hotpotqa")).hybrid
    pairs = make_pairs(rows)
    halves = {split: [pair for pair in pairs if pair.split == split][:limit] for split in ("train", "test")}
    found_ = {split: measure(half, retriever) for split, half in halves.items()}
    by_kind = {
        kind: measure([pair for pair in halves["test"] if pair.named == named], retriever)
        for kind, named in (("named_before", True), ("named_in_the_document", False))
    }
    ordinary = {name: measure_ordinary(load_beir(data / name, split="test", limit=limit)) for name in sets}
    return {**found_, **by_kind, "ordinary": ordinary}
