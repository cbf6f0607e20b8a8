"""From a text or its tree to the spans of its chunks, under a token budget. Core."""
