"""Superseded documents: which version is shown first. A part of `benchmarks.whole_question`.

A hundred relevant documents of each set get one or two older versions: the same text with one to three facts changed
(numbers, or names that stand elsewhere in the collection), dated 2021 and 2022, the document itself 2023. All questions
of the split are asked: `old_first` is the share, of the questions on those documents, that see an older version above
the newest in the first ten; `named_time` the share that see the version of 2021 first of all versions when the question
ends in "as of 2021". `others` is nDCG@10 of the questions on other documents, with `NewestVersion` against without. The
least similarity was chosen looking at `train`.
"""

from __future__ import annotations

import random
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from llama_index.core.base.base_retriever import BaseRetriever

from benchmarks.whole_follow_ups import AnyQuestion
from llama_index_prod_rag.evaluation import PipelineSettings, RetrievalDataset, Workbench, load_beir, rank_metrics
from llama_index_prod_rag.evaluation.datasets import LabeledDocument
from llama_index_prod_rag.evaluation.pipelines import ExactDenseRetriever
from llama_index_prod_rag.models.embedding import embed_texts
from llama_index_prod_rag.postprocessor import NewestVersion
from llama_index_prod_rag.significance import bootstrap_mean, paired_difference
from llama_index_prod_rag.text.follow_up import names_in

SETS = ("hotpotqa", "cranfield")
_DOCUMENTS = 100
_SHOWN, _CANDIDATES = 10, 50
_DATES = ("2021-03-01", "2022-03-01")
_NEWEST = "2023-03-01"
_METRIC = "nDCG@10"


def change_facts(text: str, names: Sequence[str], random_: random.Random) -> str:
    """Change one to three facts: a number becomes another one, a name another document's."""
    spans = [match.span() for match in re.finditer(r"\d+", text)]
    spans += [match.span() for name in names_in(text) for match in re.finditer(re.escape(name), text)][:20]
    for start, end in sorted(random_.sample(spans, min(len(spans), random_.randint(1, 3))), reverse=True):
        old = text[start:end]
        new = str(int(old) + random_.randint(1, 9)) if old.isdigit() else random_.choice(names)
        text = text[:start] + new + text[end:]
    return text


def make_versions(dataset: RetrievalDataset, seed: int = 0) -> tuple[RetrievalDataset, dict[str, list[str]]]:
    """The collection with older versions of a hundred documents, and the versions' ids from the oldest on."""
    random_ = random.Random(seed)
    relevant = sorted(
        {document for grades in dataset.qrels.values() for document, grade in grades.items() if grade > 0}
    )
    names = sorted({name for document in relevant for name in names_in(dataset.documents[document].text)}) or ["Smith"]
    documents, versions = dict(dataset.documents), dict[str, list[str]]()
    for document in random_.sample(relevant, min(_DOCUMENTS, len(relevant))):
        versions[document] = []
        for day in _DATES[: random_.randint(1, 2)]:
            old = f"{document}@{day}"
            changed = change_facts(dataset.documents[document].text, names, random_)
            if changed != dataset.documents[document].text:
                documents[old] = LabeledDocument(dataset.documents[document].title, changed)
                versions[document].append(old)
    return replace(dataset, documents=documents), versions


def open_hybrid(dataset: RetrievalDataset, versions: Mapping[str, Sequence[str]]) -> BaseRetriever:
    """The hybrid with its defaults over nodes with dates, where there are versions."""
    bench = Workbench(dataset, PipelineSettings())
    day = {old: old.rpartition("@")[2] for olds in versions.values() for old in olds}
    day |= {document: _NEWEST for document, olds in versions.items() if olds}
    for node in bench.nodes:
        if node.node_id in day:
            node.metadata["date"] = day[node.node_id]
            node.excluded_embed_metadata_keys.append("date")
    vectors = embed_texts([document.full_text for document in dataset.documents.values()])
    bench.dense = ExactDenseRetriever(bench.nodes, vectors, AnyQuestion(), bench.settings.depth)
    return bench.hybrid


def measure(dataset: RetrievalDataset) -> dict[str, object]:
    """Ask every question with and without."""
    made, versions = make_versions(dataset)
    hybrid, newest = open_hybrid(made, versions), NewestVersion()
    family = {old: document for document, olds in versions.items() for old in [document, *olds]}
    seen: dict[str, dict[str, float]] = defaultdict(dict)
    runs: dict[str, dict[str, list[str]]] = {"without": {}, "with": {}}
    for query, text in dataset.queries.items():
        about = {document for document, grade in dataset.qrels[query].items() if grade > 0 and versions.get(document)}
        hits = hybrid.retrieve(text)[:_CANDIDATES]
        shown = {"without": hits, "with": newest.postprocess_nodes(hits, query_str=text)}
        for name, found in shown.items():
            order = [hit.node_id for hit in found]
            if about:
                seen[name][query] = float(any(_old_first(order[:_SHOWN], document, family) for document in about))
            else:
                runs[name][query] = order
        if about:
            dated = f"{text} (as of 2021)"
            order = [hit.node_id for hit in newest.postprocess_nodes(hybrid.retrieve(dated), query_str=dated)]
            first = next((one for one in order if family.get(one) in about), "")
            seen["named_time"][query] = float(first == versions[family[first]][0] if first else False)
    others = {query: dataset.qrels[query] for query in runs["with"]}
    scored = {name: rank_metrics(run, others, [_METRIC])[_METRIC] for name, run in runs.items()}
    return {
        "questions": len(seen["with"]),
        "old_first": bootstrap_mean(seen["with"]).ends(),
        "old_first_without": bootstrap_mean(seen["without"]).ends(),
        "named_time": bootstrap_mean(seen["named_time"]).ends(),
        "others": len(others),
        "others_difference": paired_difference(scored["without"], scored["with"]).ends(),
    }


def _old_first(order: Sequence[str], document: str, family: Mapping[str, str]) -> bool:
    """Whether the first version of a document in a list is not its newest."""
    first = next((one for one in order if family.get(one) == document), document)
    return first != document


def run(data: Path, sets: Sequence[str], limit: int | None) -> dict[str, object]:
    """Measure both splits of the sets that have facts to change."""
    found: dict[str, object] = {}
    for name in (name for name in SETS if name in sets):
        print(f"versions: {name}", file=sys.stderr)
        splits = {split: load_beir(data / name, split=split, limit=limit) for split in ("train", "test")}
        found[name] = {split: measure(dataset) for split, dataset in splits.items()}
    return {"similarity": NewestVersion().similarity, "metric": _METRIC, "sets": found}
