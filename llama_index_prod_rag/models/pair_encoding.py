"""Token ids of pairs, put together from the ids of their texts: each text is tokenised once for all its pairs.

The special tokens and the side of each token are what the tokenizer's own encoding of a pair shows. Where putting
together by hand gives anything else than that encoding, the tokenizer encodes each pair itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, overload

from llama_index_prod_rag.models.pairs import Pair, TokenText
from llama_index_prod_rag.text.graphemes import replace_surrogates

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

Row: TypeAlias = tuple[list[int], list[int]]
"""Token ids of a pair, and the type id of each."""

_PROBES = (
    ("query", "passage"),
    ("Which bird is white?", "Swans are white birds; in Australia, some are black."),
    ("", "passage"),
    ("query", ""),
    ("Größe \U0001f600", "  日本 tabs\tand\nlines "),
)


class _Offsets(Sequence[tuple[int, int]]):
    """The places of an encoding's tokens, looked up one at a time.

    A list of them all would cost as much as tokenising on several cores does, and windows ask for two.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def __len__(self) -> int:
        return len(self._encoding)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(self._encoding.offsets)

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[int, int]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, int] | list[tuple[int, int]]:
        if isinstance(index, slice) or (place := self._encoding.token_to_chars(index)) is None:
            return self._encoding.offsets[index]
        return place


@dataclass(frozen=True, slots=True)
class _Frame:
    """What stands around and between the two texts."""

    before: Row
    between: Row
    after: Row
    types: tuple[int, int]

    def join(self, first: Sequence[int], second: Sequence[int]) -> Row:
        ids = [*self.before[0], *first, *self.between[0], *second, *self.after[0]]
        of_texts = [self.types[0]] * len(first), [self.types[1]] * len(second)
        return ids, [*self.before[1], *of_texts[0], *self.between[1], *of_texts[1], *self.after[1]]


class PairEncoder:
    """Encodes pairs with one tokenisation per text. Holds no lock: nothing in it changes after it was made.

    Args:
        tokenizer: the model's; a copy of it is used.
        max_tokens: most tokens of a pair, special tokens included; longer pairs are cut as the tokenizer cuts them.

    Attributes:
        special_tokens: how many tokens a pair has besides those of its texts.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        from tokenizers import Tokenizer as _Tokenizer

        description = tokenizer.to_str()
        self._texts: Tokenizer = _Tokenizer.from_str(description)
        self._texts.no_padding()
        self._texts.no_truncation()
        self._pairs: Tokenizer = _Tokenizer.from_str(description)
        self._pairs.no_padding()  # some files ship with padding to 512, which every pair would pay for
        self._pairs.enable_truncation(max_tokens)
        self._max_tokens = max_tokens
        self.special_tokens = int(self._pairs.num_special_tokens_to_add(True))
        self._frame = self._find_exact_frame()

    @property
    def by_hand(self) -> bool:
        """Whether pairs are put together from ids."""
        return self._frame is not None

    def tokenize(self, texts: Sequence[str]) -> list[TokenText]:
        """Give the texts with their tokens, in one call of the tokenizer."""
        encodings = self._texts.encode_batch([replace_surrogates(text) for text in texts], add_special_tokens=False)
        return [TokenText(text, _Offsets(one), one.ids, self) for text, one in zip(texts, encodings, strict=True)]

    def encode(self, pairs: Sequence[Pair]) -> list[Row]:
        """Token ids of pairs; a text that `tokenize` gave is not tokenised again, any other once for all its pairs."""
        if self._frame is None:
            return [_row(one) for one in self._pairs.encode_batch([_clean(pair) for pair in pairs])]
        plain = list(dict.fromkeys(text for pair in pairs for text in pair if not self._knows(text)))
        ids = {str(text): text.ids for text in self.tokenize(plain)}
        return [self._join(self._frame, pair, ids) for pair in pairs]

    def _knows(self, text: str) -> bool:
        return isinstance(text, TokenText) and text.encoder is self

    def _join(self, frame: _Frame, pair: Pair, ids: dict[str, Sequence[int]]) -> Row:
        first, second = (
            text.ids if isinstance(text, TokenText) and text.encoder is self else ids[text] for text in pair
        )
        if len(first) + len(second) + self.special_tokens > self._max_tokens:
            return _row(self._pairs.encode(*_clean(pair)))
        return frame.join(first, second)

    def _find_exact_frame(self) -> _Frame | None:
        """The frame, where it gives what the tokenizer gives."""
        frame = _find_frame(self._pairs.encode(*_PROBES[0]))
        if frame is None:
            return None
        for pair in _PROBES:
            first, second = self.tokenize(pair)
            own = self._pairs.encode(*pair)
            fits = len(first.ids) + len(second.ids) + self.special_tokens <= self._max_tokens
            if fits and frame.join(first.ids, second.ids) != _row(own):
                return None
        return frame


def _find_frame(encoding: Encoding) -> _Frame | None:
    sides = encoding.sequence_ids
    if 0 not in sides or 1 not in sides:
        return None
    ids, types = _row(encoding)
    start, middle = sides.index(0), sides.index(1)
    end, stop = _last(sides, 0) + 1, _last(sides, 1) + 1

    def part(low: int, high: int) -> Row:
        return ids[low:high], types[low:high]

    return _Frame(part(0, start), part(end, middle), part(stop, len(ids)), (types[start], types[middle]))


def _last(sides: Sequence[int | None], side: int) -> int:
    return max(place for place, found in enumerate(sides) if found == side)


def _row(encoding: Encoding) -> Row:
    return encoding.ids, encoding.type_ids


def _clean(pair: Pair) -> tuple[str, str]:
    return replace_surrogates(str(pair[0])), replace_surrogates(str(pair[1]))
