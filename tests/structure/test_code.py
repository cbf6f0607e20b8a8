from __future__ import annotations

from typing import cast

import pytest
from llama_index.core.schema import Document, TextNode

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.structure.code import GRAMMARS, language_of, read_code
from llama_index_prod_rag.structure.tree import Block, check_tree

PYTHON = '''\
# Licence: free

import os

# Größe in ☃
@cached
def area(width, height):  # two sides
    """How large it is."""
    if width:
        return width * height  # the usual case
    return 0

class Shape:
    """A thing."""

    # read only
    @property
    def name(self): return "⬛"
'''


def outline(text: str, language: str) -> list[tuple[str, str | None]]:
    root = read_code(text, language)
    check_tree(root, text)
    return [(block.kind, block.title) for block in root.walk() if block.title is not None]


def find(text: str, language: str, title: str) -> Block:
    return next(block for block in read_code(text, language).walk() if block.title == title)


def test_comments_and_decorators_belong_to_the_definition_they_precede() -> None:
    function = find(PYTHON, "python", "def area(width, height)")
    assert PYTHON[function.start : function.end].startswith("# Größe in ☃\n@cached\ndef area")
    assert PYTHON[function.start : function.end].endswith("return 0")
    assert [(part.kind, part.glued) for part in function.children] == [
        ("comment", True),
        ("decorator", True),
        ("signature", True),
        ("comment", True),
        ("docstring", False),
        ("statement", False),
        ("statement", False),
    ]


def test_a_comment_after_a_blank_line_stands_alone() -> None:
    first = read_code(PYTHON, "python").children[0]
    assert (first.kind, first.glued, PYTHON[first.start : first.end]) == ("comment", False, "# Licence: free")


def test_a_comment_behind_a_statement_stays_with_it() -> None:
    function = find(PYTHON, "python", "def area(width, height)")
    condition = function.children[-2]
    assert PYTHON[condition.start : condition.end].endswith("return width * height  # the usual case")


def test_scopes_are_titles() -> None:
    assert outline(PYTHON, "python") == [
        ("function", "def area(width, height)"),
        ("class", "class Shape"),
        ("function", "def name(self)"),
    ]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "javascript",
            "/** adds */\nexport const add = async (a, b) => {\n  return a;\n};\nclass A extends B { get x() {} }",
            [
                ("function", "export const add = async (a, b)"),
                ("class", "class A extends B"),
                ("function", "get x()"),
            ],
        ),
        (
            "typescript",
            "@Injectable()\nexport class A<T> { foo(): void { a; } }\nnamespace N { export function q() {} }",
            [
                ("class", "export class A<T>"),
                ("function", "foo(): void"),
                ("class", "namespace N"),
                ("function", "export function q()"),
            ],
        ),
        ("tsx", "function App() { return <div>hi</div>; }", [("function", "function App()")]),
        (
            "java",
            "package a;\n@Ann public class A { @Override public void f() { x(); } A() {} }",
            [("class", "public class A"), ("function", "public void f()"), ("function", "A()")],
        ),
        (
            "go",
            "package m\n// doc\ntype A struct {\n x int\n}\nfunc (a *A) F() error { return nil }",
            [("class", "type A"), ("function", "func (a *A) F() error")],
        ),
        (
            "rust",
            "/// doc\n#[derive(Debug)]\npub struct A { x: i32 }\nmod m { impl A { fn f(&self) -> i32 { 1 } } }",
            [("class", "pub struct A"), ("class", "mod m"), ("class", "impl A"), ("function", "fn f(&self) -> i32")],
        ),
        (
            "c",
            "struct S { int a; };\nint main(void) { return 0; }",
            [("class", "struct S"), ("function", "int main(void)")],
        ),
        (
            "cpp",
            "namespace a { template <typename T> class B : C { public: void f() { x(); } }; }",
            [("class", "namespace a"), ("class", "template <typename T> class B : C"), ("function", "void f()")],
        ),
    ],
)
def test_definitions_of_each_language(language: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert outline(text, language) == expected


def test_long_functions_can_be_cut_between_statements_and_inside_literals() -> None:
    rows = "".join(f'        "key number {number}": {number},\n' for number in range(20))
    text = f"def f():\n    a = 1\n    return {{\n{rows}    }}\n"
    function = find(text, "python", "def f()")
    literal = function.children[-1]
    assert [part.kind for part in function.children] == ["signature", "statement", "statement"]
    assert len(literal.children) == 20
    assert text[literal.children[3].start : literal.children[3].end] == '"key number 3": 3,'


def test_syntax_errors_leave_the_rest_divided() -> None:
    assert ("function", "def good()") in outline("def broken(:\n\ndef good():\n    pass\n", "python")


@pytest.mark.parametrize("language", ["javascript", "cpp", "java"])
def test_depth_of_the_tree_is_bounded(language: str) -> None:
    for text in ("if (x) {\n" * 3000 + "}\n" * 3000, "x = a" + "\n  + b" * 3000, "(" * 3000):
        root = read_code(text, language)
        check_tree(root, text)
        assert root == read_code(text, language)  # comparing recurses as deep as the tree


def test_a_signature_over_several_lines_is_joined_in_the_title() -> None:
    assert outline("def f(\n    a: int,\n    b: str = '',\n) -> None:\n    pass\n", "python") == [
        ("function", "def f(a: int, b: str = '') -> None")
    ]


def test_a_very_long_signature_is_shortened_in_the_title_only() -> None:
    text = f"def f({', '.join(f'argument_{number}' for number in range(50))}): pass"
    function = read_code(text, "python").children[0]
    assert function.title is not None
    assert len(function.title) == 160
    assert function.title.endswith("…")


def test_languages_by_extension() -> None:
    assert {
        language_of(name) for name in ("a.py", "a.js", "a.ts", "a.tsx", "A.java", "a.go", "a.rs", "a.c", "a.cpp")
    } == {*GRAMMARS}
    assert language_of("README.md") is None


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="python, javascript"):
        read_code("x", "cobol")


def test_a_sign_that_ends_a_part_belongs_to_it() -> None:
    text = """\
class A {
  items = [];

  run() {}
}
const handlers = {
  start() { return 1; },
  stop() {
    return "a line that is long enough to be looked into";
  },
};
"""
    root = read_code(text, "javascript")
    check_tree(root, text)
    assert {"items = [];", "start() { return 1; },"} <= {text[block.start : block.end] for block in root.walk()}


def test_what_a_constructor_initialises_is_no_part_of_its_title() -> None:
    assert ("function", "explicit A(int x)") in outline("class A {\n  explicit A(int x) : x_(x) {}\n};\n", "cpp")


def test_a_bracket_that_closes_the_class_leaves_a_chunk_in_its_method() -> None:
    body = "\n".join(f"        total += values[{n}] * weights[{n}];" for n in range(12))
    text = f"class Sum {{\n    int total(int[] values) {{\n{body}\n        return total;\n    }}\n}}\n"
    nodes = _chunks(text, "java")
    assert nodes[-1].text.endswith("}\n}")
    assert nodes[-1].metadata["heading_path"] == ["class Sum", "int total(int[] values)"]


def test_decorators_stay_with_the_signature_where_the_body_is_too_much() -> None:
    body = f"    return {' + '.join(f'value_{n}' for n in range(14))}"
    text = f"import os\n\nLIMIT = 3\n\n@first\n@second(1, 2, 3)\ndef area(a, b, c):\n{body}\n"
    head = next(node for node in _chunks(text, "python") if "@first" in node.text)
    assert head.text.endswith("def area(a, b, c):")


def _chunks(text: str, language: str) -> list[TextNode]:
    parser = DocumentAwareNodeParser(
        tokenizer="simple", chunk_size=60, min_size=5, format="code", language=language, embed_headings=False
    )
    return cast("list[TextNode]", parser([Document(text=text)]))
