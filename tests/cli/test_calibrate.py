"""What `prod-rag calibrate` says about the gate that it makes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from llama_index_prod_rag.cli.app import build_app
from llama_index_prod_rag.confidence.calibration import Calibration
from llama_index_prod_rag.query_log import QueryLog
from llama_index_prod_rag.query_log.record import HitRecord, QueryRecord

LABELS = 30


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), arguments)


@pytest.fixture
def labelled(tmp_path: Path) -> list[str]:
    """Thirty questions; the documents answer every second one, and its passages have more of its words."""
    draws = np.random.default_rng(3)
    url, labels = f"sqlite:///{tmp_path / 'log.sqlite'}", tmp_path / "labels.jsonl"
    rows = []
    with QueryLog(url) as log:
        for number in range(LABELS):
            good = number % 2 == 0
            covered = float(np.clip(draws.normal(0.7 if good else 0.35, 0.15), 0, 1))
            signals = {"coverage.first": covered, "missing.names": 0.0, "missing.numbers": 0.0}
            hits = (HitRecord("shown", "", f"n{number}", 1, 0.9),)
            log.add(QueryRecord(query=f"q {number}", query_id=f"q{number}", signals=signals, hits=hits))
            rows.append({"query_id": f"q{number}", "relevant": {f"n{number}": int(good)}})
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["calibrate", "--log", url, "--labels", str(labels), "--out", str(tmp_path / "gate.json")]


def test_it_prints_what_changes_and_how_the_gate_is_used(labelled: list[str]) -> None:
    done = run(*labelled)
    assert done.exit_code == 0, done.output
    for line in ("with evidence, refused", "without evidence, answered", "hedged", "shipped gate", "new gate"):
        assert line in done.output
    assert "of 15 (" in done.output  # of each kind, with its interval
    assert f"--calibration {labelled[-1]}" in done.output
    assert Calibration.load(Path(labelled[-1])).labels == LABELS


def test_the_change_is_in_the_json(labelled: list[str]) -> None:
    change = json.loads(run(*labelled, "--json").stdout)["change"]
    assert change["unseen"] is True
    for gate in ("before", "after"):
        assert change[gate]["refused_wrongly"]["n"] == LABELS / 2
        assert change[gate]["answered_without_evidence"]["low"] <= change[gate]["answered_without_evidence"]["high"]


def test_thirty_labels_are_enough_for_estimates_and_the_error_says_so(labelled: list[str]) -> None:
    goals = ("--max-false-refusal", "0.1", "--min-answer-precision", "0.8")
    refused = run(*labelled, *goals)
    assert "--estimate" in str(refused.exception)
    done = run(*labelled, *goals, "--estimate")
    assert done.exit_code == 0, done.output
    assert "promised" not in done.output
    assert Calibration.load(Path(labelled[-1])).promises == ()


def test_a_gate_that_answers_more_without_evidence_is_warned_about(labelled: list[str]) -> None:
    done = run(*labelled, "--min-answer-precision", "0.5", "--estimate")
    change = json.loads(run(*labelled, "--min-answer-precision", "0.5", "--estimate", "--json").stdout)["change"]
    rates = [change[gate]["answered_without_evidence"]["mean"] for gate in ("before", "after")]
    assert rates[1] > rates[0]
    assert "answers without evidence more often" in done.stderr


def test_a_promise_and_an_estimate_are_not_both_had(labelled: list[str]) -> None:
    assert run(*labelled, "--estimate", "--on-average").exit_code == 2
