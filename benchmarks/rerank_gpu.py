"""Reranking on a GPU and on a processor in torch: `CrossEncoderRerank` beside LlamaIndex's `SentenceTransformerRerank`.

    python -m benchmarks.rerank_gpu [--model FOLDER_OR_NAME] [--devices cuda cpu] [--seconds 6]

Each question has 100 candidates (16 on a processor), of about 350 of the model's tokens, as whole abstracts have, or of
about 140, as chunks have. What is longer than the model reads, ours reads in windows and LlamaIndex's cuts off.
Every system reads the same questions for `--seconds` after one that warms it up, and the table gives pairs per second.
`card` is the share of the time in which the card computes, from a profile of one more question; `tokenizer` is the
share that our tokenizer takes of a question. Without `--model` the weights are random in the shape of
ms-marco-MiniLM-L-12-v2, over made-up words: speed does not depend on what they are. Needs torch, transformers,
sentence-transformers and llama-index-core, and takes under three minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, TextNode

from llama_index_prod_rag.models.pairs import Dtype, tokenize
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.postprocessor.settings import Runtime

_CANDIDATES = 100
_FEW = 16  # of them on a processor, which would take minutes for all
_TOP_N = 10
_QUESTIONS = 40
_TOKENS = (350, 140)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SHAPE: dict[str, Any] = {
    "vocab_size": 30522,
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "num_labels": 1,
}

Rerank = Callable[["Task"], object]


@dataclass(frozen=True, slots=True)
class Task:
    """A question and its candidates."""

    query: str
    hits: list[NodeWithScore]


class MadeUpLanguage:
    """Words of three to nine letters, drawn as often as their rank says, one in seven unknown to the tokenizer."""

    def __init__(self) -> None:
        self._draw = random.Random(0)
        self.words = sorted({self._word() for _ in range(29000)})[:28000]

    def _word(self) -> str:
        return "".join(self._draw.choices(_LETTERS, k=self._draw.randint(3, 9)))

    def text(self, words: int) -> str:
        """A text of so many words."""
        ranks = (int(len(self.words) ** self._draw.random()) - 1 for _ in range(words))
        return " ".join(self._word() if self._draw.random() < 1 / 7 else self.words[rank] for rank in ranks)

    def tasks(self, words: int) -> list[Task]:
        """Questions with candidates of about so many words."""
        tasks = []
        for _ in range(_QUESTIONS):
            texts = [self.text(max(5, round(self._draw.gauss(words, words / 4)))) for _ in range(_CANDIDATES)]
            hits = [NodeWithScore(node=TextNode(text=text), score=1.0 / (n + 1)) for n, text in enumerate(texts)]
            tasks.append(Task(self.text(10), hits))
        return tasks


def write_random_model(folder: Path, language: MadeUpLanguage) -> str:
    """A BERT with random weights and a WordPiece tokenizer over the made-up words, as `save_pretrained` writes them."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = [f"##{a}{b}" for a in _LETTERS for b in ("", *_LETTERS)]
    vocabulary = list(dict.fromkeys([*special, *_LETTERS, *pieces, *language.words]))
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(vocabulary)}, unk_token=special[1]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    torch.manual_seed(0)
    BertForSequenceClassification(BertConfig(**_SHAPE)).save_pretrained(folder)
    named = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    make: Any = PreTrainedTokenizerFast  # theirs has no annotations
    wrapped = make(tokenizer_object=tokenizer, model_max_length=512, **named)
    wrapped.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    wrapped.save_pretrained(folder)
    return str(folder)


def tokens_per_word(model: str, language: MadeUpLanguage) -> float:
    """How many tokens of the model one of the made-up words has."""
    from transformers import AutoTokenizer

    words = 2000
    return len(AutoTokenizer.from_pretrained(model).tokenize(language.text(words))) / words


def theirs(model: str, device: str) -> BaseNodePostprocessor:
    """What LlamaIndex offers."""
    from llama_index.core.postprocessor import SentenceTransformerRerank

    return SentenceTransformerRerank(model=model, top_n=_TOP_N, device=device, trust_remote_code=False)


def ours(model: str, device: str, dtype: Dtype) -> CrossEncoderRerank:
    """The pair score alone, as theirs."""
    runtime = Runtime("torch", device=device, dtype=dtype)
    return CrossEncoderRerank(model=model, top_n=_TOP_N, weights="cross_encoder", runtime=runtime)


def measure(rerank: BaseNodePostprocessor, tasks: Sequence[Task], seconds: float, device: str) -> dict[str, float]:
    """Pairs per second, and the share of the time that the card computes."""
    _read(rerank, tasks[0])
    pairs, began = 0, time.perf_counter()
    for task in tasks:
        _read(rerank, task)
        pairs += len(task.hits)
        if time.perf_counter() - began > seconds:
            break
    found = {"pairs_per_second": pairs / (time.perf_counter() - began)}
    if device == "cuda":
        found["card"] = _card_share(lambda: _read(rerank, tasks[0]))
    return found


def _read(rerank: BaseNodePostprocessor, task: Task) -> list[NodeWithScore]:
    return rerank.postprocess_nodes(task.hits, query_str=task.query)


def _card_share(call: Callable[[], object]) -> float:
    """Time of the card's kernels by the time of the call, which gives back what the card computed."""
    from torch.profiler import ProfilerActivity, profile

    began = time.perf_counter()
    call()
    took = time.perf_counter() - began
    with profile(activities=[ProfilerActivity.CUDA]) as profiled:
        call()
    return float(sum(event.self_device_time_total for event in profiled.key_averages())) / 1e6 / took


def tokenizer_share(reranker: CrossEncoderRerank, tasks: Sequence[Task]) -> float:
    """Median share of a question that its one pass through the tokenizer takes."""
    scorer = reranker.pair_scorer()
    shares = []
    for task in tasks[:3]:
        began = time.perf_counter()
        tokenize(scorer, [task.query, *(hit.node.get_content() for hit in task.hits)])
        took = time.perf_counter() - began
        began = time.perf_counter()
        _read(reranker, task)
        shares.append(took / (time.perf_counter() - began))
    return statistics.median(shares)


def half_precision_error(model: str, tasks: Sequence[Task]) -> float:
    """The largest difference of a logit in half and in full precision, over two questions."""
    halves, whole = (ours(model, "cuda", dtype).pair_scorer() for dtype in ("auto", "float32"))
    pairs = [(task.query, hit.node.get_content()) for task in tasks[:2] for hit in task.hits]
    return max(abs(a - b) for a, b in zip(halves.score(pairs), whole.score(pairs), strict=True))


def run(model: str, devices: Sequence[str], seconds: float, language: MadeUpLanguage) -> dict[str, Any]:
    """All systems on all devices over both workloads."""
    import torch

    of_a_word = tokens_per_word(model, language)
    workloads = {f"{tokens} tokens": language.tasks(round(tokens / of_a_word)) for tokens in _TOKENS}
    result: dict[str, Any] = {"torch": torch.__version__, "systems": {}}
    if "cuda" in devices:
        result["card"] = torch.cuda.get_device_name()
        result["largest_error_of_half_precision"] = half_precision_error(model, workloads["350 tokens"])
    for device in devices:
        systems: dict[str, BaseNodePostprocessor] = {
            "SentenceTransformerRerank": theirs(model, device),
            "CrossEncoderRerank": ours(model, device, "auto"),
        }
        if device == "cuda":
            systems["CrossEncoderRerank, float32"] = ours(model, device, "float32")
        for workload, whole in workloads.items():
            tasks = whole if device == "cuda" else [Task(task.query, task.hits[:_FEW]) for task in whole]
            for name, rerank in systems.items():
                found = measure(rerank, tasks, seconds, device)
                if isinstance(rerank, CrossEncoderRerank):
                    found["tokenizer"] = tokenizer_share(rerank, tasks)
                result["systems"][f"{device} / {workload} / {name}"] = found
                shown = ", ".join(f"{key} {value:.3g}" for key, value in found.items())
                sys.stderr.write(f"{device} / {workload} / {name}: {shown}\n")
    return result


def _available() -> list[str]:
    import torch

    return ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder or hub name; random weights when not given")
    parser.add_argument("--devices", nargs="+", default=_available(), choices=["cuda", "cpu"])
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--json", action="store_true", help="accepted for symmetry; it prints JSON always")
    arguments = parser.parse_args()
    made = MadeUpLanguage()
    with tempfile.TemporaryDirectory() as temporary:
        chosen = arguments.model or write_random_model(Path(temporary), made)
        print(json.dumps(run(chosen, arguments.devices, arguments.seconds, made), indent=2))
