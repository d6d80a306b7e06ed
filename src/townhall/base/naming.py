"""The metadata of the declared tables, with its naming convention."""

from __future__ import annotations

from sqlalchemy import MetaData

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""The names of constraints and indexes, with all of their columns."""

metadata = MetaData(naming_convention=NAMING_CONVENTION)
"""The tables of ``Base``: those of townhall, and of an application that uses it."""
