"""BM25 over title and text on Elasticsearch: what each way of matching two fields is worth.

    python -m benchmarks.elasticsearch_fields [--data DIR] [--url URL] [--sets NAME ...] [--split SPLIT] --json

Each set is indexed once with the `english` analyser: title, text, and both joined in one field. Every way searches the
same index with the title boosted by 2, as the textbook does, and once without. The last column is the paired
difference to the textbook's `best_fields` with its 95 % bootstrap interval.
"""

from __future__ import annotations

import argparse
import json
import os
import uuid
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch, helpers

from llama_index_prod_rag.evaluation.datasets import RetrievalDataset, load_beir
from llama_index_prod_rag.evaluation.ranking import rank_metrics
from llama_index_prod_rag.retrievers.elasticsearch.queries import Body, lexical_query
from llama_index_prod_rag.significance import bootstrap_mean, paired_difference

_METRIC = "nDCG@10"
_BASELINE = "best_fields ^2"
_BOOSTED = ["title^2", "content"]
_PLAIN = ["title", "content"]


def ways(text: str) -> dict[str, Body]:
    """Name of a way -> the query for one question."""
    best = lexical_query(text, _BOOSTED, kind="best_fields")["multi_match"]
    return {
        _BASELINE: {"multi_match": best},
        "best_fields ^2, tie_breaker .3": {"multi_match": {**best, "tie_breaker": 0.3}},
        "most_fields ^2": lexical_query(text, _BOOSTED, kind="most_fields"),
        "one joined field": lexical_query(text, ["joined"]),
        "combined_fields": lexical_query(text, _PLAIN, kind="combined_fields"),
        "combined_fields ^2": lexical_query(text, _BOOSTED, kind="combined_fields"),
        "cross_fields": lexical_query(text, _PLAIN, kind="cross_fields"),
        "cross_fields ^2": lexical_query(text, _BOOSTED, kind="cross_fields"),
    }


def index_collection(client: Elasticsearch, index: str, dataset: RetrievalDataset) -> None:
    """Write titles and texts, apart and joined."""
    field = {"type": "text", "analyzer": "english"}
    properties = {"title": {**field, "copy_to": "joined"}, "content": {**field, "copy_to": "joined"}, "joined": field}
    client.indices.create(index=index, mappings={"properties": properties})
    actions = (
        {"_index": index, "_id": id_, "title": document.title, "content": document.text}
        for id_, document in dataset.documents.items()
    )
    helpers.bulk(client, actions, refresh=True)


def measure(client: Elasticsearch, dataset: RetrievalDataset) -> dict[str, Any]:
    """Each way's quality on one collection."""
    index = f"prod-rag-fields-{uuid.uuid4().hex}"
    index_collection(client, index, dataset)
    try:
        runs: dict[str, dict[str, list[str]]] = {}
        for query_id, text in dataset.queries.items():
            bodies = ways(text)
            lines = [
                line
                for body in bodies.values()
                for line in ({"index": index}, {"query": body, "size": 10, "_source": False})
            ]
            for name, item in zip(bodies, client.msearch(searches=lines)["responses"], strict=True):
                runs.setdefault(name, {})[query_id] = [hit["_id"] for hit in item["hits"]["hits"]]
    finally:
        client.indices.delete(index=index)
    values = {name: rank_metrics(run, dataset.qrels, [_METRIC])[_METRIC] for name, run in runs.items()}
    baseline = values[_BASELINE]
    return {
        name: {
            _METRIC: round(bootstrap_mean(list(scores.values())).mean, 4),
            "against_best_fields": [round(number, 4) for number in _difference(scores, baseline)],
        }
        for name, scores in values.items()
    }


def _difference(scores: dict[str, float], baseline: dict[str, float]) -> tuple[float, float, float]:
    interval = paired_difference(baseline, scores)
    return interval.mean, interval.low, interval.high


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument("--url", default=os.environ.get("ELASTICSEARCH_URL", "http://127.0.0.1:9200"))
    parser.add_argument("--sets", nargs="+", default=["scifact", "cranfield", "fiqa_mini", "hotpotqa"])
    parser.add_argument("--split", choices=["train", "test", "all"], default="test")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with Elasticsearch(arguments.url, request_timeout=60) as client:
        results = {
            name: measure(client, load_beir(arguments.data / name, split=arguments.split, limit=arguments.limit))
            for name in arguments.sets
        }
    report = {"split": arguments.split, "limit": arguments.limit, "metric": _METRIC, "sets": results}
    if arguments.json:
        print(json.dumps(report, indent=1))
        return
    for name, rows in results.items():
        print(name)
        for way, row in rows.items():
            mean, low, high = row["against_best_fields"]
            print(f"  {way:32} {row[_METRIC]:.3f}   {mean:+.3f} [{low:+.3f}, {high:+.3f}]")


if __name__ == "__main__":
    main()
