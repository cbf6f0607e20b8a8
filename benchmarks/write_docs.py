"""Write `docs/benchmarks.md` from the committed results.

python -m benchmarks.write_docs [--check]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.run import BENCHMARKS, RESULTS
from benchmarks.tables import chunking, first_day, gate, reranking, retrieval, running
from benchmarks.tables.common import Found, Table
from benchmarks.tables.structured_text import structured_text_table

_PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Written from the JSON under `benchmarks/results/` by `python -m benchmarks.write_docs`. Each section names the command
that prints its figures again; brackets are 95 % intervals, and one around a difference that contains zero means that no
difference was shown.
"""


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


_IDENTIFIERS = (
    "Codes, part numbers, error messages, versions, rare names, phrases and titles that one document of the five "
    "collections holds, bare and inside a sentence: share found in the first ten, and in the first place; test half. "
)

SECTIONS = (
    Section("chunking", "Chunking", "Percent, at equal mean size; a budget of 250 tokens.", chunking.chunking),
    Section("chunking", "Chunking: differences", "Points of percent.", chunking.chunking_minus),
    Section(
        "cuad",
        "Contracts",
        "Percent of the experts' spans that lie in one chunk, of their characters that a question's five best chunks "
        "hold, and of spans that one of the five holds whole; test half of the contracts, equal mean size.",
        chunking.cuad,
    ),
    Section("structure", "Structure", "Blocks kept whole, in a gold set that we wrote.", chunking.structure),
    Section(
        "formats",
        "Formats",
        "Files whose kind was told with the name withheld; signs tuned on the same.",
        chunking.formats,
    ),
    Section(
        "structure_speed",
        "Readers' speed",
        "Processor seconds to read five megabytes of a kind, generated from one piece and joined from real files; "
        "chunking is not in them.",
        chunking.reading_speed,
    ),
    Section("hybrid_report", "Hybrid", "nDCG@10 on test queries, bge-small-en-v1.5 in int8.", retrieval.hybrid),
    Section("hybrid_report", "Hybrid minus others", "nDCG@10, paired.", retrieval.hybrid_minus),
    Section(
        "hybrid_report_minilm", "Hybrid with MiniLM", "nDCG@10 on test queries, all-MiniLM-L6-v2.", retrieval.hybrid
    ),
    Section("hybrid_report_minilm", "Hybrid with MiniLM minus others", "nDCG@10, paired.", retrieval.hybrid_minus),
    Section("hybrid_identifiers", "Identifiers", _IDENTIFIERS + "bge-small-en-v1.5 in int8.", retrieval.identifiers),
    Section(
        "hybrid_identifiers_minilm",
        "Identifiers with MiniLM",
        _IDENTIFIERS + "all-MiniLM-L6-v2.",
        retrieval.identifiers,
    ),
    Section(
        "hybrid_identifiers_elasticsearch",
        "Identifiers on Elasticsearch",
        _IDENTIFIERS + "bge-small-en-v1.5 in int8; `dense` and `bm25` are the hybrid at alpha 1 and 0, lifts included.",
        retrieval.identifiers,
    ),
    Section(
        "whole_question",
        "The whole question",
        "Two hops and the gate behind them, follow-ups, versions and two meanings, without a language model, on test "
        "questions; settings were chosen on train halves. Each module under `benchmarks/whole_*` says how its "
        "questions were made.",
        retrieval.whole_question,
    ),
    Section("tuning", "Tuning", "nDCG@10 on the queries that were not labelled; 100 draws.", retrieval.tuning),
    Section(
        "elasticsearch_fields",
        "Elasticsearch fields",
        "nDCG@10 of the lexical leg over title and content, and the difference to `best_fields ^2`.",
        retrieval.fields,
    ),
    Section(
        "elasticsearch_latency",
        "Elasticsearch latency",
        "One node on the same two cores; real passages recombined, real vectors plus noise. Recall@10 against exact.",
        retrieval.latency,
    ),
    Section(
        "elasticsearch_latency_500k",
        "Elasticsearch latency at 500k",
        "The same, once, in the segments that filling the index made.",
        retrieval.latency,
    ),
    Section("bm25_speed", "BM25 speed", "The embedded lexical leg, two cores.", running.flat),
    Section("rerank_quality", "Reranking", "nDCG@10 on test queries, same int8 weights.", reranking.rerank),
    Section(
        "tuning_rerank",
        "Tuning with the cross-encoder",
        "The same with the pair score as a third leg; 30 draws.",
        retrieval.tuning,
    ),
    Section(
        "rerank_text",
        "What the cross-encoder reads",
        "nDCG@10 on train queries, the hybrid's first 20 by the pair score alone and as `CrossEncoderRerank` orders.",
        reranking.read,
    ),
    Section(
        "rerank_savings",
        "Reading fewer candidates",
        "nDCG@10 less that of reading all fifty, on 40 train queries of each, and the share of the passages' "
        "characters that the model still reads. None of them is on by default.",
        reranking.savings,
    ),
    Section(
        "embedded_scale",
        "Index in a folder",
        "Chunks of about 140 tokens and 384 dimensions; questions bring their vectors. Milliseconds are the median and "
        "the 95th percentile; in brackets processor seconds, and processor milliseconds of all threads a question. Our "
        "row at 100,000 was measured on two idle cores; beside the others some thirty processes ran, so for them the "
        "processor time is what to compare. `exact` is the share of the true ten nearest in the dense leg. "
        "LlamaIndex's parts were left out at 100,000 chunks.",
        retrieval.scale,
    ),
    Section(
        "rerank_speed",
        "Reranking speed",
        "50 candidates per question, same weights, a process each: whole abstracts (scifact, about 350 tokens) "
        "and chunks (about 140). Pairs handed in, a second and a processor second, on two cores with VNNI and "
        "next to nothing else to do.",
        reranking.speed,
    ),
    Section(
        "rerank_cores",
        "Reranking on many cores",
        "The int8 cross-encoder by the number of its threads, on 16 cores of an Intel Xeon with VNNI. `busy` is the "
        "share of the time that the threads computed: they hardly wait for one another, and what is lost with 16 of "
        "them is lost in the processor: its memory, caches and clock. Measured with the slower 8-bit products, which "
        "processors with VNNI are no longer asked for; no such machine was at hand since.",
        reranking.cores,
    ),
    Section(
        "rerank_gpu",
        "Reranking on a card",
        "100 candidates per question in torch on an NVIDIA H100, pairs per second. What is longer than 512 tokens, "
        "ours reads to its end, passages of 890 tokens in two windows, and LlamaIndex's reads the beginning. `card` is "
        "the share of the time in which the card computes, `tokenizer` that of our tokenizer. Measured before places "
        "of tokens were looked up one by one and batches got smaller, which no card was at hand for.",
        reranking.gpu,
    ),
    Section("rerank_trec", "TREC DL 2019", "BM25's top 100, reranked.", reranking.trec),
    Section(
        "gate",
        "Gate",
        "Near: evidence taken out of the collection, or questions written so that nothing answers. AUROC of evidence "
        "there against not, and the share of questions without evidence that is refused where 5 % of the others are. "
        "`calibrated` is fitted on the set's own train questions, `other_sets` saw none of the set, `default` ships.",
        gate.gate("near"),
    ),
    Section("gate", "Gate: far", "The same, with another collection's questions.", gate.gate("far")),
    Section(
        "gate",
        "Gate: can it be trusted",
        "Calibration error in five bins beside what a perfect head of that size shows; how many of 200 random splits "
        "refused more than promised, beyond the binomial margin; and what a goal of 95 % precision leaves.",
        gate.gate_trust,
    ),
    Section(
        "gate_day_one",
        "The first day",
        "60 test questions of each set by pipeline. In percent: refused where the evidence is there / is shown; "
        "answered where it is there / was taken out / for everyday questions. `raw`: the shipped heads, scales not "
        "looked at; `shipped`: as it ships, foreign scores left out (named in the last column); `documents`: "
        "calibrated from documents; `asked`: and from 60 questions without labels. Last rows: how many cells "
        "refuse 2 to 8 % of those whose evidence is there / is shown.",
        first_day.day_one,
    ),
    Section(
        "judge",
        "A second look",
        "Percent, shipped calibration, judges that are right so often; `fitted`: what a ruling is worth was learned "
        "from train questions. `precision`: of the answered, those that have their evidence among the passages shown.",
        first_day.judge,
    ),
    Section("judge", "A second look by SmolLM2-135M", "Hedges that it read; two passages each.", first_day.reads),
    Section(
        "two_promises",
        "Two promises at once",
        "At most 5 % false refusals and at least this precision, both together with 95 % confidence: draws of labels "
        "(percent) in which both are promised.",
        first_day.promises,
    ),
    Section(
        "document_weights",
        "Weights from documents alone",
        "Gain in nDCG@10 over the default weights, dense and lexical leg, test questions. `left out`: the line from "
        "the dense leg's strength to its weight was fitted on the other sets alone; `shipped`: on the train questions "
        "of all. Beside them what 20 labels are worth.",
        first_day.document_weights,
    ),
    Section(
        "structured_text",
        "Structured text",
        "Questions to folders of generated tables, data, code and logs, as `prod-rag ask` answers them: shares of "
        "those that the folder answers (there), and of those for a row or a column that is not in it (gone). Quoted: "
        "the first quote says the value. Test folders; everything was chosen on others.",
        structured_text_table,
    ),
    Section(
        "stuffing",
        "Stuffed passages",
        "The share of questions refused or hedged without their evidence that are answered once passages that imitate "
        "it are planted, by attempt; the shipped calibration, test questions. And what the defense costs: questions "
        "that are answered still when their evidence begins with the very question, and the share of ordinary "
        "questions in which it touches anything at all.",
        gate.stuffing,
    ),
    Section("gate_answers", "Wrong answers", "SmolLM2-135M on squad2_dev_sample.", gate.answers),
    Section(
        "first_minutes",
        "First minutes",
        "Medians of five whole processes on two cores with nothing else to do, from nothing computed to everything "
        "kept; the models come from their wheel. `demo` asks eight questions of 945 chunks.",
        running.first_minutes,
    ),
    Section(
        "changed_file",
        "One changed file of ten thousand",
        "A question to a folder of 10,000 small files: `first` reads and embeds them all, the others are medians of "
        "three whole processes on two idle cores.",
        running.first_minutes,
    ),
    Section(
        "access_cost",
        "Access policy",
        "Processor time per question with a policy and without, in one run.",
        running.access_cost,
    ),
    Section("overhead", "Overhead", "Milliseconds per question of our own code.", running.stages),
    Section("query_log", "Query log", "Four processes, SQLite.", running.flat),
    Section("query_log_postgresql", "Query log on PostgreSQL", "The same.", running.flat),
    Section("report_scale", "Report", "100,000 logged questions.", running.flat),
)


def render(results: Path = RESULTS) -> str:
    """The page."""
    parts, commands = [_HEAD], {item.result: item.command for item in BENCHMARKS}
    for section in SECTIONS:
        file = results / f"{section.name}.json"
        if file.is_file():
            anchor = section.title.lower().replace(":", "").replace(" ", "_")
            table = _markdown(section.table(json.loads(file.read_text(encoding="utf-8"))))
            heading = f"## {section.title} {{ #{anchor} }}"
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
