"""Port: how long a text is in the embedder's own tokens. Adapters for Hugging Face tokenizers, tiktoken, an estimate.

Budgets are kept in these counts, because what lies past an embedder's limit is lost in silence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import regex

from llama_index_prod_rag.text.graphemes import floor_to_grapheme, replace_surrogates

if TYPE_CHECKING:
    from tiktoken import Encoding
    from tokenizers import Tokenizer

SIMPLE = "simple"
"""The name of the estimate that needs no tokenizer."""

_BATCH = 2048
# WordPiece reads a word of more than 100 characters as one unknown token, so its count alone would let a chunk hold
# any amount of text that the embedder never sees.
_MOST_CHARACTERS_PER_TOKEN = 16
# Python splits words at these control characters; BERT deletes them, which joins what stands around them.
_JOINING = regex.compile(r"[\x0b\x0c\x1c-\x1f\x85]")
_MOST_CHARACTERS = 1_000_000  # of words that a counter remembers: about 150,000 words, 15 MB
_SIMPLE_TOKEN = regex.compile(r"[A-Za-z]{1,6}|\p{N}{1,3}|\S")


class TokenCounter(Protocol):
    """Counts tokens of texts, without the special tokens that an embedder adds around them."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """Number of tokens of each text; 0 for an empty one, at least 1 for any other that holds more than blanks."""
        ...


class SimpleCounter:
    """An estimate that stays at or above common subword tokenizers on ordinary text.

    A Latin word counts one token for each six letters begun, a number one for each three digits, any other letter or
    sign one. It is not an upper bound: name the embedder's tokenizer to keep a hard limit.

    Examples:
        >>> SimpleCounter().count(["Retrieval you can trust, 2026.", "信頼", ""])
        [9, 2, 0]
    """

    def count(self, texts: Sequence[str]) -> list[int]:
        """Estimate how many tokens each text has."""
        return [len(_SIMPLE_TOKEN.findall(text)) for text in texts]


class HuggingFaceCounter:
    """Counts with a `tokenizers.Tokenizer`, on a copy without padding and truncation.

    Where the tokenizer reads every word by itself, each word is tokenized once and remembered: a parser counts the
    same text several times, and a language has few words.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        from tokenizers import Tokenizer as _Tokenizer

        description = tokenizer.to_str()
        copy: Tokenizer = _Tokenizer.from_str(description)
        copy.no_padding()
        copy.no_truncation()
        self._encode = partial(copy.encode_batch_fast, add_special_tokens=False)
        self._by_word = _reads_by_word(json.loads(description))
        self._words: dict[str, int] = {}
        self._remembered = 0

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, at least one for 16 characters: words too long for the vocabulary count too."""
        counts: list[int] = []
        for start in range(0, len(texts), _BATCH):
            batch = [replace_surrogates(text) for text in texts[start : start + _BATCH]]
            sizes = self._sum_words(batch) if self._by_word else map(len, self._encode(batch))
            counts.extend(map(_apply_floor, sizes, batch))
        return counts

    def _sum_words(self, texts: Sequence[str]) -> list[int]:
        split = [[text] if _JOINING.search(text) else text.split() for text in texts]
        known = self._words  # by a name of its own: another thread may forget them meanwhile
        missing = list({word for words in split for word in words if word not in known})
        known.update(zip(missing, map(len, self._encode(missing)), strict=True))
        self._remembered += sum(map(len, missing))
        if self._remembered > _MOST_CHARACTERS:
            self._words, self._remembered = {}, 0
        return [sum(map(known.__getitem__, words)) for words in split]


def _reads_by_word(description: Mapping[str, Any]) -> bool:
    """Whether a tokenizer's count of a text is the sum over its words, as BERT's is."""
    parts = [(description.get(name) or {}).get("type") for name in ("normalizer", "pre_tokenizer", "model")]
    added = [str(token["content"]) for token in description.get("added_tokens", ())]
    return parts == ["BertNormalizer", "BertPreTokenizer", "WordPiece"] and all(len(t.split()) == 1 for t in added)


class TiktokenCounter:
    """Counts with a tiktoken encoding; strings that look like special tokens are plain text."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def count(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text."""
        return [_apply_floor(self._size(replace_surrogates(text)), text) for text in texts]

    def _size(self, text: str) -> int:
        # tiktoken is quadratic in the length of a run without blanks: such a run is counted in pieces.
        return sum(len(self._encoding.encode_ordinary(text[at : at + 4096])) for at in range(0, len(text), 4096))


def _apply_floor(tokens: int, text: str) -> int:
    return max(tokens, -(-len(text.strip()) // _MOST_CHARACTERS_PER_TOKEN))


def prefix_end(text: str, start: int, end: int, budget: int, counter: TokenCounter) -> int:
    """Find where the longest piece of `text[start:end]` from `start` on ends that has at most `budget` tokens.

    It never ends inside a grapheme cluster, unless the first cluster alone is over the budget, and holds at least one
    character. The length is found by bisection, so the piece is not always the longest possible.

    Examples:
        >>> prefix_end("x" * 100, 0, 100, 5, SimpleCounter())
        30
    """
    low, high = start + 1, min(end, start + _MOST_CHARACTERS_PER_TOKEN * budget)
    while low < high:
        middle = (low + high + 1) // 2
        if counter.count([text[start:middle]])[0] <= budget:
            low = middle
        else:
            high = middle - 1
    safe = floor_to_grapheme(text, low)
    return safe if safe > start else low
