"""Grammars of programming languages: which file has which, and a parse that stops where its work outgrows the source.

The grammars come from the single `tree-sitter-<language>` wheels, which carry their parser: nothing is downloaded.
"""

from __future__ import annotations

import importlib
import re
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING

from llama_index_prod_rag.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree

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
_OLDEST = (0, 26, 1)
"""Version of tree-sitter; earlier ones end the process where a text is parsed in slices and watched."""
_HASH_COMMENTS = frozenset({"python", "ruby", "bash", "yaml"})
_SLICE = 256
"""Bytes that the parser is handed at once, so that what it reads again and again can be counted."""
_STRETCH = 1_024
"""Bytes that the parser's work is counted over."""
_CALL = 100
"""Steps of the parser between two calls of its progress callback; its library has it so."""
_MANY_STEPS = 1.5
"""Steps per byte from which a stretch is looked at. In 500 installed files of ten languages nearly all take fewer; rows
of short numbers take more, and text that is none of its language."""
_MOST_STEPS = 20.0
"""Steps per byte that no stretch of those files takes."""
_MOST_READ = 30.0
"""Times that a byte is read. The same files: at most 4.1; a comment that nothing closes is read from each of its
beginnings to the end."""
_LOOKED_AT = 512
"""Bytes of a stretch that are parsed on their own: on the strangest text the time grows with the third power."""
_IN_A_ROW = 3
"""Strange stretches that make a text strange; one alone may begin inside a comment."""
_MOST_ERRORS = 0.2
"""Share of the tokens of a stretch that stand in no rule; rows of numbers have none."""
_DEEPEST = 60
"""Levels in a stretch with an error in it. Signs that the grammar takes for operators nest once for each of them."""


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
    brackets) each step looks at all that came before. Such text is known by the work that a stretch of it makes.

    Args:
        source: the file, in UTF-8.
        language: one of `GRAMMARS`.

    Raises:
        ConfigurationError: the language is not known.
        MissingExtraError: the grammar is not installed, or tree-sitter is too old.

    Examples:
        >>> parse(b"x = 1", "python").root_node.type, parse(b"/*a" * 5_000, "python")
        ('module', None)
    """
    _parser(language)  # says which extra is missing
    if language == "yaml" and _TOO_DEEP.search(source):
        return None
    if language == "bash":
        source = _NOT_FOR_BASH.sub(b"x", source)
    source = source if language in _HASH_COMMENTS else _blank_unclosed_comments(source)
    return _Watched(source, language).parse()


@lru_cache(maxsize=len(GRAMMARS))
def _parser(language: str) -> Parser:
    """A parser for short stretches; a whole text has one of its own, since it asks this one while it is parsed."""
    return _new_parser(language)


def _new_parser(language: str) -> Parser:
    if language not in GRAMMARS:
        raise ConfigurationError(f"no grammar for {language!r}; choose one of {', '.join(GRAMMARS)}")
    module, function = GRAMMARS[language]
    try:
        from tree_sitter import Language, Parser

        grammar = getattr(importlib.import_module(module), function)
    except ImportError:
        raise MissingExtraError(f"reading {language} code", extra="code") from None
    _check_version(_installed_version())
    return Parser(Language(grammar()))


@cache
def _installed_version() -> str:
    return version("tree-sitter")


def _check_version(installed: str) -> None:
    """Refuse what another package may have put in the place of the version that the extra asks for."""
    if tuple(map(int, re.findall(r"\d+", installed)[:3])) < _OLDEST:
        raise MissingExtraError(
            f"reading code with a newer tree-sitter than {installed}, which may end the process,", extra="code"
        )


def _blank_unclosed_comments(source: bytes) -> bytes:
    """The source with blanks for each `/*` that nothing closes: a parser scans to the end of the file from each."""
    closed = source.rfind(b"*/") + 1
    return source[:closed] + source[closed:].replace(b"/*", b"  ")


class _Watched:
    """A source that counts how often the parser reads it and how many steps it takes, and stops it at too many.

    Counts are the same on every machine, so a text has one tree wherever it is read.
    """

    def __init__(self, source: bytes, language: str) -> None:
        self._source = source
        self._language = language
        self._begin = self._steps = self._read = self._strange = 0

    def parse(self) -> Tree | None:
        """Build the tree; None where the parser was stopped."""
        parser = _new_parser(self._language)
        try:
            return parser.parse(self._slice, progress_callback=self._is_too_much)
        except ValueError:  # how the binding says that it was stopped
            return None

    def _slice(self, byte: int, _: object) -> bytes:
        self._read += 1
        return self._source[byte : byte + _SLICE]

    def _is_too_much(self, byte: int, _: object) -> bool:
        """Whether the work on the stretch that the parser is in is more than any of its language makes."""
        if byte >= len(self._source) - 1:  # balancing the finished tree counts as steps, too
            return False
        self._steps += _CALL
        done = byte - self._begin
        least = max(4 * _STRETCH, done)
        if self._steps > _MOST_STEPS * least or self._read * _SLICE > _MOST_READ * least:
            return True
        if done < _STRETCH:
            return False
        many = self._steps > _MANY_STEPS * done
        start, self._begin, self._steps, self._read = self._begin, byte, 0, 0
        self._strange = self._strange + 1 if many and self._is_strange(start) else 0
        return self._strange >= _IN_A_ROW

    def _is_strange(self, start: int) -> bool:
        start = self._source.rfind(b"\n", 0, start) + 1 if b"\n" in self._source[start - _STRETCH : start] else start
        root = _parser(self._language).parse(self._source[start : start + _LOOKED_AT]).root_node
        errors, depth = _shape(root)
        return root.has_error and (errors > _MOST_ERRORS or depth > _DEEPEST)


def _shape(root: Node) -> tuple[float, int]:
    """Share of a tree's tokens that no rule of the grammar holds, and how many levels it has."""
    tokens = errors = deepest = 0
    stack = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        for child in node.children:
            if child.child_count:
                stack.append((child, depth + 1))
            else:
                tokens += 1
                errors += node.is_error or child.is_error
    return errors / max(1, tokens), deepest
