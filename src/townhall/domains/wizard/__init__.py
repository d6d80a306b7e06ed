"""The event wizard: sessions of six stages, saved stage by stage."""

from __future__ import annotations

from townhall.domains.wizard.models import WizardSession, WizardStatus
from townhall.domains.wizard.queries import (
    abandon_session,
    complete_session,
    current_session,
    open_session,
    save_session,
)

__all__ = [
    "WizardSession",
    "WizardStatus",
    "abandon_session",
    "complete_session",
    "current_session",
    "open_session",
    "save_session",
]
