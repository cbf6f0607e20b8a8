"""Examples to copy; each runs as `python -m examples.NAME` from the root of the repository."""
