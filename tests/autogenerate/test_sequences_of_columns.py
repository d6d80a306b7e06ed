"""Columns that take their default from a declared sequence."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg
from townhall.pg import sql

FIRST = pg.Sequence(schema=SCHEMA, name="it's first", grants={})
SECOND = pg.Sequence(schema=SCHEMA, name="second", grants={})
OWNED = pg.Sequence(schema=SCHEMA, name="owned", grants={}, owned_by=("things", "number"))


def numbered(*sequences: pg.Sequence) -> Schema:
    """Return a table whose column takes its default from the last of some sequences."""
    metadata = sa.MetaData()
    default = None
    if sequences:
        name = sql.literal(sequences[-1].literal_name)
        default = sa.text(f"nextval({name})")
    sa.Table(
        "things",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, server_default=default),
        schema=SCHEMA,
    )
    return Schema(metadata, sequences)


CHANGES = {
    "a default is added": (numbered(), numbered(FIRST)),
    "a default is dropped": (numbered(FIRST), numbered()),
    "another sequence gives the default": (numbered(FIRST, SECOND), numbered(SECOND, FIRST)),
    "the sequence is dropped": (numbered(FIRST), numbered(SECOND)),
    "the sequence is owned": (numbered(replace(OWNED, owned_by=None)), numbered(OWNED)),
}


@pytest.mark.parametrize(("old", "new"), CHANGES.values(), ids=CHANGES)
def test_change_of_the_default_is_found_and_reverted(lab: Lab, old: Schema, new: Schema) -> None:
    lab.there_and_back(old, new)
