"""From the log to a test set on the command line: sample, label, import, report, feedback."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from llama_index_prod_rag.cli.app import build_app
from llama_index_prod_rag.cli.ask import tell_logged
from llama_index_prod_rag.evaluation.labels import read_labels
from llama_index_prod_rag.query_log.record import HitRecord, LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), list(arguments), catch_exceptions=True)


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'log.sqlite'}"
    with QueryLog(url) as log:
        for number in range(20):
            log.add(
                QueryRecord(
                    query=f"question {number}",
                    query_id=f"q{number}",
                    decision="hedge" if number < 5 else "answer",
                    confidence=0.5 if number < 5 else 0.95,
                    answer="It depends.",
                    passages=(LoggedPassage(f"n{number}", f"text {number}", "guide.md"),),
                    hits=(HitRecord("shown", "", f"n{number}", 1, 0.9),),
                )
            )
    return url


def test_from_log_to_labels_and_back(tmp_path: Path, url: str) -> None:
    sheet, labels = tmp_path / "sheet.csv", tmp_path / "labels.jsonl"
    drawn = run("log", "sample", "--log", url, "--out", str(sheet), "-n", "10")
    assert drawn.exit_code == 0, drawn.output
    with sheet.open(encoding="utf-8-sig", newline="") as file:
        how_to, *rows = csv.DictReader(file)
    assert how_to["relevant"].startswith("of each passage: 1 if it answers")
    assert len({row["query_id"] for row in rows}) == 10
    uncertain = {row["query_id"] for row in rows if row["drawn"] == "uncertain"}
    assert uncertain == {"q0", "q1", "q2", "q3", "q4"}
    for row in rows:
        row["relevant"] = "yes" if row["query_id"] in uncertain else "no"
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    hints = [shlex.split(line) for line in drawn.output.splitlines() if line.startswith("  prod-rag ")]
    assert [words[1] for words in hints] == ["log", "calibrate"]
    assert run(*hints[0][1:]).exit_code == 0
    assert read_labels(tmp_path / "sheet.labels.jsonl")
    # With ten labels there is no head, but the command is understood as printed.
    calibrated = run(*hints[1][1:])
    assert "a head needs at least 20" in str(calibrated.exception), calibrated.output
    assert run("log", "import", str(sheet), "--out", str(labels)).exit_code == 0
    read = read_labels(labels)
    assert {
        name for name, label in read.items() if label.gold and name.startswith("q") and " " not in name
    } == uncertain
    # Questions that have a label are not drawn again.
    again = tmp_path / "again.jsonl"
    assert run("log", "sample", "--log", url, "--out", str(again), "--labelled", str(labels)).exit_code == 0
    assert {json.loads(line)["query_id"] for line in again.read_text().splitlines()}.isdisjoint(read)
    out = tmp_path / "report.json"
    assert run("report", "--log", url, "--labels", str(labels), "--out", str(out)).exit_code == 0
    report = json.loads(out.read_text())
    assert report["questions"] == 20
    assert report["retrieval"]


def test_feedback_is_added_by_id_and_an_unknown_id_is_an_error(url: str) -> None:
    assert run("log", "feedback", "q3", "--log", url, "--unhelpful", "--comment", "too old").exit_code == 0
    with QueryLog(url) as log:
        record = log.get("q3")
    assert record is not None
    assert [(one.helpful, one.comment) for one in record.feedback] == [(False, "too old")]
    assert run("log", "feedback", "nobody", "--log", url, "--helpful").exit_code != 0
    assert run("log", "feedback", "q3", "--log", url).exit_code == 2


@pytest.mark.parametrize("quiet", [False, True])
def test_a_question_is_called_logged_only_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], quiet: bool
) -> None:
    (tmp_path / "file").touch()
    for place, written in (("log.sqlite", True), ("file/log.sqlite", False)):
        log = QueryLog(f"sqlite:///{tmp_path / place}")
        log.add(QueryRecord(query="q", query_id="q1"))
        log.flush(2.0)
        log.close(0.0)
        tell_logged(log, "q1", quiet=quiet)
        told = capsys.readouterr().err
        assert ("logged as q1" in told) is (written and not quiet)
        assert ("not logged: QueryLog(" in told) is not written
