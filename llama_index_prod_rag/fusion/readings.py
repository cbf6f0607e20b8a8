"""What the scores of a list mean, read off the order in which they came: the order is the truth.

Retrievers disagree about scores. Most stores give similarities, some give distances as they are, some give ranks or
nothing. Whoever returned the list put the best first, and that tells which it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

Reading = Literal["similarities", "distances", "order"]
"""What the scores were read as: higher is better; lower is better, so they were negated; not to be read at all."""

_ROUNDING = 1e-6  # of the largest score: what float32 and a change of units move a score by


def read_scores(scores: Sequence[float | None]) -> tuple[list[float], Reading]:
    """Scores for which higher is better, one for each hit of a list in the order it came in.

    | the list's scores | are read as | and become |
    |---|---|---|
    | never rise; are all equal; are one alone | similarities | what they are |
    | never fall, and rise somewhere | distances | negated |
    | rise and fall; or one is None, NaN or infinite | nothing but an order | 1 / rank |

    A step of a millionth of the largest score is rounding, neither rise nor fall.

    Examples:
        >>> read_scores([0.9, 0.4])
        ([0.9, 0.4], 'similarities')
        >>> read_scores([0.2, 1.1, 1.3])
        ([-0.2, -1.1, -1.3], 'distances')
        >>> read_scores([0.9, None])
        ([1.0, 0.5], 'order')
    """
    known = [float(score) for score in scores if score is not None and math.isfinite(score)]
    if len(known) == len(scores):
        rounding = _ROUNDING * max(map(abs, known), default=0.0)
        steps = [after - before for before, after in pairwise(known)]
        if all(step <= rounding for step in steps):
            return known, "similarities"
        if all(step >= -rounding for step in steps):
            return [-score for score in known], "distances"
    return [1.0 / rank for rank in range(1, len(scores) + 1)], "order"
