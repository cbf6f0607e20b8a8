"""What `prod-rag calibrate` says about the gate that it makes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from llama_index_prod_rag.cli.app import build_app
from llama_index_prod_rag.cli.engine import load_assessor
from llama_index_prod_rag.confidence.calibration import Calibration
from llama_index_prod_rag.confidence.evidence import Passage, gather
from llama_index_prod_rag.errors import ConfigurationError
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


@pytest.fixture
def of_two_kinds(labelled: list[str]) -> list[str]:
    """Every other pair of questions is from staff."""
    labels = Path(labelled[4])
    rows = [json.loads(line) for line in labels.read_text().splitlines()]
    for number, row in enumerate(rows):
        row["who"] = "staff [new]" if number % 4 < 2 else "guests"
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return [*labelled, "--slice-by", "who"]


def test_each_kind_of_question_gets_thresholds_and_is_asked_with_them(of_two_kinds: list[str]) -> None:
    done = run(*of_two_kinds)
    assert done.exit_code == 0, done.output
    assert "staff [new]: refused below" in done.output
    assert "with --slice guests or 'staff [new]' for a kind of question" in done.output
    gate = Path(of_two_kinds[6])
    thresholds = Calibration.load(gate).heads[0].by_slice
    assert set(thresholds) == {"guests", "staff [new]"}
    assert thresholds == {
        name: (row["refuse_below"], row["answer_from"])
        for name, row in json.loads(run(*of_two_kinds, "--json").stdout)["slices"].items()
    }


def test_a_question_is_judged_by_the_thresholds_of_its_kind(of_two_kinds: list[str]) -> None:
    run(*of_two_kinds)
    made = Calibration.load(gate := Path(of_two_kinds[6]))
    unlike = {"guests": (0.0, 0.0), "staff [new]": (1.0, 1.0)}
    replace(made, heads=tuple(replace(head, by_slice=unlike) for head in made.heads)).save(gate)
    asked = gather("wing drag", [Passage("a", "The drag of a wing.")])
    assert load_assessor(gate, "guests").assess(asked).status == "healthy"
    assert load_assessor(gate, "staff [new]").assess(asked).status == "low_confidence"


def test_a_kind_that_the_calibration_does_not_know_is_an_error(of_two_kinds: list[str]) -> None:
    run(*of_two_kinds)
    with pytest.raises(ConfigurationError, match=r"it has guests, staff \[new\]"):
        load_assessor(Path(of_two_kinds[6]), "tenants")
    with pytest.raises(ConfigurationError, match="--slice-by COLUMN"):
        load_assessor(None, "guests")


def test_labels_without_the_field_are_an_error(labelled: list[str]) -> None:
    assert "'who'" in str(run(*labelled, "--slice-by", "who").exception)


def test_a_promise_and_an_estimate_are_not_both_had(labelled: list[str]) -> None:
    assert run(*labelled, "--estimate", "--on-average").exit_code == 2
