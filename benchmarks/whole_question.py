"""What single-shot retrieval gets wrong: two hops, two meanings, a follow-up, the newest version.

    python -m benchmarks.whole_question [--data DIR] [--sets S ...] [--parts P ...] [--limit N] [--json]

Each part is a module of its own that says what it measures: `whole_hops`, `whole_gate`, `whole_follow_ups`,
`whole_versions`, `whole_readings`. No language model is asked. Everything is seeded
and made from the shared collections; settings were chosen on train halves.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks import whole_follow_ups, whole_gate, whole_hops, whole_readings, whole_versions

SETS = ("scifact", "cranfield", "fiqa_mini", "hotpotqa", "cosqa")
PARTS: Mapping[str, Callable[[Path, Sequence[str], int | None], dict[str, object]]] = {
    "hops": whole_hops.run,
    "gate": whole_gate.run,
    "follow_ups": whole_follow_ups.run,
    "versions": whole_versions.run,
    "readings": whole_readings.run,
}


def main() -> None:
    """Measure the parts and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--limit", type=int, help="questions per set and split")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    found = {part: PARTS[part](arguments.data, arguments.sets, arguments.limit) for part in arguments.parts}
    print(json.dumps(found, indent=None if arguments.json else 1))


if __name__ == "__main__":
    main()
