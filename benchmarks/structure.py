"""Structure-aware chunkers side by side on a gold set: what must stay whole, and which headings a chunk knows.

    python -m benchmarks.structure [--chunk-size 140] --json

Every system gets the same hard limit, in the same tokens (the estimate `simple`), and its own splitter for the format
where it has one that works offline. `whole` is the share of blocks (tables, fences, functions, clauses, theorems with
their proof) found in one chunk, `paths` the share of words whose chunk tells all headings above them, in its metadata
or in its text. The gold set lies in `tests/structure/gold`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from typing import Any

from llama_index.core import Document

from benchmarks.structure_gold import GoldChunk, GoldDocument, is_whole, knows_path, load_gold
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser

System = Callable[[GoldDocument, int], list[GoldChunk]]

_COUNTER = load_counter("simple")
_LANGCHAIN_LANGUAGES = {"rst": "rst", "latex": "latex", "python": "python", "typescript": "ts"}


def _size(text: str) -> int:
    return _COUNTER.count([text])[0]


def ours(gold: GoldDocument, chunk_size: int) -> list[GoldChunk]:
    """DocumentAwareNodeParser."""
    parser = DocumentAwareNodeParser.model_validate(
        {
            "chunk_size": chunk_size,
            "min_size": 1,
            "tokenizer": "simple",
            "format": gold.format,
            "language": gold.language,
        }
    )
    nodes = parser.get_nodes_from_documents([Document(text=gold.text)])
    return [GoldChunk(node.get_content(), tuple(node.metadata.get("heading_path", ()))) for node in nodes]


def langchain(gold: GoldDocument, chunk_size: int) -> list[GoldChunk]:
    """The splitter for the format; what is still too large goes through RecursiveCharacterTextSplitter."""
    import langchain_text_splitters as splitters

    sizes: dict[str, Any] = {"chunk_size": chunk_size, "chunk_overlap": 0, "length_function": _size}
    recursive = splitters.RecursiveCharacterTextSplitter(**sizes)
    levels = range(1, 5)
    if gold.format == "markdown":
        headers = [("#" * level, f"h{level}") for level in levels]
        sections = splitters.MarkdownHeaderTextSplitter(headers, strip_headers=False).split_text(gold.text)
        parts = recursive.split_documents(sections)
    elif gold.format == "html":
        tags = [(f"h{level}", f"h{level}") for level in levels]
        parts = recursive.split_documents(splitters.HTMLHeaderTextSplitter(tags).split_text(gold.text))
    elif (language := _LANGCHAIN_LANGUAGES.get(gold.language or gold.format)) is not None:
        known = splitters.RecursiveCharacterTextSplitter.from_language(splitters.Language(language), **sizes)
        parts = known.create_documents([gold.text])
    else:
        parts = recursive.create_documents([gold.text])
    return [GoldChunk(part.page_content, tuple(part.metadata[key] for key in sorted(part.metadata))) for part in parts]


def llama_index(gold: GoldDocument, chunk_size: int) -> list[GoldChunk]:
    """The node parser for the format; what is still too large goes through SentenceSplitter."""
    from llama_index.core.node_parser import HTMLNodeParser, MarkdownNodeParser, SentenceSplitter

    nodes: list[Any] = [Document(text=gold.text)]
    if gold.format in ("markdown", "html"):
        parser = MarkdownNodeParser() if gold.format == "markdown" else HTMLNodeParser()
        nodes = list(parser.get_nodes_from_documents(nodes))
    tokens: Callable[[str], list[int]] = lambda text: [0] * _size(text)  # noqa: E731 - only the length counts
    splitter = SentenceSplitter(chunk_size=chunk_size, chunk_overlap=0, tokenizer=tokens, include_metadata=False)
    return [
        GoldChunk(piece, tuple(step for step in node.metadata.get("header_path", "").split("/") if step))
        for node in nodes
        for piece in splitter.split_text(node.get_content())
    ]


def chonkie(gold: GoldDocument, chunk_size: int) -> list[GoldChunk]:
    """RecursiveChunker; its Markdown recipe and CodeChunker load from the network."""
    from chonkie import RecursiveChunker

    counter: Any = _size  # chonkie takes a function, its annotation does not say so
    chunker = RecursiveChunker(tokenizer=counter, chunk_size=chunk_size)
    return [GoldChunk(chunk.text) for chunk in chunker.chunk(gold.text)]


SYSTEMS: Mapping[str, System] = {
    "DocumentAwareNodeParser": ours,
    "LangChain": langchain,
    "LlamaIndex": llama_index,
    "chonkie": chonkie,
}


def run(chunk_size: int) -> dict[str, Any]:
    """Shares by system and format, and over all."""
    documents = load_gold()
    report: dict[str, Any] = {"chunk_size": chunk_size, "systems": {}}
    for name, system in SYSTEMS.items():
        rows: dict[str, dict[str, list[bool]]] = {}
        for gold in documents:
            chunks = system(gold, chunk_size)
            for key in (gold.format, "all"):
                row = rows.setdefault(key, {"whole": [], "paths": []})
                row["whole"] += [is_whole(block, chunks) for block in gold.whole]
                row["paths"] += [knows_path(words, path, chunks) for words, path in gold.paths]
        report["systems"][name] = {
            key: {check: sum(hits) / len(hits) for check, hits in row.items()} | {"n": len(row["whole"] + row["paths"])}
            for key, row in rows.items()
        }
    return report


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunk-size", type=int, default=140)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    report = run(given.chunk_size)
    if given.json:
        print(json.dumps(report, indent=1))
        return
    for name, rows in report["systems"].items():
        print(name)
        for key, row in rows.items():
            print(f"  {key:10}{row['n']:4} checks{100 * row['whole']:8.1f} % whole{100 * row['paths']:8.1f} % paths")


if __name__ == "__main__":
    main()
