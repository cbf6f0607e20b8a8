from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.testing import CliRunner

from llama_index_prod_rag.cli import evaluate_answers
from llama_index_prod_rag.cli import report as report_command
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.evaluation.cases import Case
from llama_index_prod_rag.evaluation.labels import Label
from llama_index_prod_rag.evaluation.report.charts import Line, line_chart, mirrored_histogram, reliability_chart
from llama_index_prod_rag.evaluation.report.numbers import report_numbers
from llama_index_prod_rag.evaluation.report.page import render, write_report
from llama_index_prod_rag.evaluation.report.trends import trends
from llama_index_prod_rag.evaluation.report.worst import Described
from llama_index_prod_rag.query_log.record import Feedback, HitRecord, LoggedPassage, QueryRecord
from llama_index_prod_rag.query_log.store import QueryLog

EVIL = '<script>document.title = "pwned"</script></q></style><img src=x onerror=alert(1)>'
START = datetime(2026, 3, 1, tzinfo=timezone.utc)


def record(number: int, **fields: Any) -> QueryRecord:
    confidence = (number % 10) / 10
    hits = (
        HitRecord("leg", "dense", f"n{number}", 1, confidence),
        HitRecord("leg", "dense", "other", 2, 0.1),
        HitRecord("fused", "", "other", 1, confidence + 0.1),
        HitRecord("fused", "", f"n{number}", 2, 0.2),
        HitRecord("shown", "", "other", 1, 0.5),
    )
    given: dict[str, Any] = {
        "query": f"What is number {number}?",
        "query_id": f"q{number}",
        "time": START + timedelta(hours=number),
        "decision": "refuse" if confidence < 0.2 else "answer",
        "status": "healthy",
        "confidence": confidence,
        "answer": "the answer",
        "seconds": {"dense": 0.01, "total": 0.2},
        "signals": {"dense.top": confidence, "agreement": 0.3},
        "hits": hits,
        "passages": (LoggedPassage("other", "Some text."),),
    }
    return QueryRecord(**{**given, **fields})


def records(count: int = 40) -> list[QueryRecord]:
    generator = random.Random(2)
    rated = []
    for number in range(count):
        made = record(number)
        helpful = generator.random() < (made.confidence or 0.0)
        rated.append(replace(made, feedback=(Feedback(helpful=helpful, who="ada"),) if number % 2 else ()))
    return rated


def numbers_of(log: list[QueryRecord], **settings: Any) -> dict[str, Any]:
    return report_numbers(log, {entry.query_id: entry for entry in log}.get, **settings)


LABELS = {
    "q0": Label(relevant={"n0": 1}, references=("the answer",)),
    "q2": Label(relevant={"n2": 1}, references=("something else",)),
    "q4": Label(answerable=False),
    "q6": Label(references=("the answer",)),
}


class Page(HTMLParser):
    """What a browser would see: elements, their attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.headings: list[int] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(int(tag[1]))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_numbers_by_hand() -> None:
    numbers = numbers_of(records(), labels=LABELS)
    assert numbers["questions"] == 40
    assert numbers["judged"] == {"n": 24, "labels": 4, "feedback": 20}
    assert numbers["decisions"] == {"refuse": 8, "answer": 32}
    assert numbers["answers"]["counts"] == {
        "correct": 1,  # q6
        "wrong": 1,  # q2
        "refused_wrongly": 1,  # q0
        "refused_rightly": 0,
        "answered_unanswerable": 1,  # q4
    }
    assert numbers["answers"]["by_decision"]["refuse"] == {"refused_wrongly": 1}
    stages = {row["stage"]: row["n"] for row in numbers["stages"]}
    assert stages["lost_in_fusion"] == 2  # q0 and q2: their passage is first in the leg, not shown
    assert numbers["retrieval"]["dense"]["MRR@10"]["mean"] == 1.0
    assert numbers["retrieval"]["fused"]["MRR@10"]["mean"] == 0.5
    assert numbers["retrieval"]["shown"]["recall@10"]["mean"] == 0.0
    assert sum(row["n"] for row in numbers["stages"]) == sum(
        not good for good in [False, False, False, True]
    ) + numbers["feedback"]["n"] - round(numbers["feedback"]["helpful"]["mean"] * numbers["feedback"]["n"])


def test_a_log_read_without_lists_gives_the_same_report(tmp_path: Path) -> None:
    log = records()
    full = numbers_of(log, labels=LABELS)
    light = [replace(entry, hits=(), passages=()) for entry in log]
    thin = report_numbers(light, {entry.query_id: entry for entry in log}.get, labels=LABELS)
    for section in ("answers", "stages", "slices", "retrieval", "worst", "risk_coverage", "feedback", "trends"):
        assert thin[section] == full[section], section


def test_numbers_are_json_without_nan() -> None:
    broken = replace(record(3), confidence=math.nan, hits=(HitRecord("shown", "", "other", 1, math.nan),))
    numbers = numbers_of([broken, *records(10)], labels=LABELS)
    assert json.loads(json.dumps(numbers, allow_nan=False)) == numbers


def test_the_page_is_self_contained_and_runs_nothing() -> None:
    page = Page(render(numbers_of(records(), labels=LABELS)))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "embed", "img", "base", "form"}
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    policy = next(attributes["content"] for tag, attributes in page.elements if attributes.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_hostile_text_stays_text() -> None:
    evil = record(
        99,
        query=EVIL,
        answer=EVIL,
        reasons=(EVIL,),
        config_hash=EVIL,
        passages=(LoggedPassage("other", EVIL),),
        hits=(HitRecord("leg", EVIL, EVIL, 1, 1.0), HitRecord("shown", "", "other", 1, 1.0)),
        seconds={EVIL: 1.0},
        signals={f"{EVIL}.top": 1.0},
        feedback=(Feedback(helpful=False, comment=EVIL),),
    )
    page = Page(render(numbers_of([evil, *records(20)], title=EVIL)))
    assert not {tag for tag, _ in page.elements} & {"script", "img"}
    assert page.text.count('<script>document.title = "pwned"</script>') >= 7


def test_the_page_can_be_read_by_a_screen_reader() -> None:
    page = Page(render(numbers_of(records(), labels=LABELS)))
    assert page.elements[0] == ("html", {"lang": "en"})
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [(attributes["href"] or "")[1:] for tag, attributes in page.elements if tag == "a"]
    assert set(links) <= set(ids)
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert attributes["aria-label"]
        if tag == "th":
            assert attributes["scope"] in {"row", "col"}
    tables = sum(tag == "table" for tag, _ in page.elements)
    assert tables == sum(tag == "caption" for tag, _ in page.elements)


@pytest.mark.parametrize(
    "log",
    [
        [record(1)],
        [
            record(
                1,
                decision=None,
                status=None,
                confidence=None,
                signals={},
                seconds={},
                hits=(),
                passages=(),
                answer=None,
            )
        ],
        [record(number, feedback=(Feedback(helpful=True),)) for number in range(3)],
        [record(number, feedback=(Feedback(helpful=False),), confidence=7.0) for number in range(3)],
    ],
    ids=["nobody judged", "foreign engine", "all right", "uncalibrated and all wrong"],
)
def test_sparse_logs_make_a_page_too(log: list[QueryRecord]) -> None:
    assert "</html>" in render(numbers_of(log))


def test_an_empty_log_is_refused() -> None:
    with pytest.raises(InputError, match="no question"):
        numbers_of([])


def test_worst_questions_come_with_their_lists_side_by_side_and_gone_ones_are_left_out() -> None:
    log = [record(number, feedback=(Feedback(helpful=False),)) for number in range(2, 8)]
    kept = {entry.query_id: entry for entry in log if entry.query_id != "q7"}
    worst = report_numbers(log, kept.get, worst=3)["worst"]
    assert [row["query_id"] for row in worst] == ["q6", "q5"]  # the three most confident, without the one that is gone
    assert worst[0]["lists"] == ["dense", "fused", "shown"]
    other, own = worst[0]["passages"]  # the one that was shown first, each once
    assert (other["id"], other["text"], other["ranks"]["shown"]) == ("other", "Some text.", {"rank": 1, "score": 0.5})
    assert {name: place["rank"] for name, place in own["ranks"].items()} == {"dense": 1, "fused": 2}


def test_worst_questions_say_what_was_expected_and_where_it_stood() -> None:
    log = [record(5), record(7)]
    labels = {
        "q5": Label(relevant={"n5": 1, "away": 1}, references=("forty days",)),
        "q7": Label(answerable=False),
    }
    told = {"n5": Described("leave.md", "Leave > Parents", "Parents have forty days.")}
    numbers = numbers_of(log, labels=labels, describe=lambda id_: told.get(id_, Described()))
    refused, lost = numbers["worst"]
    assert (refused["query_id"], refused["answerable"], refused["expected"]) == ("q7", False, [])
    assert (lost["answerable"], lost["expected"]) == (True, ["forty days"])
    assert [(row["id"], row["relevant"], bool(row["ranks"])) for row in lost["passages"]] == [
        ("n5", True, True),
        ("away", True, False),
        ("other", False, True),
    ]
    page = Page(render(numbers)).text
    for words in ("a refusal: the labels say", "forty days", "leave.md", "Leave > Parents", "relevant, in no list"):
        assert words in page
    assert page.count("Parents have forty days.") == 1


def test_scores_are_split_by_whether_the_documents_hold_the_answer() -> None:
    """A right refusal has a low confidence and is no good score."""
    log = [record(number) for number in range(40)]
    labels = {entry.query_id: Label(answerable=(entry.confidence or 0.0) >= 0.5) for entry in log}
    numbers = numbers_of(log, labels=labels)
    assert numbers["split"] == {"by": "evidence", "yes": 20, "no": 20}
    assert numbers["confidences"]["auroc"] == numbers["risk_coverage"]["auroc"] == 1.0
    assert sum(numbers["confidences"]["yes"][:10]) == sum(numbers["confidences"]["no"][10:]) == 0
    dense = next(row for row in numbers["scores"] if row["list"] == "dense")
    assert (dense["auroc"], dense["n_yes"], dense["n_no"]) == (1.0, 20, 20)
    assert "AUROC 1.00" in Page(render(numbers)).text


def test_without_such_labels_refusals_are_left_out() -> None:
    log = [record(number, feedback=(Feedback(helpful=number % 2 == 0),)) for number in range(20)]
    numbers = numbers_of(log)
    assert numbers["split"] == {"by": "verdict", "yes": 8, "no": 8}  # four of twenty were refused
    assert "Refusals are left out" in Page(render(numbers)).text


def test_few_questions_make_no_headline() -> None:
    one = Page(render(numbers_of([record(5, feedback=(Feedback(helpful=True),))]))).text
    assert "1 of 1" in one
    assert "too few judged for a rate" in one
    assert (
        "of 20 judged"
        in Page(render(numbers_of([record(n, feedback=(Feedback(helpful=True),)) for n in range(20)]))).text
    )


def test_lone_surrogates_can_be_written(tmp_path: Path) -> None:
    log = [record(5, answer="\ud800", feedback=(Feedback(helpful=False),))]
    for name in ("report.html", "report.json"):
        write_report(numbers_of(log), tmp_path / "new" / name)
        (tmp_path / "new" / name).read_bytes().decode("utf-8")


@pytest.mark.parametrize(
    ("span", "step"), [(timedelta(hours=5), "hour"), (timedelta(days=20), "day"), (timedelta(days=300), "week")]
)
def test_trends_choose_a_step_that_gives_a_readable_number_of_points(span: timedelta, step: str) -> None:
    cases = [Case(query_id=str(n), time=START + span * n / 50, good=n < 25, decision="refuse") for n in range(51)]
    found = trends(
        [*cases, *(replace(cases[0], time=datetime(year, 12, 31, tzinfo=timezone.utc)) for year in (1, 9999))]
    )
    assert found is not None
    assert found["step"] == step
    assert 1 < len(found["points"]) <= 60
    assert sum(point["n"] for point in found["points"]) == 51
    assert found["points"][0]["good"]["mean"] == 1.0
    assert found["points"][-1]["good"]["mean"] == 0.0
    assert found["points"][0]["refused"] == 1.0


@pytest.mark.parametrize(
    "chart",
    [
        line_chart("<t>", [Line("a&b", [(0, 0), (1, 1)], "good")], x_label="<x>", y_label="y", x_range=(0, 1)),
        line_chart("one point", [Line("a", [(0, 0.5)], "bad")], x_label="x", y_label="y", x_range=(0, 0)),
        reliability_chart("bins", [(0.5, 0.4, 0.3, 0.6)]),
        mirrored_histogram("counts", [0.0, 0.5, 1.0], ("a&b", [3, 1]), ("<c>", [0, 0]), x_label="score"),
    ],
)
def test_charts_are_well_formed_and_stay_in_their_frame(chart: str) -> None:
    svg = ET.fromstring(str(chart))  # noqa: S314 - our own markup
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    for element in svg.iter():
        for name, limit in (("x", width), ("cx", width), ("y", height), ("cy", height)):
            assert 0 <= float(element.attrib.get(name, 0)) <= limit


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    report_command.register(made)
    evaluate_answers.register_answers(made)
    return made


def test_the_command_reports_on_a_log(app: typer.Typer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/queries.db"
    with QueryLog(url) as log:
        for entry in records():
            log.add(entry)
            for judgment in entry.feedback:
                log.add_feedback(entry.query_id, helpful=judgment.helpful, who="ada")
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"query_id": "q0", "relevant": ["n0"]}\n{"query": "What is number 4?", "answerable": false}\n')
    page = tmp_path / "report.html"
    arguments = ["report", "--log", url, "--labels", str(labels), "--out", str(page), "--json"]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    numbers = json.loads(result.stdout)
    assert numbers["judged"] == {"n": 22, "labels": 2, "feedback": 20}
    assert {row["stage"]: row["n"] for row in numbers["stages"]}["lost_in_fusion"] == 1
    assert "What is number" in page.read_text(encoding="utf-8")
    late = CliRunner().invoke(app, [*arguments, "--since", "2026-03-02 06:00:00"], catch_exceptions=False)
    assert 0 < json.loads(late.stdout)["questions"] < 40


def test_the_command_wants_to_know_where_to_write(app: typer.Typer) -> None:
    assert CliRunner().invoke(app, ["report", "--log", "sqlite:///x.db"]).exit_code == 2


def test_answers_of_any_system_are_graded_without_running_anything(app: typer.Typer, tmp_path: Path) -> None:
    rows = [
        {"id": "1", "query": "Who?", "answers": ["Ada"], "answerable": True, "prediction": "Ada", "confidence": 0.9},
        {"id": "2", "query": "Why?", "answers": [], "answerable": False, "prediction": None, "confidence": 0.1},
        {"id": "3", "query": "When?", "answers": ["1843"], "answerable": True, "prediction": "1834", "confidence": 0.4},
    ]
    file = tmp_path / "answers.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["answers", "--data", str(file), "--wrong-cost", "2"]
    numbers = json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert numbers["answers"]["reward"]["mean"] == pytest.approx((1 + 1 - 2) / 3)
    assert numbers["texts"]["exact_match"] == pytest.approx({"mean": 0.5, "low": 0.0, "high": 1.0, "n": 2})
    table = CliRunner().invoke(app, arguments, catch_exceptions=False).stdout
    assert "refused rightly 1" in table


@pytest.mark.integration
def test_the_gate_answers_and_refuses_on_squad(app: typer.Typer, tmp_path: Path, data_folder: Path) -> None:
    data = data_folder / "rag" / "squad2_dev_sample" / "data.jsonl"
    page = tmp_path / "squad.html"
    arguments = ["answers", "--data", str(data), "--limit", "20", "--report", str(page), "--json"]
    numbers = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)
    assert numbers["answers"]["n"] == 20
    assert numbers["answers"]["correct_when_answerable"]["mean"] > 0.5
    assert numbers["retrieval"]["shown"]["recall@10"]["mean"] == 1.0
    assert page.stat().st_size > 10_000
