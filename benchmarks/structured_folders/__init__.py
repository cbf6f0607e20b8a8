"""The folders of the structured-text benchmark: three that anything may be chosen on, and others to report on."""

from __future__ import annotations

from benchmarks.structured_folders.expenses import EXPENSES
from benchmarks.structured_folders.hotel import HOTEL
from benchmarks.structured_folders.laboratory import LABORATORY
from benchmarks.structured_folders.library import LIBRARY
from benchmarks.structured_folders.platform import PLATFORM
from benchmarks.structured_folders.transport import TRANSPORT
from benchmarks.structured_text_files import Domain


def _alone(domain: Domain, file: str) -> Domain:
    """A folder that holds one of a domain's files and nothing else."""
    return Domain(f"{domain.name}, {file} alone", tuple(table for table in domain.tables if table.file == file))


TRAIN = (
    EXPENSES,
    PLATFORM,
    HOTEL,
    _alone(EXPENSES, "approvals.yaml"),
    _alone(EXPENSES, "limits.md"),
    _alone(PLATFORM, "hosts.csv"),
    _alone(HOTEL, "kiosk.ts"),
)
TEST = (
    LABORATORY,
    LIBRARY,
    TRANSPORT,
    _alone(LABORATORY, "freezers.json"),
    _alone(LIBRARY, "fines.html"),
    _alone(TRANSPORT, "vehicles.csv"),
    _alone(TRANSPORT, "fares.md"),
)
