"""Every text is tokenised once, and a pair's ids are what the tokenizer itself gives for the pair."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llama_index.core.schema import NodeWithScore, TextNode
from tokenizers import Tokenizer, processors

from llama_index_prod_rag.models.onnx_scorer import OnnxScorer
from llama_index_prod_rag.models.pair_encoding import PairEncoder
from llama_index_prod_rag.models.scorers import load_scorer
from llama_index_prod_rag.models.torch_scorer import TorchScorer
from llama_index_prod_rag.models.weights import find_weights
from llama_index_prod_rag.postprocessor.cross_encoder import CrossEncoderRerank
from llama_index_prod_rag.postprocessor.passages import score_passages
from llama_index_prod_rag.postprocessor.settings import Cascade
from tests.models.tiny_onnx import write_scorer, write_tokenizer

LIMIT = 16
_CLS_SEP = {"special_tokens": [("[CLS]", 2), ("[SEP]", 3)], "single": "[CLS] $A [SEP]"}
PROCESSORS = {
    "bert": processors.TemplateProcessing(pair="[CLS] $A [SEP] $B:1 [SEP]:1", **_CLS_SEP),
    "roberta": processors.TemplateProcessing(pair="[CLS] $A [SEP] [SEP] $B [SEP]", **_CLS_SEP),
    "bert's own": processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2)),
    "none": None,
    "passage first": processors.TemplateProcessing(pair="[CLS] $B [SEP] $A:1 [SEP]:1", **_CLS_SEP),
}


def _tokenizer(folder: Path, processor: str) -> Tokenizer:
    write_tokenizer(folder, limit=LIMIT)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.post_processor = PROCESSORS[processor]
    return tokenizer


texts = st.lists(st.sampled_from(["berlin", "is", "large", "cities", "xyz", "é", "\n"]), max_size=20).map(" ".join)


@pytest.mark.parametrize("processor", PROCESSORS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(pairs=st.lists(st.tuples(texts, texts), max_size=4))
def test_ids_are_those_of_the_tokenizers_own_pairs(
    tmp_path: Path, processor: str, pairs: list[tuple[str, str]]
) -> None:
    tokenizer = _tokenizer(tmp_path, processor)
    encoder = PairEncoder(tokenizer, LIMIT)
    tokenizer.no_padding()
    tokenizer.enable_truncation(LIMIT)
    expected = [(one.ids, one.type_ids) for one in tokenizer.encode_batch(pairs)]
    assert encoder.encode(pairs) == expected
    passages = encoder.tokenize([passage for _, passage in pairs])
    known = [(query, passage) for (query, _), passage in zip(pairs, passages, strict=True)]
    assert encoder.encode(known) == expected


@pytest.mark.parametrize("processor", PROCESSORS)
def test_what_cannot_be_put_together_by_hand_is_seen_when_it_is_made(tmp_path: Path, processor: str) -> None:
    assert PairEncoder(_tokenizer(tmp_path, processor), LIMIT).by_hand == (processor != "passage first")


def test_another_encoders_numbers_are_not_used(tmp_path: Path) -> None:
    one, other = (PairEncoder(_tokenizer(tmp_path, "bert"), LIMIT) for _ in range(2))
    (text,) = one.tokenize(["berlin"])
    text.ids = [11]
    assert other.encode([("is", text)])[0][0] == [2, 5, 3, 4, 3]


def test_a_text_with_tokens_travels_as_a_plain_one(tmp_path: Path) -> None:
    (text,) = PairEncoder(_tokenizer(tmp_path, "bert"), LIMIT).tokenize(["berlin is"])
    copy = pickle.loads(pickle.dumps(text))  # noqa: S301 - our own
    assert (type(copy), copy) == (str, "berlin is")


class _Counting:
    """A tokenizer that counts how often it sees each text."""

    def __init__(self, tokenizer: Tokenizer, seen: Counter[str]) -> None:
        self._tokenizer, self._seen = tokenizer, seen

    def encode_batch(self, inputs: Sequence[Any], **settings: Any) -> Any:
        self._seen.update(text for one in inputs for text in (one if isinstance(one, tuple) else (one,)))
        return self._tokenizer.encode_batch(inputs, **settings)

    def encode(self, *inputs: str, **settings: Any) -> Any:
        self._seen.update(inputs)
        return self._tokenizer.encode(*inputs, **settings)


@pytest.fixture(params=["onnx", "torch"])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[OnnxScorer | TorchScorer, Counter[str]]:
    if request.param == "onnx":
        scorer: Any = load_scorer(write_scorer(tmp_path))
    else:
        scorer = load_scorer(request.getfixturevalue("tiny_model"), backend="torch", device="cpu")
    seen: Counter[str] = Counter()
    scorer._encoder._texts = _Counting(scorer._encoder._texts, seen)
    scorer._encoder._pairs = _Counting(scorer._encoder._pairs, seen)
    return scorer, seen


@pytest.mark.parametrize("way", [{}, {"cascade": Cascade(early_stop=True), "top_n": 2}, {"cache_size": 1000}])
def test_a_text_is_tokenised_once(counted: tuple[Any, Counter[str]], way: dict[str, Any]) -> None:
    scorer, seen = counted
    passages = [f"berlin is large {'madrid ' * number}" for number in range(60)]  # the longest are read in windows
    hits = [NodeWithScore(node=TextNode(text=text), score=1 / (place + 1)) for place, text in enumerate(passages)]
    CrossEncoderRerank(scorer=scorer, model="tiny", **way).postprocess_nodes(hits, query_str="is berlin large")
    assert seen["is berlin large"] == 1
    assert max(seen.values()) == 1
    if not way:
        assert len(seen) == len(passages) + 1


def test_plain_pairs_are_tokenised_once_per_text_too(counted: tuple[Any, Counter[str]]) -> None:
    scorer, seen = counted
    scorer.score([("is berlin large", f"madrid {'is ' * (number % 5)}") for number in range(20)])
    assert set(seen.values()) == {1}
    assert len(seen) == 6


def test_scores_are_to_the_last_bit_those_of_the_tokenizers_own_pairs(tmp_path: Path) -> None:
    scorer = OnnxScorer(find_weights(write_scorer(tmp_path), "cross-encoder"))
    passages = ["berlin", "", "the city of berlin is large", "madrid " * 25]
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.no_padding()
    rows = [tokenizer.encode("is berlin", passage) for passage in passages]
    expected = [float(scorer._model.run(row.ids, row.type_ids)[0, 0]) for row in rows]
    assert score_passages(scorer, "is berlin", passages).logits == expected
    assert scorer.score([("is berlin", passage) for passage in passages]) == expected


def test_tokenising_waits_for_no_lock(tiny_model: Path) -> None:
    scorer = load_scorer(tiny_model, backend="torch", device="cpu")
    assert isinstance(scorer, TorchScorer)
    with scorer._lock:  # as while another thread's batch is in the model
        assert len(scorer.tokenize(["berlin is large"])[0].ids) == 3
        assert scorer.token_offsets("berlin") == [(0, 6)]


@pytest.mark.integration
def test_the_offline_model_scores_as_with_its_tokenizers_own_pairs() -> None:
    scorer = load_scorer("offline")
    assert isinstance(scorer, OnnxScorer)
    passages = ["Swans are white birds.", "Die Stadt Köln liegt am Rhein.", "ἀρχή 東京 \U0001f600", "word " * 480]
    tokenizer = Tokenizer.from_file(str(Path(find_weights("offline", "cross-encoder").source) / "tokenizer.json"))
    tokenizer.no_padding()
    rows = [tokenizer.encode("Which bird is white?", passage) for passage in passages]
    expected = [float(scorer._model.run(row.ids, row.type_ids)[0, 0]) for row in rows]
    assert score_passages(scorer, "Which bird is white?", passages).logits == expected
