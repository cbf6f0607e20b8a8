from __future__ import annotations

from llama_index_prod_rag.structure.paper import read_paper


def titles(text: str) -> list[str | None]:
    return [block.title for block in read_paper(text).walk() if block.kind == "section"]


def kinds(text: str) -> list[str]:
    return [block.kind for block in read_paper("Title\n\n" + text).children[1:]]


def test_the_first_lines_are_the_title() -> None:
    root = read_paper("On\nOwls\n\nA. Smith\n\nText.")
    assert (root.title, root.children[0].kind, root.children[0].glued) == ("On Owls", "title", True)


def test_a_text_that_begins_with_a_long_paragraph_has_no_title() -> None:
    assert read_paper("word " * 100).title is None


def test_numbered_and_named_headings() -> None:
    text = "T\n\nAbstract\nWe.\n\n1 Introduction\nx\n\n1.1 Aims\nx\n\n2. Methods\nx\n\nAcknowledgements\nx"
    assert titles(text) == ["Abstract", "1 Introduction", "1.1 Aims", "2. Methods", "Acknowledgements"]


def test_roman_sections_hold_lettered_ones() -> None:
    text = "T\n\nI. INTRODUCTION\n\nx\n\nA. Aims\n\nx\n\nB. Means\n\nx\n\nII. METHODS\n\nx"
    root = read_paper(text)
    assert [block.title for block in root.children if block.title] == ["I. INTRODUCTION", "II. METHODS"]
    assert titles(text) == ["I. INTRODUCTION", "A. Aims", "B. Means", "II. METHODS"]


def test_lists_authors_and_years_are_no_headings() -> None:
    text = "T\n\nA. Smith, B. Jones\n\n1 Introduction\n\n1. First we count them.\n3. Third comes this\n2019 Annual"
    assert titles(text) == ["1 Introduction"]


def test_statements_captions_and_an_abstract_in_line_have_their_kinds() -> None:
    text = (
        "Abstract: We see.\n\nTheorem 2 (Owls). All fly.\n\nProof. Trivial.\n\nFigure 3: Owls.\n\nDefinition 1. A bird."
    )
    assert kinds(text) == ["abstract", "theorem", "proof", "caption", "definition"]


def test_a_theorem_is_glued_to_its_proof_and_a_symbol_to_its_use() -> None:
    text = "T\n\nTheorem 1. All fly.\n\nProof. Trivial.\n\nLet N be a number.\n\nIt grows.\n\nIt is:\n\nFigure 1: N."
    assert [block.glued for block in read_paper(text).children] == [True, True, False, True, False, True, False]


def test_references_are_kept_apart_entry_by_entry() -> None:
    text = "T\n\n5 Conclusion\n\nEnd.\n\nReferences\n[1] A. B. Owls.\n[2] C. D.\nTrees. 2007.\n\nAppendix A Proofs\n\nx"
    root = read_paper(text)
    assert [block.title for block in root.children if block.title] == ["References", "Appendix A Proofs"]
    assert [text[block.start : block.end] for block in root.walk() if block.kind == "reference"] == [
        "[1] A. B. Owls.",
        "[2] C. D.\nTrees. 2007.",
    ]
