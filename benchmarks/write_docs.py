"""Write `docs/benchmarks.md` from the committed results.

python -m benchmarks.write_docs [--check]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import day_one_tables as tables
from benchmarks.run import BENCHMARKS, RESULTS
from benchmarks.structured_text_table import structured_text_table

_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Written from the JSON under `benchmarks/results/` by `python -m benchmarks.write_docs`. Each section names the command
that prints its figures again; brackets are 95 % intervals, and one around a difference that contains zero means that no
difference was shown.

Sections marked \N{DAGGER} were measured with all-MiniLM-L6-v2, which `"offline"` meant then, before hits that hold
what a question names were lifted, and before the chunkers, the words and the calibration of now: the commands print
other figures today.
"""

_EARLIER = frozenset(
    {
        "chunking",
        "cuad",
        "tuning_rerank",
        "rerank_quality",
        "rerank_text",
        "gate",
        "gate_answers",
    }
)
"""Results that an earlier state of the package gave."""

Found = Mapping[str, Any]
"""A result as it was read."""

Table = Sequence[Sequence[str]]
"""Rows of cells, the header first."""


@dataclass(frozen=True, slots=True)
class Section:
    """One result on the page.

    Attributes:
        name: the result's file without its ending; the section's anchor.
        title: its heading.
        says: what one has to know to read the table.
        table: from the JSON to the table.
    """

    name: str
    title: str
    says: str
    table: Callable[[Found], Table]


def _figure(value: float | None, digits: int = 3) -> str:
    if value is None:
        return ""
    text = f"{value:.{digits}f}"
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _interval(value: Mapping[str, float]) -> str:
    return f"{_figure(value['mean'])} [{_figure(value['low'])}, {_figure(value['high'])}]"


def _grid(rows: Iterable[str], columns: Iterable[str], cell: Callable[[str, str], str]) -> Table:
    columns = list(columns)
    return [["", *columns], *([row, *(cell(row, column) for column in columns)] for row in rows)]


def _hybrid(found: Found) -> Table:
    sets = found["sets"]
    systems = next(iter(sets.values()))["nDCG@10"]
    return _grid(systems, sets, lambda system, name: _interval(sets[name]["nDCG@10"][system]))


def _hybrid_minus(found: Found) -> Table:
    sets = found["sets"]
    systems = next(iter(sets.values()))["hybrid_minus"]
    return _grid(systems, sets, lambda system, name: _interval(sets[name]["hybrid_minus"][system]))


_IDENTIFIERS = (
    "Codes, part numbers, error messages, versions, rare names, phrases and titles that one document of the five "
    "collections holds, bare and inside a sentence: share found in the first ten, and in the first place; test half. "
)


def _identifiers(found: Found) -> Table:
    columns = {"first ten": "top_ten", "first": "first"}
    return _grid(found["found"], columns, lambda system, column: _interval(found["found"][system][columns[column]]))


def _whole_question(found: Found) -> Table:
    """What was measured, where, and the figure; each part has columns of its own, so one row per figure."""
    hops, chats, readings = found["hops"]["sets"], found["follow_ups"], found["readings"]
    rows = [["", "without", "with", "difference"]]
    for name, values in hops.items():
        for metric, figures in values["test"].items():
            rows.append(
                [
                    f"two hops: {metric}, {name}",
                    _interval(figures["hybrid"]),
                    _interval(figures["linked"]),
                    _interval(figures["difference"]),
                ]
            )
    three = hops.get("hotpotqa", {}).get("test", {}).get("all golds")
    if three:
        rows.append(["followed once more: all golds, hotpotqa", "", "", _interval(three["followed_twice"])])
    rows.append(
        [
            f"follow-ups: recall@10, {chats['test']['questions']} questions",
            _interval(chats["test"]["bare"]),
            _interval(chats["test"]["condensed"]),
            f"{_figure(chats['test']['kept'])} of the question's own",
        ]
    )
    for name, figures in chats["ordinary"].items():
        taken = f"{_figure(figures['leaning'])} taken for follow-ups"
        rows.append([f"ordinary questions, {name}", "", taken, f"recall@10 lost: {_figure(figures['recall_lost'], 4)}"])
    for name, splits in found["versions"]["sets"].items():
        test = splits["test"]
        old = [_interval(test["old_first_without"]), _interval(test["old_first"]), ""]
        rows.append([f"versions: an old one first, {name}, {test['questions']} questions", *old])
        rows.append([f"versions: the one of the year named, {name}", "", _interval(test["named_time"]), ""])
        rows.append([f"other questions: nDCG@10, {name}", "", "", _interval(test["others_difference"])])
    for half, figures in (("test half", readings["test"]), ("both halves", readings["all"])):
        asked = f"{half}, {figures['ambiguous']} ambiguous, {figures['clear']} clear"
        kinds = ("precision", "recall", "gate")
        rows += [[f"two meanings: {name}, {asked}", "", _interval(figures[name]), ""] for name in kinds]
    for name, figures in readings["ordinary"].items():
        rows.append([f"ordinary questions asked back, {name}", "", _figure(figures["asked_back"]), ""])
    return rows


def _tuning(found: Found) -> Table:
    sets = found["sets"]
    labels = list(next(iter(sets.values()))["tuned"])
    rows = ["dense", "bm25", "default", *(f"{number} labels" for number in labels)]

    def cell(row: str, name: str) -> str:
        number = row.partition(" ")[0]
        return _interval(sets[name]["tuned"][number]) if number in labels else _figure(sets[name]["fixed"][row])

    return _grid(rows, sets, cell)


def _fields(found: Found) -> Table:
    sets = found["sets"]

    def cell(query: str, name: str) -> str:
        row = sets[name][query]
        mean, low, high = row["against_best_fields"]
        return f"{_figure(row['nDCG@10'])}, {mean:+.3f} [{low:.3f}, {high:.3f}]"

    return _grid(next(iter(sets.values())), sets, cell)


def _latency(found: Found) -> Table:
    rows = [
        [size, way, _figure(row["p50_ms"], 1), _figure(row["p95_ms"], 1), _figure(row.get("recall@10"))]
        for size, result in found["sizes"].items()
        for way, row in result["ways"].items()
    ]
    return [["passages", "way", "p50 ms", "p95 ms", "recall@10"], *rows]


def _rerank(found: Found) -> Table:
    sets, gains = found["sets"], found["mean_gain_over_dense"]
    columns = [*sets, "mean gain over dense"]

    def cell(system: str, name: str) -> str:
        return _interval(sets[name][system]) if name in sets else f"{gains[system]:+.1%}"

    return _grid(gains, columns, cell)


def _read(found: Found) -> Table:
    sets = found["sets"]
    orders = next(iter(sets.values()))
    rows = [f"{order}: {text}" for order, texts in orders.items() for text in texts]

    def cell(row: str, name: str) -> str:
        order, _, text = row.partition(": ")
        return _interval(sets[name][order][text])

    return _grid(rows, sets, cell)


def _trec(found: Found) -> Table:
    rows = [[name, _interval({**row, "mean": row["nDCG@10"]})] for name, row in found["systems"].items()]
    return [["", "nDCG@10"], *rows, ["int8 minus fp32", _interval(found["int8_minus_fp32"])]]


def _chunking(found: Found) -> Table:
    metrics = (
        "mean_tokens",
        "recall",
        "precision",
        "iou",
        "precision_omega",
        "recall@500",
        "recall@1000",
        "cpu_seconds",
    )
    systems = found["systems"]

    def cell(system: str, metric: str) -> str:
        if metric == "cpu_seconds":
            return _figure(systems[system]["all"].get(metric), 1)
        value = systems[system]["all"][metric]
        return f"{value:.0f}" if metric == "mean_tokens" else f"{100 * value:.1f}"

    return _grid(systems, metrics, cell)


def _chunking_minus(found: Found) -> Table:
    differences = found["differences"]
    metrics = list(next(iter(differences.values())))

    def cell(pair: str, metric: str) -> str:
        value = differences[pair][metric]
        return f"{100 * value['mean']:+.1f} [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"

    return _grid(differences, metrics, cell)


def _cuad(found: Found) -> Table:
    systems, differences = found["systems"], found["differences"]

    def cell(system: str, column: str) -> str:
        metric, _, minus = column.partition(": ")
        if not minus:
            value = systems[system][metric]
            return f"{value:.0f}" if metric == "mean_tokens" else f"{100 * value:.1f}"
        row = differences.get(f"DocumentAwareNodeParser - {system}", {}).get(metric)
        return f"{100 * row['mean']:+.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]" if row else ""

    metrics = ("whole", "recall@5", "kept@5")
    return _grid(systems, ("mean_tokens", *metrics, *(f"{metric}: ours minus it" for metric in metrics)), cell)


def _speed(found: Found) -> Table:
    systems, long = found["systems"], found.get("long", {})

    def cell(system: str, column: str) -> str:
        row = systems[system]
        if column == "peak MB":
            return f"{row['peak_rss_mb']:.0f}"
        if column == "peak MB, 300 x 512 tokens":
            return f"{long[system]['peak_rss_mb']:.0f}" if system in long else ""
        workload, _, figure = column.partition(" ")
        return _figure(row["workloads"][workload][figure], 3 if figure == "ndcg@10" else 1)

    figures = ("pairs_per_second", "pairs_per_cpu_second", "ndcg@10")
    columns = [f"{workload} {figure}" for workload in ("scifact", "chunks") for figure in figures]
    return _grid(systems, [*columns, "peak MB", *(["peak MB, 300 x 512 tokens"] if long else [])], cell)


_SCALE: dict[str, Callable[[Found], str]] = {
    "build s": lambda row: f"{row['build_seconds']:.0f} ({row['build_cpu_seconds']:.0f})",
    "open s": lambda row: f"{row['open_seconds']:.2f} ({row['open_cpu_seconds']:.2f})",
    "dense ms": lambda row: _times(row["dense"]),
    "lexical ms": lambda row: _times(row["lexical"]),
    "hybrid ms": lambda row: _times(row["hybrid"]),
    "insert ms": lambda row: f"{row['insert_ms']:.0f}",
    "delete ms": lambda row: f"{row['delete_ms']:.0f}",
    "disk MB": lambda row: f"{row['disk_mb']:.0f}",
    "peak MB": lambda row: f"{row['rss_mb']:.0f}",
    "exact": lambda row: f"{row['exact']:.0%}",
}


def _times(row: Mapping[str, float]) -> str:
    return f"{row['p50_ms']:.0f}, {row['p95_ms']:.0f} ({row['cpu_ms']:.0f})"


def _scale(found: Found) -> Table:
    rows = {
        f"{int(size):,} {system}": row for size, systems in found["sizes"].items() for system, row in systems.items()
    }
    return _grid(rows, _SCALE, lambda row, column: _SCALE[column](rows[row]))


def _cores(found: Found) -> Table:
    digits = {"pairs_per_second": 1, "efficiency": 2, "busy": 2}
    rows = {f"{name}, {count} threads": row for name, of in found["workloads"].items() for count, row in of.items()}
    return _grid(rows, digits, lambda row, column: _figure(rows[row][column], digits[column]))


def _gpu(found: Found) -> Table:
    systems = found["systems"]
    digits = {"pairs_per_second": 0, "card": 2, "tokenizer": 2}
    return _grid(systems, digits, lambda row, column: _figure(systems[row].get(column), digits[column]))


def _gate(domain: str) -> Callable[[Found], Table]:
    heads = ("calibrated", "other_sets", "default", "textbook")

    def table(found: Found) -> Table:
        sets = found["datasets"]

        def cell(name: str, column: str) -> str:
            row = sets[name][domain]
            if column == "n":
                return str(row["n"])
            head, _, metric = column.partition(" ")
            return _figure(row.get(head, {}).get(metric))

        columns = ["n", *(f"{head} auroc" for head in heads), *(f"{head} refused_at_5" for head in heads)]
        return _grid(sets, columns, cell)

    return table


def _gate_trust(found: Found) -> Table:
    sets = found["datasets"]

    def cell(name: str, column: str) -> str:
        near = sets[name]["near"]
        own = near["calibrated"]
        if column == "bound exceeded in":
            return (
                "too few labels"
                if not near["false_refusals"]["splits"]
                else f"{near['false_refusals']['exceeded']:.1%}"
            )
        if column == "precision":
            return f"{_figure(own['precision_at_95'])} of {own['answered_at_95']}" if own["labels_at_95"] else ""
        keys = {"ECE": "ece", "its floor": "ece_floor", "Brier skill": "brier_skill", "coverage": "coverage_at_95"}
        return own["labels_at_95"] or "none" if column == "rests on" else _figure(own[keys[column]])

    columns = ["ECE", "its floor", "Brier skill", "bound exceeded in", "coverage", "precision", "rests on"]
    return _grid(sets, columns, cell)


def _answers(found: Found) -> Table:
    systems = found["systems"]

    def cell(system: str, column: str) -> str:
        value = systems[system][column]
        return str(value) if column == "correct" else _interval(value) if value else ""

    return _grid(systems, ("coverage", "wrong_of_all", "wrong_of_answered", "correct"), cell)


def _flat(found: Found) -> Table:
    return [["figure", "value"], *([key, str(value)] for key, value in found.items())]


def _stages(found: Found) -> Table:
    return _grid(found, ("p50_ms", "p95_ms"), lambda stage, column: _figure(found[stage][column], 2))


def _first_minutes(found: Found) -> Table:
    columns = {"seconds": "wall_seconds", "processor seconds": "cpu_seconds", "peak MB": "peak_mb"}
    steps = found["steps"]
    return _grid(steps, columns, lambda step, column: f"{steps[step][columns[column]]:.{0 if 'MB' in column else 1}f}")


def _formats(found: Found) -> Table:
    rows = [[name, str(row["n"]), f"{100 * row['right']:.1f}"] for name, row in found.items()]
    return [["files", "n", "right, %"], *rows]


def _structure(found: Found) -> Table:
    systems = found["systems"]
    formats = list(next(iter(systems.values())))
    return _grid(systems, formats, lambda system, kind: f"{systems[system][kind]['whole']:.0%}")


SECTIONS = (
    Section("chunking", "Chunking", "Percent, at equal mean size; a budget of 250 tokens.", _chunking),
    Section("chunking", "Chunking: differences", "Points of percent.", _chunking_minus),
    Section(
        "cuad",
        "Contracts",
        "Percent of the experts' spans that lie in one chunk, of their characters that a question's five best chunks "
        "hold, and of spans that one of the five holds whole; test half of the contracts, equal mean size.",
        _cuad,
    ),
    Section("structure", "Structure", "Blocks kept whole, in a gold set that we wrote.", _structure),
    Section(
        "formats", "Formats", "Files whose kind was told with the name withheld; signs tuned on the same.", _formats
    ),
    Section("hybrid_report", "Hybrid", "nDCG@10 on test queries, bge-small-en-v1.5 in int8.", _hybrid),
    Section("hybrid_report", "Hybrid minus others", "nDCG@10, paired.", _hybrid_minus),
    Section("hybrid_report_minilm", "Hybrid with MiniLM", "nDCG@10 on test queries, all-MiniLM-L6-v2.", _hybrid),
    Section("hybrid_report_minilm", "Hybrid with MiniLM minus others", "nDCG@10, paired.", _hybrid_minus),
    Section("hybrid_identifiers", "Identifiers", _IDENTIFIERS + "bge-small-en-v1.5 in int8.", _identifiers),
    Section("hybrid_identifiers_minilm", "Identifiers with MiniLM", _IDENTIFIERS + "all-MiniLM-L6-v2.", _identifiers),
    Section(
        "hybrid_identifiers_elasticsearch",
        "Identifiers on Elasticsearch",
        _IDENTIFIERS + "bge-small-en-v1.5 in int8; `dense` and `bm25` are the hybrid at alpha 1 and 0, lifts included.",
        _identifiers,
    ),
    Section(
        "whole_question",
        "The whole question",
        "Two hops, follow-ups, versions and two meanings, without a language model, on test questions; settings were "
        "chosen on train halves. Each module under `benchmarks/whole_*` says how its questions were made.",
        _whole_question,
    ),
    Section("tuning", "Tuning", "nDCG@10 on the queries that were not labelled; 100 draws.", _tuning),
    Section(
        "elasticsearch_fields",
        "Elasticsearch fields",
        "nDCG@10 of the lexical leg over title and content, and the difference to `best_fields ^2`.",
        _fields,
    ),
    Section(
        "elasticsearch_latency",
        "Elasticsearch latency",
        "One node on the same two cores; real passages recombined, real vectors plus noise. Recall@10 against exact.",
        _latency,
    ),
    Section(
        "elasticsearch_latency_500k",
        "Elasticsearch latency at 500k",
        "The same, once, in the segments that filling the index made.",
        _latency,
    ),
    Section("bm25_speed", "BM25 speed", "The embedded lexical leg, two cores.", _flat),
    Section("rerank_quality", "Reranking", "nDCG@10 on test queries, same int8 weights.", _rerank),
    Section(
        "tuning_rerank",
        "Tuning with the cross-encoder",
        "The same with the pair score as a third leg; 30 draws.",
        _tuning,
    ),
    Section(
        "rerank_text",
        "What the cross-encoder reads",
        "nDCG@10 on train queries, the hybrid's first 20 by the pair score alone and as `CrossEncoderRerank` orders.",
        _read,
    ),
    Section(
        "embedded_scale",
        "Index in a folder",
        "Chunks of about 140 tokens and 384 dimensions; questions bring their vectors. Milliseconds are the median and "
        "the 95th percentile; in brackets processor seconds, and processor milliseconds of all threads a question. The "
        "two cores had some thirty other processes to run, so wall time is many times the processor time, which is "
        "what to compare. `exact` is the share of the true ten nearest in the dense leg. LlamaIndex's parts were left "
        "out at 100,000 chunks, and the figures there come from several runs.",
        _scale,
    ),
    Section(
        "rerank_speed",
        "Reranking speed",
        "50 candidates per question, same weights, a process each: whole abstracts (scifact, about 350 tokens) "
        "and chunks (about 140). Pairs handed in, a second and a processor second. Peaks below 860 MB are those "
        "of the process that made the tasks, which a child inherits: ours stayed below it.",
        _speed,
    ),
    Section(
        "rerank_cores",
        "Reranking on many cores",
        "The int8 cross-encoder by the number of its threads, on 16 cores of an Intel Xeon with VNNI. `busy` is the "
        "share "
        "of the time that the threads computed: they hardly wait for one another, and what is lost with 16 of them is "
        "lost in the processor: its memory, caches and clock.",
        _cores,
    ),
    Section(
        "rerank_gpu",
        "Reranking on a card",
        "100 candidates per question in torch on an NVIDIA H100, pairs per second. What is longer than 512 tokens, "
        "ours reads to its end, passages of 890 tokens in two windows, and LlamaIndex's reads the beginning. `card` is "
        "the share of the time in which the card computes, `tokenizer` that of our tokenizer. Measured before places "
        "of tokens were looked up one by one and batches got smaller, which no card was at hand for.",
        _gpu,
    ),
    Section("rerank_trec", "TREC DL 2019", "BM25's top 100, reranked.", _trec),
    Section(
        "gate",
        "Gate",
        "Near: evidence taken out of the collection, or questions written so that nothing answers. AUROC of evidence "
        "there against not, and the share of questions without evidence that is refused where 5 % of the others are. "
        "`calibrated` is fitted on the set's own train questions, `other_sets` saw none of the set, `default` ships.",
        _gate("near"),
    ),
    Section("gate", "Gate: far", "The same, with another collection's questions.", _gate("far")),
    Section(
        "gate",
        "Gate: can it be trusted",
        "Calibration error in five bins beside what a perfect head of that size shows; how many of 200 random splits "
        "refused more than promised, beyond the binomial margin; and what a goal of 95 % precision leaves.",
        _gate_trust,
    ),
    Section(
        "gate_day_one",
        "The first day",
        "40 test questions of each set by pipeline. In percent: refused where the evidence is there; answered where it "
        "is there / was taken out / for everyday questions. `raw`: the shipped heads, scales not looked at; `shipped`: "
        "as it ships, foreign scores left out (named in the last column); `documents`: calibrated from documents.",
        tables.day_one,
    ),
    Section(
        "judge",
        "A second look",
        "Percent, shipped calibration, judges that are right so often; `fitted`: what a ruling is worth was learned "
        "from train questions. `precision`: of the answered, those that have their evidence among the passages shown.",
        tables.judge,
    ),
    Section("judge", "A second look by SmolLM2-135M", "Hedges that it read; two passages each.", tables.reads),
    Section(
        "two_promises",
        "Two promises at once",
        "At most 5 % false refusals and at least this precision, both together with 95 % confidence: draws of labels "
        "(percent) in which both are promised.",
        tables.promises,
    ),
    Section(
        "document_weights",
        "Weights from documents alone",
        "Gain in nDCG@10 over the default weights, dense and lexical leg, test questions. `left out`: the line from "
        "the dense leg's strength to its weight was fitted on the other sets alone; `shipped`: on the train questions "
        "of all. Beside them what 20 labels are worth.",
        tables.document_weights,
    ),
    Section(
        "structured_text",
        "Structured text",
        "Questions to folders of generated tables, data, code and logs, as `prod-rag ask` answers them: shares of "
        "those that the folder answers (there), and of those for a row or a column that is not in it (gone). Quoted: "
        "the first quote says the value. Test folders; everything was chosen on others.",
        structured_text_table,
    ),
    Section("gate_answers", "Wrong answers", "SmolLM2-135M on squad2_dev_sample.", _answers),
    Section(
        "first_minutes",
        "First minutes",
        "Medians of five whole processes on two cores, from nothing computed to everything kept; the models come from "
        "their wheel. `demo` asks eight questions of 945 chunks. Measured beside so much other work on the same cores "
        "(load averages of 10 to 30) that the seconds on the clock say little: read the processor seconds, which both "
        "cores share where it embeds or reranks.",
        _first_minutes,
    ),
    Section("overhead", "Overhead", "Milliseconds per question of our own code.", _stages),
    Section("query_log", "Query log", "Four processes, SQLite.", _flat),
    Section("query_log_postgresql", "Query log on PostgreSQL", "The same.", _flat),
    Section("report_scale", "Report", "100,000 logged questions.", _flat),
)


def render(results: Path = RESULTS) -> str:
    """The page."""
    parts, commands = [_HEAD], {item.result: item.command for item in BENCHMARKS}
    for section in SECTIONS:
        file = results / f"{section.name}.json"
        if file.is_file():
            anchor = section.title.lower().replace(":", "").replace(" ", "_")
            table = _markdown(section.table(json.loads(file.read_text(encoding="utf-8"))))
            mark = " \N{DAGGER}" if section.name in _EARLIER else ""
            heading = f"## {section.title}{mark} {{ #{anchor} }}"
            parts.append(f"{heading}\n\n`{commands[section.name]}`: {section.says}\n\n{table}")
    return "\n".join(parts)


def _markdown(table: Table) -> str:
    header, *rows = table
    lines = [header, ["---"] * len(header), *rows]
    page = "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
    return re.sub(r"\[(\S+), (\S+)\]", "[\\1,\N{NO-BREAK SPACE}\\2]", page)  # an interval stays on one line


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the page is not up to date")
    chosen = parser.parse_args(arguments)
    page = render()
    if not chosen.check:
        _PAGE.write_text(page, encoding="utf-8")
    elif _PAGE.read_text(encoding="utf-8") != page:
        print("docs/benchmarks.md is not what the results say: python -m benchmarks.write_docs", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
