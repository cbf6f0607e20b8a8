"""Several legs' scores to one order; retrievers and the reranker share it. Core: no LlamaIndex, no I/O."""
