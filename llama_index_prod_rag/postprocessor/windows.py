"""Cut a passage that a model cannot read at once into windows that it can. Core: works on numbers of tokens alone.

A document's score is then the maximum over its windows (MaxP: Dai and Callan, "Deeper Text Understanding for IR with
Contextual Neural Language Modeling", SIGIR 2019).
"""

from __future__ import annotations


def window_ranges(count: int, size: int, overlap: int) -> list[tuple[int, int]]:
    """Cut a tokenized text into windows.

    They are spread evenly, so the last one is not a stub, and neighbours share at least `overlap` tokens.

    Args:
        count: tokens of the text, without special tokens.
        size: most tokens in a window, at least 1.
        overlap: fewest tokens that neighbours share, below `size`.

    Returns:
        (start, end) tokens of each window; one of the whole text where it fits, with no tokens too.

    Examples:
        >>> window_ranges(10, size=10, overlap=2)
        [(0, 10)]
        >>> window_ranges(10, size=6, overlap=2)
        [(0, 6), (4, 10)]
    """
    if count <= size:
        return [(0, count)]
    number = -(-(count - overlap) // (size - overlap))
    starts = [index * (count - size) // (number - 1) for index in range(number)]
    return [(start, start + size) for start in starts]
