"""From the log to examples: which questions count, and as what."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from llama_index_prod_rag.cli.calibrate import register
from llama_index_prod_rag.confidence.calibration import Calibration, Example
from llama_index_prod_rag.evaluation.calibration_examples import examples_of, questions_of
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.query_log.normalize import WITHHELD
from llama_index_prod_rag.query_log.record import HitRecord, LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog


def logged(query: str, shown: str = "n1", score: float = 1.0) -> QueryRecord:
    return QueryRecord(
        query=query,
        signals={"pair.top": score, "dense.top": None},
        hits=(HitRecord("shown", "", shown, 1, 0.5),),
        passages=(LoggedPassage(shown, "text", f"document of {shown}"),),
    )


def test_a_question_is_good_when_it_was_shown_a_gold_passage_or_document() -> None:
    labels = {
        "by node": Label(relevant={"n1": 1}),
        "by document": Label(relevant={"document of n1": 1}),
        "missed": Label(relevant={"n9": 1}),
        "unanswerable": Label(answerable=False),
        "nothing known": Label(references=("42",)),
    }
    examples = examples_of([logged(query) for query in (*labels, "no label")], labels)
    assert [example.good for example in examples] == [True, True, False, False]
    assert examples[0] == Example({"pair.top": 1.0}, good=True)


def test_a_repeated_question_counts_once() -> None:
    labels = {"again": Label(relevant={"n1": 1})}
    examples = examples_of([logged("again", score=2.0), logged("again", score=1.0)], labels)
    assert [example.signals["pair.top"] for example in examples] == [2.0]


def test_the_last_questions_of_a_log_are_taken_once() -> None:
    asked = [logged(query) for query in ("newest", "again", WITHHELD, " ", "again", "oldest")]
    assert questions_of(asked) == ["newest", "again", "oldest"]
    assert questions_of(asked, most=2) == ["newest", "again"]


def test_the_command_goes_from_log_and_labels_to_a_calibration(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.sqlite'}"
    with QueryLog(url) as log:
        for number in range(200):
            log.add(logged(f"question {number}", "n1" if number % 2 else "n2", score=number % 2 + number / 400))
    rows = [{"query": f"question {number}", "relevant": ["n1"]} for number in range(200)]
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    arguments = [
        "calibrate",
        "--log",
        url,
        "--labels",
        str(tmp_path / "labels.jsonl"),
        "--out",
        str(tmp_path / "g.json"),
    ]
    outcome = CliRunner().invoke(app, [*arguments, "--max-false-refusal", "0.1", "--json"], catch_exceptions=False)
    summary = json.loads(outcome.stdout)
    assert (summary["labels"], summary["good"], summary["auroc"]) == (200, 100, 1.0)
    assert len(summary["promises"]) == 1
    assert Calibration.load(tmp_path / "g.json").heads[0].refuse_below == summary["refuse_below"]
    assert "promised: at most 10.0%" in " ".join(
        CliRunner().invoke(app, [*arguments, "--max-false-refusal", "0.1"], catch_exceptions=False).stdout.split()
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--from-documents where there are no labels yet"),
        (["--log", "sqlite://", "--labels", "l.jsonl", "--from-documents", "."], "is for no labels"),
        (["--from-documents", ".", "--max-false-refusal", "0.05"], "a promise needs labels"),
        (["--from-documents", ".", "--slice-by", "who"], "names a field of the labels"),
    ],
)
def test_labels_or_documents_and_no_promise_without_labels(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    app = typer.Typer()
    register(app)
    found = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "gate.json")])
    assert found.exit_code == 2
    assert message in found.output
