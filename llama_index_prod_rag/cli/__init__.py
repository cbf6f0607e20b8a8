"""The `prod-rag` command: one module per subcommand, put together here."""

from __future__ import annotations


def main() -> None:
    """Entry point of the console script."""
    from llama_index_prod_rag.cli.app import run

    run()
