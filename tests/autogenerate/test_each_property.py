"""Each property of an entity is changed by itself, and changed back."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
import sqlalchemy as sa

from tests.autogenerate.changes_of_entities import (
    CHANGES,
    FUNCTIONS,
    PUBLICATION,
    STAYS,
    changed_properties,
    numbered,
    tables,
)
from tests.autogenerate.lab import SCHEMA, Lab, Schema
from townhall import pg


@pytest.mark.thorough
def test_each_property_is_changed_by_itself(lab: Lab) -> None:
    lab.connection.execute(sa.text(f"create publication {PUBLICATION}"))
    given = [
        each
        for each in CHANGES
        if each.entity.schema == SCHEMA
        and not isinstance(each.entity, pg.Extension)
        and STAYS not in each.values.get("values", ())
    ]
    old = [numbered(each.entity, number) for number, each in enumerate(given)]
    new = [numbered(each.changed, number) for number, each in enumerate(given)]
    metadata = tables(old)
    revision = lab.there_and_back(
        Schema(metadata, [*FUNCTIONS, *old]), Schema(metadata, [*FUNCTIONS, *new]), times=1
    )
    for entity in new:
        values = vars(entity)
        name = values.get("name", values.get("table"))
        assert re.search(rf"\b{name}(?![0-9])", revision.upgrade), entity


def test_every_compared_property_is_among_the_changes() -> None:
    missing = {
        (kind.kind, each.name)
        for kind in pg.ENTITY_CLASSES
        for each in fields(kind)
        if each.compare and each.name not in changed_properties(kind) | {*kind.name_fields}
    }
    assert missing == {("view", "columns"), ("materialized view", "columns")}
