"""Quotes from sources that read otherwise than they are written: their places are where the words stand."""

from __future__ import annotations

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llama_index.core import Document
from llama_index.core.schema import BaseNode, MetadataMode, NodeWithScore

from llama_index_prod_rag import DocumentAwareNodeParser
from llama_index_prod_rag.query_engine.extract import best_sentences
from llama_index_prod_rag.query_engine.sources import place_of
from llama_index_prod_rag.structure.html import HtmlText
from llama_index_prod_rag.structure.places import Piece, find_place, note_places

PAGES = (
    "<p>Owls hunt at night.</p>",
    "<p>Owls <b>hunt</b> at   night\n   &amp; hear <i>well</i>.</p>",
    "<h1>Owls &mdash; a guide</h1>\n<p>They&nbsp;hear mice&hellip; under&#32;snow.</p><script>x()</script><p>Hoo.</p>",
    "<table><tr><th>bird</th><th>eggs</th></tr>\n<tr><td>barn <em>owl</em></td><td>4&ndash;7</td></tr></table>",
    "<table><tr><td><p>eagle owl</p><p>large</p></td><td>2</td></tr></table><p>Both &lt;nest&gt; early.</p>",
    "<ul><li>barn owl<ul><li>white</li></ul></li><li>   tawny\n\towl </li></ul>",
    "<pre>if owl:\n    hoot(2 &lt; 3)\n</pre><p>Line one.<br>Line two.</p>",
    "<div>  <span>  Half</span>way <a href='x'>th</a>rough a w<b>or</b>d  </div>",
    "<blockquote>&quot;Hoot&quot;</blockquote><dl><dt>Owl</dt><dd>a bird &copy; all</dd></dl>",
    "<p>Unclosed <b>bold <p>next &notareference; and & alone",
    "<nav>Menu</nav><article><h2>Prey</h2><p>Mice,   voles</p></article><footer>Imprint</footer>",
    "<p>Straße, naïve, 猫头鹰 &#x1F989; hunts</p>",
)


def _nodes(source: str, size: int = 60) -> list[BaseNode]:
    parser = DocumentAwareNodeParser(chunk_size=size, format="html", tokenizer="simple", min_size=2)
    return parser.get_nodes_from_documents([Document(text=source)])


def _read(source: str) -> str:
    """What a slice of HTML says, worked out without this package."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", "", source)).split())


def _check_words(source: str) -> None:
    for node in _nodes(source):
        for word in re.finditer(r"\S+", node.get_content(MetadataMode.NONE)):
            if word[0] not in {"|", "-"}:
                start, end = place_of(NodeWithScore(node=node), *word.span())
                assert _read(source[start:end]) == word[0], (source, node.get_content(MetadataMode.NONE), word)


@pytest.mark.parametrize("source", PAGES)
def test_every_word_of_a_page_is_where_its_place_says(source: str) -> None:
    _check_words(source)


@pytest.mark.parametrize("source", PAGES)
def test_the_pieces_are_of_the_text_that_is_rendered(source: str) -> None:
    page = HtmlText(source)
    for start in range(0, len(source), 3):
        shown, pieces = page.render(start, len(source)), page.places(start, len(source))
        starts = [piece.start for piece in pieces]
        assert starts == sorted(set(starts))
        assert bool(shown) == bool(pieces)
        assert not pieces or (starts[0] == 0 and starts[-1] < len(shown))
        assert all(start <= piece.source_start <= piece.source_end <= len(source) for piece in pieces)


_words = st.sampled_from(
    ["owl", "night", "2", "Straße", "a&amp;b", "4&ndash;7", "&lt;b&gt;", "猫", "co<b>op</b>", "x&#8203;y"]
)
_blanks = st.sampled_from([" ", "  ", "\n   ", "&nbsp;", "<br>", " <i>", "</i> ", "\t"])
_tags = st.sampled_from(
    ["<p>", "</p>", "<li>", "<ul>", "</ul>", "<tr><td>", "</td><td>", "</table>", "<h2>", "</h2>", "<pre>", "</pre>"]
)


@given(st.lists(st.one_of(st.tuples(_words, _blanks).map("".join), _tags), min_size=1, max_size=25).map("".join))
def test_every_word_of_a_generated_page_is_where_its_place_says(source: str) -> None:
    _check_words(source)


def test_a_quote_points_into_the_source() -> None:
    source = "<h1>Owls</h1>\n<p>Owls sleep by day. They <b>hunt</b>   mice &amp; voles at night.</p>"
    hits = [NodeWithScore(node=node, score=1.0) for node in _nodes(source)]
    quote = best_sentences("What do they hunt at night?", hits)[0]
    assert source[quote.start : quote.end] == "They <b>hunt</b>   mice &amp; voles at night."


def test_what_reads_as_it_is_written_takes_no_note_along() -> None:
    (node,) = DocumentAwareNodeParser(tokenizer="simple").get_nodes_from_documents(
        [Document(text="# Owls\n\nThey hunt.")]
    )
    assert "source_places" not in node.metadata


def test_a_text_in_very_many_pieces_is_known_as_a_whole() -> None:
    source = "<p>" + "a &amp; " * 600 + "</p>"
    page = HtmlText(source)
    shown = page.render(0, len(source))
    note = note_places(page.places(0, len(source)), len(shown), 0)
    assert len(note) < 20
    assert find_place(note, 10, 11) == (3, source.rindex("</p>") - 1)


def test_a_mail_in_quoted_printable_has_its_places() -> None:
    source = (
        "From: a@b.example\nSubject: Owls\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: quoted-printable\n\nDie Stra=C3=9Fe ist frei. Owls hunt.\n"
    )
    parser = DocumentAwareNodeParser(format="email", tokenizer="simple")
    hits = [NodeWithScore(node=node) for node in parser.get_nodes_from_documents([Document(text=source)])]
    text = hits[-1].node.get_content(MetadataMode.NONE)
    for word in ("frei", "hunt"):
        start, end = place_of(hits[-1], text.index(word), text.index(word) + len(word))
        assert source[start:end] == "Die Stra=C3=9Fe ist frei. Owls hunt.\n"  # the line it stands in


def test_a_source_in_another_order_than_it_reads_in_has_its_places() -> None:
    rows = [{"text": "Ann", "start_col_offset_idx": 0}, {"text": "Bob \u00e9", "start_col_offset_idx": 1}]
    document = {
        "schema_name": "DoclingDocument",
        "body": {"children": [{"$ref": f"#/{place}"} for place in ("texts/0", "tables/0", "texts/1")]},
        "texts": [{"label": "text", "text": 'Above "it".'}, {"label": "text", "text": "Below \u00e9 it."}],
        "tables": [{"label": "table", "data": {"num_cols": 2, "table_cells": rows}}],
    }
    source = json.dumps(document)
    parser = DocumentAwareNodeParser(format="docling", tokenizer="simple")
    (node,) = parser.get_nodes_from_documents([Document(text=source)])
    hit, text = NodeWithScore(node=node), node.get_content(MetadataMode.NONE)
    for word in ("Above", "it", "Ann", "Bob", "Below"):
        start, end = place_of(hit, text.index(word), text.index(word) + len(word))
        assert word in source[start:end]
        assert end - start <= len("Bob \\u00e9")
    start, end = place_of(hit, text.index("Bob"), text.index("Below") + len("Below"))
    assert "Below" in source[start:end]
    assert "Bob" in source[start:end]


def test_very_many_pieces_in_another_order_are_known_as_a_whole() -> None:
    pieces = [Piece(place, 2000 - 2 * place, 2001 - 2 * place) for place in range(600)]
    assert find_place(note_places(pieces, 600, 802), 3, 5) == (0, 1199)
