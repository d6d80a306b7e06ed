"""${message.rstrip(".") + "."}

Before you merge, say here what a downgrade destroys, and ask:
does every statement end its lock soon on a large table (constraints not valid and then validated,
indexes concurrently), and does the release before this one still work with the new schema?

Revision: ${up_revision}
Revises: ${down_revision | comma,n}
Created: ${create_date.date()}
"""

from __future__ import annotations

% if "sa." in (upgrades or "") + (downgrades or ""):
import sqlalchemy as sa
% endif
% if "op." in (upgrades or "") + (downgrades or ""):
from alembic import op
% endif
${imports if imports else ""}

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
