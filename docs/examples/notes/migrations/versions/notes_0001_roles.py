"""The roles that requests act as.

A downgrade leaves the roles: they belong to the whole cluster, and other databases may use them.

Revision: notes_0001
Revises:
Created: 2026-11-26
"""

from __future__ import annotations

from townhall.migrate.safety import create_roles
from townhall.roles import Roles

revision = "notes_0001"
down_revision = None
branch_labels = ("notes",)
depends_on = None


def upgrade() -> None:
    create_roles(Roles(anonymous=None, user="notes_user", service="notes_service"))


def downgrade() -> None:
    pass
