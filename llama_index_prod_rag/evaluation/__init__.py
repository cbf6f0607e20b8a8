"""Measure retrieval, ranking, answers and the gate, on labelled sets and on the query log.

Names are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.evaluation.adapters import AnswerEvaluator, RankingMetric
    from llama_index_prod_rag.evaluation.answer_metrics import (
        answer_metric,
        contains_answer,
        exact_match,
        rouge,
        token_f1,
    )
    from llama_index_prod_rag.evaluation.calibration_examples import examples_of
    from llama_index_prod_rag.evaluation.cases import Case, digest, digest_log
    from llama_index_prod_rag.evaluation.datasets import LabeledDocument, RetrievalDataset, load_beir
    from llama_index_prod_rag.evaluation.document_weights import DocumentWeights, weights_from_documents
    from llama_index_prod_rag.evaluation.failures import attribute_failure
    from llama_index_prod_rag.evaluation.labels import Label, read_labels
    from llama_index_prod_rag.evaluation.names import Names
    from llama_index_prod_rag.evaluation.pair_scores import DiskScores
    from llama_index_prod_rag.evaluation.pipelines import PipelineSettings, Workbench, run_pipeline
    from llama_index_prod_rag.evaluation.questions import Question, ask_all, read_questions
    from llama_index_prod_rag.evaluation.ranking import rank_metrics
    from llama_index_prod_rag.evaluation.retrieval import RetrievalReport, measure_retrieval
    from llama_index_prod_rag.evaluation.selective import Reliability, RiskCoverage, reliability, risk_coverage
    from llama_index_prod_rag.evaluation.self_calibration import calibrate_from_documents
    from llama_index_prod_rag.evaluation.slices import SliceResult, default_slices, evaluate_slices
    from llama_index_prod_rag.evaluation.weights import collect_labeled, tune_pipeline

_HOMES = {
    "AnswerEvaluator": "adapters",
    "Case": "cases",
    "DiskScores": "pair_scores",
    "DocumentWeights": "document_weights",
    "Label": "labels",
    "LabeledDocument": "datasets",
    "Names": "names",
    "PipelineSettings": "pipelines",
    "Question": "questions",
    "RankingMetric": "adapters",
    "Reliability": "selective",
    "RetrievalDataset": "datasets",
    "RetrievalReport": "retrieval",
    "RiskCoverage": "selective",
    "SliceResult": "slices",
    "Workbench": "pipelines",
    "answer_metric": "answer_metrics",
    "ask_all": "questions",
    "attribute_failure": "failures",
    "calibrate_from_documents": "self_calibration",
    "collect_labeled": "weights",
    "contains_answer": "answer_metrics",
    "default_slices": "slices",
    "digest": "cases",
    "digest_log": "cases",
    "evaluate_slices": "slices",
    "exact_match": "answer_metrics",
    "examples_of": "calibration_examples",
    "load_beir": "datasets",
    "measure_retrieval": "retrieval",
    "rank_metrics": "ranking",
    "read_labels": "labels",
    "read_questions": "questions",
    "reliability": "selective",
    "risk_coverage": "selective",
    "rouge": "answer_metrics",
    "run_pipeline": "pipelines",
    "token_f1": "answer_metrics",
    "tune_pipeline": "weights",
    "weights_from_documents": "document_weights",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "AnswerEvaluator",
    "Case",
    "DiskScores",
    "DocumentWeights",
    "Label",
    "LabeledDocument",
    "Names",
    "PipelineSettings",
    "Question",
    "RankingMetric",
    "Reliability",
    "RetrievalDataset",
    "RetrievalReport",
    "RiskCoverage",
    "SliceResult",
    "Workbench",
    "answer_metric",
    "ask_all",
    "attribute_failure",
    "calibrate_from_documents",
    "collect_labeled",
    "contains_answer",
    "default_slices",
    "digest",
    "digest_log",
    "evaluate_slices",
    "exact_match",
    "examples_of",
    "load_beir",
    "measure_retrieval",
    "rank_metrics",
    "read_labels",
    "read_questions",
    "reliability",
    "risk_coverage",
    "rouge",
    "run_pipeline",
    "token_f1",
    "tune_pipeline",
    "weights_from_documents",
]
