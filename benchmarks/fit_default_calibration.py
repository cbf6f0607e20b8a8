"""Fit the calibration that ships with the package, on train splits alone.

    python -m benchmarks.fit_default_calibration [--data DIR ...] [--documents DIR ...] [--limit N] [--out FILE]

`--data` gives labelled questions, `--documents` collections of which only the documents are read: questions written
from them say on which scales the shipped models' scores are, for `calibrate_from_documents`. Folders may be named in
the data folder. Questions of each set with labels, asked of the set before it, are what is kept of questions about
something else; `--only-far` replaces nothing but them in a calibration that is there.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.gate import SHARED, example, far_rows
from benchmarks.gate_cases import Retrieval, load_task
from llama_index_prod_rag.confidence import calibrated
from llama_index_prod_rag.confidence.calibration import Calibration, Example
from llama_index_prod_rag.confidence.fingerprint import Fingerprint, fingerprint_of
from llama_index_prod_rag.confidence.fitting import calibrate
from llama_index_prod_rag.confidence.scales import distributions
from llama_index_prod_rag.confidence.watch import scale_groups
from llama_index_prod_rag.evaluation.self_calibration import is_watched

_log = logging.getLogger(__name__)
_LABELED = ("scifact", "cranfield", "rag/hotpotqa", "rag/clapnq_dev")
_STRANGERS = 25  # questions about something else from each set
_DOCUMENTS = (*_LABELED, "fiqa_mini")


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", help="a set with labels; repeatable")
    parser.add_argument("--documents", type=Path, action="append", help="a set without; repeatable")
    parser.add_argument("--limit", type=int, default=100, help="most train questions of each set")
    parser.add_argument("--questions", type=int, default=50, help="questions written from each set of documents")
    parser.add_argument("--out", type=Path, default=Path(calibrated.__file__).with_name("default_calibration.json"))
    parser.add_argument("--only-far", action="store_true", help="keep heads and scales of the calibration at --out")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    far = _ask_strangers(_folders(chosen.data, _LABELED))
    if chosen.only_far:
        replace(Calibration.load(chosen.out), far=far).save(chosen.out)
        return 0
    examples, pipeline = _collect_examples(_folders(chosen.data, _LABELED), chosen.limit)
    rows = _write_questions(_folders(chosen.documents, _DOCUMENTS), chosen.questions)
    names = ", ".join(folder.name for folder in _folders(chosen.data, _LABELED))
    calibration = calibrate(
        examples,
        fingerprint=pipeline,
        note=f"A start, to be replaced by your own labels. Train questions of {names}; {pipeline.summary()}; "
        "5 passages shown.",
    )
    replace(with_scales(calibration, examples, rows), far=far).save(chosen.out)
    for head in calibration.heads:
        _log.info("%2d signals: cross-validated AUROC %.3f", len(head.signals), head.auroc or 0.0)
    return 0


def _folders(chosen: Sequence[Path] | None, usual: Sequence[str]) -> list[Path]:
    return [one if one.is_dir() else SHARED / one for one in chosen or map(Path, usual)]


def _collect_examples(folders: Sequence[Path], limit: int) -> tuple[list[Example], Fingerprint]:
    examples: list[Example] = []
    for folder in folders:
        task = load_task(folder, limit=limit)
        cases = Retrieval(task).cases(task.train)
        examples += map(example, cases)
        _log.info("%s: %d examples so far", task.name, len(examples))
    return examples, fingerprint_of(cases[0].evidence)


def _ask_strangers(folders: Sequence[Path]) -> tuple[dict[str, float], ...]:
    """What heads look at in train questions of the next set, asked of each."""
    rows: list[dict[str, float]] = []
    for folder, other in zip(folders, [*folders[1:], folders[0]], strict=True):
        rows += far_rows(Retrieval(load_task(folder, limit=1)), load_task(other, limit=_STRANGERS), _STRANGERS)
        _log.info("%s: %d questions about something else so far", folder.name, len(rows))
    return tuple(rows)


def _write_questions(folders: Sequence[Path], number: int) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = []
    for folder in folders:
        rows += [dict(row.signals) for row in Retrieval(load_task(folder, limit=1)).write_questions(number)]
        _log.info("%s: %d questions written and asked so far", folder.name, len(rows))
    return rows


def with_scales(calibration: Calibration, examples: Sequence[Example], rows: list[dict[str, float]]) -> Calibration:
    """The calibration with the scales of its pipeline: usual are the labelled and the written questions' scores."""
    asked = [*rows, *(dict(example.signals) for example in examples)]
    usual, reference = distributions(asked), distributions(rows)
    names = [name for name, _ in scale_groups(dict.fromkeys(reference, 0.0))]
    return replace(
        calibration,
        ranges={name: usual[name] for name in names if is_watched(name, calibration.fingerprint or Fingerprint())},
        reference={name: reference[name] for name in names},
    )


if __name__ == "__main__":
    raise SystemExit(main())
