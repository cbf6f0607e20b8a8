"""Grammars of programming languages: which file has which, and a parse whose time grows with the source and no faster.

The grammars come from the single `tree-sitter-<language>` wheels, which carry their parser: nothing is downloaded.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from tree_sitter import Parser, Tree

GRAMMARS = MappingProxyType(
    {
        "python": ("tree_sitter_python", "language"),
        "javascript": ("tree_sitter_javascript", "language"),
        "typescript": ("tree_sitter_typescript", "language_typescript"),
        "tsx": ("tree_sitter_typescript", "language_tsx"),
        "java": ("tree_sitter_java", "language"),
        "kotlin": ("tree_sitter_kotlin", "language"),
        "csharp": ("tree_sitter_c_sharp", "language"),
        "go": ("tree_sitter_go", "language"),
        "rust": ("tree_sitter_rust", "language"),
        "c": ("tree_sitter_c", "language"),
        "cpp": ("tree_sitter_cpp", "language"),
        "php": ("tree_sitter_php", "language_php"),
        "ruby": ("tree_sitter_ruby", "language"),
        "bash": ("tree_sitter_bash", "language"),
        "sql": ("tree_sitter_sql", "language"),
        "yaml": ("tree_sitter_yaml", "language"),
    }
)
"""Language -> wheel module and the function in it that returns the grammar."""

_FILES = {
    "python": (".py", ".pyi", ".pyw"),
    "javascript": (".js", ".jsx", ".mjs", ".cjs"),
    "typescript": (".ts", ".mts", ".cts"),
    "tsx": (".tsx",),
    "java": (".java",),
    "kotlin": (".kt", ".kts"),
    "csharp": (".cs", ".csx"),
    "go": (".go",),
    "rust": (".rs",),
    "c": (".c", ".h"),
    "cpp": (".cc", ".cpp", ".cxx", ".c++", ".hh", ".hpp", ".hxx", ".h++", ".ipp", ".tpp", ".cu", ".cuh"),
    "php": (".php", ".phtml"),
    "ruby": (".rb", ".rake", ".gemspec", ".ru", "gemfile", "rakefile", "vagrantfile", "podfile"),
    "bash": (".sh", ".bash", ".zsh", ".ksh", ".bashrc", ".zshrc", ".profile", ".bash_profile", "pkgbuild"),
    "sql": (".sql", ".ddl", ".dml"),
    "yaml": (".yaml", ".yml"),
}
"""Extensions, and names of files that have none, in lower case."""
_LANGUAGE_OF = {name: language for language, names in _FILES.items() for name in names}

# What is not C: `class` with a body or base, templates, namespaces, scopes, access, words that C does not have.
_CPP = re.compile(
    r"(?m)^[ \t]*(?:template[ \t]*<|(?:inline[ \t]+)?namespace\b|using[ \t]+\w|(?:public|private|protected)[ \t]*:"
    r"|(?:enum[ \t]+)?class[ \t]+\w|friend[ \t]+\w|#[ \t]*include[ \t]*<\w+>)"
    r"|\b(?:std|\w{1,60})::\w|\b(?:constexpr|noexcept|nullptr|virtual|typename|mutable|static_cast)\b"
    r"|\boperator[ \t]*[-=<>+*/!(\[&|]|\w[ \t]*&[ \t]*\w{1,60}[ \t]*[,)]"
)
# Comments and strings hold words of any language: they say nothing about whether code is C++.
_C_COMMENT = re.compile(r"//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|\"(?:[^\"\\\n]|\\.)*\"")
# A header for both languages shows what is C++ to C++ alone.
_FOR_CPP_ALONE = re.compile(
    r"(?m)^[ \t]*#[ \t]*if(?:def[ \t]+|[ \t]+defined[ \t(]*)__cplusplus\b[^\n]*(?:\n(?![ \t]*#)[^\n]*)*"
)
_SAMPLE = 100_000
"""Characters of a header that are looked at."""

# The YAML grammar keeps its open levels in a buffer for about 255 of them, and more end the process.
_TOO_DEEP = re.compile(rb"(?m)^[ \t]{120}|(?:[-?:][ \t]{1,120}){100}")
# Bash's scanner reads past its buffers on characters outside of ASCII and on control characters, which ends the process
# (once in about 10,000 texts made of fragments; never in 40,000 without them). Offsets in bytes stay as they are.
_NOT_FOR_BASH = re.compile(rb"[^\t\n\r -~]")
_HASH_COMMENTS = frozenset({"python", "ruby", "bash", "yaml"})
_WINDOW = 4_096
"""Bytes of the stretches that are parsed on their own before the whole is. Real ones take 0.1 to 9 ms."""
_SUSPECT = 0.01
"""Seconds of processor time from which a stretch is compared with its eighths."""
_CERTAIN = {4: 0.02, 1: 0.05}
"""Seconds from which a quarter and a whole stretch are strange: five times and more what any real one takes."""
_STRANGE = 2.5
"""A stretch takes as long as its eighths together, 8 times that where the parser's time grows with the square."""


def language_of(file_name: str, text: str = "") -> str | None:
    r"""Look up the language that a file name stands for, or None.

    Args:
        file_name: a name or path.
        text: the file's text; it tells C++ from C in a file that ends in `.h`.

    Examples:
        >>> language_of("src/lib.rs"), language_of("Gemfile"), language_of("notes.txt")
        ('rust', 'ruby', None)
        >>> language_of("a.h", "int f(void);\n"), language_of("a.h", "class A;\n")
        ('c', 'cpp')
    """
    path = PurePath(file_name.lower())
    language = _LANGUAGE_OF.get(path.suffix) or _LANGUAGE_OF.get(path.name)
    return "cpp" if language == "c" and path.suffix == ".h" and _is_cpp(text[:_SAMPLE]) else language


def _is_cpp(text: str) -> bool:
    return _CPP.search(_FOR_CPP_ALONE.sub("", _C_COMMENT.sub(" ", text))) is not None


def parse(source: bytes, language: str) -> Tree | None:
    """Build the syntax tree; None where the parser would take time that grows with the square, or would crash.

    Parsers recover from errors, and on some text that is none of their language (thousands of unclosed comments or
    brackets) each step looks at all that came before. Such text is found by parsing short stretches of it first.

    Args:
        source: the file, in UTF-8.
        language: one of `GRAMMARS`.

    Raises:
        ConfigurationError: the language is not known.
        MissingExtraError: the grammar is not installed.

    Examples:
        >>> parse(b"x = 1", "python").root_node.type, parse(b"/*a" * 5_000, "python")
        ('module', None)
    """
    parser = _parser(language)
    if language == "yaml" and _TOO_DEEP.search(source):
        return None
    if language == "bash":
        source = _NOT_FOR_BASH.sub(b"x", source)
    source = source if language in _HASH_COMMENTS else _blank_unclosed_comments(source)
    return None if _takes_too_long(language, source) else parser.parse(source)


@lru_cache(maxsize=8)  # keeps the texts: eight of five megabytes are enough
def _takes_too_long(language: str, source: bytes) -> bool:
    """Whether a stretch of the source is strange; asked once per text, since clocks err and a text has one tree."""
    return any(_is_strange(_parser(language), window) for window in _windows(source))


@lru_cache(maxsize=len(GRAMMARS))
def _parser(language: str) -> Parser:
    if language not in GRAMMARS:
        raise ConfigurationError(f"no grammar for {language!r}; choose one of {', '.join(GRAMMARS)}")
    module, function = GRAMMARS[language]
    try:
        from tree_sitter import Language, Parser

        grammar = getattr(importlib.import_module(module), function)
    except ImportError:
        raise MissingExtraError(f"reading {language} code", extra="code") from None
    return Parser(Language(grammar()))


def _blank_unclosed_comments(source: bytes) -> bytes:
    """The source with blanks for each `/*` that nothing closes: a parser scans to the end of the file from each."""
    closed = source.rfind(b"*/") + 1
    return source[:closed] + source[closed:].replace(b"/*", b"  ")


def _windows(source: bytes) -> Iterator[bytes]:
    """Stretches of whole lines where lines are short."""
    start = 0
    while start < len(source):
        end = min(start + _WINDOW, len(source))
        line = source.rfind(b"\n", start + _WINDOW // 2, end) + 1
        end = line if line and end < len(source) else end
        yield source[start:end]
        start = end


def _is_strange(parser: Parser, window: bytes) -> bool:
    for size, certain in _CERTAIN.items():  # the short one first: on the strangest text the whole takes a second
        start = window[: max(1, len(window) // size)]
        whole = _seconds(parser, start)
        if whole >= certain:
            return _seconds(parser, start) >= certain  # twice: clocks err
    if whole < _SUSPECT:
        return False
    step = len(window) // 8 + 1
    parts = sum(_seconds(parser, window[place : place + step]) for place in range(0, len(window), step))
    return min(whole, _seconds(parser, window)) > max(_SUSPECT, _STRANGE * parts)


def _seconds(parser: Parser, source: bytes) -> float:
    start = time.thread_time()
    parser.parse(source)
    return time.thread_time() - start
