"""Optimal segmentation of a sequence of units under a hard budget, by dynamic programming. Core: numbers alone.

Cost of a segment of k units i..i+k-1 with t tokens in all:

    (t / mean - 1)^2  +  cohesion * (loss_i,k - mean loss_k) / mean  +  cut_i  +  10 if t < smallest

    loss_i,k = t - |sum of t_j e_j over its units|

The first term asks for even sizes. The second is what the segment's centroid loses of its sentences (`e_j`: unit
vectors, weighted by their tokens t_j): 0 where all point the same way, so that cuts fall where the topic turns. Longer
stretches lose more wherever they stand, so only the difference from the mean loss of all stretches of k units that fit
counts: without it cohesion would ask for small chunks. `cut_i` is the price of a boundary before unit i: low at a
heading, high inside a sentence; the first unit's is not counted. Sums over segments come from prefix sums, and only
segments within the budget are looked at, so time and memory grow linearly with the text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEVER = 1e6
"""Price of a boundary that is taken only where the budget leaves no other way."""


_TOO_SMALL = 10.0  # more than any sum of size term and structural prices, less than NEVER


def segment(
    tokens: NDArray[np.int64],
    *,
    capacity: NDArray[np.int64],
    mean: float,
    cuts: Floats,
    smallest: int = 0,
    vectors: NDArray[np.float32] | None = None,
    cohesion: float = 0.0,
) -> list[int]:
    """Choose where segments begin, at the least total cost.

    Args:
        tokens: size of each unit, shape [n].
        capacity: most tokens of a segment that holds the unit, shape [n]; a segment keeps the lowest of its units'. A
            single unit over its capacity makes a segment of its own.
        mean: the size that segments should have.
        cuts: price of a boundary before each unit, shape [n]; the first is not counted.
        smallest: segments below this size are avoided wherever a larger one fits.
        vectors: a unit vector for each unit, shape [n, d], or None.
        cohesion: weight of the second term; without vectors it does not matter.

    Returns:
        Index of the first unit of each segment; empty for no units.

    Examples:
        >>> sizes, room = np.array([40, 50, 60, 30, 45]), np.full(5, 100)
        >>> segment(sizes, capacity=room, mean=90.0, cuts=np.zeros(5))
        [0, 2, 3]
    """
    count = len(tokens)
    if count == 0:
        return []
    weighted = _weighted_sums(tokens, vectors) if vectors is not None and cohesion > 0 else None
    sums = np.concatenate(([0], np.cumsum(tokens)))
    costs: list[Floats] = []
    room = capacity
    for length in range(1, count + 1):
        room = capacity if length == 1 else np.minimum(room[:-1], capacity[length - 1 :])
        size = sums[length:] - sums[:-length]
        rows = np.flatnonzero(size <= room) if length > 1 else np.arange(count)
        if len(rows) == 0:
            break
        size = size[rows].astype(np.float64)
        cost = (size / mean - 1.0) ** 2 + np.where(rows > 0, cuts[rows], 0.0)
        cost += np.where(size < smallest, _TOO_SMALL, 0.0)
        if weighted is not None:
            lost = size - np.linalg.norm(weighted[rows + length] - weighted[rows], axis=1)
            cost += cohesion * (lost - lost.mean()) / mean
        column = np.full(count, np.inf)
        column[rows + length - 1] = cost
        costs.append(column)
    return _shortest_path(np.stack(costs[::-1], axis=1))


def _weighted_sums(tokens: NDArray[np.int64], vectors: NDArray[np.float32]) -> Floats:
    sums = np.zeros((len(tokens) + 1, vectors.shape[1]))
    np.cumsum(vectors * tokens[:, None], axis=0, out=sums[1:])
    return sums


def _shortest_path(costs: Floats) -> list[int]:
    """First units of the cheapest segments; `costs[j, -k]` is the cost of the k units that end with unit j."""
    count, longest = costs.shape
    # best[longest + j] is the least cost of units 0..j-1; the padding in front stands for "before the text".
    best = np.full(longest + count + 1, np.inf)
    best[longest] = 0.0
    origins = np.empty(count, dtype=np.int64)
    for last in range(count):
        reach = best[last + 1 : last + 1 + longest] + costs[last]
        origin = int(reach.argmin())
        best[last + 1 + longest] = reach[origin]
        origins[last] = last + 1 - longest + origin
    starts: list[int] = []
    position = count
    while position > 0:
        position = int(origins[position - 1])
        starts.append(position)
    return starts[::-1]
