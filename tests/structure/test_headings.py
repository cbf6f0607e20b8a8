"""Headings and titles: their words alone, wherever they are written, and never torn from what they head."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from llama_index_prod_rag.structure import Block, read
from llama_index_prod_rag.structure.html import HtmlText
from llama_index_prod_rag.structure.markdown import read_markdown
from llama_index_prod_rag.structure.prose import read_prose
from llama_index_prod_rag.structure.rst import read_rst
from llama_index_prod_rag.structure.tree import check_tree


def paths(root: Block, text: str) -> dict[str, list[str]]:
    """Each paragraph's words with the titles above it."""
    found: dict[str, list[str]] = {}
    stack: list[tuple[Block, list[str]]] = [(root, [])]
    while stack:
        block, above = stack.pop()
        path = [*above, block.title] if block.title is not None else above
        if block.kind in {"paragraph", "code"} and not block.children:
            found[text[block.start : block.end]] = path
        stack.extend((child, path) for child in block.children)
    return found


def glued(blocks: Sequence[Block], text: str) -> list[str]:
    """What stays with the block that follows."""
    return [text[block.start : block.end] for block in blocks if block.glued]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ('## <a id="inst"></a>Installation', "Installation"),
        ("## Key point <!-- TODO: check -->", "Key point"),
        ('## Usage <a href="#top">Back</a>', "Usage Back"),
        ("### Options {#opts .wide}", "Options"),
        ('### Options {: #opts title="all" }', "Options"),
        ('## <img src="i.png" width="20"> Loom', "Loom"),
        ("## Line<br>two", "Line two"),
        ("## History [edit]", "History"),
        ("## Geschichte[Bearbeiten | Quelltext bearbeiten]", "Geschichte"),
        ("## Install¶", "Install"),
        ("## Use of `{x}` and [links](https://loom.dev)", "Use of {x} and links"),
        ("## C#", "C#"),
        ("## [edit]", "[edit]"),
    ],
)
def test_titles_in_markdown_are_words_alone(heading: str, title: str) -> None:
    assert [block.title for block in read_markdown(heading + "\n\nWords.").walk()][1] == title


PAGE = "<!DOCTYPE html><body>{}<p>Words.</p></body>"


@pytest.mark.parametrize(
    "heading",
    [
        '<h2>Install<a class="headerlink" href="#i" title="Permalink">¶</a></h2>',
        '<h2><span>Install</span><span class="mw-editsection">[<a href="/e">edit</a>]</span></h2>',
        '<h2><a class="anchor" aria-hidden="true" href="#i">#</a>Install</h2>',
        '<h2>Install<a href="#i" aria-label="Direct link">\u200b</a></h2>',
        '<h2><a id="i" href="#i"><svg><path d="M1"/></svg></a>Install</h2>',
        '<h2><a href="#i">Install</a></h2>',
    ],
)
def test_titles_in_html_are_without_links_to_themselves(heading: str) -> None:
    page = HtmlText(PAGE.format(heading))
    assert page.root.children[0].title == "Install"
    assert page.render(0, len(page)) == "Install\n\nWords."


def test_headings_in_html_are_headings_of_markdown() -> None:
    text = '<h1 align="center">Loom</h1>\n\nIntro.\n\n## Get\n\nRun it.\n\n<div>\n<h2>Use</h2>\n</div>\n\nCall it.\n'
    root = read_markdown(text)
    check_tree(root, text)
    assert paths(root, text) == {"Intro.": ["Loom"], "Run it.": ["Loom", "Get"], "Call it.": ["Loom", "Use"]}


def test_an_anchor_is_part_of_the_heading_that_it_marks() -> None:
    text = 'One.\n\n<a name="use"></a>\n\n## Use\n\nTwo.\n'
    assert [block.start for block in read_markdown(text).children] == [0, text.index("<a")]
    label = "Part\n====\n\nOne.\n\n.. _use:\n\nUse\n---\n\nTwo.\n"
    section = read_rst(label).children[0].children[-1]
    assert (section.title, section.start) == ("Use", label.index(".. _use"))


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("---\ntitle: Cron jobs\nweight: 80\n---\n", "Cron jobs"),
        ('---\nlayout: post\ntitle: "Cron: \\"jobs\\""\n...\n', 'Cron: "jobs"'),
        ('+++\n# a comment in TOML\ntitle = "Cron jobs"\n+++\n', "Cron jobs"),
        ("---\nweight: 80\n---\n", None),
    ],
)
def test_the_title_in_the_front_matter_is_the_first_of_the_path(front: str, title: str | None) -> None:
    text = front + "\nIt runs.\n\n## Limits\n\nFew.\n"
    above = [] if title is None else [title]
    root = read_markdown(text)
    assert (root.children[0].kind, root.children[0].end) == ("front_matter", len(front) - 1)
    assert paths(root, text) == {"It runs.": above, "Few.": [*above, "Limits"]}


def test_a_heading_above_all_others_takes_the_place_of_the_title() -> None:
    text = "---\ntitle: Looms, a guide\n---\n# Looms\n\nThey weave.\n"
    assert paths(read_markdown(text), text) == {"They weave.": ["Looms"]}


@pytest.mark.parametrize("text", ["---\n\nWords.\n\n---\n", "---\nnever closed\n", "Words.\n\n---\ntitle: x\n---\n"])
def test_rules_are_no_front_matter(text: str) -> None:
    assert "front_matter" not in {block.kind for block in read_markdown(text).walk()}


def test_code_of_liquid_is_code() -> None:
    text = "# Use\n\n{% highlight python %}\n# no heading\n\nx = 1\n{% endhighlight %}\n\nWords.\n"
    code = read_markdown(text).children[0].children[1]
    assert (code.kind, dict(code.metadata)) == ("code", {"language": "python"})
    assert text[code.start : code.end].endswith("{% endhighlight %}")


def test_rows_of_html_tables_in_markdown_are_rows() -> None:
    row = "<tr><td>{0}</td><td>for {0}</td></tr>\n"
    head = "<table>\n<thead><tr><th>Owner</th><th>Why &amp; when</th></tr></thead>\n"
    text = "# Hooks\n\n" + head + "".join(row.format(name) for name in ("ann", "bob")) + "</table>\n\nWords.\n"
    table = read_markdown(text).children[0].children[1]
    check_tree(read_markdown(text), text)
    assert [block.kind for block in table.children] == ["table_header", "row", "row"]
    assert dict(table.metadata) == {"table_header": "Owner | Why & when"}
    assert text[table.children[1].start : table.children[1].end] == row.format("ann").strip()


@pytest.mark.parametrize("broken", ["<table><tr><td>a", "<h2>Use", "</h2></table>", "<table><tr></table>", "<h2></h1>"])
def test_broken_html_in_markdown_loses_nothing(broken: str) -> None:
    text = f"# A\n\n{broken}\n\nWords.\n"
    check_tree(read_markdown(text), text)
    assert "Words." in paths(read_markdown(text), text)


def test_questions_and_bold_titles_stay_with_their_answers() -> None:
    text = "**How long?**\n\nA day.\n\n**Care.**\n\nOil it.\n\nThey say:\n\n- little\n\n**Last**\n\n# Next\n\nEnd.\n"
    assert glued(read_markdown(text).children, text) == ["**How long?**", "**Care.**", "They say:"]


def test_titles_without_markup_stay_with_the_text_below() -> None:
    text = "Care of looms\n\nThey want oil.\n\nStorage\nThey stand in a dry room, away from the windows of the house.\n"
    assert glued(read_prose(text).children, text) == ["Care of looms", "Storage"]


@pytest.mark.parametrize(
    "text",
    [
        "Ann Smith\n12 High Street\nLondon\n\nDear Ann, it is done.\n",  # an address
        "The loom is old,\nand it creaks at night.\n\nIt stands still.\n",  # prose
        "Thread\n\nNeedles\n\nA loom\n",  # a list
    ],
)
def test_lines_that_head_nothing_are_no_titles(text: str) -> None:
    assert glued(read_prose(text).children, text) == []


def test_terms_in_html_stay_with_their_definitions_and_bold_questions_with_their_answers() -> None:
    text = "<dl><dt>Warp</dt><dd>Along.</dd><dt>Weft</dt><dd>Across.</dd></dl><p><b>How?</b></p><p>So.</p><p>End.</p>"
    terms, *paragraphs = HtmlText(text).root.children
    assert [block.glued for block in terms.children] == [True, False, True, False]
    assert [block.glued for block in paragraphs] == [True, False, False]


def test_a_footer_is_not_filed_under_the_last_heading() -> None:
    text = "<body><main><h1>Loom</h1><h2>Use</h2><p>Call it.</p></main><footer><p>Imprint</p></footer></body>"
    page = read(text, "html")
    assert paths(page.root, page.text) == {"Call it.": ["Loom", "Use"], "Imprint": []}


def test_a_picture_in_a_heading_is_no_word_of_it_unless_it_is_all_there_is() -> None:
    text = "# ![logo](x.png) Tool\n\nWords.\n\n## ![Usage](y.png)\n\nMore.\n"
    assert [block.title for block in read_markdown(text).walk() if block.title] == ["Tool", "Usage"]
