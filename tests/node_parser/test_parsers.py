"""The parsers as LlamaIndex components: serialised, pickled, chained, cached, in pipelines; budgets with metadata."""

from __future__ import annotations

import logging
import pickle
from itertools import pairwise
from typing import Any

import pytest
from llama_index.core import Settings
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter, get_leaf_nodes
from llama_index.core.schema import BaseNode, Document, MetadataMode, NodeRelationship, TextNode

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.node_parser import ChunkingParser
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.node_parser.semantic import SemanticChunker

GUIDE = """# Guide

What this is for, in a few words that fill a line or so of text.

## Install

Run the installer and wait until it says that it has finished. Then start the program once.

### Linux

Use the package of your distribution. It is kept up to date by its maintainers.

## Use

| key | meaning of the key |
|-----|--------------------|
| a   | the first of all the letters |
| b   | the second of all the letters |
| c   | the third of all the letters |
| d   | the fourth of all the letters |
"""


class TopicEmbedding(BaseEmbedding):
    """One direction for sentences about owls, another for all others; counts its texts."""

    seen: list[str] = []  # noqa: RUF012 - a pydantic field

    def _get_text_embedding(self, text: str) -> list[float]:
        self.seen.append(text)
        return [1.0, 0.0] if "owl" in text.lower() else [0.0, 1.0]

    _get_query_embedding = _get_text_embedding

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def _parser(**options: Any) -> DocumentAwareNodeParser:
    return DocumentAwareNodeParser(**{"tokenizer": "simple", "chunk_size": 50, "min_size": 5, **options})


def _view(nodes: Any) -> list[tuple[str, str, object, object]]:
    return [(node.node_id, node.text, node.metadata, node.start_char_idx) for node in nodes]


@pytest.mark.parametrize(
    "parser",
    [
        _parser(chunk_overlap=10, format="markdown", define_terms=True),
        SemanticChunker(tokenizer="simple", chunk_size=40, embed_model=MockEmbedding(embed_dim=3)),
    ],
)
def test_round_trips_through_its_dictionary_and_pickle(parser: ChunkingParser) -> None:
    expected = _view(parser([Document(text=GUIDE, id_="g")]))
    for again in (type(parser).from_dict(parser.to_dict()), pickle.loads(pickle.dumps(parser))):  # noqa: S301 - our own
        assert again.to_dict() == parser.to_dict()
        assert _view(again([Document(text=GUIDE, id_="g")])) == expected


def test_an_id_function_of_ones_own_is_not_guessed_from_its_name() -> None:
    parser = _parser(id_func=lambda i, doc: f"{doc.node_id}-{i}")
    assert parser([Document(text=GUIDE, id_="g")])[1].node_id == "g-1"
    with pytest.raises(ConfigurationError, match="pass id_func again"):
        DocumentAwareNodeParser.from_dict(parser.to_dict())


def test_ids_are_the_same_when_a_document_is_parsed_again() -> None:
    first, again = (_parser()([Document(text=GUIDE, id_="g")]) for _ in range(2))
    assert [node.node_id for node in first] == [node.node_id for node in again]


def test_ids_tell_parsers_and_settings_apart() -> None:
    document = Document(text=GUIDE, id_="g")
    parsers = [
        _parser(),
        _parser(chunk_size=60),
        _parser(embed_headings=False),
        SemanticChunker(chunk_size=50, min_size=5, tokenizer="simple"),
        SemanticChunker(chunk_size=50, min_size=5, tokenizer="simple", embed_model=MockEmbedding(embed_dim=3)),
    ]
    seen = [node.node_id for parser in parsers for node in parser([document])]
    assert len(seen) == len(set(seen))


def test_what_does_not_change_chunks_does_not_change_ids() -> None:
    document = Document(text=GUIDE, id_="g")
    assert [node.node_id for node in _parser()([document])] == [
        node.node_id for node in _parser(include_prev_next_rel=False)([document])
    ]


@pytest.mark.parametrize("id_func", [None, lambda i, doc: f"{doc.node_id}-{i}"])
def test_pages_of_one_id_parsed_together_have_ids_of_their_own(id_func: Any) -> None:
    pages = [Document(text=f"Page {number} is here. {GUIDE}", id_="book") for number in range(3)]
    nodes = _parser(id_func=id_func, include_parents=True)(pages)
    assert len({node.node_id for node in nodes}) == len(nodes)


def test_a_documents_own_metadata_wins_and_ours_is_beside_it() -> None:
    text = "# Anleitung\n\nSo geht es.\n\n```python\n" + "print('hallo welt')\n" * 60 + "```\n"
    own = {"language": "de", "headings": "my own", "heading_path": "/docs/de", "table_header": "x", "definitions": "y"}
    nodes = _parser(format="markdown", chunk_size=120)([Document(text=text, metadata=own)])
    assert all(own.items() <= node.metadata.items() for node in nodes)
    code = nodes[-1]
    assert code.metadata["chunk_language"] == "python"
    assert code.metadata["chunk_heading_path"] == ["Anleitung"]
    shown = code.get_content(MetadataMode.EMBED)
    assert "language: de" in shown
    assert "heading_path: /docs/de" in shown
    assert "chunk_headings: Anleitung" in shown
    assert "chunk_heading_path" not in shown + code.get_content(MetadataMode.LLM)


def test_nodes_share_no_list() -> None:
    nodes = _parser(format="markdown")(
        [Document(text="# A\n\n" + "Some words go here. " * 40, metadata={"tags": ["x"]})]
    )
    nodes[0].metadata["heading_path"].append("X")
    nodes[0].metadata["tags"].append("X")
    assert (nodes[1].metadata["heading_path"], nodes[1].metadata["tags"]) == (["A"], ["x"])


async def test_pipelines_serial_parallel_and_async_agree() -> None:
    documents = [Document(text=GUIDE.replace("Guide", name), id_=name) for name in ("one", "two", "three")]
    pipeline = IngestionPipeline(transformations=[_parser(chunk_overlap=10)], disable_cache=True)
    serial = pipeline.run(documents=documents)
    assert len(serial) > 6
    assert _view(pipeline.run(documents=documents, num_workers=2)) == _view(serial)
    assert _view(await pipeline.arun(documents=documents)) == _view(serial)


def test_the_ingestion_cache_notices_every_option() -> None:
    pipeline = IngestionPipeline(transformations=[_parser()])
    small = pipeline.run(documents=[Document(text=GUIDE, id_="g")])
    pipeline.transformations = [_parser(chunk_size=120)]
    assert len(pipeline.run(documents=[Document(text=GUIDE, id_="g")])) < len(small)


def test_documents_come_out_as_they_went_in() -> None:
    document = Document(text=GUIDE, metadata={"a": "x " * 200}, id_="g")
    before = document.model_copy(deep=True)
    _parser()([document])
    assert document == before


def test_offsets_stay_those_of_the_document_after_another_parser() -> None:
    document = Document(text=GUIDE + "\n\n" + "One sentence after the other. " * 60, id_="g")
    first = _parser(chunk_size=200)([document])
    nodes = SemanticChunker(tokenizer="simple", chunk_size=30, min_size=4)(first)
    assert len(nodes) > len(first)
    for node in nodes:
        assert isinstance(node, TextNode)
        assert document.text[node.start_char_idx : node.end_char_idx] == node.text
        assert node.ref_doc_id == "g"
    assert sum(node.next_node is None for node in nodes) == 1


def test_a_node_whose_text_was_rewritten_gives_no_offsets() -> None:
    source = Document(text="short", id_="s").as_related_node_info()
    node = TextNode(text="Not the slice. " * 20, start_char_idx=0, end_char_idx=5)
    node.relationships[NodeRelationship.SOURCE] = source
    chunks = SemanticChunker(tokenizer="simple", chunk_size=40)([node])
    assert all(chunk.start_char_idx is None for chunk in chunks)  # type: ignore[attr-defined]
    assert {chunk.ref_doc_id for chunk in chunks} == {"s"}


def test_other_parsers_can_follow() -> None:
    nodes = SentenceSplitter(chunk_size=20, chunk_overlap=0, include_metadata=False)(
        _parser(chunk_size=70)([Document(text=GUIDE)])
    )
    assert "".join("".join(node.get_content().split()) for node in nodes) == "".join(GUIDE.split())


def test_sizes_follow_llama_indexs_settings() -> None:
    parser = SemanticChunker.from_defaults(chunk_size=90, chunk_overlap=10, tokenizer="simple")
    Settings.node_parser = parser
    try:
        Settings.chunk_size = 70
        Settings.chunk_overlap = 50
        assert (parser.chunk_size, parser.chunk_overlap) == (70, 50)
        with pytest.raises(ConfigurationError, match="chunk_overlap"):
            parser([Document(text=GUIDE)])
    finally:
        Settings.node_parser = SentenceSplitter()


def test_a_small_budget_needs_no_other_setting() -> None:
    for size in (1, 2, 10, 30):
        assert DocumentAwareNodeParser(chunk_size=size, tokenizer="simple")([Document(text=GUIDE)])


@pytest.mark.parametrize("kind", [SemanticChunker, DocumentAwareNodeParser])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("taget_size", "chunk_size"),
        ("overlap", "chunk_overlap"),
        ("breakpoint_percentile_threshold", "it has .*chunk_size"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(kind: type[ChunkingParser], name: str, hint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{kind.__name__} has no setting '{name}': .*{hint}"):
        kind(**{name: 1})


@pytest.mark.parametrize("option", ["chunk_overlap", "min_size"])
def test_sizes_that_contradict_each_other_are_refused(option: str) -> None:
    with pytest.raises(ConfigurationError, match=option):
        SemanticChunker(chunk_size=50, tokenizer="simple", **{"min_size": 5, option: 26})


def test_headings_are_listed_and_embedded_within_the_budget() -> None:
    nodes = _parser(format="markdown")([Document(text=GUIDE)])
    linux = next(node for node in nodes if "distribution" in node.text)
    assert linux.metadata["heading_path"] == ["Guide", "Install", "Linux"]
    assert "Guide > Install > Linux" in linux.get_content(MetadataMode.EMBED)
    assert "heading_path" not in linux.get_content(MetadataMode.EMBED)
    assert _largest(nodes) <= 50


def test_headings_can_be_left_out_of_the_embedding() -> None:
    nodes = _parser(format="markdown", embed_headings=False)([Document(text=GUIDE)])
    assert all(" > " not in node.get_content(MetadataMode.EMBED) for node in nodes)
    assert any(" > " in node.get_content(MetadataMode.LLM) for node in nodes)


def test_a_table_cut_by_rows_repeats_its_header_in_the_metadata() -> None:
    nodes = _parser(format="markdown", chunk_size=60)([Document(text=GUIDE + "| e   | the fifth letter |\n" * 20)])
    cut = [node for node in nodes if "fifth letter" in node.text and "meaning" not in node.text]
    assert cut
    assert all(node.metadata["table_header"] == "| key | meaning of the key |" for node in cut)
    assert all("meaning of the key" in node.get_content(MetadataMode.EMBED) for node in cut)
    assert _largest(nodes) <= 60


def test_metadata_over_the_budget_leaves_the_embedding_longest_first(caplog: pytest.LogCaptureFixture) -> None:
    metadata = {"title": "Short", "summary": "many words " * 100, "notes": "some words " * 40}
    with caplog.at_level(logging.WARNING):
        nodes = SemanticChunker(tokenizer="simple", chunk_size=60)([Document(text=GUIDE, metadata=metadata)])
    assert all({key: node.metadata[key] for key in metadata} == metadata for node in nodes)
    assert all("title: Short" in node.get_content(MetadataMode.EMBED) for node in nodes)
    assert _largest(nodes) <= 60
    assert caplog.text.index("summary") < caplog.text.index("notes")


def test_sentences_are_embedded_once_in_one_go_and_cut_where_the_topic_turns() -> None:
    owls, ships = "Owls hunt at night and hear well.", "Ships carry grain across the wide sea."
    text = " ".join([owls] * 4 + [ships] * 6)
    embedder = TopicEmbedding()
    nodes = SemanticChunker(tokenizer="simple", chunk_size=70, min_size=5, embed_model=embedder)(
        [Document(text=text), Document(text=text)]
    )
    assert embedder.seen == [ships, owls]  # each text once, longest first
    assert [("Owls" in node.text, "Ships" in node.text) for node in nodes[:2]] == [(True, False), (False, True)]


def test_overlap_is_whole_sentences_and_never_more_than_asked() -> None:
    text = " ".join(f"Sentence number {n} says something new." for n in range(60))
    nodes = SemanticChunker(tokenizer="simple", chunk_size=60, chunk_overlap=20)([Document(text=text)])
    counter = load_counter("simple")
    for before, after in pairwise(nodes):
        assert isinstance(before, TextNode)
        assert isinstance(after, TextNode)
        shared = text[after.start_char_idx : before.end_char_idx]
        assert shared.startswith("Sentence")
        assert 10 <= counter.count([shared])[0] <= 20


def test_sections_that_were_cut_are_parents_on_request() -> None:
    nodes = _parser(format="markdown", include_parents=True)([Document(text=GUIDE, id_="g")])
    leaves = get_leaf_nodes(nodes)
    alone = _parser(format="markdown")([Document(text=GUIDE, id_="g")])
    assert [view[1:] for view in _view(leaves)] == [view[1:] for view in _view(alone)]
    by_id = {node.node_id: node for node in nodes}
    for node in nodes:
        for child in node.child_nodes or []:
            assert by_id[child.node_id].parent_node.node_id == node.node_id  # type: ignore[union-attr]
    use = next(node for node in leaves if "third" in node.text)
    assert use.parent_node is not None
    assert by_id[use.parent_node.node_id].metadata["heading_path"][0] == "Guide"


def test_terms_that_a_chunk_uses_are_defined_on_request() -> None:
    text = '"Fee" means five dollars a day.\n\n' + "Nothing to see here. " * 20 + "\n\nThe Fee is due on Monday."
    last = _parser(format="prose", chunk_size=30, define_terms=True)([Document(text=text)])[-1]
    assert last.metadata["definitions"].startswith('"Fee" means five dollars')
    assert "dollars" not in last.get_content(MetadataMode.EMBED)


def _largest(nodes: list[BaseNode]) -> int:
    return max(load_counter("simple").count([node.get_content(MetadataMode.EMBED) for node in nodes]))
