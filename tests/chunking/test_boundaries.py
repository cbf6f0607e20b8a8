"""Where no person would cut: inside lines, behind titles, around rules, in front of code's indentation."""

from __future__ import annotations

import ast
import random
import textwrap
from collections.abc import Sequence
from itertools import pairwise

import pytest

from llama_index_prod_rag.chunking import Budget, Chunk, chunk_text, plan_text
from llama_index_prod_rag.chunking.leaves import holds_word
from llama_index_prod_rag.structure import Block, read
from llama_index_prod_rag.structure.view import PlainReading
from llama_index_prod_rag.text import SimpleCounter, split_sentences
from llama_index_prod_rag.text.line_breaks import wrapping_breaks

_WORDS = ("owl", "barn", "night", "river", "boat", "note", "green", "slow", "tree", "lake", "hill", "road", "plan")


def _words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(_WORDS) for _ in range(count))


def _lined() -> dict[str, str]:
    rng = random.Random(7)
    names = ["anna", "bob", "cy"]
    return {
        "log": "\n".join(f"[Sun Dec 04 04:{i:02d}:05 2005] [notice] child {i} {_words(rng, 6)} ok" for i in range(60)),
        "access log": "\n".join(
            f'10.0.0.{i} - - [04/Dec/2005:04:{i:02d}:05] "GET /{rng.choice(_WORDS)} HTTP/1.1" 200 {i * 37}'
            for i in range(60)
        ),
        "chat": "\n".join(f"{rng.choice(names)}: {_words(rng, rng.randint(2, 12))}" for _ in range(60)),
        "chat with full names": "\n".join(
            f"{rng.choice(['Anna Li', 'Bob Ray'])}: {_words(rng, rng.randint(4, 14))}" for _ in range(60)
        ),
        "list in lower case": "\n".join(f"item-{i}: {_words(rng, 6)}" for i in range(60)),
        "list of long lines": "\n".join(f"Lake {i}, {_words(rng, 11)}" for i in range(60)),
        "settings": "\n".join(f"{_words(rng, 1)}.{i} = {_words(rng, 5)}" for i in range(60)),
        "style sheet": "\n\n".join(
            f".c{i} {{\n  color: {_words(rng, 1)};\n  margin: {i}px auto;\n}}" for i in range(30)
        ),
        "markup": "\n".join(f'<item id="{i}"><name>{_words(rng, 4)}</name></item>' for i in range(60)),
        "poem": "\n".join(f"{_words(rng, rng.randint(4, 8))}".capitalize() for _ in range(60)),
        "addresses": "\n\n".join(
            f"{_words(rng, 2).title()} Ltd.\n{i} {_words(rng, 1).title()} Street\nBarntown {i * 111}\nUSA"
            for i in range(25)
        ),
    }


@pytest.mark.parametrize(("kind", "text"), _lined().items(), ids=list(_lined()))
@pytest.mark.parametrize("sentences", [False, True])
def test_lines_are_not_cut(kind: str, text: str, sentences: bool) -> None:
    root = Block("document", 0, len(text))
    reading = PlainReading(root, text) if sentences else read(text, "prose")
    chunks = chunk_text(reading, SimpleCounter(), Budget(chunk_size=120, min_size=20, sentences=sentences))
    assert len(chunks) > 3
    for chunk in chunks:
        assert text[: chunk.start].rstrip(" ").endswith("\n") or chunk.start == 0, text[chunk.start : chunk.end]


@pytest.mark.parametrize("sentences", [False, True])
def test_records_between_blank_lines_stay_whole(sentences: bool) -> None:
    text = "\n\n".join(
        f"File: /a/path/to/file{i}\nCreated: 2024-01-{i:02d}\nSize: {i * 7}\nType: doc" for i in range(30)
    )
    reading = PlainReading(Block("document", 0, len(text)), text) if sentences else read(text, "prose")
    chunks = chunk_text(reading, SimpleCounter(), Budget(chunk_size=110, min_size=20, sentences=sentences))
    assert len(chunks) > 8
    assert all(text.startswith("File:", chunk.start) for chunk in chunks)


@pytest.mark.parametrize("width", [45, 60, 72, 79, 100])
def test_wrapped_prose_is_read_as_sentences(width: int) -> None:
    rng = random.Random(width)
    sentences = [f"{_words(rng, rng.randint(6, 25)).capitalize()}." for _ in range(40)]
    text = "\n\n".join(textwrap.fill(" ".join(sentences[i : i + 5]), width) for i in range(0, 40, 5))
    found = [" ".join(text[start:end].split()) for start, end in split_sentences(text)]
    assert found == sentences


def test_a_hanging_item_is_one_sentence_and_a_german_line_may_begin_with_a_capital() -> None:
    text = "- milk and some\n  bread from the\n  baker\n- tea"
    assert [text[start:end] for start, end in split_sentences(text)] == [
        "- milk and some\n  bread from the\n  baker",
        "- tea",
    ]
    text = "Der alte Uhu jagt in der Nacht und hört dabei so gut, dass er die\nMaus unter dem Schnee findet."
    assert len(split_sentences(text)) == 1


def test_line_breaks_take_no_time() -> None:
    assert wrapping_breaks("a\n" * 200_000, 0, 400_000) == frozenset()
    assert wrapping_breaks(" " * 200_000 + "\n" + "x" * 200_000, 0, 400_001) == frozenset()


def test_a_line_that_is_too_long_is_cut_inside_and_the_others_are_not() -> None:
    text = "key: short\n" * 5 + "key: " + "long " * 300 + "\n" + "key: short\n" * 5
    chunks = chunk_text(read(text, "prose"), SimpleCounter(), Budget(chunk_size=60))
    starts = [text[chunk.start : chunk.start + 4] for chunk in chunks]
    assert set(starts) == {"key:", "long"}
    assert all(
        text[: chunk.start].endswith("\n") or chunk.start == 0
        for chunk in chunks
        if text.startswith("key:", chunk.start)
    )


_TITLED = {
    "headings": ("markdown", "## Title {i}\n\n{body}\n\n"),
    "underlined": ("markdown", "Title {i}\n-------\n\n{body}\n\n"),
    "questions in bold": ("markdown", "**Title {i}?**\n\n{body}\n\n"),
    "lines in prose": ("prose", "Title {i}\n\n{body}\n\n"),
    "a colon": ("prose", "Title {i}:\n\n{body}\n\n"),
    "paragraphs of HTML": ("html", "<p><b>Title {i}?</b></p><p>{body}</p>"),
}


@pytest.mark.parametrize(("format_name", "pattern"), _TITLED.values(), ids=list(_TITLED))
@pytest.mark.parametrize("chunk_size", [40, 70, 150])
def test_no_chunk_ends_with_a_title(format_name: str, pattern: str, chunk_size: int) -> None:
    rng = random.Random(chunk_size)
    bodies = [f"{_words(rng, rng.randint(8, 60)).capitalize()}. {_words(rng, 9).capitalize()}." for _ in range(40)]
    text = "".join(pattern.format(i=i, body=body) for i, body in enumerate(bodies))
    reading = read(text, format_name)
    chunks = chunk_text(reading, SimpleCounter(), Budget(chunk_size=chunk_size, min_size=10))
    ends = [reading.render(chunk.start, chunk.end).rstrip().splitlines()[-1] for chunk in chunks]
    assert [end for end in ends if "Title" in end or set(end) == {"-"}] == []


def test_a_chunk_that_is_cut_again_keeps_its_title() -> None:
    class Odd(SimpleCounter):
        """Counts as some tokenizers do: the whole is more than its parts."""

        def count(self, texts: Sequence[str]) -> list[int]:
            return [size + size // 4 for size in super().count(texts)]

    text = "".join(f"## Part {i}\n\n" + "Owls hunt. They hear well. " * 8 + "\n\n" for i in range(10))
    chunks = chunk_text(read(text, "markdown"), Odd(), Budget(chunk_size=60))
    assert not [chunk for chunk in chunks if "Part" in text[chunk.start : chunk.end].splitlines()[-1]]


def _texts(text: str, chunks: list[Chunk]) -> list[str]:
    return [text[chunk.start : chunk.end] for chunk in chunks]


@pytest.mark.parametrize(
    "rule", ["=" * 90, "." * 300, "+" + "-" * 200 + "+", "| --- " * 80 + "|", "* " * 90, "═" * 120]
)
def test_no_chunk_is_rules_alone_and_all_words_are_kept(rule: str) -> None:
    text = f"\n\n{rule}\n\n".join(f"Owls hunt at night, number {i}." for i in range(8))
    chunks = _texts(text, chunk_text(read(text, "prose"), SimpleCounter(), Budget(chunk_size=50, min_size=5)))
    assert all(holds_word(chunk) for chunk in chunks)
    assert all(f"number {i}." in " ".join(chunks) for i in range(8))


def test_what_is_short_joins_a_neighbor_rather_than_getting_lost() -> None:
    text = "\n\n".join("Owls hunt at night and hear well. " * 3 + "\n\n* * *" for _ in range(6))
    chunks = _texts(text, chunk_text(read(text, "prose"), SimpleCounter(), Budget(chunk_size=50)))
    assert sum(chunk.count("* * *") for chunk in chunks) == 6


@pytest.mark.parametrize("text", ["...", "-----\n\n=====", "🦉🦉🦉", "?"])
def test_a_text_without_words_still_gives_a_chunk(text: str) -> None:
    assert chunk_text(text, SimpleCounter(), Budget(chunk_size=50))


@pytest.mark.parametrize("indent", ["    ", "\t"])
@pytest.mark.parametrize("chunk_size", [50, 90])
def test_code_keeps_the_indentation_of_its_first_line(indent: str, chunk_size: int) -> None:
    methods = "".join(f"    def m{i}(self, x):\n        y = x + {i}\n        return y\n\n" for i in range(8))
    body = "".join(f"    v{i} = a + {i}\n    print(v{i}, 'some words')\n" for i in range(20))
    text = f"class A:\n{methods}\ndef f(a):\n{body}".replace("    ", indent)
    reading = read(text, "code", "python")
    chunks = _texts(text, chunk_text(reading, SimpleCounter(), Budget(chunk_size=chunk_size, min_size=4)))
    assert len(chunks) > 5
    for chunk in chunks[1:]:
        ast.parse(textwrap.dedent(chunk))


def test_lines_of_a_quote_without_words_are_part_of_the_paragraph_above() -> None:
    text = "> The first paragraph is here.\n>\n> The second follows it.\n>\n> And the third one ends it.\n"
    plan = plan_text(read(text, "markdown"), SimpleCounter(), Budget(12))
    assert [text[unit.start : unit.end].count(">") for unit in plan.units] == [2, 2, 1]
    assert all(unit.cut <= 0 for unit in plan.units)


def test_a_block_that_turns_out_too_large_is_cut_between_its_children() -> None:
    class Uneven(SimpleCounter):
        """A tokenizer whose wholes are larger than the sums of their parts."""

        def count(self, texts: Sequence[str]) -> list[int]:
            return [size + 6 * text.count("\n\n") for text, size in zip(texts, super().count(texts), strict=True)]

    text = "Intro of it.\n\nAbout owls\n\nThey hunt at night and sleep.\n\nAbout ducks\n\nThey swim and dive."
    titles = [text.index("About owls"), text.index("About ducks")]
    places = [0, titles[0], titles[0] + 12, titles[1], titles[1] + 13, len(text)]
    parts = [(a, a + len(text[a:b].rstrip())) for a, b in pairwise(places)]
    kinds = ["paragraph", "heading", "paragraph", "heading", "paragraph"]
    blocks = tuple(Block(kind, *part, glued=kind == "heading") for kind, part in zip(kinds, parts, strict=True))
    root = Block("document", 0, len(text), (Block("note", 0, len(text), blocks),))
    chunks = chunk_text(PlainReading(root, text), Uneven(), Budget(chunk_size=26))
    assert len(chunks) > 1
    assert not any(text[chunk.start : chunk.end].endswith(("owls", "ducks")) for chunk in chunks)
