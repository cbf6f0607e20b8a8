"""Measurements: every number in the documentation is printed again by a command here."""
