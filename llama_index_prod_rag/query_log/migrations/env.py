"""Alembic's entry point: run the migrations on the connection that `database.migrate` opened and locked."""

from __future__ import annotations

from alembic import context

from llama_index_prod_rag.query_log.schema import METADATA

if hasattr(context, "config"):  # absent where a tool that reads docstrings imports this file
    context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
    with context.begin_transaction():
        context.run_migrations()
