"""Take over an existing database: what of it is in the way of what is declared."""

from __future__ import annotations

from townhall.adopt.adopting import adopt, script
from townhall.adopt.adoption import Outcome
from townhall.adopt.comparison import compare
from townhall.adopt.decisions import DecisionError, Decisions, read_decisions
from townhall.adopt.differences import Difference
from townhall.adopt.findings import Finding, Question, Weight
from townhall.adopt.looking import look
from townhall.adopt.report import Look
from townhall.adopt.states import States, read_states

__all__ = [
    "DecisionError",
    "Decisions",
    "Difference",
    "Finding",
    "Look",
    "Outcome",
    "Question",
    "States",
    "Weight",
    "adopt",
    "compare",
    "look",
    "read_decisions",
    "read_states",
    "script",
]
