"""JSON objects that say whether they are what was written: a digit that a disk turned makes another valid number."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

_SUM = "sha256"


def dump_checked(data: Mapping[str, Any]) -> str:
    """Write an object as JSON with a checksum of its own, one value per line.

    Examples:
        >>> parse_checked(dump_checked({"dense": 0.5}))
        {'dense': 0.5}
        >>> parse_checked(dump_checked({"dense": 0.5}).replace("0.5", "0.7"))
        Traceback (most recent call last):
            ...
        ValueError: it is not what was written (sha256 does not match; without that entry a change is accepted)
    """
    return json.dumps({**data, _SUM: _digest(data)}, indent=1, allow_nan=False)


def parse_checked(text: str) -> dict[str, Any]:
    """Read such an object; one without a checksum, written by hand, is taken as it is.

    Raises:
        ValueError: it is not JSON, not an object, not what was written, or holds a number that is not finite.
    """
    data = json.loads(text, parse_float=_finite, parse_constant=_finite)
    if not isinstance(data, dict):
        raise ValueError("it is not a JSON object")
    written = data.pop(_SUM, None)
    if written is not None and written != _digest(data):
        raise ValueError(f"it is not what was written ({_SUM} does not match; without that entry a change is accepted)")
    return data


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is not finite")
    return number


def _digest(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
