"""Whether the scores of the last questions are on the scale that a calibration knows. Core: numbers, one lock."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from llama_index_prod_rag.confidence.scales import Quantiles, excess, is_possible, is_same_scale, level
from llama_index_prod_rag.confidence.signals import signal_named
from llama_index_prod_rag.locked import Locked

_WINDOW = 50  # questions that are remembered
_FEWEST = 5
FOREIGN = 0.85
"""Strangeness, 0 to 1, that values of another collection by the same models do not reach."""


class Watch(Locked):
    """Remembers the scale-dependent signals of the last questions."""

    def __init__(self) -> None:
        super().__init__()
        self._levels: dict[str, deque[float]] = {}
        self._said: set[str] = set()

    def find_foreign(
        self, signals: Mapping[str, float], known: Mapping[str, Quantiles], *, remember: bool = True
    ) -> dict[str, str]:
        """Find the groups of signals that are on another scale -> what shows it; this question counts if it is new.

        A group is a leg's shapes (`leg dense`) or the cross-encoder's scores (`pair`). One value far outside of
        everything known is enough; else the last questions' values have to be distributed otherwise.
        """
        found: dict[str, str] = {}
        for name, group in scale_groups(signals):
            if (
                name in known
                and tells_scale(name)
                and group not in found
                and (why := self._why(name, signals[name], known[name], remember=remember))
            ):
                found[group] = why
        return found

    def is_news(self, group: str) -> bool:
        """Whether this is the first time that anybody asks about a group, so that it is said once."""
        with self._lock:
            news = group not in self._said
            self._said.add(group)
        return news

    def _why(self, name: str, value: float, known: Quantiles, *, remember: bool) -> str:
        signal = signal_named(name)
        # One question whose passages all fit has a high lowest score; only a run of them tells.
        if signal is not None and signal.tells_scale == "ends" and not is_possible(value, known):
            return f"{name} is {value:.3g}, and was {known[0]:.3g} to {known[-1]:.3g}"
        with self._lock:
            levels = self._levels.setdefault(name, deque(maxlen=_WINDOW))
            if remember:
                levels.append(level(value, known))
            last = list(levels)
        if len(last) < _FEWEST or strangeness(name, last) < FOREIGN:
            return ""
        return f"{name} of the last {len(last)} questions is distributed unlike {known[1]:.3g} to {known[-2]:.3g}"


def strangeness(name: str, levels: Sequence[float]) -> float:
    """0 to 1: how foreign values at these levels of the known distribution are."""
    signal = signal_named(name)
    if signal is not None and signal.tells_scale == "low":
        return excess(levels)
    return sum(at in (0.0, 1.0) for at in levels) / len(levels)


def shares_scale(name: str, values: Sequence[float], known: Quantiles) -> bool:
    """Whether a signal's values over many questions may be on the scale of the known ones."""
    signal = signal_named(name)
    if signal is not None and signal.tells_scale == "low":  # how low depends on how many candidates there are
        return strangeness(name, [level(value, known) for value in values]) < FOREIGN
    return is_same_scale(values, known)


def tells_scale(name: str) -> bool:
    """Whether a computed signal's values tell one model's scale from another's."""
    signal = signal_named(name)
    return signal is not None and signal.tells_scale != ""


def scale_groups(signals: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """List each scale-dependent signal, and whose scale it is on: `leg dense`, `pair`, `vectors`."""
    for name in signals:
        signal = signal_named(name)
        if signal is not None and signal.scale != "none":
            yield name, f"leg {name.partition('.')[0]}" if signal.scale == "leg" else signal.scale
