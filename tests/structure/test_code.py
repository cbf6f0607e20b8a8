from __future__ import annotations

import ast
import textwrap
from typing import cast

import pytest
from llama_index.core.schema import Document, TextNode

from llama_index_prod_rag.node_parser.document_aware import DocumentAwareNodeParser
from llama_index_prod_rag.structure import grammars
from llama_index_prod_rag.structure.code import read_code
from llama_index_prod_rag.structure.grammars import GRAMMARS, language_of
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
        (
            "kotlin",
            "/** Doc. */\n@Ann\ndata class A(val x: Int) : B() {\n  fun f(): Int {\n    return 1\n  }\n"
            "  companion object {\n    fun of() = A(1)\n  }\n}\n",
            [
                ("class", "data class A(val x: Int) : B()"),
                ("function", "fun f(): Int"),
                ("class", "companion object"),
                ("function", "fun of()"),
            ],
        ),
        (
            "csharp",
            "namespace A.B\n{\n  [Obsolete]\n  public class C<T> : D where T : new()\n  {\n"
            "    public int F(T x)\n    {\n      return 1;\n    }\n    public C() : base() { }\n  }\n}\n",
            [
                ("class", "namespace A.B"),
                ("class", "public class C<T> : D where T : new()"),
                ("function", "public int F(T x)"),
                ("function", "public C() : base()"),
            ],
        ),
        (
            "php",
            "<?php\n/** Doc. */\n#[Route('/')]\nabstract class A extends B {\n  public function f(int $x): int {\n"
            "    return $x;\n  }\n}\nfunction g($a) { return $a; }\n$f = function ($x) { return 1; };\n",
            [
                ("class", "abstract class A extends B"),
                ("function", "public function f(int $x): int"),
                ("function", "function g($a)"),
                ("function", "$f = function ($x)"),
            ],
        ),
        (
            "ruby",
            "# Doc\nmodule M\n  class A < B\n    def f(x)\n      x\n    end\n"
            "\n    def self.of(a) = new(a)\n  end\nend\n",
            [
                ("class", "module M"),
                ("class", "class A < B"),
                ("function", "def f(x)"),
                ("function", "def self.of(a)"),
            ],
        ),
        (
            "bash",
            "#!/bin/sh\nset -e\n\n# adds\nfunction add() {\n  echo $1\n}\nsub() {\n  echo $2\n}\nadd 1\n",
            [("function", "function add()"), ("function", "sub()")],
        ),
        (
            "sql",
            "-- all of them\nCREATE TABLE a (\n  id INT PRIMARY KEY,\n  name TEXT\n);\nSELECT 1;\n"
            "CREATE VIEW v AS SELECT 1;\n",
            [("class", "CREATE TABLE a"), ("class", "CREATE VIEW v")],
        ),
        (
            "yaml",
            "# CI\nname: x\njobs:\n  # the build\n  build:\n    steps:\n      - run: a\n"
            "      - run: |\n          b\n---\nmore: 1\n",
            [("statement", "jobs"), ("statement", "build"), ("statement", "steps")],
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
    assert text[literal.children[3].start : literal.children[3].end] == '        "key number 3": 3,'


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


def test_languages_by_name() -> None:
    names = "a.py a.js a.ts a.tsx A.java a.kt a.cs a.go a.rs a.c a.cpp a.php Gemfile src/a.SH a.sql a.yml"
    assert [language_of(name) for name in names.split()] == [*GRAMMARS]
    assert language_of("README.md") is None


C_HEADER = """\
#ifndef A_H
#ifdef __cplusplus
extern "C" {
#endif
/* a class of its own: std::string */
struct point { int x, y; };  // template <typename T>
int move(struct point *p, const char *name);
#ifdef __cplusplus
}
#endif
#endif
"""


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (C_HEADER, "c"),
        ("#define A(x) ((x) & 1)\ntypedef unsigned long size;\nstatic inline int f(int a) { return a & 3; }\n", "c"),
        ("#pragma once\nnamespace a {\nint f();\n}\n", "cpp"),
        ("#pragma once\n#include <vector>\nint f();\n", "cpp"),
        ("int f(const Item& item);\n", "cpp"),
        ("struct A {\n  int x = 1;\n  virtual ~A();\n};\n", "cpp"),
        ("enum class Color { red };\n", "cpp"),
        ("", "c"),
    ],
)
def test_a_header_is_cpp_where_it_says_what_c_cannot(text: str, language: str) -> None:
    assert language_of("include/a.h", text) == language


@pytest.mark.parametrize("language", ["cobol", "lua"])
def test_code_without_a_grammar_is_cut_between_its_top_level_blocks(
    language: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = "local a = 1\n\nfunction f()\n  return 1\n\n  -- inside\nend\n\n\nfunction g()\nend\n"
    root = read_code(text, language)
    check_tree(root, text)
    assert [text[block.start : block.end].split("\n", maxsplit=1)[0] for block in root.children] == [
        "local a = 1",
        "function f()",
        "function g()",
    ]
    assert root.metadata == {"language": language}
    assert "python, javascript" in caplog.text


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
    assert {"  items = [];", "  start() { return 1; },"} <= {text[block.start : block.end] for block in root.walk()}


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


BANNER = """\
# Licence: free

import os


def first():
    return 1


# -- Parents --------

class Base:
    # of all

    x = 1

    # opens

    @property
    def open(self):
        return 2
"""


def test_a_banner_heads_what_follows_it() -> None:
    base = find(BANNER, "python", "class Base")
    assert BANNER[base.start :].startswith("# -- Parents")
    assert BANNER[find(BANNER, "python", "def open(self)").start :].lstrip().startswith("# opens")
    assert BANNER[find(BANNER, "python", "def first()").end :].lstrip().startswith("# -- Parents")
    assert read_code(BANNER, "python").children[0].glued is False


def test_a_comment_nearer_to_what_is_above_heads_nothing() -> None:
    text = "x = 1\n\n# that was it\n\n\n\ndef f():\n    return x\n"
    assert [block.kind for block in read_code(text, "python").children] == ["statement", "comment", "function"]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "class A:\n    x = 1\n\n    @dec\n    def f(self):\n        y = 1\n        return y\n"),
        ("javascript", "class A {\n\tf() {\n\t\treturn 1;\n\t}\n}\n"),
        ("yaml", "a:\n  b:\n    - c: 1\n      d: 2\n"),
    ],
)
def test_what_begins_a_line_begins_with_its_indentation(language: str, text: str) -> None:
    for block in read_code(text, language).walk():
        before = text[: block.start].rsplit("\n", 1)[-1]
        assert before.strip() or not before, text[block.start : block.end]


def test_chunks_of_code_parse_once_their_indentation_is_taken_off() -> None:
    methods = "".join(f"    def m{n}(self, x):\n        y = x + {n}\n        return y\n\n" for n in range(8))
    for text in ('class A:\n    """Doc."""\n\n' + methods, "def f(a):\n" + "    print(a, 'some words')\n" * 30):
        nodes = _chunks(text, "python")
        assert len(nodes) > 2
        for node in nodes:
            ast.parse(textwrap.dedent(node.text))


def test_text_that_is_not_of_its_language_at_all_is_cut_by_lines() -> None:
    assert [block.kind for block in read_code("/*a" * 4_000, "python").children] == ["group"]
    assert read_code("x = 1\n" * 4_000, "python").children[0].kind == "statement"


@pytest.mark.parametrize("text", ["- " * 400, "? " * 400, "".join(f"{' ' * depth}a:\n" for depth in range(400))])
def test_yaml_too_deep_for_its_grammar_ends_no_process(text: str) -> None:
    check_tree(read_code(text, "yaml"), text)


def _chunks(text: str, language: str) -> list[TextNode]:
    parser = DocumentAwareNodeParser(
        tokenizer="simple", chunk_size=60, min_size=5, format="code", language=language, embed_headings=False
    )
    return cast("list[TextNode]", parser([Document(text=text)]))


def test_bash_outside_of_ascii_ends_no_process() -> None:
    # Each of these crashed the grammar's scanner, in two runs of three.
    crashed = (
        "\u00e9fn f() {\U000f1d4ep\x18def f(x):\u00f7\\l\x90\U00059652\u00fc",
        "import a\U0010ea27  (|\n=begin\n:/*\u1e77%w(\x18(>{\U000f1d4eEOF\n\x90'import a!//\t<<-'A'\n"
        "\n\x18=>end@do~\x00\n#\x00&x",
    )
    for text in crashed * 20:
        check_tree(read_code(text, "bash"), text)


STRANGE = [("c", "class A:1\n"), ("c", "%w("), ("cpp", "<!a"), ("python", ".. a::\n"), ("javascript", "a:b ")]


@pytest.mark.parametrize(("language", "unit"), STRANGE)
def test_text_that_makes_a_parser_recover_again_and_again_is_cut_by_lines(language: str, unit: str) -> None:
    whole = read_code(unit * (200_000 // len(unit)), language)
    assert not any(block.kind == "statement" for block in whole.walk())


def test_rows_of_numbers_and_long_sums_are_code_all_the_same() -> None:
    rows = "TABLE = [\n" + "    [1, 2, 3, 4, 5, 6],\n" * 2_000 + "]\n\n\ndef f(x):\n    return TABLE[x]\n"
    assert [block.kind for block in read_code(rows, "python").children] == ["statement", "function"]
    total = "total = (\n" + "    a + b + c +\n" * 2_000 + "    d)\n\n\ndef f(x):\n    return x\n"
    assert read_code(total, "python").children[-1].title == "def f(x)"


def test_a_comment_behind_the_last_bracket_takes_no_chunk_out_of_its_class() -> None:
    text = "namespace shop {\n\nclass Basket {\n public:\n" + "".join(
        f"  int count_{n}(int x) {{\n    return x + {n};\n  }}\n" for n in range(4)
    )
    last = _chunks(text + "};\n\n}  // namespace shop\n", "cpp")[-1]
    assert last.metadata["heading_path"][:2] == ["namespace shop", "class Basket"]


def test_a_parser_that_may_end_the_process_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(grammars, "_installed_version", lambda: "0.26.0")
    root = read_code("def f():\n    pass\n\n\ndef g():\n    pass\n", "python")
    assert [block.kind for block in root.children] == ["group", "group"]
    assert "tree-sitter than 0.26.0, which may end the process, needs an extra: pip install" in caplog.text
