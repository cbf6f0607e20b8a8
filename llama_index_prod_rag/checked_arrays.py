"""Arrays that say which things belong to which group, as files keep them: taken only where they fit together. Core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from llama_index_prod_rag.errors import InputError


def check_groups(groups: Sequence[str], things: Sequence[str], starts: NDArray[Any], members: NDArray[Any]) -> None:
    """Check that each group has its things: group `n` those with the numbers `members[starts[n]:starts[n + 1]]`.

    Args:
        groups: their names, each once.
        things: their names, each once.
        starts: whole numbers, one more than there are groups.
        members: whole numbers below the number of things.

    Raises:
        InputError: something else is in there.

    Examples:
        >>> check_groups(["cats", "dogs"], ["Tom", "Rex"], np.array([0, 1, 2]), np.array([0, 1]))
        >>> check_groups(["cats", "dogs"], ["Tom"], np.array([0, 1, 2]), np.array([0, 1]))
        Traceback (most recent call last):
            ...
        llama_index_prod_rag.errors.InputError: members point outside of what there is
    """
    if not (_are_names(groups) and _are_names(things)):
        raise InputError("names are missing, repeated or no text")
    if not (_are_counts(starts, len(groups) + 1) and _are_counts(members, len(members))):
        raise InputError("starts and members are no lists of whole numbers, or of another length")
    if starts[0] != 0 or starts[-1] != len(members) or (starts[1:] < starts[:-1]).any():
        raise InputError("starts do not divide the members")
    if len(members) and not (members.min() >= 0 and members.max() < len(things)):
        raise InputError("members point outside of what there is")


def check_amounts(amounts: NDArray[Any], count: int) -> None:
    """Check that there are as many numbers as there should be, none below 0, infinite or NaN.

    Raises:
        InputError: something else is in there.
    """
    if amounts.dtype.kind != "f" or amounts.shape != (count,) or not (np.isfinite(amounts) & (amounts >= 0)).all():
        raise InputError(f"{count} numbers of at least 0 were expected")


def _are_names(names: Sequence[str]) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def _are_counts(numbers: NDArray[Any], count: int) -> bool:
    return numbers.dtype.kind in "iu" and numbers.shape == (count,)
