"""Which logged questions to label first. Core: one pass over any number of records."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from llama_index_prod_rag.errors import ConfigurationError
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import QueryRecord


@dataclass(frozen=True, slots=True)
class Sampled:
    """Holds a question to label, and why it was drawn.

    Attributes:
        record: the question.
        drawn: `"random"` questions are a fair picture of the log, so rates are estimated on them alone;
            `"uncertain"` ones teach a calibration or fusion weights the most per label.
    """

    record: QueryRecord
    drawn: Literal["random", "uncertain"]


def uncertainty(confidence: float) -> float:
    """Measure how far from sure a confidence is: 1 at 0.5, 0 at 0 and at 1.

    Source: uncertainty sampling, Lewis and Gale, "A Sequential Algorithm for Training Text Classifiers" (SIGIR 1994).

    Examples:
        >>> uncertainty(0.75)
        0.5
    """
    return 1.0 - abs(2.0 * confidence - 1.0)


def sample(records: Iterable[QueryRecord], number: int, *, uncertain: float = 0.5, seed: int = 0) -> list[Sampled]:
    """Draw questions to label, each wording once; memory follows `number`, not the log.

    Args:
        records: the log, newest first: of a repeated question the newest record is taken.
        number: how many questions to draw; fewer come back from a log that has fewer.
        uncertain: share to draw by `uncertainty` of the confidence, the rest at random (reservoir sampling, Vitter
            1985). Where too few records have a confidence, random ones take their place.
        seed: of the random part.

    Returns:
        The random ones, then the uncertain ones, most uncertain first.

    Raises:
        ConfigurationError: a number below 1, or a share outside [0, 1].

    Examples:
        >>> log = [QueryRecord(query=f"q{i}", confidence=i / 10) for i in range(11)]
        >>> [drawn.record.confidence for drawn in sample(log, 3, uncertain=1.0)]
        [0.5, 0.4, 0.6]
    """
    if number < 1 or not 0.0 <= uncertain <= 1.0:
        raise ConfigurationError("sample needs a number of at least 1 and a share `uncertain` from 0 to 1")
    generator = random.Random(seed)
    reservoir: list[QueryRecord] = []
    doubtful: list[tuple[float, int, QueryRecord]] = []  # a heap, the least uncertain on top
    for place, record in enumerate(_skip_repeats(records)):
        if place < number:
            reservoir.append(record)
        elif (slot := generator.randrange(place + 1)) < number:
            reservoir[slot] = record
        if record.confidence is not None:
            # Rounded, so that 0.4 and 0.6 are equally uncertain in binary too; of equals the newest goes first.
            entry = (round(uncertainty(record.confidence), 9), -place, record)
            (heapq.heappush if len(doubtful) < number else heapq.heappushpop)(doubtful, entry)
    generator.shuffle(reservoir)
    at_random = reservoir[: number - round(number * uncertain)]
    drawn = {record.query_id for record in at_random}
    most = (record for *_, record in sorted(doubtful, reverse=True) if record.query_id not in drawn)
    chosen = list(itertools.islice(most, number - len(at_random)))
    drawn.update(record.query_id for record in chosen)
    spare = (record for record in reservoir if record.query_id not in drawn)
    at_random += itertools.islice(spare, number - len(at_random) - len(chosen))
    return [
        *(Sampled(record, "random") for record in at_random),
        *(Sampled(record, "uncertain") for record in chosen),
    ]


def _skip_repeats(records: Iterable[QueryRecord]) -> Iterable[QueryRecord]:
    seen: set[int] = set()
    for record in records:
        wording = record.query_id if record.query == WITHHELD else " ".join(record.query.casefold().split())
        if (key := hash(wording)) not in seen:
            seen.add(key)
            yield record
