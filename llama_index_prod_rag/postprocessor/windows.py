"""Cut a passage that a model cannot read at once into windows that it can. Core: works on token offsets alone.

A document's score is then the maximum over its windows (MaxP: Dai and Callan, "Deeper Text Understanding for IR with
Contextual Neural Language Modeling", SIGIR 2019).
"""

from __future__ import annotations

from collections.abc import Sequence


def window_spans(offsets: Sequence[tuple[int, int]], size: int, overlap: int) -> list[tuple[int, int]]:
    """Character spans of windows over a tokenised text.

    The windows are spread evenly, so the last one is not a stub, and neighbours share at least `overlap` tokens.

    Args:
        offsets: (start, end) characters of each token, in order, without special tokens.
        size: most tokens in a window, at least 1.
        overlap: fewest tokens that neighbours share, below `size`.

    Returns:
        (start, end) characters of each window; one span of the whole text where it fits; none for no tokens.

    Examples:
        >>> tokens = [(i, i + 1) for i in range(10)]
        >>> window_spans(tokens, size=10, overlap=2)
        [(0, 10)]
        >>> window_spans(tokens, size=6, overlap=2)
        [(0, 6), (4, 10)]
    """
    count = len(offsets)
    if count == 0:
        return []
    if count <= size:
        return [(offsets[0][0], offsets[-1][1])]
    number = -(-(count - overlap) // (size - overlap))
    starts = [index * (count - size) // (number - 1) for index in range(number)]
    return [(offsets[start][0], offsets[start + size - 1][1]) for start in starts]
