"""Signs that a text without a name is source code, and in which language. Core.

A language is told by the share of lines that could stand in it, once comments and long strings are taken out: prose
never has many. Lines that begin with `#` are left out of account, since that is also how headings are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import regex

from llama_index_prod_rag.structure.signs import CERTAIN, blank_fences

SHEBANG = regex.compile(r"\ufeff?#!\s*/\S*?(?:env\s+(?:-S\s+)?)?(?P<program>[\w.+-]+)(?:\s|$)")
_PROGRAMS = {
    "python": "python",
    "node": "javascript",
    "deno": "typescript",
    "ruby": "ruby",
    "php": "php",
    **dict.fromkeys(("sh", "bash", "dash", "zsh", "ksh"), "bash"),
}
_PYTHON_COOKIE = regex.compile(r"\A(?:#[^\n]*\n)?#.*?coding[:=]")
_DOCSTRING_FIRST = regex.compile(r"(?:#[^\n]*\n|\s)*+[rRuU]?(?:\"\"\"|\'\'\')")
# Lines that a backslash continues say nothing on their own; they are left out before lines are counted.
_CONTINUED = regex.compile(r"(?:\\\n[^\n]*)+")
# Strings over several lines hold anything, also prose: each becomes one sign before lines are counted.
_LONG_STRING = regex.compile(r"(?s)[rRbBuUfF]{0,2}(\"\"\"|''').*?(?:\1|\Z)")
_PYTHON_SURE = regex.compile(
    r"""(?x)
    from\s+\.*[\w.]*\s+import\s
    | import\s+[\w.]+(?:\s+as\s+\w+)?(?:\s*,\s*[\w.]+)*\s*(?:$|\#|;)
    | (?:async\s+)?def\s+\w+\s*[\[(]
    | class\s+\w+\s*(?::|[(\[])
    | @\w[\w.]*(?:\(.*|\s*)$
    | if\s+__name__\b
    | __\w+__\s*=
    | \w+\s*=\s*[{\[(]\s*(?:\#.*)?$
    | try:\s*$
    """
)
_PYTHON_LINE = regex.compile(
    r"""(?x)
    (?:if|elif|while|for|with|except|match|case)\b.*[:(,\\\[]\s*(?:\#.*)?$
    | (?:try|else|finally)\s*:
    | (?:if|for|while|with)\b.+:\s*\S
    | (?:raise|return|assert|del|global|nonlocal|pass|break|continue|yield|await|print|exec)\b
    | [\w.\[\]'"]+(?:\s*:\s*[\w\[\]., |'"]+)?\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)
    | [\w., ]+=\s
    | \w+\s*:\s*[\w.\[\], |]+(?:\#.*)?$
    | [\w.\[\]]+\s?\(
    | [)\]}]
    | [rRbBuUfF]{0,2}['"\x00]                                   # \0 stands for a long string
    | [-\d({\[]
    | \\$
    """
)
# The head of a table in TOML or INI, which can also be read as a list in a line of its own.
_TABLE_HEAD = regex.compile(r"(?m)^\[{1,2}[\w.\"' -]+\]{1,2}[ \t]*(?:\#[^\n]*)?$")
_WHOLE = 0.8
"""Share of lines that must fit; the rest are what the patterns do not know."""

_RUBY_SURE = regex.compile(
    r"""(?mx)^(?: (?:require|require_relative|include|attr_\w+)\s+['":A-Z] | \#\ frozen_string_literal
    | \s*(?:class|module)\s+[A-Z]\w*(?:::\w+)*(?:\s*<\s*[A-Z][\w:]*)?\s*$
    | \s*def\s+(?:self\.)?\w+[?!=]?(?:\s*\(.*\))?\s*$ )"""
)
_NOT_RUBY = regex.compile(
    r"(?m)^\s*(?:local\b|(?:local\s+)?function\b|using\s+\w|struct\s|defmodule\b|abstract\s+type\b)"
)
_CLOSES = regex.compile(r"\s*end[,;)]*\s*(?:(?:\#|--).*)?$")
_OPENS = regex.compile(
    r"^\s*(?:(?:local|private|async)\s+)?(?:function|def\w*|class|module|struct|mutable|if|unless|for|while|until|case|begin"
    r"|try|let|switch|quote|macro)\b|\bdo(?:\s*\|[^|\n]*\|)?\s*$|=\s*(?:function|if|case|begin)\b|\bfunction\s*\("
)

# What may stand before the first statement, with psql's own commands such as `\connect`.
_SQL_COMMENTS = regex.compile(r"(?:\s|--[^\n]*+|/\*(?s:.)*?\*/|\\\w[^\n]*+)*+")
_SQL = regex.compile(
    r"""(?xi) (?:create\s+(?:or\s+replace\s+|temp(?:orary)?\s+|unique\s+)*(?:table|view|index|function|procedure|type
    |trigger|schema|database|extension|materialized|role|user)|alter\s+(?:table|extension|type|function|database)
    |drop\s+(?:table|view|index|function|extension)|insert\s+into|delete\s+from|update\s+[\w."]+\s+set
    |(?-i:SELECT\b[^;]{1,2000}?\bFROM)|select\b[^;]{1,2000}?\n\s*from|with\s+\w+\s+as\s*\()\b [^;]{0,5000};"""
)

# In languages with braces, most lines end or begin with one of these.
_ENDS = frozenset(";{}(),\\[]=&|?:+><")
_BEGINS = frozenset("#})]*@.")
# An element in a line of its own, as no type has it.
_ELEMENT = regex.compile(r"<(?:/?[A-Za-z][\w.]*(?:\s[^<>]*)?/?|/?)>")
_NO_CODE = regex.compile(r"(?m)^\s*syntax\s*=\s*[\"']proto\d")
"""Interfaces of Protocol Buffers say `package` as Java does."""
_BRACES = 0.6
"""Share of lines that must begin or end like code in braces; the rest are words of the language and comments."""
_BLOCK_COMMENT = regex.compile(r"(?s)/\*.*?(?:\*/|\Z)")
_SURE: Mapping[str, regex.Pattern[str]] = {
    name: regex.compile(f"(?mx){pattern}")
    for name, pattern in {
        "c": r"""^\s*\#\s*(?:include\s*[<"]|define\s|ifn?def\s|endif\b)
                | ^(?:typedef|struct|static|extern|enum)\b.*[;{(]""",
        "cpp": r"^\s*(?:namespace\s+[\w:]*\s*\{|template\s*<|using\s+namespace\b|\#\s*include\s*<\w+>)|\bstd::",
        "java": r"""^\s*(?:package\s+[\w.]+;|import\s+(?:static\s+)?[\w.*]+;
                |(?:public\s+)?(?:final\s+|abstract\s+)?(?:class|interface|enum|record)\s+[A-Z].*\{\s*$)""",
        "javascript": r"""^\s*(?:(?:export\s+)?(?:default\s+)?(?:async\s+)?function\b\s*\*?\s*[\w$]*\s*\(
                |['"]use\ strict['"]
                |(?:export\s+)?(?:const|let|var)\s+[\w$\[{]|import\b.*['"]|export\s|class\s+\w+.*\{\s*$)
                | \brequire\( | \(function\s*\(""",
        "typescript": r"""^\s*(?:export\s+)?(?:(?:interface|enum|declare|abstract\ class)\s+\w+|type\s+\w+[^={\n]*=)
                | :\s*(?:string|number|boolean|void)\b""",
        "go": r"^package\s+\w+\s*$",
        "csharp": r"^\s*using\s+(?:static\s+)?[A-Z][\w.]*;|^\s*namespace\s+[A-Z][\w.]*\s*(?:;|$)",
        "kotlin": r"^\s*(?:[a-z]+\s+)*fun\s+(?:<[^>\n]*>\s*)?[\w.]+\s*\(|^\s*(?:data|sealed|open)\s+class\s",
        "rust": r"""^\s*(?:pub(?:\([\w:]+\))?\s+)?(?:unsafe\s+|async\s+|const\s+)*
                (?:fn\s+\w+\s*[<(]|struct\s+\w+\s*[<({;]|enum\s+\w+\s*[<{]|trait\s+\w+|impl\b.*[{])|\#\[derive\(""",
    }.items()
}
"""What a language must have somewhere."""
_VOTES: Mapping[str, regex.Pattern[str]] = {
    name: regex.compile(f"(?x){pattern}")
    for name, pattern in {
        "c": r"""^\s*\#\s*(?:include|define|ifn?def|if|elif|else|endif|pragma|undef|error)\b
                | \b(?:typedef|struct|unsigned|void|char|int|static|extern|size_t|PyObject)\b""",
        "cpp": r"""\bnamespace\b|\btemplate\s*<|\bstd::|^\s*(?:public|private|protected)\s*:|\bvirtual\b|\bnullptr\b
                | \bconstexpr\b|^\s*class\s+\w+|\w::\w""",
        "java": r"""^\s*(?:package|import(?:\s+static)?)\s+[\w.*]+;|^\s*@\w+|\bnew\s+[A-Z]|\bfinal\b|\bextends\b
                | \b(?:public|private|protected)\s+(?:(?:static|final|abstract)\s+)*[\w<>\[\]]+\s+\w+""",
        "javascript": r"""\b(?:const|let|var)\s+[\w${\[]|=>|\bfunction\b|\brequire\(|\bmodule\.exports\b|===|!==
                | ^\s*export\b|^\s*import\b.*\bfrom\s+['"]|\bconsole\.|\bdocument\.|\bthis\.""",
        "typescript": r""":\s*(?:string|number|boolean|void|any|unknown|Promise<)|\breadonly\b|\bimport\ type\b
                | ^\s*(?:export\s+)?(?:interface|type|enum)\s+\w+|\bas\ const\b""",
        "csharp": r"""^\s*using\s+[\w.]+;|\bnamespace\b|\b(?:public|private|internal|protected)\b|\bget;|^\s*///
                |\b(?:string|var|foreach|async|readonly)\b""",
        "kotlin": r"""\bfun\s+[\w<]|\b(?:val|var)\s+\w|\b(?:data|sealed|companion)\b|\bwhen\s*[({]
                |^\s*(?:package|import)\s+[\w.*]+$|\boverride\b|\?\.|->""",
        "go": r"""^package\s+\w+\s*$|^func\b|:=|^import\s+[("]|\bchan\b|\bdefer\b|\berr\ !=\ nil\b|^\s*\w+\s+func\(""",
        "rust": r"""\bfn\s+\w+|^\s*(?:pub\s+)?use\s+[\w:]+|\blet\s+(?:mut\s+)?\w|\bimpl\b|\#!?\[|->\s*\w
                | &(?:mut\s+)?self\b|\bmatch\b.*\{|\bpub\b|\w::\w""",
    }.items()
}
"""Lines that speak for a language; the one with the most has it."""


@lru_cache(maxsize=2)
def language_by_content(text: str) -> str | None:
    r"""Detect the language of source code, or give None where the text is not code or its language cannot be told.

    Examples:
        >>> language_by_content("import os\n\ndef f(x):\n    return os.path.join(x)\n")
        'python'
        >>> language_by_content("#include <stdio.h>\n\nint main(void) {\n    return 0;\n}\n")
        'c'
        >>> language_by_content("Import the module first.\nThen call it.") is None
        True
    """
    if text.startswith("<?php"):
        return "php"
    if (match := SHEBANG.match(text)) is not None:
        return _PROGRAMS.get(match["program"].rstrip("0123456789.").lower())
    if blank_fences(text)[1]:
        return None
    if _is_python(text):
        return "python"
    if _is_ruby(text):
        return "ruby"
    return "sql" if _is_sql(text) else _brace_language(text)


def code(text: str) -> float:
    """How surely a text is source code of a language that can be told."""
    return 0.0 if language_by_content(text) is None else CERTAIN


def _is_python(text: str) -> bool:
    bare = _CONTINUED.sub("", _LONG_STRING.sub("\0", text))
    if _TABLE_HEAD.search(bare):
        return False
    lines = [line for line in bare.split("\n") if line[:1].strip() and line[0] != "#"]
    sure = sum(1 for line in lines if _PYTHON_SURE.match(line))
    told = sure or _PYTHON_COOKIE.search(text) is not None or _DOCSTRING_FIRST.match(text) is not None
    fitting = sum(1 for line in lines if _PYTHON_LINE.match(line) or _PYTHON_SURE.match(line))
    return bool(told) and fitting >= _WHOLE * len(lines)


def _is_ruby(text: str) -> bool:
    """Whether definitions are closed by `end`, and nothing is said in the words of other languages that do so."""
    return _RUBY_SURE.search(text) is not None and closes_blocks(text.split("\n")) and _NOT_RUBY.search(text) is None


def closes_blocks(lines: Sequence[str]) -> bool:
    """Whether blocks are closed by `end`, as in Ruby, Lua, Julia, Elixir and fish, and each was opened.

    Examples:
        >>> closes_blocks(["def f", "  1", "end"]), closes_blocks(["In the", "end"])
        (True, False)
    """
    closed = sum(1 for line in lines if _CLOSES.match(line))
    return 0 < closed <= sum(1 for line in lines if _OPENS.search(line))


def _is_sql(text: str) -> bool:
    """Whether the first thing that is not a comment is a statement that ends in a semicolon."""
    match = _SQL_COMMENTS.match(text)
    return match is not None and _SQL.match(text, match.end()) is not None


def _brace_language(text: str) -> str | None:
    bare = _BLOCK_COMMENT.sub("", text) if "/*" in text else text
    lines = [line for line in (each.strip() for each in bare.split("\n")) if line and not line.startswith("//")]
    fitting = sum(1 for line in lines if line[-1] in _ENDS or line[0] in _BEGINS or "; //" in line)
    if not lines or lines[0][0] == "<" or _NO_CODE.search(text) or fitting < _BRACES * len(lines):
        return None
    possible = [name for name, sign in _SURE.items() if sign.search(bare) is not None]
    votes = {name: sum(1 for line in lines if _VOTES[name].search(line)) for name in possible}
    if votes.get("typescript", 0) > 1:  # all of JavaScript is TypeScript, too
        votes["typescript"] += votes.get("javascript", 0)
    best = max(votes, key=votes.__getitem__, default=None)
    return "tsx" if best == "typescript" and any(_ELEMENT.match(line) for line in lines) else best
