"""Objects that threads share, and that can be copied and pickled all the same. Core: one lock."""

from __future__ import annotations

from threading import RLock
from typing import Any


class Locked:
    """Has a lock of its own, which a copy or a pickle does not share: it gets a new one.

    Examples:
        >>> from copy import deepcopy
        >>> class Counter(Locked):
        ...     def __init__(self) -> None:
        ...         super().__init__()
        ...         self.count = 0
        >>> deepcopy(Counter()).count
        0
    """

    def __init__(self) -> None:
        self._lock = RLock()

    def __getstate__(self) -> dict[str, Any]:
        """Give everything but the lock, as it is while nobody else holds it."""
        with self._lock:
            return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what another one was, with a lock that nobody holds."""
        self.__dict__.update(state, _lock=RLock())
