"""`prod-rag evaluate answers`: questions with contexts through the gate, graded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from llama_index_prod_rag.cli.progress import progress_bar


def register_answers(app: typer.Typer) -> None:
    """Add the subcommand `answers` to `evaluate`."""
    app.command("answers")(answers)


def answers(
    data: Annotated[
        Path, typer.Option("--data", help="JSON lines: query, answers, answerable, contexts; or with prediction.")
    ],
    documents: Annotated[
        Path | None,
        typer.Option(help="Ask these files instead of each row's contexts: a label file is then a test set for them."),
    ] = None,
    llm: Annotated[
        str | None,
        typer.Option(help="'offline', or module:callable that returns a LlamaIndex LLM. Without: quotes, no writing."),
    ] = None,
    calibration: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="From `prod-rag calibrate`; default: the shipped one."),
    ] = None,
    metric: Annotated[
        str, typer.Option(help="What makes an answer correct: contains, exact_match, token_f1, rougeL.")
    ] = ("contains"),
    threshold: Annotated[float, typer.Option(min=0.0, max=1.0, help="From this value on it is correct.")] = 0.5,
    wrong_cost: Annotated[float, typer.Option(min=0.0, help="Cost of a wrong answer, in correct ones.")] = 1.0,
    top_k: Annotated[int, typer.Option(min=1, max=50, help="Passages that reach the answer.")] = 5,
    limit: Annotated[int | None, typer.Option(min=1, help="At most this many questions, always the same ones.")] = None,
    bertscore: Annotated[bool, typer.Option("--bertscore", help="BERTScore too, with the offline weights.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the HTML report here, or its numbers to a .json.")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure answers end to end: correct, wrong and refused kept apart, right refusals rewarded."""
    from llama_index_prod_rag.cli.engine import Settings, load_assessor, load_llm
    from llama_index_prod_rag.cli.evaluated_engines import ask_contexts, ask_documents
    from llama_index_prod_rag.evaluation.answer_metrics import answer_metric
    from llama_index_prod_rag.evaluation.questions import ask_all, read_questions
    from llama_index_prod_rag.evaluation.report.numbers import report_numbers
    from llama_index_prod_rag.evaluation.report.page import write_report
    from llama_index_prod_rag.evaluation.report.texts import text_scores

    chosen = answer_metric(metric)
    questions = read_questions(data, limit=limit)
    settings = Settings(top_k=top_k, llm=load_llm(llm), assessor=load_assessor(calibration))
    labels = {question.query_id: question.label for question in questions}
    if documents is None:
        ask, known = ask_contexts(settings), dict[str, Any]()
    else:
        ask, known = ask_documents(documents, settings, labels.values())
    with progress_bar("answering", total=len(questions)) as advance:
        records = ask_all(questions, ask, on_done=advance)
    numbers = report_numbers(
        records.values(),
        records.get,
        labels=labels,
        title=f"Answers to {data.parent.resolve().name}/{data.name}",
        wrong_cost=wrong_cost,
        metric=chosen,
        threshold=threshold,
        **known,
    )
    numbers["texts"] = text_scores(records, labels, bert=bertscore)
    if report is not None:
        write_report(numbers, report)
    if json_output:
        typer.echo(json.dumps(numbers))
    else:
        _print(numbers)


def _print(numbers: dict[str, Any]) -> None:
    from llama_index_prod_rag.evaluation.report.page import rate, words

    console = Console()
    summary = numbers["answers"]
    if summary is None:
        console.print("No row says what would be right: give answers or answerable.")
        return
    table = Table(title=f"{numbers['title']}: {summary['n']} questions", title_justify="left")
    table.add_column("measure")
    table.add_column("95 % interval", justify="right")
    for key in (
        "good",
        "coverage",
        "selective_accuracy",
        "correct_when_answerable",
        "false_refusals",
        "false_answers",
    ):
        table.add_row(words(key), rate(summary[key]))
    reward = summary["reward"]
    table.add_row("reward", f"{reward['mean']:.3f} ({reward['low']:.3f} to {reward['high']:.3f})")
    for name, interval in numbers["texts"].items():
        table.add_row(f"{words(name)}, answerable and answered", f"{interval['mean']:.3f}")
    console.print(table)
    console.print("outcomes: " + ", ".join(f"{words(key)} {count}" for key, count in summary["counts"].items()))
    lost = ", ".join(f"{words(row['stage'])} {row['n']}" for row in numbers["stages"] if row["n"])
    console.print(f"lost at: {lost or 'nothing went wrong'}")
