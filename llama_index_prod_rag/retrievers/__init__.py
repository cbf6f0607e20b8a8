"""First stage: dense, lexical and hybrid retrieval."""
