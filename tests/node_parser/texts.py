"""Texts for the exactness tests: odd ones by name, and generated ones a format."""

from __future__ import annotations

import random

WORDS = (
    *("owl", "hunts", "the", "quiet", "barn", "at", "night", "feathers", "e.g.", "3.14", "U.S.", "Dr.", "naïve"),
    *(
        "東京は大きい。",
        "これは文です。",
        "مرحبا بالعالم؟",
        "नमस्ते दुनिया।",
        "🦉",
        "👨‍👩‍👧‍👦",
        "🇩🇪",
        "e\u0301\u0323",
        "\u0301",
        "q\u0308x",
    ),
    *(
        "<|endoftext|>",
        "[SEP]",
        "\x00",
        "\u00a0",
        "\t",
        "\u200d",
        "x" * 90,
        "https://example.org/a/b?c=d",
        "(a)",
        "1.",
        "a < b",
    ),
    *(
        "&amp;",
        "<b>bold</b>",
        "*it*",
        "`code`",
        "“quoted.”",
        "…",
        "；",
        "end.",
        "why?",
        "No!",
        "\u2028",
        "\x1c",
        "\u0600",
    ),
)
BREAKS = (" ", " ", " ", " ", "\n", "\r\n", "\n\n", "\n\n", ". ", "  \n")

PIECES: dict[str, tuple[str, ...]] = {
    "prose": ("\n= Title =\n", "\n == Part two == \n", "\n\n", "\n- item one\n- item two\n", "\r\n\r\n"),
    "markdown": (
        *(
            "\n# One\n",
            "\n## Two\n\n",
            "\n### Three #\n",
            "\nSetext\n======\n",
            "\nUnder\n---\n",
            "\n```python\nx = 1\n\n# no\n",
        ),
        *(
            "\n```\n",
            "\n~~~\n# code\n~~~\n",
            "\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n",
            "\n- item\n  - deeper\n",
            "\n1. first\n",
        ),
        *(
            "\n> quote\n> more\n",
            "\n    indented code\n",
            "---\ntitle: x\n---\n",
            "\n<div>\nraw\n</div>\n",
            "\n\r",
            "\n***\n",
        ),
    ),
    "html": (
        *(
            "<h1>Title</h1>",
            "<h3>Deep</h3>",
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<ul><li>",
            "<li>",
            "</li></ul>",
            "<br/>",
            "<b>",
        ),
        *(
            "</b>",
            "<table><tr><th>A</th><th>B</th></tr>",
            "<tr><td>1",
            "<td>2</td></tr>",
            "</table>",
            "<script>x()</script>",
        ),
        *(
            "<nav>menu</nav>",
            "<pre>a\n  b</pre>",
            "<!-- note -->",
            "<nav>",
            "<style>p{}",
            "</style>",
            "&nbsp;",
            "&#169;",
            "&lt",
            "<",
        ),
        *(
            "<blockquote>",
            "</blockquote>",
            "<a href='x>y'>",
            "</a>",
            "<!doctype html>",
            "<![CDATA[",
            "</",
            "<p hidden>",
            "&",
        ),
    ),
}

PIECES |= {
    "legal": (
        *(
            "\nARTICLE IV\n",
            "\nSection 4.2 Term. ",
            "\n4. Duties. ",
            " 4.1 The ",
            "\n5. ",
            " (a) ",
            "; and (b) ",
            "\n(i) ",
        ),
        *(
            "\n(ii) ",
            '\n"Fee" means ',
            ' (the "Seller") ',
            "\nWHEREAS, ",
            "\nEXHIBIT A\n",
            ": (A) ",
            "see 4.2(a). ",
            "   ",
        ),
    ),
    "paper": (
        *(
            "\nAbstract\n",
            "\n1 Introduction\n",
            "\n1.1 Data\n",
            "\n2. Methods\n",
            "\nFigure 1: It ",
            "\nTheorem 2. All ",
        ),
        *(
            "\nProof. ",
            "\nLet X be a set. ",
            " where x is ",
            "\nReferences\n",
            "\n[1] A. B. ",
            "\nAppendix A\n",
            "\nA.1 More\n",
        ),
    ),
    "rst": (
        *(
            "\nTitle\n=====\n",
            "\nPart\n----\n",
            "\n.. note:: so\n",
            "\n.. code-block:: python\n\n   x = 1\n\n",
            "\n.. gone\n",
        ),
        *(
            "\n- item\n",
            "\n1. one\n",
            "\n::\n\n    code\n\n",
            "\n+--+--+\n| a| b|\n+==+==+\n| 1| 2|\n+--+--+\n",
            "\n:a: b\n",
        ),
    ),
    "latex": (
        *("\\section{A $b$}", "\\begin{theorem}", "\\end{theorem}", "\\begin{proof}", "\\end{proof}", "\\[ x", "\\]"),
        *("\\begin{itemize}\\item ", "\\item ", "\\end{itemize}", "\n% note\n", "\n\n% alone\n\n", "\\begin{verbatim}"),
        *(
            "\\end{verbatim}",
            "\\begin{document}",
            "\\end{document}",
            "Let $G$ be a group. ",
            "$$",
            "\\begin{tabular}",
            "\\bibitem{a}",
        ),
    ),
    "code": (
        *(
            "\ndef f(x):\n    ",
            "\nclass A:\n    ",
            "\n@dec\n",
            "\n# note\n",
            '"""doc"""',
            "return {",
            "}",
            "\n    if x:\n",
            "(",
        ),
        *(
            "\nfunction f() {\n",
            "\n// note\n",
            "/* note */",
            ") => {\n",
            "\nfn f() {\n",
            "struct S {\n",
            "#ifdef X\n",
            "';",
            "<div>",
        ),
    ),
}


def generated(format_name: str, count: int) -> list[str]:
    """As many texts, always the same: words of many scripts between the format's own pieces, whole and broken."""
    rng = random.Random(format_name)
    return [_text(rng, PIECES[format_name]) for _ in range(count)]


def _text(rng: random.Random, pieces: tuple[str, ...]) -> str:
    parts: list[str] = []
    for _ in range(rng.randrange(40)):
        if rng.random() < 0.3:
            parts.append(rng.choice(pieces))
        else:
            parts.extend((rng.choice(WORDS), rng.choice(BREAKS)))
    return "".join(parts)


NAMED: dict[str, str] = {
    "empty": "",
    "blank": " \n\t\r\n \u00a0",
    "one word": "x" * 50_000,
    "one word of many scripts": "xя東é" * 5_000,
    "chinese": "敏捷的棕色狐狸跳过了懒狗。" * 200,
    "chinese without punctuation": "敏捷的棕色狐狸跳过了懒狗" * 200,
    "arabic": "هذه جملة قصيرة. وهذه أخرى؟ " * 150,
    "hindi": "यह एक वाक्य है। यह दूसरा है॥ " * 150,
    "emoji": "👩🏽‍🚀👨‍👩‍👧‍👦🇩🇪" * 500,
    "nul": "a\x00b \x00 c. " * 300,
    "windows line ends": "First line.\r\nSecond line.\r\n\r\nNew paragraph.\r\n" * 100,
    "special tokens": "<|endoftext|> [CLS] <s> </s> [UNK] <|im_start|> " * 100,
    "repeated sentence": "The same sentence again. " * 600,
    "lower case": "it starts small. so does this one. and it goes on! does it? " * 100,
    "no punctuation": "words and more words without any end " * 300,
    "huge table": "| a | b |\n|---|---|\n" + "| cell one | cell two |\n" * 2_000,
    "long fence": "```python\n" + "value = compute(1, 2)\n" * 500 + "```\n",
    "unclosed fence": "# A\n\ntext\n\n```\n# not a heading\n" + "line of code\n" * 200,
    "unclosed tags": "<div><p>one <b>two<p>three<table><tr><td>four" * 50,
    "nested headings": "".join(f"{'#' * min(6, n + 1)} Level {n} of the headings\n\nText {n}.\n\n" for n in range(30)),
    "nested lists": "".join("  " * n + f"- item {n} of the list\n" for n in range(30)),
    "nested tags": "<div>" * 3_000 + "deep" + "</div>" * 3_000,
    "nested list tags": "<ul><li>a" * 1_000,
    "zalgo": ("Z" + "\u0301\u0327\u0353" * 40 + " ") * 40,
    "ends in white space": "Word. " * 50 + "\n" * 500,
}
