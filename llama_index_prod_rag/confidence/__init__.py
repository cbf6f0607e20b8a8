"""What the retrieval can tell about itself, and what to make of it: signals, assessors, calibration, guarantees.

Names are looked up on first use: fitting needs scipy and scikit-learn, judging does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama_index_prod_rag._lazy import export

if TYPE_CHECKING:
    from llama_index_prod_rag.confidence.assessment import Assessor, RetrievalAssessment, Status
    from llama_index_prod_rag.confidence.calibrated import CalibratedAssessor, default_calibration
    from llama_index_prod_rag.confidence.calibration import Calibration, Example, Head
    from llama_index_prod_rag.confidence.changes import Change, Rates, compare_calibrations
    from llama_index_prod_rag.confidence.evidence import Evidence, Passage, gather
    from llama_index_prod_rag.confidence.fingerprint import Fingerprint, fingerprint_of
    from llama_index_prod_rag.confidence.fitting import calibrate
    from llama_index_prod_rag.confidence.guarantees import (
        Guarantee,
        bound_both,
        bound_false_refusals,
        bound_wrong_answers,
        labels_needed,
        promising_pairs,
        upper_bound,
    )
    from llama_index_prod_rag.confidence.policy import Decision, Policy, StatusPolicy
    from llama_index_prod_rag.confidence.signals import (
        Signal,
        compute_signals,
        not_assessed,
        register_signal,
        signal_table,
        unregister_signal,
    )
    from llama_index_prod_rag.confidence.textbook import TextbookAssessor
    from llama_index_prod_rag.confidence.verification import SupportPolicy, Verification, verify

_HOMES = {
    "Assessor": "assessment",
    "CalibratedAssessor": "calibrated",
    "Calibration": "calibration",
    "Change": "changes",
    "Decision": "policy",
    "Evidence": "evidence",
    "Example": "calibration",
    "Fingerprint": "fingerprint",
    "Guarantee": "guarantees",
    "Head": "calibration",
    "Passage": "evidence",
    "Policy": "policy",
    "Rates": "changes",
    "RetrievalAssessment": "assessment",
    "Signal": "signals",
    "Status": "assessment",
    "StatusPolicy": "policy",
    "SupportPolicy": "verification",
    "TextbookAssessor": "textbook",
    "Verification": "verification",
    "bound_both": "guarantees",
    "bound_false_refusals": "guarantees",
    "bound_wrong_answers": "guarantees",
    "calibrate": "fitting",
    "compare_calibrations": "changes",
    "compute_signals": "signals",
    "default_calibration": "calibrated",
    "fingerprint_of": "fingerprint",
    "gather": "evidence",
    "labels_needed": "guarantees",
    "not_assessed": "signals",
    "promising_pairs": "guarantees",
    "register_signal": "signals",
    "signal_table": "signals",
    "unregister_signal": "signals",
    "upper_bound": "guarantees",
    "verify": "verification",
}

__getattr__, __dir__ = export(__name__, _HOMES)

__all__ = [
    "Assessor",
    "CalibratedAssessor",
    "Calibration",
    "Change",
    "Decision",
    "Evidence",
    "Example",
    "Fingerprint",
    "Guarantee",
    "Head",
    "Passage",
    "Policy",
    "Rates",
    "RetrievalAssessment",
    "Signal",
    "Status",
    "StatusPolicy",
    "SupportPolicy",
    "TextbookAssessor",
    "Verification",
    "bound_both",
    "bound_false_refusals",
    "bound_wrong_answers",
    "calibrate",
    "compare_calibrations",
    "compute_signals",
    "default_calibration",
    "fingerprint_of",
    "gather",
    "labels_needed",
    "not_assessed",
    "promising_pairs",
    "register_signal",
    "signal_table",
    "unregister_signal",
    "upper_bound",
    "verify",
]
