"""Chunkers side by side on expert-marked clauses of real contracts (CUAD), at equal mean size.

    python -m benchmarks.cuad [--data DIR] [--split train|test] [--boundaries] [--limit CONTRACTS] --json

`whole` is the share of the experts' spans that lie in one chunk; `recall@5` the share of a question's marked
characters that its five best chunks hold, searching inside the question's own contract (all-MiniLM-L6-v2, cosine).
`kept@5` is the share of spans that lie wholly in one of the five. Sizes are the embedder's tokens; each peer's size
knob is set so that its mean is DocumentAwareNodeParser's. Peers get every fact that their chunks carry, which is none.
Data: `cuad_spans/` in the data folder; by default a sample of contracts, drawn by the sha256 of their names. Source:
Hendrycks et al., "CUAD" (NeurIPS 2021), CC BY 4.0.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.schema import Document, MetadataMode
from numpy.typing import NDArray

from benchmarks.chunking import Embedder, tokenizer
from benchmarks.chunking_peers import Cut, Spans, peers
from llama_index_prod_rag.models.embedding import embed_texts
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.models.weights import MINILM
from llama_index_prod_rag.node_parser import ChunkingParser
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.node_parser.semantic import SemanticChunker
from llama_index_prod_rag.significance import paired_difference

OURS = "DocumentAwareNodeParser"
METRICS = ("whole", "recall@5", "kept@5")
_TOP = 5
_SAMPLE = 12  # contracts that peers' sizes are set on


@dataclass(frozen=True, slots=True)
class Question:
    """What experts marked in one contract."""

    contract: str
    text: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class Chunked:
    """One contract's chunks: their places, and what of each is embedded."""

    spans: Spans
    shown: list[str]


System = Callable[[str], Chunked]


def load_cuad(folder: Path, limit: int | None, split: str = "all") -> tuple[dict[str, str], list[Question]]:
    """Contracts by file name, and the questions about them; `train` and `test` are even and odd sha256 of the name."""
    names = sorted((path.name for path in (folder / "contracts").glob("*.txt")), key=_hash_name)
    if split != "all":
        names = [name for name in names if int(_hash_name(name), 16) % 2 == (split == "test")]
    names = names[:limit]
    contracts: dict[str, str] = {}
    for name in names:
        with (folder / "contracts" / name).open(encoding="utf-8", newline="") as file:
            contracts[name] = file.read()
    with (folder / "questions.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    questions = [
        Question(row["doc"], row["query"], [(span["start"], span["end"]) for span in row["spans"]])
        for row in rows
        if row["doc"] in contracts
    ]
    return contracts, questions


def _hash_name(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def from_cut(cut: Cut) -> Callable[[str], Chunked]:
    """A peer: it embeds the text of its chunks."""

    def system(text: str) -> Chunked:
        spans = cut(text)
        return Chunked(spans, [text[start:end] for start, end in spans])

    return system


def from_parser(parser: ChunkingParser) -> System:
    """One of this package's parsers: it embeds what it says it embeds."""

    def system(text: str) -> Chunked:
        nodes = parser.get_nodes_from_documents([Document(text=text)])
        spans = [(node.start_char_idx, node.end_char_idx) for node in nodes]  # type: ignore[attr-defined]
        return Chunked(spans, [node.get_content(MetadataMode.EMBED) for node in nodes])

    return system


class Bench:
    """Contracts, questions, and vectors kept on disk between runs."""

    def __init__(self, data: Path, limit: int | None, *, split: str = "all", search: bool = True) -> None:
        self.contracts, self.questions = load_cuad(data / "cuad_spans", limit, split)
        self.search = search
        self.counter = load_counter(MINILM)
        self.embedder = Embedder(embed_batch_size=64)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape [n, 384]."""
        return embed_texts(texts, model=MINILM, embedding=self.embedder)

    def sizes(self, system: System, names: Sequence[str] | None = None) -> list[int]:
        """Tokens of each chunk's own text."""
        chosen = list(self.contracts) if names is None else names
        texts = [self.contracts[name][a:b] for name in chosen for a, b in system(self.contracts[name]).spans]
        return self.counter.count(texts)

    def match_size(self, make: Callable[[float], Cut], low: float, high: float, mean: float) -> float:
        """The knob at which a peer's mean size is closest to `mean`, found on a few contracts."""
        sample = list(self.contracts)[:_SAMPLE]
        best, distance = high, float("inf")
        for _ in range(8):
            knob = (low + high) / 2
            size = float(np.mean(self.sizes(from_cut(make(knob)), sample)))
            if abs(size - mean) < distance:
                best, distance = knob, abs(size - mean)
            low, high = (knob, high) if size < mean else (low, knob)
        return best

    def run(self, system: System) -> tuple[dict[str, list[float]], list[int]]:
        """Scores by metric, `whole` and `kept@5` per span, `recall@5` per question; and the chunks' sizes."""
        chunked = {name: system(text) for name, text in self.contracts.items()}
        if not self.search:
            marked = [(question.contract, span) for question in self.questions for span in question.spans]
            whole = [float(lies_in_one(span, chunked[name].spans)) for name, span in marked]
            return {"whole": whole}, self._sizes(chunked)
        vectors = {name: self.embed(chunks.shown) for name, chunks in chunked.items()}
        queries = self.embed([question.text for question in self.questions])
        scores: dict[str, list[float]] = {metric: [] for metric in METRICS}
        for question, query in zip(self.questions, queries, strict=True):
            spans = chunked[question.contract].spans
            best = [spans[index] for index in np.argsort(-(vectors[question.contract] @ query), kind="stable")[:_TOP]]
            scores["recall@5"].append(share_held(question.spans, best))
            for span in question.spans:
                scores["whole"].append(float(lies_in_one(span, spans)))
                scores["kept@5"].append(float(lies_in_one(span, best)))
        return scores, self._sizes(chunked)

    def _sizes(self, chunked: Mapping[str, Chunked]) -> list[int]:
        return self.counter.count([self.contracts[name][a:b] for name, done in chunked.items() for a, b in done.spans])


def lies_in_one(span: tuple[int, int], chunks: Spans) -> bool:
    """Whether one chunk holds all of a span.

    Examples:
        >>> lies_in_one((3, 6), [(0, 6), (6, 9)]), lies_in_one((3, 7), [(0, 6), (6, 9)])
        (True, False)
    """
    return any(start <= span[0] and span[1] <= end for start, end in chunks)


def share_held(spans: Spans, chunks: Spans) -> float:
    """The share of the spans' characters that some chunk holds, from 0 to 1.

    Examples:
        >>> share_held([(0, 4), (2, 8)], [(0, 2), (6, 10)])
        0.5
    """
    wanted = {position for start, end in spans for position in range(start, end)}
    held = {position for start, end in chunks for position in range(start, end)}
    return len(wanted & held) / len(wanted)


def run(data: Path, *, chunk_size: int, limit: int | None, split: str = "all", search: bool = True) -> dict[str, Any]:
    """All systems, and ours minus each."""
    bench = Bench(data, limit, split=split, search=search)
    sizes: dict[str, Any] = {"chunk_size": chunk_size, "tokenizer": MINILM}
    systems: dict[str, System] = {
        OURS: from_parser(DocumentAwareNodeParser(**sizes, format="legal")),
        f"{OURS}, headings not embedded": from_parser(
            DocumentAwareNodeParser(**sizes, format="legal", embed_headings=False)
        ),
        "SemanticChunker without embedder": from_parser(SemanticChunker(**sizes)),
    }
    mean = float(np.mean(bench.sizes(systems[OURS], list(bench.contracts)[:_SAMPLE])))
    for peer in peers(bench.embedder, tokenizer()):
        if peer.high == 99:  # splitters by likeness have no size to match, and embed every sentence of every contract
            continue
        try:
            systems[peer.name] = from_cut(peer.make(bench.match_size(peer.make, peer.low, peer.high, mean)))
        except NotImplementedError as error:  # chonkie, at a word over its limit, with a function that counts
            sys.stderr.write(f"{peer.name} left out: {error}\n")
    results = {}
    for name, system in systems.items():
        try:
            results[name] = bench.run(system)
        except NotImplementedError as error:  # the same, at a longer word
            sys.stderr.write(f"{name} left out: {error}\n")
            continue
        sys.stderr.write(f"{name} done\n")
    return {
        "chunk_size": chunk_size,
        "split": split,
        "contracts": len(bench.contracts),
        "questions": len(bench.questions),
        "spans": sum(len(question.spans) for question in bench.questions),
        "systems": {name: _summary(*result) for name, result in results.items()},
        "differences": {
            f"{OURS} - {name}": {metric: _difference(results[OURS][0], scores, metric) for metric in scores}
            for name, (scores, _) in results.items()
            if name != OURS
        },
    }


def _summary(scores: Mapping[str, list[float]], sizes: list[int]) -> dict[str, float]:
    means = {metric: float(np.mean(values)) for metric, values in scores.items()}
    return {"mean_tokens": float(np.mean(sizes)), "max_tokens": max(sizes), "chunks": len(sizes), **means}


def _difference(ours: Mapping[str, list[float]], other: Mapping[str, list[float]], metric: str) -> dict[str, float]:
    interval = paired_difference(other[metric], ours[metric])  # second minus first
    return interval.ends()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--chunk-size", type=int, default=250)
    parser.add_argument("--limit", type=int, default=20, help="how many contracts; 0 for all")
    parser.add_argument("--split", choices=("all", "train", "test"), default="all")
    parser.add_argument("--boundaries", action="store_true", help="only `whole`: nothing is embedded")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    report = run(
        given.data,
        chunk_size=given.chunk_size,
        limit=given.limit or None,
        split=given.split,
        search=not given.boundaries,
    )
    if given.json:
        print(json.dumps(report, indent=1))
        return
    print(
        f"{'':44}{'tokens':>7}{'chunks':>7}"
        + "".join(f"{metric:>10}" for metric in METRICS if metric in next(iter(report["systems"].values())))
    )
    for name, row in report["systems"].items():
        cells = "".join(f"{100 * row[metric]:10.1f}" for metric in METRICS if metric in row)
        print(f"{name:44}{row['mean_tokens']:7.0f}{row['chunks']:7}{cells}")


if __name__ == "__main__":
    main()
