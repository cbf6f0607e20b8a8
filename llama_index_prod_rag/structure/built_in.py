"""The formats that come with the package, registered as one's own are; a reader is loaded when it is first used."""

from __future__ import annotations

from importlib import import_module

from llama_index_prod_rag.structure import code_signs, encoded_signs, line_signs, signs, tables
from llama_index_prod_rag.structure.registry import CODE, LINES, PROSE, Reader, Reading, register_format
from llama_index_prod_rag.structure.tree import Block


def register_built_in() -> None:
    """Register every format of this package."""
    register_format(
        "markdown",
        _lazily("markdown", "read_markdown"),
        extensions=("md", "markdown", "mdown", "mkd", "mdx"),
        media_types=("text/markdown", "text/x-markdown"),
        looks_like=signs.markdown,
    )
    register_format(
        "html",
        _lazily("html", "HtmlText"),
        extensions=("html", "htm", "xhtml"),
        media_types=("text/html", "application/xhtml+xml"),
        looks_like=signs.html,
        must_have=signs.has_tag,
    )
    register_format(
        "rst",
        _lazily("rst", "read_rst"),
        extensions=("rst", "rest"),
        media_types=("text/x-rst", "text/prs.fallenstein.rst"),
        looks_like=signs.rst,
    )
    register_format(
        "org", _lazily("outlines", "read_org"), extensions=("org",), media_types=("text/org",), looks_like=signs.org
    )
    register_format(
        "asciidoc",
        _lazily("outlines", "read_asciidoc"),
        extensions=("adoc", "asciidoc", "asc"),
        media_types=("text/asciidoc", "text/x-asciidoc"),
        looks_like=signs.asciidoc,
        must_have=signs.no_armor,
    )
    register_format(
        "latex",
        _lazily("latex", "read_latex"),
        extensions=("tex", "latex", "ltx"),
        media_types=("application/x-tex", "text/x-tex"),
        looks_like=signs.latex,
    )
    register_format(
        "notebook",
        _lazily("notebook", "read_notebook"),
        extensions=("ipynb",),
        media_types=("application/x-ipynb+json",),
        looks_like=lambda text: 2 * signs.CERTAIN * encoded_signs.is_notebook(text),
        must_have=encoded_signs.is_notebook,
    )
    register_format(
        "email",
        _lazily("mail", "read_mail"),
        extensions=("eml", "mht", "mhtml"),
        media_types=("message/rfc822",),
        looks_like=lambda text: signs.CERTAIN * encoded_signs.is_mail(text),
        must_have=encoded_signs.is_mail,
    )
    register_format(
        "chat",
        _lazily("chat", "read_chat"),
        extensions=("json", "jsonl", "ndjson"),
        media_types=("application/json", "application/x-ndjson"),
        looks_like=lambda text: signs.CERTAIN * encoded_signs.is_chat(text),
        must_have=encoded_signs.is_chat,
    )
    register_format(
        "docling",
        _lazily("docling", "read_docling"),
        extensions=("json",),
        media_types=("application/json",),
        looks_like=lambda text: 2 * signs.CERTAIN * encoded_signs.is_docling(text),
        must_have=encoded_signs.is_docling,
    )
    register_format(
        "csv",
        _lazily("tables", "read_csv"),
        extensions=("csv", "tsv", "tab"),
        media_types=("text/csv", "text/tab-separated-values"),
        looks_like=tables.table,
    )
    register_format(CODE, _lazily("code", "read_code"), looks_like=code_signs.code)
    register_format(LINES, _lazily("records", "read_lines"), looks_like=line_signs.lines)
    register_format("legal", _lazily("legal", "read_legal"), looks_like=signs.legal)
    register_format("paper", _lazily("paper", "read_paper"), looks_like=signs.paper)
    register_format(PROSE, _lazily("prose", "read_prose"))


def _lazily(module: str, name: str) -> Reader:
    def reader(*arguments: object, **settings: object) -> Block | Reading:
        found: Reader = getattr(import_module(f"llama_index_prod_rag.structure.{module}"), name)
        return found(*arguments, **settings)

    return reader
