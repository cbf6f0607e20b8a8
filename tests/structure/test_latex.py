from __future__ import annotations

import pytest

from llama_index_prod_rag.structure.latex import read_latex
from llama_index_prod_rag.structure.tree import Block


def only(text: str, kind: str) -> Block:
    (block,) = [block for block in read_latex(text).walk() if block.kind == kind]
    return block


def kinds(text: str) -> list[str]:
    return [block.kind for block in read_latex(text).children]


def test_sections_nest_and_titles_lose_their_macros() -> None:
    text = (
        r"\chapter{The \emph{Art} of~$x$}\label{c} \section[short]{\texorpdfstring{$\Pi$}{Pi}-types} a \section*{Two} b"
    )
    assert [block.title for block in read_latex(text).walk() if block.title] == ["The Art of x", "Pi-types", "Two"]


def test_the_document_has_the_title_of_its_front_matter() -> None:
    text = "\\documentclass{a}\n\\title[T]{On \\emph{Owls}}\n\\begin{document}\nText.\n\\end{document}\nrest"
    root = read_latex(text)
    assert root.title == "On Owls"
    assert [(block.kind, block.dropped) for block in root.children] == [
        ("front_matter", False),
        ("paragraph", False),
        ("markup", True),
        ("paragraph", False),
    ]


def test_a_theorem_is_glued_to_its_proof_also_under_a_name_of_the_author() -> None:
    text = "\\newtheorem{satz}{Theorem}\n\n\\begin{satz}A.\\end{satz}\n\\begin{proof}B.\\end{proof}\n\nC."
    assert [(block.kind, block.glued) for block in read_latex(text).children[1:]] == [
        ("theorem", True),
        ("proof", False),
        ("paragraph", False),
    ]


def test_an_equation_stays_between_its_words() -> None:
    text = "First.\nWe get\n\\[ x = 1 \\]\nwhere $x$ is small. Last."
    parts = only(text, "paragraph").children
    assert [(part.kind, part.glued) for part in parts] == [
        ("sentence", False),
        ("sentence", True),
        ("equation", True),
        ("sentence", False),
        ("sentence", False),
    ]


def test_a_sentence_that_brings_in_a_symbol_is_glued_to_the_next() -> None:
    text = "We begin. Let $G$ be a group. It acts. It moves."
    assert [part.glued for part in only(text, "paragraph").children] == [False, True, False, False]


def test_lists_are_items_and_may_hold_lists() -> None:
    text = "\\begin{itemize}\n\\item a\n\\item b \\begin{enumerate}\\item c\\end{enumerate}\n\\end{itemize}"
    outer = read_latex(text).children[0]
    assert [(block.kind, text[block.start : block.end][:7]) for block in outer.children] == [
        ("item", "\\item a"),
        ("item", "\\item b"),
    ]


def test_comments_alone_are_dropped_and_others_kept() -> None:
    text = "A % inside\nb.\n\n% alone\n% in two lines\n\nC 5\\% d."
    assert [(block.kind, block.dropped) for block in read_latex(text).children] == [
        ("paragraph", False),
        ("comment", True),
        ("paragraph", False),
    ]


def test_verbatim_hides_commands() -> None:
    text = "\\begin{verbatim}\n% no comment \\section{no}\n\\end{verbatim}"
    assert kinds(text) == ["code"]


def test_references_are_a_section_of_their_own() -> None:
    text = "\\section{A}\\subsection{B} b \\begin{thebibliography}{9} \\bibitem{x} X. \\end{thebibliography}"
    section = read_latex(text).children[-1]
    assert (section.title, [block.kind for block in section.children]) == (
        "References",
        ["heading", "reference"],
    )


def test_what_is_never_closed_is_text() -> None:
    assert kinds("Words \\begin{tabular} and \\[ more \\end{itemize}") == ["paragraph"]


def test_a_bibliography_is_in_its_blocks_from_its_beginning_to_its_end() -> None:
    text = (
        "\\section{A}\na\n\\begin{thebibliography}{9}\n\\bibitem{x} X.\n\n\\bibitem{y} Y.\n\\end{thebibliography}\nrest"
    )
    heading, first, last, rest = read_latex(text).children[-1].children
    assert text[heading.start : heading.end] == "\\begin{thebibliography}{9}"
    assert text[first.start : first.end] == "\\bibitem{x} X."
    assert text[last.start : last.end] == "\\bibitem{y} Y.\n\\end{thebibliography}"
    assert text[rest.start :] == "rest"


def test_comments_before_text_open_its_paragraph() -> None:
    text = "% one\n% two\nWords.\n\n% alone\n"
    assert [(block.kind, block.dropped, text[block.start : block.end]) for block in read_latex(text).children] == [
        ("paragraph", False, "% one\n% two\nWords."),
        ("comment", True, "% alone"),
    ]


@pytest.mark.parametrize(
    ("source", "title"),
    [
        (r"Schr\"odinger \& Sons, 50\% off", "Schrödinger & Sons, 50% off"),
        (r"G\"{o}del, Erd\H{o}s and \v{C}ech", "Gödel, Erdős and Čech"),
        (r"Poincar\'e--Bendixson: ``Th\'eor\`eme''", "Poincaré–Bendixson: “Théorème”"),
        (r"\O ystein, {\AA}ngstr\"om, na\"\i ve, stra\ss e", "Øystein, Ångström, naïve, straße"),
        (r"A \texttt{\_\_init\_\_}: \$5 \{x\}\cite[p.~3]{key}", "A __init__: $5 {x}"),
        (r"C\# \& \LaTeX{} \textbackslash foo", r"C# & LaTeX \foo"),
    ],
)
def test_a_title_reads_as_it_is_printed(source: str, title: str) -> None:
    root = read_latex(rf"\section{{{source}}}" + "\nWords.\n")
    assert root.children[0].title == title


def test_slides_are_under_their_titles() -> None:
    slides = (r"[t]{The \emph{first} one} Text.", r"\frametitle{Two} More.", " None.")
    frames = "".join(rf"\begin{{frame}}{slide}\end{{frame}}" + "\n" for slide in slides)
    text = "\\documentclass{beamer}\n\\begin{document}\n\\section{Looms}\n" + frames + "\\end{document}\n"
    blocks = [block for block in read_latex(text).walk() if block.title]
    places = [text.index(words) for words in ("Text", "More", "None")]
    titles = [[block.title for block in blocks if block.start <= place < block.end] for place in places]
    assert titles == [["Looms", "The first one"], ["Looms", "Two"], ["Looms"]]
