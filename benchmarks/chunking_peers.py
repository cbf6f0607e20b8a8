"""The chunkers that users would pick instead, each as a function from a text to the characters of its chunks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import Document

Spans = list[tuple[int, int]]
Cut = Callable[[str], Spans]


@dataclass(frozen=True, slots=True)
class Peer:
    """A chunker with one knob that sets the size of its chunks.

    Attributes:
        name: as reported.
        make: knob -> chunker.
        low: smallest value of the knob.
        high: largest value of the knob; a larger one makes larger chunks.
    """

    name: str
    make: Callable[[float], Cut]
    low: float
    high: float


def locate(text: str, chunks: Sequence[str]) -> Spans:
    """Where chunks stand in their text, white space aside: several peers strip it or join sentences anew.

    Each is looked for after the start of the one before; a chunk that is not found is left out.

    Examples:
        >>> locate("a b.  a b. c", ["a b.", "a b. c"])
        [(0, 4), (6, 12)]
    """
    positions = [index for index, character in enumerate(text) if not character.isspace()]
    squeezed = "".join(text.split())
    spans: Spans = []
    search = 0
    for chunk in chunks:
        wanted = "".join(chunk.split())
        start = squeezed.find(wanted, search)
        if not wanted or start < 0:
            continue
        spans.append((positions[start], positions[start + len(wanted) - 1] + 1))
        search = start + 1
    return spans


def peers(embedder: BaseEmbedding, tokenize: Callable[[str], list[int]]) -> list[Peer]:
    """All peers, counting in the embedder's tokens where they can.

    Args:
        embedder: for the semantic ones.
        tokenize: text -> token ids of the embedder.
    """

    def size(text: str) -> int:
        return len(tokenize(text))

    def sentence_splitter(knob: float) -> Cut:
        from llama_index.core.node_parser import SentenceSplitter

        parser = SentenceSplitter(chunk_size=round(knob), chunk_overlap=0, tokenizer=tokenize, include_metadata=False)
        return lambda text: locate(text, parser.split_text(text))

    def semantic_splitter(knob: float) -> Cut:
        from llama_index.core.node_parser import SemanticSplitterNodeParser

        parser = SemanticSplitterNodeParser.from_defaults(
            embed_model=embedder, breakpoint_percentile_threshold=round(knob)
        )
        return lambda text: locate(text, [node.get_content() for node in parser([Document(text=text)])])

    def recursive(knob: float) -> Cut:
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(chunk_size=round(knob), chunk_overlap=0, length_function=size)
        return lambda text: locate(text, splitter.split_text(text))

    def langchain_semantic(knob: float) -> Cut:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from langchain_experimental.text_splitter import SemanticChunker

        splitter = SemanticChunker(_langchain_embeddings(embedder), breakpoint_threshold_amount=knob)
        return lambda text: locate(text, splitter.split_text(text))

    def chonkie(knob: float) -> Cut:
        from chonkie import RecursiveChunker

        counter: Any = size  # chonkie takes a function, its annotation does not say so
        chunker: Any = RecursiveChunker(tokenizer=counter, chunk_size=round(knob))
        return lambda text: locate(text, [chunk.text for chunk in chunker.chunk(text)])

    def cut_by_semchunk(knob: float) -> Cut:
        import semchunk

        library: Any = semchunk  # its types do not say that offsets come with the chunks
        chunker = library.chunkerify(size, round(knob))
        return lambda text: list(chunker(text, offsets=True)[1])

    return [
        Peer("semchunk", cut_by_semchunk, 20, 600),
        Peer("LlamaIndex SentenceSplitter", sentence_splitter, 20, 600),
        Peer("LangChain RecursiveCharacterTextSplitter", recursive, 20, 600),
        Peer("chonkie RecursiveChunker", chonkie, 20, 600),
        Peer("LlamaIndex SemanticSplitterNodeParser", semantic_splitter, 5, 99),
        Peer("LangChain SemanticChunker", langchain_semantic, 5, 99),
    ]


def _langchain_embeddings(embedder: BaseEmbedding) -> Any:  # noqa: ANN401 - LangChain ships no types
    from langchain_core.embeddings import Embeddings

    class _Embeddings(Embeddings):
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return embedder.get_text_embedding_batch(texts)

        def embed_query(self, text: str) -> list[float]:
            return embedder.get_query_embedding(text)

    return _Embeddings()
