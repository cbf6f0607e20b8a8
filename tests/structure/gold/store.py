"""A store for parcels — größte Ordnung."""

import heapq
from dataclasses import dataclass


@dataclass(frozen=True)
class Parcel:
    """Something to be delivered."""

    weight: float
    address: str

    # Kept apart from `weight`: the scale is read later.
    @property
    def heavy(self) -> bool:
        """Whether two people have to carry it."""
        return self.weight > 30


class Store:
    """Parcels, the most urgent first."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, str]] = []
        self._count = 0

    # The heap breaks ties by address, so that
    # two runs give the same order.
    def add(self, parcel: Parcel, urgency: int) -> None:
        """Put a parcel in."""
        heapq.heappush(self._heap, (-urgency, parcel.address))
        self._count += 1

    def route(self, start: str, limit: int = 10) -> list[str]:
        """Addresses in the order of a tour.

        Args:
            start: where the van stands.
            limit: how many stops fit into a day.
        """
        stops = [start]
        while self._heap and len(stops) < limit:
            urgency, address = heapq.heappop(self._heap)
            if address in stops:
                # Two parcels for one door are one stop.
                continue
            if urgency < -100:
                stops.insert(1, address)
            else:
                stops.append(address)
        for position, stop in enumerate(stops):
            if not stop.strip():
                raise ValueError(f"stop {position} has no address: ask the sender")
        return stops


def weigh(parcels: list[Parcel]) -> float:
    """Kilograms in all."""
    return sum(parcel.weight for parcel in parcels)
