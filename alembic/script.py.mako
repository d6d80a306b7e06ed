"""${message.rstrip(".") + "."}

Before you merge, replace this paragraph by what a downgrade destroys, after you have checked that
- each statement holds an exclusive lock only briefly, also on a large table: add a constraint as NOT
  VALID and validate it later, create an index CONCURRENTLY;
- a revision that changes several tables in use begins with safety.lock_tables, so that it does not
  deadlock with the application;
- the previous release of the application works with the new schema.

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
