"""Shared notes for several workspaces, on plain PostgreSQL with roles of its own."""

from __future__ import annotations

from notes.access import ENTITIES
from notes.models import Base
from notes.roles import ROLES

metadata = Base.metadata

__all__ = ["ENTITIES", "ROLES", "metadata"]
