"""Hostile texts for readers: what their patterns repeat, many times over, and how time grows with that."""

from __future__ import annotations

import time
from collections.abc import Callable

UNITS = (
    *"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\raé漢¶",
    *("\n\n", " \n", "a\n", "a ", " a\n", "\u200b", "\ud800", "1.1 ", "1. ", "a,", "a;b\n", '"a\n', 'a,"'),
    *("<a ", "<a", "</a", "</a>", "<!--", "<!-- -->", "<![", "<?", "<!a", "&", "&#", "&a;", "<a b='", "<a b=c "),
    *("<p>", "<p>x", "<table>", "<tr>", "<td>", "<table><tr><td>", "<h1>", "<h2>a</h2>\n", "<dt>", "<b>", "<li>"),
    *("<ul><li>", "<a href='#'>", "<span class=headerlink>", "<pre>", "<nav>", "<footer>", "<script>", "</script>"),
    *("[", "](", "![", "**", "__", "``", "```\n", "~~~\n", "> ", "- ", "* a\n", "|-", "| a |\n", "|-|\n", "# ", "#\n"),
    *("# a\n", "**a**\n\n", "a\n=\n", "a\n---\n", "[a]: b\n", "{% highlight x %}\n", "{%", "---\n", "+++\n", "{#a "),
    *("[edit]", "title: a\n", "== a ==\n", "= ", " =", "a?\n\n", "A\n\n", "$$\n", "\\(", "\\section{"),
    *(":a: ", ":a:", ".. a::\n", ".. _a:\n\n", "a::\n\n b\n\n", "+-", "+--+\n", "| a\n", "== ==\n", "`a <", ":a:`"),
    *("|a", "a_ ", ">>> a\n", ".. [1] ", "....\n", "~~~~", "a\n  b\n", "__ a\n"),
    *('"""', "'''", "\\\n", "/*", "//", "-----BEGIN ", "<?xml ", '{"a":', "[1,", '{"cells":[', '"\\u', "}\n", "end\n"),
    *(
        "From: a\n",
        "a: b\n",
        ">a\n",
        "=\n",
        "=?utf-8?q?",
        "--\n",
        "--a\n",
        "12:00 a: b\n",
        "import a\n",
        "def a(",
        "x = [",
    ),
)
"""Pieces that are repeated."""


def seconds(read: Callable[[str], object], text: str) -> float:
    """Processor time of one run."""
    began = time.process_time()
    read(text)
    return time.process_time() - began


def grows_too_fast(read: Callable[[str], object], unit: str, size: int, wrap: str = "{}") -> str | None:
    """What is wrong where eight times the text takes far more than eight times as long; None where nothing is.

    Below a few hundredths of a second the clock shows nothing; n log n at these sizes is a factor of 10, and 20 is
    certainly more.
    """

    def text(characters: int) -> str:
        return wrap.format(unit * max(1, characters // len(unit)))

    least = 0.05
    long = seconds(read, text(8 * size))
    if long < least:
        return None
    short = min(seconds(read, text(size)) for _ in range(3))
    if long <= 20 * max(short, least / 20):
        return None
    long = min(long, seconds(read, text(8 * size)))  # once more: another process may have had the machine
    return f"{unit!r}: {short:.3f} s, then {long:.3f} s" if long > 20 * max(short, least / 20) else None
