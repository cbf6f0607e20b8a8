"""The core: segmentation against all possible ones, sentences in many scripts, graphemes, counters, packing."""

from __future__ import annotations

import pickle
import time
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from llama_index_prod_rag.chunking import Budget, Envelope, chunk_text, plan_text
from llama_index_prod_rag.chunking.segmentation import NEVER, segment
from llama_index_prod_rag.errors import ConfigurationError, ModelError
from llama_index_prod_rag.models.tokenizers import load_counter
from llama_index_prod_rag.models.weights import find_weights
from llama_index_prod_rag.structure import read
from llama_index_prod_rag.structure.tree import Block
from llama_index_prod_rag.structure.view import PlainReading
from llama_index_prod_rag.text.graphemes import floor_to_grapheme, replace_surrogates, trim
from llama_index_prod_rag.text.sentences import split_sentences
from llama_index_prod_rag.text.tokens import HuggingFaceCounter, SimpleCounter, prefix_end

_TEXTS = st.text(alphabet=st.sampled_from(list('ab .\n\r\t!。\u0301\u200d🦉🇩🇪é\u0600(1)-"')), max_size=60)


@given(
    tokens=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    prices=st.lists(st.sampled_from([-0.5, 0.0, 0.05, 2.0]), min_size=8, max_size=8),
    capacity=st.integers(9, 25),
    seed=st.integers(0, 5),
)
@settings(max_examples=150, deadline=None)
def test_segmentation_is_the_best_of_all(tokens: list[int], prices: list[float], capacity: int, seed: int) -> None:
    count = len(tokens)
    vectors = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sizes, cuts, room = np.array(tokens), np.array(prices[:count]), np.full(count, capacity)
    means = {k: _mean_loss(sizes, vectors, k, capacity) for k in range(1, count + 1)}

    def cost(starts: tuple[int, ...]) -> float:
        total = 0.0
        for first, last in zip(starts, (*starts[1:], count), strict=True):
            size = sizes[first:last].sum()
            if size > capacity:
                return float("inf")
            total += (size / 10.0 - 1.0) ** 2 + (cuts[first] if first else 0.0)
            total += 2.0 * (_loss(sizes, vectors, first, last) - means[last - first]) / 10.0
        return total

    chosen = segment(sizes, capacity=room, mean=10.0, cuts=cuts, vectors=vectors, cohesion=2.0)
    every = [(0, *rest) for size in range(count) for rest in combinations(range(1, count), size)]
    assert cost(tuple(chosen)) == pytest.approx(min(map(cost, every)))


def _loss(sizes: np.ndarray, vectors: np.ndarray, first: int, last: int) -> float:
    weighted = (vectors[first:last] * sizes[first:last, None]).sum(axis=0, dtype=np.float64)
    return float(sizes[first:last].sum() - np.linalg.norm(weighted))


def _mean_loss(sizes: np.ndarray, vectors: np.ndarray, length: int, capacity: int) -> float:
    fitting = [i for i in range(len(sizes) - length + 1) if length == 1 or sizes[i : i + length].sum() <= capacity]
    return float(np.mean([_loss(sizes, vectors, i, i + length) for i in fitting])) if fitting else 0.0


def test_a_boundary_priced_never_is_taken_only_where_the_budget_forces_it() -> None:
    cuts = np.array([0.0, NEVER, 0.0, NEVER])
    sizes = np.array([5, 5, 5, 5])
    assert segment(sizes, capacity=np.full(4, 10), mean=5.0, cuts=cuts) == [0, 2]
    assert segment(sizes, capacity=np.full(4, 5), mean=5.0, cuts=cuts) == [0, 1, 2, 3]


@given(_TEXTS)
def test_sentences_hold_everything_but_white_space_in_order(text: str) -> None:
    spans = split_sentences(text)
    flat = [position for span in spans for position in span]
    assert flat == sorted(flat)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Li met Mr. Ray at 5 p.m. on Monday. They spoke.", 2),
        ("See Fig. 3 and Eq. 4, e.g. the left part, cf. Smith et al. 2020. It rose by 3.5 percent.", 2),
        ("J. R. R. Tolkien wrote it. George did not.", 2),
        ("lower case starts here. and goes on. does it end? yes", 4),
        ("他来了。她走了！真的吗？是的。", 4),
        ("هل جاء؟ نعم جاء۔ ثم ذهب.", 3),
        ("वह आया। वह गया॥ सच?", 3),
        ("“Stop!” he said. “Why?” she asked.", 4),
        ("Buy:\n- milk\n- bread\n1. first\n2. second", 5),
        ("A heading\n\nText without an end\n\nMore text", 3),
        ("This line of prose was wrapped by an editor at about seventy two\ncolumns and goes on here.", 1),
        ("words and no end at all", 1),
        ("", 0),
    ],
)
def test_sentences_of_many_kinds(text: str, count: int) -> None:
    assert len(split_sentences(text)) == count, [text[a:b] for a, b in split_sentences(text)]


_SCRIPTS = st.text(
    alphabet=st.sampled_from(list("a \r\n語か한각\u1100\u1161क्षिநி\u0600อำ\u0301\u200d🏽👩❤\ufe0f‼🇩🇪\U000e0041\u1cf5")),
    max_size=14,
)


@given(_TEXTS | _SCRIPTS, st.data())
def test_positions_go_back_to_the_start_of_their_grapheme(text: str, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(text)))
    starts = [match.start() for match in regex.finditer(r"\X", text)] + [len(text)]
    assert floor_to_grapheme(text, position) == max(start for start in starts if start <= position)


@given(_TEXTS)
def test_trimming_takes_white_space_alone(text: str) -> None:
    start, end = trim(text, 0, len(text))
    assert text[start:end].strip() == text.strip()
    assert "".join(text.split()) == "".join(text[start:end].split())


@pytest.mark.parametrize("run", ["." * 50_000, " " * 50_000, "?)" * 25_000])
def test_a_long_run_of_one_sign_takes_no_time(run: str) -> None:
    started = time.process_time()
    split_sentences(f"Before{run}after. End.")
    assert time.process_time() - started < 2.0


def test_surrogates_are_replaced_one_for_one() -> None:
    assert replace_surrogates("a\ud800\udfffb") == "a\ufffd\ufffdb"


@pytest.mark.parametrize("name", ["simple", "tiktoken:cl100k_base"])
def test_counters_count_special_tokens_nul_and_surrogates_as_text(name: str) -> None:
    counts = load_counter(name).count(["", "<|endoftext|>", "a\x00b", "\ud800", "x" * 50_000])
    assert counts[0] == 0
    assert counts[1] > 1
    assert all(count >= 1 for count in counts[1:])
    assert counts[-1] >= 50_000 // 16


@pytest.mark.integration
def test_the_bundled_tokenizer_counts_all_of_a_text() -> None:
    counter = load_counter("offline")
    assert counter.count(["one two three", "word " * 2_000]) == [3, 2_000]
    assert counter.count(["x" * 50_000])[0] >= 50_000 // 16


def test_an_unknown_tokenizer_says_what_to_give() -> None:
    with pytest.raises(ModelError, match="folder"):
        load_counter("./no/such/folder")


_ODD_BLANKS = st.text(
    alphabet=st.sampled_from(list("abß1.-'\u0301\u200b\u3000是\x00\x0b\x0c\x1c\x85\xa0 \n\t🦉¤")), max_size=60
)


@pytest.mark.integration
@given(texts=st.lists(_ODD_BLANKS.map(lambda text: text.replace("¤", "[SEP]")), max_size=40))
@settings(max_examples=50, deadline=None)
def test_counts_of_remembered_words_add_up_to_the_tokenizers_own(texts: list[str]) -> None:
    own = _bundled_tokenizer().encode_batch(texts, add_special_tokens=False)
    expected = [max(len(each.ids), -(-len(text.strip()) // 16)) for each, text in zip(own, texts, strict=True)]
    assert load_counter("offline").count(texts) == expected


@cache
def _bundled_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(Path(find_weights("offline", "embedding").source) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@given(_TEXTS.filter(bool), st.integers(1, 5))
def test_a_prefix_keeps_its_budget_or_is_one_character(text: str, budget: int) -> None:
    end = prefix_end(text, 0, len(text), budget, SimpleCounter())
    assert 0 < end <= len(text)
    assert end == 1 or SimpleCounter().count([text[:end]])[0] <= budget


def _pack(text: str, root: Block, budget: Budget) -> list[str]:
    chunks = chunk_text(PlainReading(root, text), SimpleCounter(), budget)
    return [text[chunk.start : chunk.end] for chunk in chunks]


def test_a_block_that_fits_is_never_cut() -> None:
    text = "one two three.\n\na b c d e f g h.\n\nfour five."
    blocks = tuple(Block("paragraph", *match.span()) for match in regex.finditer(r"[^\n]+", text))
    chunks = _pack(text, Block("document", 0, len(text), blocks), Budget(chunk_size=10))
    assert [chunk for chunk in chunks if "a b" in chunk] == ["a b c d e f g h."]


def test_text_between_children_stays_with_its_neighbours() -> None:
    text = "class A {\n one\n two\n}"
    children = (Block("statement", 11, 14), Block("statement", 16, 19))
    chunks = _pack(text, Block("document", 0, len(text), (Block("class", 0, 21, children),)), Budget(chunk_size=5))
    assert chunks == ["class A {\n one", " two\n}"]


def test_dropped_blocks_are_in_no_chunk() -> None:
    text = "keep this <!-- not this --> and this"
    blocks = (Block("paragraph", 0, 9), Block("comment", 10, 27, dropped=True), Block("paragraph", 28, 36))
    assert _pack(text, Block("document", 0, 36, blocks), Budget(chunk_size=50)) == ["keep this", "and this"]


def test_a_page_that_is_one_heading_does_not_come_with_every_chunk() -> None:
    text = f"# {'word ' * 200}\n\nThe text below it."
    chunks = chunk_text(read(text, "markdown"), SimpleCounter(), Budget(chunk_size=50))
    assert {chunk.path[0].count("word") for chunk in chunks} == {60}
    assert "".join(text[chunk.start : chunk.end] for chunk in chunks).count("word") == 200


def test_a_heading_stays_with_what_follows() -> None:
    text = "Intro words here.\nHEAD\nBody of it all."
    blocks = (Block("paragraph", 0, 17), Block("heading", 18, 22, glued=True), Block("paragraph", 23, 38))
    assert _pack(text, Block("document", 0, 38, blocks), Budget(chunk_size=7)) == [
        "Intro words here.",
        "HEAD\nBody of it all.",
    ]


def _function(*, decorator: int, signature: int, statements: tuple[int, ...]) -> tuple[str, Block]:
    """A function in words: its decorator and its signature stay with what follows them."""
    parts = [("code", decorator), ("signature", signature), *(("statement", size) for size in statements)]
    lines = [" ".join(["word"] * size) for _, size in parts]
    text = "\n".join(lines)
    starts = [sum(len(line) + 1 for line in lines[:index]) for index in range(len(lines))]
    blocks = [
        Block(kind, start, start + len(line), glued=kind != "statement")
        for (kind, _), start, line in zip(parts, starts, lines, strict=True)
    ]
    return text, Block("document", 0, len(text), (Block("function", 0, len(text), tuple(blocks)),))


def test_a_signature_stays_with_the_first_of_its_body() -> None:
    text, root = _function(decorator=2, signature=5, statements=(3, 3))  # 7 and 6 would be more even than 10 and 3
    first = _pack(text, root, Budget(chunk_size=10))[0]
    assert [len(line.split()) for line in first.splitlines()] == [2, 5, 3]


def test_where_a_body_does_not_fit_the_decorator_stays_with_the_signature() -> None:
    text, root = _function(decorator=3, signature=4, statements=(4, 4, 4))
    assert [len(line.split()) for line in _pack(text, root, Budget(chunk_size=8))[0].splitlines()] == [3, 4]


def test_many_small_units_are_joined_so_that_segmentation_stays_fast() -> None:
    text = " ".join(f"Short {number}." for number in range(20_000))
    reading = PlainReading(Block("document", 0, len(text)), text)
    units = plan_text(reading, SimpleCounter(), Budget(chunk_size=1_600)).units
    assert sum(unit.tokens for unit in units) == SimpleCounter().count([text])[0]
    assert 25 < max(unit.tokens for unit in units) <= 50
    assert len(units) < 2_500


def test_metadata_handed_in_counts_in_the_budget() -> None:
    text = "Owls hunt at night and hear well. " * 20
    envelope = Envelope({"title": "Birds of the night", "secret": "x " * 500}, excluded=frozenset({"secret"}))
    chunks = chunk_text(text, SimpleCounter(), Budget(chunk_size=30), envelope)
    embedded = [envelope.embedded(text[chunk.start : chunk.end], chunk.head.shown) for chunk in chunks]
    assert all(each.startswith("title: Birds of the night\n\nOwls") for each in embedded)
    assert max(SimpleCounter().count(embedded)) <= 30
    assert len(chunk_text(text, SimpleCounter(), Budget(chunk_size=30))) < len(chunks)


def test_a_budget_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="chunk_overlap 26 is over half of chunk_size 50"):
        Budget(chunk_size=50, chunk_overlap=26)
    with pytest.raises(ConfigurationError, match="min_size 26 is over half of chunk_size 50"):
        Budget(chunk_size=50, min_size=26)


def test_a_counter_does_not_remember_words_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llama_index_prod_rag.text.tokens._MOST_CHARACTERS", 1_000)
    counter = HuggingFaceCounter(_word_tokenizer())
    empty = len(pickle.dumps(counter))
    for number in range(200):
        assert counter.count([f"word{number} word{number + 1} {number}" * 10]) == [21]
    assert len(pickle.dumps(counter)) < empty + 4_000


def _word_tokenizer() -> Tokenizer:
    """Words of BERT's kind that are all unknown: one token for each."""
    tokenizer = Tokenizer(WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer
