"""An answer, printed for a person or as one JSON object."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.base.response.schema import RESPONSE_TYPE
from llama_index.core.schema import NodeWithScore
from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from llama_index_prod_rag.cli.paths import PathText
from llama_index_prod_rag.cli.reading import is_converted
from llama_index_prod_rag.errors import InputError
from llama_index_prod_rag.text.printable import escape_json, make_line, make_printable
from llama_index_prod_rag.trace.scored_node import ScoredNode

_STYLES = {"answer": "green", "clarify": "cyan", "hedge": "yellow", "refuse": "red"}
_JSON_KEYS = ("query_id", "decision", "status", "confidence", "judged_by", "reasons", "readings", "quotes", "checks")
_WORDS = ("coverage.", "missing.")
_SOURCE_KEYS = ("file", "start", "end", "heading_path", "text", "score")
_SHOWN_TEXT = 1_200  # characters of a passage, about twenty lines


def as_json(question: str, response: RESPONSE_TYPE) -> dict[str, Any]:
    """Make the object that `ask --json` prints."""
    report = report_of(response)
    return {
        "question": question,
        **{key: report[key] for key in _JSON_KEYS},
        "answer": str(response),
        "sources": [
            {**{key: source[key] for key in _SOURCE_KEYS}, **_position(hit)}
            for hit, source in zip(response.source_nodes, report["sources"], strict=True)
        ],
        "quotes": report["quotes"],
        "degraded": report["degraded"],
        "timings": report["timings"],
    }


def print_json(value: object) -> None:
    """Write one JSON object to stdout, readable and pipeable: with escapes where it is not UTF-8, as JSON has to be."""
    readable = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    sys.stdout.write(escape_json(json.dumps(value, indent=2, ensure_ascii=not readable)) + "\n")


def report_of(response: RESPONSE_TYPE) -> Mapping[str, Any]:
    """Read what the gate says about its own response."""
    return (response.metadata or {})["prod_rag"]  # type: ignore[no-any-return] # LlamaIndex's metadata is Dict[str, Any]


def print_answer(console: Console, question: str, response: RESPONSE_TYPE, *, text: bool = False) -> None:
    """Print the decision, the answer, its sources, and how the top passages got where they are.

    Args:
        console: where to.
        question: what was asked.
        response: a gate's.
        text: print the passages themselves, too.
    """
    report = report_of(response)
    decision = str(report["decision"])
    title = f"[bold]{decision}[/bold] ({report['status']}, {_describe_confidence(report)})"
    console.print()
    console.print(Text(make_line(question), style="bold"))
    answer = Text(make_printable(str(response).strip()))
    console.print(Panel(answer, title=title, title_align="left", border_style=_STYLES[decision]))
    for reason in report["reasons"]:
        _print_note(console, f"because {reason}", "dim")
    for line in _describe_checks(report["checks"]):
        _print_note(console, line, "dim")
    for stage, why in report["degraded"].items():
        _print_note(console, f"without {stage}: {why}", "yellow")
    if report["sources"]:
        console.print(_passages(response.source_nodes, report["sources"]))
    if text:
        for number in range(1, len(report["sources"]) + 1):
            print_source(console, response, number)


def _print_note(console: Console, words: str, style: str) -> None:
    console.print(Padding(Text(make_line(words), style=style), (0, 0, 0, 2)))


def print_source(console: Console, response: RESPONSE_TYPE, number: int) -> None:
    """Print the text of one source, counted from 1.

    Raises:
        InputError: there is no such source.
    """
    sources = report_of(response)["sources"]
    if not 1 <= number <= len(sources):
        raise InputError(f"there is no source {number}: the last answer has {len(sources)}")
    source, hit = sources[number - 1], response.source_nodes[number - 1]
    body = make_printable(str(source["text"]))
    shown = body if len(body) <= _SHOWN_TEXT else f"{body[:_SHOWN_TEXT]} ..."
    head = Table.grid(padding=(0, 1))
    head.add_row(Text(str(number), style="bold"), _place(source, hit))  # no title of the panel, which cuts long names
    console.print(head)
    console.print(Panel(Text(shown), border_style="dim"))


def _describe_confidence(report: Mapping[str, Any]) -> str:
    """What the confidence is about, and no figure where it would say more than is known."""
    judged_by = report["judged_by"]
    if report["confidence"] is None:
        return "evidence not assessed"
    if judged_by and all(name.startswith(_WORDS) for name in judged_by):
        return "evidence judged by words alone"
    return f"chance of evidence {report['confidence']:.0%}"


def _describe_checks(checks: Mapping[str, Any] | None) -> list[str]:
    """What the checks of a written answer found, a line for each sentence."""
    if checks is None:
        return []
    lines = []
    for sentence in checks["sentences"]:
        missing = [f"{number} stands in no passage" for number in sentence["unfounded_numbers"]]
        contradicted = [f"contradicted {sentence['contradiction']:.0%}"] if sentence["contradiction"] else []
        findings = ", ".join([f"supported {sentence['support']:.0%}", *contradicted, *missing])
        lines.append(f'checked "{sentence["text"]}": {findings}')
    return lines


def _passages(hits: Sequence[NodeWithScore], sources: Sequence[Mapping[str, Any]]) -> Table:
    legs = list(dict.fromkeys(leg for hit in hits for leg in _legs(hit)))
    table = Table(box=None, padding=(0, 1), header_style="dim", row_styles=["", "dim"])
    table.add_column("", justify="right")
    table.add_column("\nsource")
    for leg in legs:
        table.add_column(f"{leg}\nrank, score", justify="right")
    for name in ("\nfused", "pair\nlogit", "\nfinal"):
        table.add_column(name, justify="right")
    for number, (hit, source) in enumerate(zip(hits, sources, strict=True), start=1):
        table.add_row(
            str(number),
            _place(source, hit),
            *(_leg_cell(hit, leg) for leg in legs),
            _number(_find_fused_score(hit)),
            _number(_logit(hit), digits=1),
            _number(source["score"]),
        )
    return table


def _place(source: Mapping[str, Any], hit: NodeWithScore) -> Group:
    """The file and the place in it, and below them the headings above."""
    file = PathText(make_line(str(source["file"])), make_line(_span(source, hit)))
    headings = make_line(_headings(source))
    return Group(file, Text(headings, style="dim")) if headings else Group(file)


def _headings(source: Mapping[str, Any]) -> str:
    return " > ".join(source["heading_path"])


def _span(source: Mapping[str, Any], hit: NodeWithScore) -> str:
    position = _position(hit)
    if position["page"] is not None:
        return f"p. {position['page']}"
    if position["lines"] is not None:
        first, last = position["lines"]
        return f"line {first}" if first == last else f"lines {first}-{last}"
    return "" if source["start"] is None or is_converted(str(source["file"])) else f"{source['start']}:{source['end']}"


def _position(hit: NodeWithScore) -> dict[str, Any]:
    """Where a person finds a passage: the page where there are pages, else the lines from 1, where it has lines."""
    return {"page": hit.node.metadata.get("page_label"), "lines": hit.node.metadata.get("lines")}


def _legs(hit: NodeWithScore) -> Sequence[str]:
    return list(hit.retrieval.legs) if isinstance(hit, ScoredNode) and hit.retrieval is not None else []


def _leg_cell(hit: NodeWithScore, leg: str) -> str:
    if not isinstance(hit, ScoredNode) or hit.retrieval is None:
        return "-"
    seen = hit.retrieval.legs.get(leg, {}).get(hit.node_id)
    return "-" if seen is None else f"{seen.rank}, {seen.score:.2f}"


def _find_fused_score(hit: NodeWithScore) -> float | None:
    return hit.retrieval.fused.get(hit.node_id) if isinstance(hit, ScoredNode) and hit.retrieval is not None else None


def _logit(hit: NodeWithScore) -> float | None:
    return hit.rerank.logits.get(hit.node_id) if isinstance(hit, ScoredNode) and hit.rerank is not None else None


def _number(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
