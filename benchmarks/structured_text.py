"""How the gate does on tables, CSV, JSON, YAML, configuration, code and logs, as `prod-rag ask` reads a folder of them.

    python -m benchmarks.structured_text [--split test|train] [--questions] --json

Folders of a seeded generator (`structured_text_files`, `structured_folders`), each with a few files of prose among the
others; train and test folders are about different things. Half of the questions are answered by one row, record or
line, the other half asks for something of the same kind that is not there: another name, or a column nobody keeps.
Small folders hold one of the files alone. Typos, single words, yes or no, lists, questions of about 95 words, prose
and far questions have a few cases each, counted by themselves.

`refused` is of the questions that the folder answers, `answered` of those that it does not; `quoted` is how often the
first quote, and `among the quotes` how often one of them, says the value asked for. Each with Wilson's 95 % interval.
The shipped calibration judges, and the offline models read; `passages alone` is without rows read by themselves.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.pair_scores import remember
from benchmarks.structured_folders import TEST, TRAIN
from benchmarks.structured_text_files import Domain, Records, Table, draw_records, kebab, split_names, write
from llama_index_prod_rag.cli.corpus import open_corpus
from llama_index_prod_rag.cli.engine import Settings, build_stages
from llama_index_prod_rag.cli.sources import files_source
from llama_index_prod_rag.confidence.verification import SupportPolicy
from llama_index_prod_rag.models.disk_cache import cache_folder
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.weights import OFFLINE
from llama_index_prod_rag.query_engine.gated import ConfidenceGatedQueryEngine
from llama_index_prod_rag.significance import proportion

_log = logging.getLogger(__name__)
SEED = 7
SMALL = "small folder"
NEAR, FAR = "near", "far"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a folder.

    Attributes:
        text: its words.
        kind: the form of the file that it is about, or what is special about it.
        answer: what the right passage says; empty where the folder does not answer.
    """

    text: str
    kind: str
    answer: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gate made of a question.

    Attributes:
        folder: the folder's name.
        asked: the question.
        decision: `answer`, `hedge` or `refuse`.
        confidence: the chance of evidence.
        quotes: what was quoted, best first, rows with their header.
        found: whether a passage shown says the answer.
        signals: what was measured.
    """

    folder: str
    asked: Asked
    decision: str
    confidence: float | None
    quotes: tuple[str, ...]
    found: bool
    signals: Mapping[str, float] = field(default_factory=dict, repr=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("train", "test"), default="test", help="which folders")
    parser.add_argument("--questions", action="store_true", help="each question and what became of it, too")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    domains = TEST if chosen.split == "test" else TRAIN
    outcomes, alone = measure(domains), measure(domains, pieces=0)
    report: dict[str, Any] = {"split": chosen.split, "seed": SEED, **figures(outcomes)}
    report["passages alone"] = figures(alone)["all"]
    if chosen.questions:
        report["outcomes"] = [asdict(outcome) for outcome in outcomes]
    print(json.dumps(report, indent=None if chosen.json else 1, allow_nan=False, ensure_ascii=False))
    return 0


def measure(domains: Sequence[Domain], *, pieces: int | None = None) -> list[Outcome]:
    """Ask every question of every folder.

    Args:
        domains: the folders.
        pieces: as `CrossEncoderRerank` takes it; None keeps its default.
    """
    found: list[Outcome] = []
    for domain in domains:
        # The same place in every run: its index and its pair scores are kept.
        folder = cache_folder() / "structured_text" / kebab(domain.name)
        questions = make_folder(domain, folder)
        engine = _build_engine(folder, pieces)
        found += [_ask(engine, domain.name, question) for question in questions]
        _log.info("%s: %d questions", domain.name, len(questions))
    return found


def _build_engine(folder: Path, pieces: int | None) -> ConfidenceGatedQueryEngine:
    """The engine that `prod-rag ask` asks a folder with, its pair scores kept: nothing is measured of its speed."""
    corpus = open_corpus(files_source(folder))
    retriever, reranker = build_stages(corpus, Settings())
    reranker.scorer = remember(load_scorer(OFFLINE))
    reranker.pieces = reranker.pieces if pieces is None else pieces
    return ConfidenceGatedQueryEngine(
        retriever,
        node_postprocessors=[reranker],
        support_policy=SupportPolicy(),
        term_statistics=corpus.terms,
    )


def make_folder(domain: Domain, folder: Path) -> list[Asked]:
    """Write a folder's files, and list what is asked of it."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {table.file: draw_records(table, SEED) for table in domain.tables}
    texts = {**{table.file: write(table, drawn[table.file]) for table in domain.tables}, **domain.prose}
    for file in set(folder.iterdir()) - {folder / name for name in texts}:
        file.unlink()
    for name, text in texts.items():
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text:
            (folder / name).write_text(text, encoding="utf-8")
    small = len(domain.tables) == 1 and not domain.prose
    asked = [question for table in domain.tables for question in _questions(table, drawn[table.file], small=small)]
    asked += [Asked(one.text, one.kind, _fill(one.answer, domain, drawn)) for one in domain.specials]
    return asked


def _questions(table: Table, records: Records, *, small: bool) -> Iterator[Asked]:
    """Each question once of a record that is there, half of them of one that is not, the rest about no column."""
    kind = SMALL if small else table.form
    absent = split_names(table.absent)
    for place, (text, column) in enumerate(table.asks):
        record = records[(2 * place + 1) % len(records)]
        yield Asked(text.format(record[table.kind]), kind, record[column])
        if place % 2 == 0:
            yield Asked(text.format(absent[place % len(absent)]), kind)
    for place, text in enumerate(table.beyond):
        yield Asked(text.format(records[(3 * place + 2) % len(records)][table.kind]), kind)


def _fill(answer: str, domain: Domain, drawn: Mapping[str, Records]) -> str:
    match = re.fullmatch(r"\{(\w+\.\w+)\.([^.]+)\.([^.]+)\}", answer)
    if match is None:
        return answer
    file, name, column = match.groups()
    kind = next(table.kind for table in domain.tables if table.file == file)
    return next(record[column] for record in drawn[file] if record[kind] == name)


def _ask(engine: ConfidenceGatedQueryEngine, folder: str, asked: Asked) -> Outcome:
    response = engine.query(asked.text)
    report = (response.metadata or {})["prod_rag"]
    quotes = tuple(f"{quote['header']}\n{quote['text']}".strip() for quote in report["quotes"])
    found = any(says(source["text"], asked.answer) for source in report["sources"])
    return Outcome(folder, asked, report["decision"], report["confidence"], quotes, found, report["signals"])


def says(text: str, answer: str) -> bool:
    """Whether a text says an answer, also with its words joined by hyphens."""
    return bool(answer) and (answer in text or kebab(answer) in kebab(text))


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Count what happened, over all questions and by kind."""
    kinds: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        kinds[outcome.asked.kind].append(outcome)
    return {"all": _count(outcomes), "kinds": {kind: _count(some) for kind, some in kinds.items()}}


def _count(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    there = [outcome for outcome in outcomes if outcome.asked.answer]
    gone = [outcome for outcome in outcomes if not outcome.asked.answer]
    first = [outcome for outcome in there if outcome.quotes[:1] and says(outcome.quotes[0], outcome.asked.answer)]
    among = [outcome for outcome in there if any(says(quote, outcome.asked.answer) for quote in outcome.quotes)]
    return {
        "there": _decisions(there)
        | {"found": _rate(sum(outcome.found for outcome in there), len(there))}
        | {"quoted": _rate(len(first), len(there)), "among the quotes": _rate(len(among), len(there))},
        "gone": _decisions(gone),
    }


def _decisions(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    names = (("answer", "answered"), ("hedge", "hedged"), ("refuse", "refused"))
    counts = [sum(outcome.decision == decision for outcome in outcomes) for decision, _ in names]
    rates = {name: _rate(count, len(outcomes)) for (_, name), count in zip(names, counts, strict=True)}
    return {"n": len(outcomes), **rates}


def _rate(count: int, n: int) -> dict[str, float] | None:
    if n == 0:
        return None
    interval = proportion(count, n)
    return {"rate": round(interval.mean, 4), "low": round(interval.low, 4), "high": round(interval.high, 4)}


if __name__ == "__main__":
    raise SystemExit(main())
