"""What every reader promises, whatever it is given."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llama_index_prod_rag.structure.code import read_code
from llama_index_prod_rag.structure.grammars import GRAMMARS
from llama_index_prod_rag.structure.html import HtmlText
from llama_index_prod_rag.structure.latex import read_latex
from llama_index_prod_rag.structure.legal import read_legal
from llama_index_prod_rag.structure.paper import read_paper
from llama_index_prod_rag.structure.rst import read_rst
from llama_index_prod_rag.structure.tree import Block, check_tree

Reader = Callable[[str], Block]

READERS: dict[str, Reader] = {
    "latex": read_latex,
    "legal": read_legal,
    "paper": read_paper,
    "rst": read_rst,
    **{language: partial(read_code, language=language) for language in GRAMMARS},
}

ODD = {
    "empty": "",
    "blank": " \n\t\r\n\x0c ",
    "one long word": "w" * 50_000,
    "blanks": " " * 50_000 + "x",
    "cjk": "漢字かな交じり文。" * 200,
    "emoji": "👩‍👩‍👧‍👦🇫🇷" * 500,
    "nul": "a\0b\n\0\n",
    "lone surrogates": "\ud800 a \udfff\n\ud800",
    "windows newlines": "A\r\n=\r\n\r\ndef f():\r\n    pass\r\n",
    "special token": "<|endoftext|>" * 20,
    "unclosed": "\\begin{theorem} ``` <div> (((( {{{ [ '''\n.. note::\n\n  \\[ x $$ \"Fee\n",
    "nested headings": "".join(f"{'1.' * depth}1 Title {depth}\n\n" for depth in range(30)),
    "nested environments": "\\begin{proof}" * 500 + "\\end{proof}" * 499,
    "nested indentation": "".join(f"{'  ' * depth}- item\n\n" for depth in range(300)),
    "nested brackets": "(" * 3_000,
    "nested statements": "".join(f"{' ' * depth}if x:\n" for depth in range(300)),
}

FRAGMENTS = {
    "latex": [
        *(
            "\\begin{document}",
            "\\end{document}",
            "\\begin{theorem}",
            "\\end{theorem}",
            "\\begin{proof}",
            "\\end{proof}",
        ),
        *("\\begin{equation}x", "\\end{equation}", "\\begin{itemize}", "\\item ", "\\end{itemize}", "\\section{A $b$}"),
        *(
            "\\subsection*{C}",
            "\\[",
            "\\]",
            "$$",
            "% note",
            "\\%",
            "\\begin{verbatim}",
            "\\end{verbatim}",
            "\\title{T}",
        ),
        *(
            "\\begin{thebibliography}{9}",
            "\\bibitem{a} B",
            "\\end{thebibliography}",
            "where $x$ is",
            "Let $G$ be a group.",
        ),
    ],
    "legal": [
        *("ARTICLE IV", "Section 4.2 ", "4. Duties ", "4.1 The ", "5.", "(a) ", "(b) ", "(i) ", "(ii) ", "(A) ", "a) "),
        *("WHEREAS, ", '"Fee" means ', '(the "Seller")', "EXHIBIT A", "; and ", ": ", "see Section 4.2(a) and (b) "),
        *("Payment.", "§ 12 ", "12", "1.1.1 ", "NOW, THEREFORE", "   "),
    ],
    "paper": [
        *("Abstract", "Abstract: we", "1 Introduction", "1. Introduction", "1.1 Data", "2 Methods", "II. RESULTS"),
        *("Figure 1: It", "Theorem 2. All", "Proof.", "Let X be a set.", "where x is", "References", "[1] A. B."),
        *("Appendix A", "A Proofs", "A.1 More", "Acknowledgments", "Words of a sentence:"),
    ],
    "rst": [
        *(
            "Title",
            "=====",
            "-----",
            "~~~",
            ".. note::",
            ".. code-block:: python",
            ".. comment",
            ".. [1] foot",
            ".. _t:",
        ),
        *(
            "- item",
            "1. one",
            "#. two",
            ":field: value",
            ">>> 1",
            "+--+--+",
            "+==+==+",
            "| a| b|",
            "== ==",
            "a  b",
            "::",
        ),
        *("  ", "    indented", "see::", "term", ".. py:function:: f(x)", "\t"),
    ],
    "code": [
        *(
            "def f(x):",
            "class A:",
            "@dec",
            "# note",
            '"""doc"""',
            "return {",
            "}",
            "    ",
            "if x:",
            "else",
            "x = 1",
            ";",
        ),
        *("function f() {", "class B {", "// note", "/* note */", "() => {", "export ", "const a = ", "namespace N {"),
        *(
            "public ",
            "struct S {",
            "fn f() {",
            "impl S {",
            "#[derive(X)]",
            "func (a A) F() {",
            "type T struct {",
            "template<T> ",
        ),
        *("#ifdef X", "#endif", "(", ")", "'", '"', "<div>", "</div>"),
    ],
}
COMMON = [
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "Words. ",
    "and so on, ",
    "é",
    "漢字。",
    "👍🏽",
    "\ud800",
    "\0",
    "\u2028",
    "x" * 90,
]


def texts(fragments: list[str]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from([*fragments, *COMMON, "\n", "\n"]) | st.text(max_size=3), max_size=30).map("".join)


def uncovered(root: Block, text: str) -> str:
    """What stands in no block below the root: only white space may."""
    position, parts = 0, []
    for block in root.children:
        parts.append(text[position : block.start])
        position = block.end
    return "".join([*parts, text[position:]]).strip()


NIGHTLY = bool(os.environ.get("PROD_RAG_NIGHTLY"))
thorough = settings(
    max_examples=20_000 if NIGHTLY else 2_000, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@thorough
@given(texts(FRAGMENTS["latex"]))
def test_latex_makes_a_tree_that_holds_everything(text: str) -> None:
    root = read_latex(text)
    check_tree(root, text)
    assert uncovered(root, text) == ""


@thorough
@given(texts(FRAGMENTS["legal"]))
def test_legal_makes_a_tree_that_holds_everything(text: str) -> None:
    root = read_legal(text)
    check_tree(root, text)
    assert uncovered(root, text) == ""


@thorough
@given(texts(FRAGMENTS["paper"]))
def test_paper_makes_a_tree_that_holds_everything(text: str) -> None:
    root = read_paper(text)
    check_tree(root, text)
    assert uncovered(root, text) == ""


@thorough
@given(texts(FRAGMENTS["rst"]))
def test_rst_makes_a_tree_that_holds_everything(text: str) -> None:
    root = read_rst(text)
    check_tree(root, text)
    assert uncovered(root, text) == ""


@thorough
@given(texts(FRAGMENTS["code"]), st.sampled_from(sorted(GRAMMARS)))
def test_code_makes_a_tree_of_any_language(text: str, language: str) -> None:
    check_tree(read_code(text, language), text)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("reader", READERS)
def test_odd_input_makes_a_tree(reader: str, name: str) -> None:
    root = READERS[reader](ODD[name])
    check_tree(root, ODD[name])
    assert root == READERS[reader](ODD[name])  # comparing recurses: no tree is too deep for that


@pytest.mark.parametrize(
    ("reader", "unit"),
    [
        (
            "latex",
            "\\section{On}\nSome \\emph{text} with $x$.\n\n\\begin{itemize}\\item a\\end{itemize}\n\\begin{tabular}\n",
        ),
        ("legal", '4. Duties. 4.1 "Fee" means (a) one or (b) two, see Section 9.\n\n(a) The Seller shall pay; and\n\n'),
        ("paper", "2 Methods\nLet X be a set of things that are counted here.\n\nFigure 1: It.\n\n[1] A. B.\n\n"),
        ("rst", "Title\n=====\n\nWords::\n\n    code\n\n- item\n\n  more\n\n.. note:: so\n\n+--+\n| a|\n+--+\n\n"),
        ("python", "@dec\ndef f(x):\n    '''Doc.'''\n    return g(x, 'é')\n\n"),
        ("javascript", "// é\nconst f = async (x) => {\n  return g(x);\n};\n"),
    ],
)
def test_time_grows_with_the_text_and_no_faster(reader: str, unit: str) -> None:
    def seconds(copies: int) -> float:
        text = unit * copies
        start = time.process_time()
        READERS[reader](text)
        return time.process_time() - start

    seconds(10)
    short = min(seconds(300) for _ in range(3))
    assert min(seconds(2_400) for _ in range(3)) < 8 * 4 * short + 0.05


FOLDERS = {"rst": "rst", "latex": "tex", "legal": "legal", "paper": "papers"}


@pytest.mark.integration
@pytest.mark.parametrize("reader", FOLDERS)
def test_real_documents_make_trees_that_hold_everything(reader: str) -> None:
    folder = Path(os.environ.get("PROD_RAG_DATA", "../shared/data")) / "docs" / FOLDERS[reader]
    if not folder.is_dir():
        pytest.skip(f"no documents in {folder}: set PROD_RAG_DATA to the evaluation data")
    for path in sorted(folder.iterdir()):
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        root = READERS[reader](text)
        check_tree(root, text)
        assert uncovered(root, text) == "", path.name
        assert sum(1 for _ in root.walk()) > 20, path.name


def test_a_row_without_an_end_tag_ends_with_its_table() -> None:
    page = HtmlText("<table><tbody><tr><th>Year<td>1804</tbody></table><h2>Cards</h2><ul><li>One<li>Two</ul>")
    assert page.render(0, len(page)).split("\n") == ["Year | 1804", "", "Cards", "- One", "- Two"]


def test_an_empty_cell_of_html_keeps_its_column() -> None:
    rows = "".join(
        f"<tr><td></td><td>v{at}</td><td></td></tr><tr><td>k{at}</td><td></td><td>w{at}</td></tr>" for at in (1, 2)
    )
    page = HtmlText(f"<table><tr><th></th><th>h</th><th>i</th></tr>{rows}</table><p>End")
    [table] = [block for block in page.root.walk() if block.kind == "table"]
    assert table.metadata["table_header"] == "| h | i"
    shown = [page.render(block.start, block.end) for block in table.children]
    assert shown[1:] == ["| v1", "k1 |  | w1", "| v2", "k2 |  | w2"]
    assert page.render(0, len(page)).endswith("k1 |  | w1\n | v2\nk2 |  | w2\n\nEnd")


def test_merged_cells_of_html_shift_no_other() -> None:
    rows = (
        '<tr><th>Boat</th><th colspan="2">Stay</th><th>Fee</th></tr>'
        "<tr><td rowspan=2>Ketch<td>May<td>June<td>5</tr><tr><td>July<td>Aug<td>6</tr>"
        "<tr><td>Sloop<td colspan='2'>all<td>7"
    )
    page = HtmlText(f"<table>{rows}</table>")
    [table] = [block for block in page.root.walk() if block.kind == "table"]
    assert table.metadata["table_header"] == "Boat | Stay |  | Fee"
    assert [page.render(block.start, block.end) for block in table.children[1:]] == [
        "Ketch | May | June | 5",
        "| July | Aug | 6",
        "Sloop | all |  | 7",
    ]
    assert HtmlText("<table><tr><td colspan=99999>a<td rowspan=x>b</table>").render(0, 60).count("|") == 20
