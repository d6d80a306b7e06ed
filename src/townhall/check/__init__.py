"""Report every difference between a database and what its revisions make, by reading alone."""

from __future__ import annotations

from townhall.check.checking import check
from townhall.check.errors import CheckError
from townhall.check.findings import Finding
from townhall.check.impact import Severity
from townhall.check.report import Answer, Report

__all__ = ["Answer", "CheckError", "Finding", "Report", "Severity", "check"]
