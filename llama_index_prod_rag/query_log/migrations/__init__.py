"""Versions of the query log's tables, applied by Alembic from inside the package."""
