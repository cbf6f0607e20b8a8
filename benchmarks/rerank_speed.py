"""Speed and memory of rerankers side by side: same weights, same pairs, one process each.

    python -m benchmarks.rerank_speed [--torch DIR] [--data DIR] [--questions N] [--long] --json

`--torch` names the fp32 folder of the bundled cross-encoder (`benchmarks.torch_reranker` writes it where it is
missing). Each process loads its model, reranks one question to warm up, and is then timed over all the others. Pairs
per second count the candidates handed in, so a cascade that reads fewer is faster; pairs per CPU-second are the same
over the processor time of all threads, which other processes on the machine hardly change. `--long` adds the peak
memory with 300 passages of 512 tokens, which takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.rerank_workloads import Task, chunk_tasks, long_task, scifact_tasks
from benchmarks.torch_reranker import write_torch_folder
from llama_index_prod_rag.models.disk_cache import cache_folder

_TOP_N = 10
_KEEP = 20
_METRIC = "nDCG@10"

Rerank = Callable[[Task], list[str]]
"""A task to the ids of its best candidates."""


def _postprocessor(rerank: Any) -> Rerank:  # noqa: ANN401 - LlamaIndex's postprocessors and ours
    from llama_index.core.schema import NodeWithScore, TextNode

    def run(task: Task) -> list[str]:
        hits = [NodeWithScore(node=TextNode(id_=c["id"], text=c["text"]), score=c["score"]) for c in task["candidates"]]
        return [hit.node.node_id for hit in rerank.postprocess_nodes(hits, query_str=task["query"])]

    return run


def _llama_index(folder: str) -> Rerank:
    from llama_index.core.postprocessor import SentenceTransformerRerank

    return _postprocessor(SentenceTransformerRerank(model=folder, top_n=_TOP_N, device="cpu", trust_remote_code=False))


def _sentence_transformers(folder: str) -> Rerank:
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(folder, device="cpu", max_length=512)

    def run(task: Task) -> list[str]:
        scores = model.predict([(task["query"], c["text"]) for c in task["candidates"]], show_progress_bar=False)
        order = sorted(range(len(scores)), key=lambda n: -scores[n])
        return [task["candidates"][n]["id"] for n in order[:_TOP_N]]

    return run


def _load_ours(model: str, **settings: Any) -> Rerank:
    from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
    from llama_index_prod_rag.postprocessor.settings import Cascade, Runtime

    runtime, cascade = Runtime(device="cpu"), Cascade(**settings.pop("cascade", {}))
    return _postprocessor(CrossEncoderRerank(model=model, top_n=_TOP_N, runtime=runtime, cascade=cascade, **settings))


_FIRST = {"prefilter": "retrieval", "keep": _KEEP}
SYSTEMS: dict[str, Callable[[str], Rerank]] = {
    "llama_index": _llama_index,
    "sentence_transformers": _sentence_transformers,
    "ours_torch": lambda folder: _load_ours(folder, weights="cross_encoder"),
    "ours_int8": lambda _: _load_ours("offline", weights="cross_encoder"),
    "ours_int8_blend": lambda _: _load_ours("offline"),
    "ours_cascade": lambda _: _load_ours("offline", weights="cross_encoder", cascade=_FIRST),
    "ours_early_stop": lambda _: _load_ours("offline", cascade={"early_stop": True}),
    "ours_cascade_early_stop": lambda _: _load_ours("offline", cascade={**_FIRST, "early_stop": True}),
}


def measure(system: str, folder: str, workloads: dict[str, list[Task]]) -> dict[str, Any]:
    """Run one system over all workloads in this process."""
    rerank = SYSTEMS[system](folder)
    parts = {}
    pairs, seconds, cpu = 0, 0.0, 0.0
    for name, tasks in workloads.items():
        rerank(tasks[0] | {"candidates": tasks[0]["candidates"][:5]})
        began, began_cpu = time.perf_counter(), time.process_time()
        found = {f"{name}:{number}": rerank(task) for number, task in enumerate(tasks)}
        took, took_cpu = time.perf_counter() - began, time.process_time() - began_cpu
        handed_in = sum(len(task["candidates"]) for task in tasks)
        parts[name] = {
            "pairs_per_second": handed_in / took,
            "pairs_per_cpu_second": handed_in / took_cpu,
            _METRIC.lower(): _quality(name, tasks, found),
        }
        pairs, seconds, cpu = pairs + handed_in, seconds + took, cpu + took_cpu
    labeled = [part[_METRIC.lower()] for part in parts.values()]
    return {
        "pairs_per_second": pairs / seconds,
        "pairs_per_cpu_second": pairs / cpu,
        "peak_rss_mb": _peak_mb(),
        _METRIC.lower(): sum(labeled) / len(labeled),
        "workloads": parts,
    }


def _peak_mb() -> float:
    """Peak memory of this process; a child's `ru_maxrss` begins on Linux with that of its parent."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def _quality(name: str, tasks: list[Task], found: dict[str, list[str]]) -> float:
    from llama_index_prod_rag.evaluation.ranking import rank_metrics

    qrels = {f"{name}:{number}": task["grades"] for number, task in enumerate(tasks)}
    values = rank_metrics(found, qrels, [_METRIC])[_METRIC]
    return sum(values.values()) / len(values)


def _in_own_process(system: str, folder: str, workloads: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.rerank_speed", "--worker", system]
    command += ["--torch", folder, "--workloads", str(workloads)]
    print(f"measuring {system}", file=sys.stderr)
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "HF_HUB_OFFLINE": "1"}
    )
    if result.returncode:
        raise RuntimeError(f"{system} failed:\n{result.stderr}")
    row: dict[str, Any] = json.loads(result.stdout)
    return row


def _prepare(data: Path, questions: int, long: bool) -> dict[str, dict[str, list[Task]]]:
    from llama_index_prod_rag.models.scorers import load_scorer

    speed = {"scifact": scifact_tasks(data, questions), "chunks": chunk_tasks(data, questions, load_scorer("offline"))}
    return {"systems": speed} | ({"long": {"long": long_task(data)}} if long else {})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROD_RAG_DATA", "../shared/data")))
    parser.add_argument(
        "--torch",
        type=Path,
        default=cache_folder() / "reranker-torch",
        help="fp32 folder of the model, written where missing",
    )
    parser.add_argument("--questions", type=int, default=50, help="questions of each workload")
    parser.add_argument("--systems", nargs="*", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--long", action="store_true", help="also peak memory with 300 passages of 512 tokens")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--worker", choices=list(SYSTEMS), help=argparse.SUPPRESS)
    parser.add_argument("--workloads", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure every system, each in a process of its own."""
    arguments = _arguments()
    if arguments.worker:
        workloads = json.loads(arguments.workloads.read_text(encoding="utf-8"))
        print(json.dumps(measure(arguments.worker, str(arguments.torch), workloads)))
        return
    folder = str(write_torch_folder(arguments.torch))
    result: dict[str, Any] = {"questions": arguments.questions, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory() as scratch:
        for name, workloads in _prepare(arguments.data, arguments.questions, arguments.long).items():
            path = Path(scratch) / f"{name}.json"
            path.write_text(json.dumps(workloads), encoding="utf-8")
            result[name] = {system: _in_own_process(system, folder, path) for system in arguments.systems}
    if arguments.json:
        print(json.dumps(result, indent=2))
        return
    for system, row in result["systems"].items():
        print(
            f"{system:22} {row['pairs_per_second']:7.1f} pairs/s {row['peak_rss_mb']:6.0f} MB "
            f"nDCG@10 {row['ndcg@10']:.4f}"
        )


if __name__ == "__main__":
    main()
