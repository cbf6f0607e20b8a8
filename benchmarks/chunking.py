"""Chunkers side by side on Chroma's chunking evaluation, at equal mean size.

    python -m benchmarks.chunking [--data DIR] [--chunk-size 250] [--corpora NAME ...] [--limit QUESTIONS] --json

All corpora are one index; all-MiniLM-L6-v2, top 5, no metadata embedded unless the system's name says so. Sizes are
the embedder's tokens. Each peer's size knob is set so that its mean is SemanticChunker's; the peers' own defaults for
semantic splitting (95th percentile, no limit) are rows of their own. `seconds` is the time for chunking all corpora,
embedding of sentences included and nothing cached, in batches of 32 in the order that a system hands them over;
`cpu_seconds` is the processor time of the same, which other work on the machine changes less. Data: `chunking/` in the
data folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import Document, MetadataMode
from numpy.typing import NDArray

from benchmarks.chunking_metric import METRICS, Piece, Question, by_corpus, load_chunking_data, score_system
from benchmarks.chunking_peers import Cut, Peer, Spans, peers
from llama_index_prod_rag.models.embedding import embed_texts, load_embedding
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.models.weights import MINILM, find_weights
from llama_index_prod_rag.node_parser import ChunkingParser
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.node_parser.semantic import SemanticChunker
from llama_index_prod_rag.significance import paired_difference

OURS = "SemanticChunker"
_WITHIN = 0.05  # how far a peer's mean size may be from ours


class Embedder(BaseEmbedding):
    """The textbook's model; remembers texts until told to forget, so that only the timed run pays for them.

    It does not sort: the order of the texts is the chunker's own doing.
    """

    _model: BaseEmbedding = PrivateAttr()
    _known: dict[str, list[float]] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - pydantic's signature
        """Load the model."""
        super().model_post_init(context)
        self._model = load_embedding(MINILM)

    def forget(self) -> None:
        """Embed everything anew from now on."""
        self._known.clear()

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        if missing := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known.update(zip(missing, self._model.get_text_embedding_batch(missing), strict=True))
        return [self._known[text] for text in texts]

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._model.get_query_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


@dataclass(frozen=True, slots=True)
class Result:
    """One system's chunks and scores."""

    seconds: Mapping[str, float]
    cpu_seconds: Mapping[str, float]
    sizes: Mapping[str, list[int]]
    values: Mapping[str, list[float]]


class Bench:
    """The corpora, the questions, and vectors kept on disk between runs."""

    def __init__(self, data: Path, only: Sequence[str] | None, limit: int | None) -> None:
        corpora, questions = load_chunking_data(data / "chunking")
        self.corpora = {name: corpora[name] for name in only or corpora}
        self.questions: list[Question] = [one for one in questions if one.corpus in self.corpora][:limit]
        self.embedder = Embedder(embed_batch_size=512)
        self.counter = load_counter(MINILM)
        self._queries = self._embed([question.text for question in self.questions])

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_texts(texts, model=MINILM, embedding=self.embedder)

    def spans(self, cut: Cut) -> dict[str, Spans]:
        """Chunks of every corpus."""
        return {name: cut(text) for name, text in self.corpora.items()}

    def mean_tokens(self, cut: Cut) -> float:
        """Mean size of the chunks."""
        sizes = self.counter.count(
            [self.corpora[name][a:b] for name, spans in self.spans(cut).items() for a, b in spans]
        )
        return float(np.mean(sizes)) if sizes else 0.0

    def run(self, make: Callable[[], Cut], shown: Callable[[str], list[str]] | None = None) -> Result:
        """Time the chunking, embed the chunks, ask the questions.

        Args:
            make: makes the chunker, warm from the start.
            shown: corpus name -> texts to embed in place of the chunks' own.
        """
        cut = make()
        cut(next(iter(self.corpora.values()))[:2000])
        self.embedder.forget()
        seconds: dict[str, float] = {}
        cpu_seconds: dict[str, float] = {}
        spans: dict[str, Spans] = {}
        for name, text in self.corpora.items():
            started, started_cpu = time.perf_counter(), time.process_time()
            spans[name] = cut(text)
            seconds[name] = time.perf_counter() - started
            cpu_seconds[name] = time.process_time() - started_cpu
        pieces = [Piece(name, start, end) for name, part in spans.items() for start, end in part]
        texts = {name: [self.corpora[name][a:b] for a, b in part] for name, part in spans.items()}
        embedded = [text for name in spans for text in (shown(name) if shown else texts[name])]
        values = score_system(self.questions, self._queries, pieces, self._embed(embedded))
        sizes = {name: self.counter.count(part) for name, part in texts.items()}
        return Result(seconds, cpu_seconds, sizes, values)

    def parser(self, parser: ChunkingParser) -> Result:
        """One of this package's parsers; what it would embed is embedded."""
        shown: dict[str, list[str]] = {}
        names = {text: name for name, text in self.corpora.items()}

        def cut(text: str) -> Spans:
            nodes = parser([Document(text=text)])
            shown[names.get(text, "")] = [node.get_content(MetadataMode.EMBED) for node in nodes]
            return [(info["start"], info["end"]) for node in nodes if (info := node.get_node_info())]  # type: ignore[attr-defined]

        return self.run(lambda: cut, shown.__getitem__)

    def match_size(self, peer: Peer, mean: float) -> float:
        """The peer's knob at which its chunks' mean size is closest to `mean`."""
        low, high = peer.low, peer.high
        best, distance = high, float("inf")
        for _ in range(9):
            knob = (low + high) / 2
            size = self.mean_tokens(peer.make(knob))
            if abs(size - mean) < distance:
                best, distance = knob, abs(size - mean)
            if distance <= 0.01 * mean:
                break
            low, high = (knob, high) if size < mean else (low, knob)
        if distance > _WITHIN * mean:
            sys.stderr.write(f"{peer.name}: no closer to a mean of {mean:.0f} tokens than {distance:.0f}\n")
        return best


def run(data: Path, *, chunk_size: int, only: Sequence[str] | None, limit: int | None) -> dict[str, Any]:
    """All systems and their differences, in the shape that is printed."""
    bench = Bench(data, only, limit)
    sizes: dict[str, Any] = {"chunk_size": chunk_size, "tokenizer": MINILM}
    prose = {**sizes, "format": "prose"}
    results = {
        OURS: bench.parser(SemanticChunker(**sizes, embed_model=bench.embedder)),
        "SemanticChunker without embedder": bench.parser(SemanticChunker(**sizes)),
        "DocumentAwareNodeParser": bench.parser(DocumentAwareNodeParser(**prose, embed_headings=False)),
        "DocumentAwareNodeParser with headings": bench.parser(DocumentAwareNodeParser(**prose)),
    }
    mean = float(np.mean([size for part in results[OURS].sizes.values() for size in part]))
    for peer in peers(bench.embedder, tokenizer()):
        knob = bench.match_size(peer, mean)
        results[peer.name] = bench.run(lambda peer=peer, knob=knob: peer.make(knob))  # type: ignore[misc]
        if peer.high == 99:  # the semantic ones, at their defaults
            results[f"{peer.name}, defaults"] = bench.run(lambda peer=peer: peer.make(95))  # type: ignore[misc]
    pairs = [(OURS, name) for name in results if name != OURS]
    pairs.append(("DocumentAwareNodeParser with headings", "DocumentAwareNodeParser"))
    return {
        "chunk_size": chunk_size,
        "systems": {name: _summary(bench.questions, result) for name, result in results.items()},
        "differences": {f"{a} - {b}": _differences(results[a], results[b], None) for a, b in pairs},
        "differences_on_wikitexts": {
            f"{a} - {b}": _differences(results[a], results[b], members)
            for a, b in pairs[-1:]
            if (members := _members(bench.questions, "wikitexts"))
        },
    }


def tokenizer() -> Callable[[str], list[int]]:
    """Text -> token ids of the embedder, without special tokens, nothing cut off."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(Path(find_weights(MINILM, "embedding").source) / "tokenizer.json"))
    loaded.no_padding()
    loaded.no_truncation()
    return lambda text: list(loaded.encode(text, add_special_tokens=False).ids)


def _members(questions: Sequence[Question], corpus: str) -> list[int]:
    return [index for index, question in enumerate(questions) if question.corpus == corpus]


def _summary(questions: Sequence[Question], result: Result) -> dict[str, dict[str, float]]:
    rows = by_corpus(questions, result.values)
    summary: dict[str, dict[str, float]] = {}
    for name, metrics in rows.items():
        sizes = [size for part in result.sizes.values() for size in part] if name == "all" else result.sizes[name]
        summary[name] = {
            "mean_tokens": float(np.mean(sizes)),
            "max_tokens": max(sizes),
            "chunks": len(sizes),
            **metrics,
            "seconds": _time(result.seconds, name),
            "cpu_seconds": _time(result.cpu_seconds, name),
        }
    return summary


def _time(seconds: Mapping[str, float], corpus: str) -> float:
    return sum(seconds.values()) if corpus == "all" else seconds[corpus]


def _differences(one: Result, other: Result, members: Sequence[int] | None) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for metric in METRICS:
        left, right = np.asarray(one.values[metric]), np.asarray(other.values[metric])
        if members is not None:
            left, right = left[members], right[members]
        interval = paired_difference(right, left)  # second minus first
        rows[metric] = interval.ends()
    return rows


def _print_table(report: Mapping[str, Any]) -> None:
    print(f"{'':44}{'tokens':>7}{'chunks':>7}" + "".join(f"{metric:>16}" for metric in METRICS) + f"{'seconds':>9}")
    for name, rows in report["systems"].items():
        row = rows["all"]
        scores = "".join(f"{100 * row[metric]:16.1f}" for metric in METRICS)
        print(f"{name:44}{row['mean_tokens']:7.0f}{row['chunks']:7}{scores}{row['seconds']:9.1f}")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--chunk-size", type=int, default=250)
    parser.add_argument("--corpora", nargs="+", help="only these")
    parser.add_argument("--limit", type=int, help="only the first questions")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    report = run(given.data, chunk_size=given.chunk_size, only=given.corpora, limit=given.limit)
    if given.json:
        print(json.dumps(report, indent=1))
    else:
        _print_table(report)


if __name__ == "__main__":
    main()
