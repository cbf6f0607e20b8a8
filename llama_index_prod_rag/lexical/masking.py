"""What may be returned, asked about id by id or all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

MANY = 2_000
"""Ids that are asked about one by one, before a mask over all of them is worth its making."""


@runtime_checkable
class Masking(Protocol):
    """A container that can say of a whole list what is in it, and remembers that."""

    def mask(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Whether each id is in the container."""
        ...
