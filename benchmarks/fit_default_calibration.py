"""Fit the calibration that ships with the package, on train splits alone.

python -m benchmarks.fit_default_calibration --data DIR [--data DIR ...] [--limit N] [--out FILE]
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gate import example
from benchmarks.gate_cases import Retrieval, load_task
from llama_index_prod_rag.confidence import calibrated
from llama_index_prod_rag.confidence.fitting import calibrate

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True, help="a set; repeatable")
    parser.add_argument("--limit", type=int, default=100, help="most train questions of each set")
    parser.add_argument("--out", type=Path, default=Path(calibrated.__file__).with_name("default_calibration.json"))
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    examples, names = [], []
    for folder in chosen.data:
        task = load_task(folder, limit=chosen.limit)
        examples += [example(case) for case in Retrieval(task).cases(task.train)]
        names.append(task.name)
        _log.info("%s: %d examples so far", task.name, len(examples))
    calibration = calibrate(
        examples,
        note=f"A start, to be replaced by your own labels. Train questions of {', '.join(names)}; legs dense "
        "(bge-small-en-v1.5 in int8) and bm25, cross-encoder ms-marco-MiniLM-L-12-v2 (int8), 5 passages shown.",
    )
    calibration.save(chosen.out)
    for head in calibration.heads:
        _log.info("%2d signals: cross-validated AUROC %.3f", len(head.signals), head.auroc or 0.0)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
