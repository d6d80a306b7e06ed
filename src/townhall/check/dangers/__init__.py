"""What is dangerous in the rules of a database, whether they are declared or not.

``catalog`` reads the rules, ``kinds`` has the kinds with their words, a module for each subject
finds dangers and writes their repairs, and ``report`` puts them together.
"""

from __future__ import annotations

from townhall.check.dangers.catalog import read_rules
from townhall.check.dangers.kinds import Danger
from townhall.check.dangers.places import Places, files_of_declarations
from townhall.check.dangers.report import (
    dangers,
    lines,
    not_told_before,
    rules_answer,
    stale,
    without_accepted,
)
from townhall.check.dangers.rules import Rules

__all__ = [
    "Danger",
    "Places",
    "Rules",
    "dangers",
    "files_of_declarations",
    "lines",
    "not_told_before",
    "read_rules",
    "rules_answer",
    "stale",
    "without_accepted",
]
