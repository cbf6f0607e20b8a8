"""What every chunk keeps, whatever comes in: exact offsets, all of the text, the budget, whole graphemes."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import regex
from llama_index.core.schema import BaseNode, Document, MetadataMode, NodeRelationship, TextNode

from llama_index_prod_rag.chunking.leaves import holds_word
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.node_parser import ChunkingParser
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.node_parser.semantic import SemanticChunker
from llama_index_prod_rag.structure.html import HtmlText
from tests.node_parser.texts import NAMED, generated

FORMATS = ("prose", "markdown", "html", "rst", "latex", "legal", "paper", "code")
FOLDERS = {"tex": "latex", "papers": "paper"}
_COUNTER = load_counter("simple")


def assert_exact(text: str, nodes: list[BaseNode], parser: ChunkingParser) -> None:
    page = HtmlText(text) if getattr(parser, "format", "") == "html" else None
    spans = [_span(node) for node in nodes]
    for node, (start, end) in zip(nodes, spans, strict=True):
        assert node.get_content() == (page.render(start, end) if page else text[start:end])
        assert node.get_content().strip()
    starts = [start for start, _ in spans]
    assert starts == sorted(set(starts))
    visible = page.text if page else text
    covered = bytearray(len(text))
    for start, end in _dropped(text, parser):
        covered[start:end] = b"\x01" * (end - start)
    for start, end in spans:
        covered[start:end] = b"\x01" * (end - start)
    # Rules, borders and dotted lines that fit beside no text are left out; nothing else is.
    lost = "".join(character for index, character in enumerate(visible) if not covered[index])
    assert not holds_word(lost), lost
    sizes = _COUNTER.count([node.get_content(MetadataMode.EMBED) for node in nodes])
    assert max(sizes, default=0) <= parser.chunk_size
    if page is None:
        assert_whole_graphemes(text, spans, parser.chunk_size)


def _dropped(text: str, parser: ChunkingParser) -> list[tuple[int, int]]:
    """What the reader says is no content: comments in RST and LaTeX."""
    if getattr(parser, "format", "") not in ("rst", "latex"):
        return []
    assert isinstance(parser, DocumentAwareNodeParser)
    root = parser.read(Document(text=""), text).root
    return [(block.start, block.end) for block in root.walk() if block.dropped]


def assert_whole_graphemes(text: str, spans: list[tuple[int, int]], budget: int) -> None:
    inside: set[int] = set()
    for cluster in regex.finditer(r"\X", text):
        fits = len(cluster.group()) < 100 and _COUNTER.count([cluster.group()])[0] <= budget // 4
        # White space around a chunk is no part of it, and a cluster may begin with a blank.
        if fits and not cluster.group()[0].isspace():
            inside.update(index for index in range(cluster.start() + 1, cluster.end()) if not text[index].isspace())
    cut = [position for span in spans for position in span if position in inside]
    assert cut == []


def _span(node: BaseNode) -> tuple[int, int]:
    assert isinstance(node, TextNode)
    assert node.start_char_idx is not None
    assert node.end_char_idx is not None
    return node.start_char_idx, node.end_char_idx


def _parsers(format_name: str) -> list[ChunkingParser]:
    small: dict[str, object] = {"tokenizer": "simple", "chunk_size": 30, "min_size": 4}
    if format_name == "code":
        languages = ("python", "typescript", "rust", "cpp")
        return [DocumentAwareNodeParser(format="code", language=language, **small) for language in languages]
    parsers: list[ChunkingParser] = [DocumentAwareNodeParser(format=format_name, **small)]
    if format_name == "prose":
        parsers += [SemanticChunker(**small), SemanticChunker(chunk_overlap=12, **small)]
    return [*parsers, DocumentAwareNodeParser(format=format_name, chunk_overlap=8, **small)]


@pytest.mark.parametrize("format_name", FORMATS)
def test_two_thousand_generated_texts(format_name: str) -> None:
    documents = [Document(text=text, id_=str(index)) for index, text in enumerate(generated(format_name, 2_000))]
    for parser in _parsers(format_name):
        part = (
            documents
            if parser.chunk_overlap == 0 and getattr(parser, "language", None) in (None, "python")
            else documents[:500]
        )
        by_document: dict[str, list[BaseNode]] = {document.node_id: [] for document in part}
        for node in parser.get_nodes_from_documents(part):
            by_document[node.ref_doc_id or ""].append(node)
        for document in part:
            try:
                assert_exact(document.text, by_document[document.node_id], parser)
            except AssertionError as error:
                raise AssertionError(f"{type(parser).__name__} on {document.text!r}") from error


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("format_name", FORMATS)
def test_named_inputs(format_name: str, name: str) -> None:
    text = NAMED[name]
    for parser in (
        DocumentAwareNodeParser(format=format_name, language="python", tokenizer="simple"),
        SemanticChunker(tokenizer="simple"),
    ):
        nodes = parser.get_nodes_from_documents([Document(text=text)])
        assert_exact(text, nodes, parser)
        assert bool(nodes) == bool(text.strip())


def test_lone_surrogates_become_one_replacement_character_each(caplog: pytest.LogCaptureFixture) -> None:
    text = "Before \ud800 between \udfff after. " * 20
    nodes = SemanticChunker(tokenizer="simple", chunk_size=40, min_size=0)([Document(text=text, id_="odd")])
    clean = text.replace("\ud800", "\ufffd").replace("\udfff", "\ufffd")
    assert_exact(clean, nodes, SemanticChunker(tokenizer="simple", chunk_size=40, min_size=0))
    assert "odd" in caplog.text


def test_every_file_in_the_collection(data_folder: Path) -> None:
    for path in sorted((data_folder / "docs").glob("*/*")):
        parser = DocumentAwareNodeParser(
            format=FOLDERS.get(path.parent.name, path.parent.name),
            tokenizer="simple",
        )
        text = path.read_bytes().decode()
        assert_exact(text, parser([Document(text=text, metadata={"file_name": path.name})]), parser)


def test_neighbours_are_linked_within_each_document() -> None:
    documents = [Document(text="One sentence here. " * 40, id_=name) for name in "ab"]
    nodes = SemanticChunker(tokenizer="simple", chunk_size=40)(documents)
    for before, after in pairwise(nodes):
        same = before.ref_doc_id == after.ref_doc_id
        assert (before.next_node is not None and before.next_node.node_id == after.node_id) == same
        assert (after.prev_node is not None and after.prev_node.node_id == before.node_id) == same
    assert all(NodeRelationship.SOURCE in node.relationships for node in nodes)
