from __future__ import annotations

import inspect
import random
from pathlib import Path

import bert_score
import pytest
import torch
import transformers
from transformers import BertConfig, BertModel, BertTokenizer

from llama_index_prod_rag.errors import ConfigurationError, InputError
from llama_index_prod_rag.evaluation.semantic import BertScorer, read_baseline

WORDS = ["cat", "dog", "sat", "on", "mat", "the", "ran", "far"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A two-layer encoder with random weights: the arithmetic around it does not care."""
    folder = tmp_path_factory.mktemp("encoder")
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]))
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS) + 5, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(folder)
    name = "vocab" if "vocab" in inspect.signature(BertTokenizer).parameters else "vocab_file"  # before transformers 5
    BertTokenizer(**{name: str(vocabulary)}, model_max_length=64).save_pretrained(folder)
    return folder


def sentence(generator: random.Random) -> str:
    return " ".join(generator.choices(WORDS, k=generator.randint(1, 8)))


@pytest.mark.parametrize("layer", [1, 2])
@pytest.mark.parametrize("idf", [False, True])
def test_equals_bert_score_on_500_random_cases(encoder: Path, layer: int, idf: bool) -> None:
    generator = random.Random(3)
    answers = [sentence(generator) for _ in range(500)]
    references = [sentence(generator) for _ in range(500)]
    reference = bert_score.BERTScorer(
        model_type=str(encoder),
        num_layers=layer,
        idf=idf,
        idf_sents=references if idf else None,
        nthreads=0,
        device="cpu",
    )
    expected = torch.stack(reference.score(answers, references), dim=1).tolist()
    ours = BertScorer(encoder, layer=layer, idf_texts=references if idf else None)
    actual = ours.score(answers, [[text] for text in references])
    assert [value for row in actual for value in row] == pytest.approx(
        [value for row in expected for value in row], abs=2e-6
    )


def test_the_best_reference_counts(encoder: Path) -> None:
    scorer = BertScorer(encoder)
    (score,) = scorer.score(["cat sat"], [["dog ran far", "cat sat"]])
    assert score.f1 == pytest.approx(1.0, abs=1e-6)
    assert max(score) <= 1.0


def test_an_empty_text_scores_zero_where_the_library_crashes(encoder: Path) -> None:
    if int(transformers.__version__.partition(".")[0]) >= 5:
        with pytest.raises(AttributeError):
            bert_score.BERTScorer(model_type=str(encoder), num_layers=2, nthreads=0, device="cpu").score([""], ["cat"])
    scores = BertScorer(encoder).score(["", "cat", " \n", "cat"], [["cat"], [""], ["cat"], []])
    assert all(value == 0.0 for score in scores for value in score)


def test_weightless_tokens_weigh_alike_where_the_library_gives_nan(encoder: Path) -> None:
    library = bert_score.BERTScorer(
        model_type=str(encoder), num_layers=2, idf=True, idf_sents=["cat sat"], nthreads=0, device="cpu"
    )
    assert torch.isnan(library.score(["dog"], ["cat sat"])[1]).all()
    (weighted,) = BertScorer(encoder, idf_texts=["cat sat"]).score(["dog"], [["cat sat"]])
    (alike,) = BertScorer(encoder).score(["dog"], [["cat sat"]])
    assert weighted == alike


def test_rescaling_happens_or_is_refused(encoder: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.csv"
    baseline.write_text("LAYER,P,R,F\n1,.1,.1,.1\n2,.2,.4,.5\n")
    (plain,) = BertScorer(encoder).score(["cat sat"], [["dog ran"]])
    (scaled,) = BertScorer(encoder, baseline=baseline).score(["cat sat"], [["dog ran"]])
    assert scaled == pytest.approx(((plain[0] - 0.2) / 0.8, (plain[1] - 0.4) / 0.6, (plain[2] - 0.5) / 0.5))
    with pytest.raises(ConfigurationError, match="no baseline file"):
        BertScorer(encoder, baseline=tmp_path / "missing.csv")
    with pytest.raises(ConfigurationError, match="layer 7"):
        read_baseline(baseline, 7)


def test_a_layer_that_does_not_exist_is_refused(encoder: Path) -> None:
    with pytest.raises(ConfigurationError, match="1 to 2"):
        BertScorer(encoder, layer=3)


def test_lists_of_different_length_are_refused(encoder: Path) -> None:
    with pytest.raises(InputError):
        BertScorer(encoder).score(["cat"], [])


@pytest.mark.integration
def test_minilm_prefers_a_paraphrase() -> None:
    same, other = BertScorer().score(
        ["The drug lowers blood pressure."] * 2,
        [["Blood pressure is reduced by the medicine."], ["The stadium was built in Ohio."]],
    )
    assert same.f1 > other.f1 + 0.2
