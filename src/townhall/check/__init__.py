"""Telling every difference between a database and what it should be, by reading alone."""

from __future__ import annotations

from townhall.check.expected import CheckError
from townhall.check.findings import Finding
from townhall.check.meanings import Effect
from townhall.check.report import Answer, Report, check

__all__ = ["Answer", "CheckError", "Effect", "Finding", "Report", "check"]
