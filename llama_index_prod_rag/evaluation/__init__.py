"""Measure retrieval, ranking, answers and the gate, on labelled sets and on the query log."""
